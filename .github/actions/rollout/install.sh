# Usage: install.sh FOLDER WHEELS. Makes FOLDER a virtual environment that holds rollout, unless it is one already:
# from the folder WHEELS where that holds what is needed, else from the package index, else from what WHEELS holds
# for an earlier lock. Each wheel must have the hash that the lock file names, and an earlier lock must be one of
# known-locks, so it does not matter who put them there.
set -euo pipefail

folder=$1
wheels=$2
if [ -x "$folder/bin/rollout" ]; then
    exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
# Wheels only: building an sdist would fetch build tools that no hash vouches for.
checked=(--require-hashes --only-binary :all:)
local=(--no-index --find-links "$wheels")

# LOCK COMMAND...: the command installs what the lock names.
by_lock() {
    local lock=$1 kept="$wheels/${1##*/}"
    shift
    if [ -d "$wheels" ] && "$@" "${checked[@]}" "${local[@]}" --requirement "$lock"; then return; fi
    if "$@" "${checked[@]}" --requirement "$lock"; then return; fi
    [ -f "$kept" ] && grep -qx "$(git hash-object --no-filters "$kept")" "$here/known-locks" || return
    echo "::warning::the package index is away, and today's packages were never kept: those of an earlier ${kept##*/}"
    "$@" "${checked[@]}" "${local[@]}" --requirement "$kept"
}

rm -rf "$folder" "$folder-uv"

if ! command -v uv >/dev/null; then
    python3 -m venv "$folder-uv"
    pip=("$folder-uv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet)
    by_lock "$here/uv.lock" "${pip[@]}"
    PATH="$folder-uv/bin:$PATH"
fi

# No configuration: the folder that this runs in belongs to somebody else.
uv venv --quiet --no-config --no-python-downloads "--python=>=3.11" "$folder"
install=(uv pip install --quiet --no-config --python "$folder" --no-deps)
by_lock "$source/requirements.lock" "${install[@]}"
"${install[@]}" --no-build-isolation "$source"
