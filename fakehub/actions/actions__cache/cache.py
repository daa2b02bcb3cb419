"""The cache: a folder for each key, newest last; nothing of it is ever evicted."""

import os
import shutil
import sys
from pathlib import Path

kept, path = Path(os.environ["FAKEHUB_CACHE"]), Path(os.environ["INPUT_PATH"])
key = os.environ["INPUT_KEY"]


def save() -> None:
    if path.is_dir() and not (kept / key).exists():
        shutil.copytree(path, kept / key)


def restore() -> None:
    beginnings = os.environ["INPUT_RESTORE_KEYS"].split()
    newest_first = sorted(kept.glob("*"), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    older = [entry for entry in newest_first for begin in beginnings if entry.name.startswith(begin)]
    found = kept / key if (kept / key).is_dir() else next(iter(older), None)
    if found is not None and os.environ["INPUT_LOOKUP_ONLY"] != "true":
        shutil.copytree(found, path, dirs_exist_ok=True)
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
        output.write(f"cache-hit={str(found == kept / key).lower()}\n")


(save if sys.argv[1] == "save" else restore)()
