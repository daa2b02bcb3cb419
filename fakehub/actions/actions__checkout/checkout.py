"""What actions/checkout does, as far as this project's workflows use it."""

import base64
import os
import subprocess
import sys
from pathlib import Path

env = os.environ
workspace = Path(env["GITHUB_WORKSPACE"]).resolve()
folder = (workspace / env["INPUT_PATH"]).resolve()
url = f"{env['GITHUB_SERVER_URL']}/{env['INPUT_REPOSITORY']}"
basic = base64.b64encode(f"x-access-token:{env['INPUT_TOKEN']}".encode()).decode()
header = f"http.{env['GITHUB_SERVER_URL']}/.extraheader"
ours = env["INPUT_REPOSITORY"] == env["GITHUB_REPOSITORY"]
depth = [] if env["INPUT_DEPTH"] == "0" else [f"--depth={env['INPUT_DEPTH']}"]


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"::error::git {' '.join(arguments[-2:])} failed with exit code {done.returncode}")
    return done.stdout.strip()


if not folder.is_relative_to(workspace):
    sys.exit(f"::error::Repository path '{folder}' is not under '{workspace}'")
folder.mkdir(parents=True, exist_ok=True)
if not (folder / ".git").exists():
    git("init", "--quiet", "--template=", "--initial-branch=fakehub-none")
    git("remote", "add", "origin", url)

wanted = env["INPUT_REF"] or (env["GITHUB_REF"] if ours else "HEAD")
with_token = ("-c", "maintenance.auto=false", "-c", f"{header}=AUTHORIZATION: basic {basic}")
everything = [] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
git(*with_token, "fetch", "--quiet", "--force", *depth, "origin", wanted, *everything)
# Its first line: what came of the first that was asked for.
commit, _, found = (folder / ".git" / "FETCH_HEAD").read_text("utf-8").partition("\t")
if ours and not env["INPUT_REF"] and commit != env["GITHUB_SHA"]:
    # The commit of the event, even when the branch has moved since.
    commit = env["GITHUB_SHA"]
    git(*with_token, "fetch", "--quiet", *depth, "origin", commit)
branch = wanted.removeprefix("refs/heads/")
if found.partition("\t")[2].startswith("branch ") and wanted != "HEAD":
    git("update-ref", f"refs/remotes/origin/{branch}", commit)
    git("checkout", "--quiet", "--force", "-B", branch, "--track", f"origin/{branch}")
else:
    git("checkout", "--quiet", "--force", "--detach", commit)
if (env["INPUT_SUBMODULES"], env["INPUT_LFS"]) != ("false", "false"):
    sys.stdout.write(f"asked for submodules: {env['INPUT_SUBMODULES']}, lfs: {env['INPUT_LFS']}\n")
if env["INPUT_PERSIST"] == "true":
    git("config", header, f"AUTHORIZATION: basic {basic}")
with open(env["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
    output.write(f"commit={commit}\n")
