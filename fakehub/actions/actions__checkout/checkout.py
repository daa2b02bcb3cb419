"""What actions/checkout does, as far as this project's workflows use it.

The local GitHub says which objects a clone gets, after it has looked at the token, and they are linked from
its disk: all that a fetch would start takes longer than most commands of a job.
"""

import base64
import http.client
import json
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

env = os.environ
workspace = Path(env["GITHUB_WORKSPACE"]).resolve()
folder = (workspace / env["INPUT_PATH"]).resolve()
url = f"{env['GITHUB_SERVER_URL']}/{env['INPUT_REPOSITORY']}"
basic = base64.b64encode(f"x-access-token:{env['INPUT_TOKEN']}".encode()).decode()
ours = env["INPUT_REPOSITORY"] == env["GITHUB_REPOSITORY"]
git = folder / ".git"


def fetch(want: str) -> Any:
    server = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    query = urllib.parse.urlencode({"want": want, "depth": env["INPUT_DEPTH"]})
    path = f"/{env['INPUT_REPOSITORY']}.git/fakehub-checkout?{query}"
    while True:
        server.request("GET", path, headers={"Authorization": f"Basic {basic}"})
        answer = server.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.MOVED_PERMANENTLY:
            break
        path = answer.headers["Location"].removeprefix(env["GITHUB_SERVER_URL"])
    server.close()
    if answer.status != http.HTTPStatus.OK:
        sys.exit(f"::error::fetch of {want} from {url} failed: {answer.status} {body.decode()}")
    return json.loads(body)


def write(name: str, text: str) -> None:
    (git / name).parent.mkdir(parents=True, exist_ok=True)
    (git / name).write_text(text, encoding="utf-8")


def config(found: Any) -> str:
    lines = [
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true",
        f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*',
    ]
    if found["branch"]:
        lines.append(
            f'[branch "{found["branch"]}"]\n\tremote = origin\n\tmerge = refs/heads/{found["branch"]}'
        )
    if env["INPUT_PERSIST"] == "true":
        lines.append(f'[http "{env["GITHUB_SERVER_URL"]}/"]\n\textraheader = AUTHORIZATION: basic {basic}')
    return "\n".join([*lines, ""])


def refs(found: Any) -> None:
    for name, sha in found["refs"].items():
        write(name.replace("refs/heads/", "refs/remotes/origin/", 1), f"{sha}\n")
    if found["branch"]:
        write(f"refs/remotes/origin/{found['branch']}", f"{found['commit']}\n")
        write(f"refs/heads/{found['branch']}", f"{found['commit']}\n")
        write("HEAD", f"ref: refs/heads/{found['branch']}\n")
    else:
        write("HEAD", f"{found['commit']}\n")
    if found["cut"]:
        write("shallow", "".join(f"{sha}\n" for sha in found["cut"]))


def objects(found: Any) -> None:
    (git / "refs").mkdir(parents=True, exist_ok=True)
    for start in {sha[:2] for sha in found["objects"]}:
        (git / "objects" / start).mkdir(parents=True, exist_ok=True)
    there, here = found["folder"], str(git / "objects")
    for sha in found["objects"]:
        os.link(f"{there}/{sha[:2]}/{sha[2:]}", f"{here}/{sha[:2]}/{sha[2:]}")


if not folder.is_relative_to(workspace):
    sys.exit(f"::error::Repository path '{folder}' is not under '{workspace}'")
found = fetch(env["INPUT_REF"] or (env["GITHUB_REF"] if ours else "HEAD"))
if ours and not env["INPUT_REF"] and found["commit"] != env["GITHUB_SHA"]:
    # The commit of the event, even when the branch has moved since.
    found = {**fetch(env["GITHUB_SHA"]), "branch": found["branch"]}
objects(found)
refs(found)
write("config", config(found))
done = subprocess.run(["git", "-C", str(folder), "reset", "--quiet", "--hard"], check=False)
if done.returncode:
    sys.exit(f"::error::git reset failed with exit code {done.returncode}")
if (env["INPUT_SUBMODULES"], env["INPUT_LFS"]) != ("false", "false"):
    sys.stdout.write(f"asked for submodules: {env['INPUT_SUBMODULES']}, lfs: {env['INPUT_LFS']}\n")
with open(env["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
    output.write(f"commit={found['commit']}\n")
