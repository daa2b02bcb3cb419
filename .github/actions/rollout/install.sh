# Usage: install.sh FOLDER. Makes FOLDER a virtual environment that holds rollout, unless it is one already.
set -euo pipefail

folder=$1
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)

if [ -x "$folder/bin/rollout" ]; then
    exit 0
fi

if ! command -v uv >/dev/null; then
    python3 -m venv "$folder-uv"
    "$folder-uv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet \
        --require-hashes --only-binary :all: --requirement "$here/uv.lock"
    PATH="$folder-uv/bin:$PATH"
fi

# Wheels only, each with its hash: building an sdist would fetch build tools that no hash vouches for.
# No configuration: the folder that this runs in belongs to somebody else.
uv venv --quiet --no-config --no-python-downloads "--python=>=3.11" "$folder"
uv pip install --quiet --no-config --python "$folder" \
    --require-hashes --no-deps --only-binary :all: --requirement "$source/requirements.lock"
uv pip install --quiet --no-config --python "$folder" --no-deps --no-build-isolation "$source"
