"""What actions/upload-artifact does with names, paths and a second artifact of the same name."""

import os
import re
import sys
import zipfile
from pathlib import Path

env = os.environ
name = env["INPUT_NAME"]
workspace = Path(env["GITHUB_WORKSPACE"])
if re.search(r'[":<>|*?\r\n\\/]', name):
    sys.exit(f"::error::The artifact name is not valid: {name}")

files: list[Path] = []
roots: list[Path] = []
for pattern in filter(None, map(str.strip, env["INPUT_PATH"].splitlines())):
    full = Path(os.path.normpath(workspace / pattern))
    found = [full] if full.exists() else sorted(full.parent.glob(full.name))
    for one in found:
        roots.append(one if one.is_dir() else one.parent)
        files += [one] if one.is_file() else sorted(path for path in one.rglob("*") if path.is_file())

if env["INPUT_HIDDEN"] != "true":
    below = {
        file: file.relative_to(root).parts for file in files for root in roots if file.is_relative_to(root)
    }
    files = [file for file in files if not any(part.startswith(".") for part in below[file])]

if not files:
    text = f"No files were found with the provided path: {env['INPUT_PATH']}. No artifacts will be uploaded."
    if env["INPUT_NONE"] == "error":
        sys.exit(f"::error::{text}")
    sys.stdout.write(f"::warning::{text}\n")
    sys.exit(0)

target = Path(env["FAKEHUB_ARTIFACTS"]) / env["GITHUB_RUN_ID"] / f"{name}.zip"
first_attempt = env["GITHUB_RUN_ATTEMPT"] == "1"
if target.exists() and env["INPUT_OVERWRITE"] != "true" and first_attempt:
    sys.exit(
        "::error::Failed to CreateArtifact: Received non-retryable error: (409) Conflict: an artifact with "
        "this name already exists on the workflow run"
    )
common = Path(os.path.commonpath([str(root) for root in roots]))
with zipfile.ZipFile(target, "w") as archive:
    for file in dict.fromkeys(files):
        archive.write(file, file.relative_to(common))
