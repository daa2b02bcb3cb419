# Usage: install.sh FOLDER WHEELS. Makes FOLDER a virtual environment that holds rollout, unless it is one already:
# from the folder WHEELS where that holds what is needed, else from the package index. Either way each wheel must
# have the hash that the lock file names, so it does not matter who put it there.
set -euo pipefail

folder=$1
wheels=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
# Wheels only: building an sdist would fetch build tools that no hash vouches for.
checked=(--require-hashes --only-binary :all:)
local=(--no-index --find-links "$wheels")

if [ -x "$folder/bin/rollout" ]; then
    exit 0
fi
rm -rf "$folder" "$folder-uv"

if ! command -v uv >/dev/null; then
    python3 -m venv "$folder-uv"
    pip=("$folder-uv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet)
    if [ ! -d "$wheels" ] || ! "${pip[@]}" "${checked[@]}" "${local[@]}" --requirement "$here/uv.lock"; then
        "${pip[@]}" "${checked[@]}" --requirement "$here/uv.lock"
    fi
    PATH="$folder-uv/bin:$PATH"
fi

# No configuration: the folder that this runs in belongs to somebody else.
uv venv --quiet --no-config --no-python-downloads "--python=>=3.11" "$folder"
install=(uv pip install --quiet --no-config --python "$folder" --no-deps)
if [ ! -d "$wheels" ] ||
    ! "${install[@]}" "${checked[@]}" "${local[@]}" --requirement "$source/requirements.lock"; then
    "${install[@]}" "${checked[@]}" --requirement "$source/requirements.lock"
fi
"${install[@]}" --no-build-isolation "$source"
