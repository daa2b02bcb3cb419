"""What actions/download-artifact does: one by name into the folder, several each into its own."""

import fnmatch
import os
import shutil
import sys
import zipfile
from pathlib import Path

env = os.environ
if env["INPUT_RUN"] != env["GITHUB_RUN_ID"] and not env["INPUT_TOKEN"]:
    sys.exit("::error::artifacts of another run need a github-token")
folder = Path(env["GITHUB_WORKSPACE"]) / env["INPUT_PATH"]
kept = sorted((Path(env["FAKEHUB_ARTIFACTS"]) / env["INPUT_RUN"]).glob("*.zip"))

if env["INPUT_NAME"]:
    kept = [file for file in kept if file.stem == env["INPUT_NAME"]]
    if not kept:
        sys.exit(f"::error::Unable to download artifact(s): Artifact not found for name: {env['INPUT_NAME']}")
elif env["INPUT_PATTERN"]:
    kept = [file for file in kept if fnmatch.fnmatchcase(file.stem, env["INPUT_PATTERN"])]

folder.mkdir(parents=True, exist_ok=True)
for file in kept:
    flat = env["INPUT_NAME"] or env["INPUT_MERGE"] == "true"
    target = folder if flat else folder / file.stem
    if env["INPUT_SKIP"] == "true":
        target.mkdir(exist_ok=True)
        shutil.copy(file, target / file.name)
        continue
    with zipfile.ZipFile(file) as archive:
        archive.extractall(target)
sys.stdout.write(f"{len(kept)} artifacts\n")
