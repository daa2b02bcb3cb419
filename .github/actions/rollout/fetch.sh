# Usage: fetch.sh WHEELS. Puts every wheel that install.sh needs into that folder, each checked by its hash, and
# beside them the locks that name them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

for lock in "$here/../../../requirements.lock" "$here/uv.lock"; do
    pip3 --disable-pip-version-check --no-input download --quiet --require-hashes --no-deps --only-binary :all: \
        --dest "$1" --requirement "$lock"
    cp "$lock" "$1"
done
