"""What actions/create-github-app-token does: asks for a token for these repositories, with these permissions.

No `owner` and no `repositories` mean this repository alone; an `owner` alone means all that are installed.
"""

import json
import os
import sys
import urllib.error
import urllib.request

env = os.environ
owner, _, name = env["GITHUB_REPOSITORY"].partition("/")
named = [one.strip() for one in env["INPUT_REPOSITORIES"].replace("\n", ",").split(",") if one.strip()]
if env["INPUT_OWNER"] not in ("", owner):
    sys.exit(f"::error::the App is not installed for {env['INPUT_OWNER']}")
asked = {
    key.removeprefix("permission-").replace("-", "_"): level
    for key, level in json.loads(env["INPUTS"]).items()
    if key.startswith("permission-") and level
}
body: dict[str, object] = {"permissions": asked} if asked else {}
if named or not env["INPUT_OWNER"]:
    body["repositories"] = named or [name]
for wanted in ("ID", "KEY", "FAKEHUB_APP_TOKEN"):
    if not env[wanted]:
        sys.exit(f"::error::{wanted} is not set")

request = urllib.request.Request(  # noqa: S310 the fake hub's address
    f"{env['GITHUB_API_URL']}/app/installations/1/access_tokens",
    data=json.dumps(body).encode(),
    headers={"Authorization": f"Bearer {env['FAKEHUB_APP_TOKEN']}"},
    method="POST",
)
try:
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        token = json.load(answer)["token"]
except urllib.error.HTTPError as error:
    sys.exit(f"::error::{json.load(error)['message']}")
with open(env["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
    output.write(f"token={token}\n")
