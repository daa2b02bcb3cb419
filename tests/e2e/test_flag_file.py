"""A percent in a flag file, from the first promotion to a rollback, as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.scratch import Repository
from tests.e2e.shell import Shell

PATH, POINTER = "flags/app.json", "/flags/greeting/variants/percent"
FLAGS = """{
  "flags": {
    "greeting": {"state": "ENABLED",   "variants": {"percent": 0, "seed": 7}, "defaultVariant": "percent"}
  }
}
"""
APPLY = f"""
apply:
  flag_file: {{path: {PATH}, format: flagd, pointer: {POINTER}}}
"""
CONTRACT = "state/shop/contract.yaml"


class Shop:
    """A product that is two health files, its flags on main, and state on main or on a branch of its own."""

    def __init__(
        self, path: Path, capsys: pytest.CaptureFixture[str], branch: str, apply: str = APPLY
    ) -> None:
        files = {".gitignore": "*health.json\n", PATH: FLAGS, "shop.txt": "hi\n"}
        self.repository, self.branch = Repository(path / "shop", files), branch
        self.repository.git("tag", "v1.3.0")
        self.shell = Shell(self.repository.path, capsys)
        state = () if branch == "main" else ("--state-branch", branch)
        self.shell.ok("init", "--train", "shop", "--current-version", "v1.3.0", *state)
        if branch != "main":
            self.repository.git("switch", "--quiet", "--create", branch)
            self.repository.git("rm", "--quiet", PATH)
        contract = self.repository.path / CONTRACT
        text = contract.read_text().replace("canary_percent: 10\n", "canary_percent: 0.5\n")
        self.repository.commit({CONTRACT: text + apply}, "Apply by a flag file")
        if branch != "main":
            self.repository.git("switch", "--quiet", "main")
        self.repository.commit({"shop.txt": "hello\n"}, "Greet")

    def tick(self, health: str = "ok") -> None:
        self.shell.wait(minutes=6)
        api = {"status": health, "errors": 0, "requests": {"served": 3}}
        (self.shell.repo / "health.json").write_text(json.dumps(api))
        seen = int(self.shell.now.timestamp()) * 1000
        worker = {"health_state": "healthy", "queue_depth": 0, "updated_unix_ms": seen}
        (self.shell.repo / "worker-health.json").write_text(json.dumps(worker))
        self.shell.ok("tick")

    def flags(self) -> str:
        return self.repository.git("show", f"main:{PATH}") + "\n"

    def with_percent(self, percent: str) -> str:
        return FLAGS.replace('"percent": 0,', f'"percent": {percent},')

    def into_canary(self) -> None:
        self.shell.ok("start", "v1.4.0")
        self.tick()
        self.tick()
        self.shell.wait(minutes=1)
        self.shell.ok("local", "merge", "1")
        self.tick()


@pytest.fixture(params=["main", "rollout-state"])
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Shop:
    return Shop(tmp_path, capsys, request.param)


def test_a_percent_goes_out_and_comes_back_by_a_commit(shop: Shop) -> None:
    git = shop.repository.git
    shop.into_canary()
    assert shop.flags() == shop.with_percent("0.5")
    assert git("log", "-1", "--format=%s", "main", "--", PATH) == "rollout(shop): apply 0.5 %"
    assert "Rollout-Event: apply" in git("log", "-1", "--format=%b", "main", "--", PATH)
    assert [entry["subject"] for entry in shop.shell.json("history", "--event", "apply")] == [
        "rollout(shop): apply 0.5 %"
    ]
    assert (shop.repository.path / PATH).read_text() == shop.with_percent("0.5")
    assert shop.repository.status() == []
    shop.shell.ok("rollback", "--reason", "customers call")
    assert shop.flags() == FLAGS
    shop.tick()
    assert "\n0 % was applied at " in shop.shell.ok("status").out
    shop.shell.ok("verify")
    # The pull request reverts the release, and leaves the flags as they are.
    (pull,) = [each for each in shop.shell.json("local", "prs") if each["kind"] == "revert"]
    assert git("diff", "--name-only", f"main...{pull['head']}") == "shop.txt"


def test_an_apply_is_no_part_of_the_next_release(shop: Shop) -> None:
    shop.into_canary()
    shop.shell.ok("rollback", "--reason", "customers call")
    for _ in range(2):
        shop.tick()
    (pull,) = [each for each in shop.shell.json("local", "prs") if each["kind"] == "revert"]
    shop.shell.ok("local", "merge", str(pull["number"]))
    shop.tick()
    assert shop.shell.json("status")["outcome"] == "rolled_back"
    shop.shell.ok("reopen", "--reason", "fixed")
    fix = shop.repository.commit({"shop.txt": "hello again\n"}, "Greet again")
    started = shop.shell.ok("start", "v1.5.0")
    assert fix[:10] in started.out
    assert "apply" not in started.out


@pytest.mark.parametrize("branch", ["main", "rollout-state"])
def test_a_percent_goes_out_and_comes_back_by_pull_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], branch: str
) -> None:
    shop = Shop(tmp_path, capsys, branch, APPLY.replace("}", ", via: pull_request}"))
    shop.into_canary()
    assert shop.flags() == FLAGS
    (pull,) = [each for each in shop.shell.json("local", "prs") if each["state"] == "open"]
    assert (pull["kind"], pull["title"]) == ("apply", "rollout(shop): apply 0.5 %")
    assert pull["head"].startswith("rollout-apply/shop/canary-0.5-")
    todo = f"merge pull request #{pull['number']} from {pull['head']}, which sets {PATH}: {POINTER} to 0.5: "
    shown = " ".join(shop.shell.ok("status").out.split())
    assert f"{todo}rollout local merge {pull['number']}" in shown
    shop.shell.ok("local", "merge", str(pull["number"]))
    shop.tick()
    assert shop.flags() == shop.with_percent("0.5")
    assert [gate["result"] for gate in shop.shell.json("evaluate")["gates"] if gate["gate"] == "applied"] == [
        "satisfied"
    ]
    shop.shell.ok("rollback", "--reason", "customers call")
    (pull,) = [each for each in shop.shell.json("local", "prs") if each["state"] == "open"]
    assert (pull["kind"], shop.flags()) == ("apply", shop.with_percent("0.5"))
    assert "\n0 % is not applied yet\n" in shop.shell.ok("status").out
    shop.shell.ok("local", "merge", str(pull["number"]))
    shop.tick()
    assert shop.flags() == FLAGS
    assert "\n0 % was applied at " in shop.shell.ok("status").out
    shop.shell.ok("verify")


@pytest.mark.parametrize(
    ("branch", "via"), [("main", "commit"), ("rollout-state", "commit"), ("main", "pull_request")]
)
def test_a_flag_file_that_is_a_program_stays_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], branch: str, via: str
) -> None:
    shop = Shop(tmp_path, capsys, branch, APPLY.replace("}", f", via: {via}}}"))
    shop.repository.git("update-index", "--chmod=+x", PATH)
    (shop.repository.path / PATH).chmod(0o755)
    shop.repository.git("commit", "--quiet", "--message", "Mark the flags as a program")
    shop.into_canary()
    heads = [pull["head"] for pull in shop.shell.json("local", "prs") if pull["kind"] == "apply"]
    (place,) = heads or ["main"]
    assert "0.5" in shop.repository.git("show", f"{place}:{PATH}")
    assert shop.repository.git("ls-tree", place, PATH).startswith("100755 ")
    assert shop.repository.status() == []


# --- contract check --------------------------------------------------------------------------------------


def link(shop: Shop) -> None:
    file = shop.repository.path / PATH
    file.rename(file.with_name("real.json"))
    file.symlink_to("real.json")


def ignore(shop: Shop) -> None:
    shop.repository.git("rm", "--quiet", "--cached", PATH)
    shop.repository.write(".gitignore", f"*health.json\n{PATH}\n")


def nest(shop: Shop) -> None:
    shop.repository.git("rm", "--quiet", "--cached", PATH)
    folder = str((shop.repository.path / PATH).parent)
    shop.repository.git("-C", folder, "init", "--quiet")
    shop.repository.git("-C", folder, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    shop.repository.git("add", folder)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (link, "is a link, and reconcile writes files only: name the file itself"),
        (ignore, "is ignored by git: commit it, or name another file"),
        (nest, f"git does not commit it here: Pathspec '{PATH}' is in submodule 'flags'"),
    ],
)
def test_contract_check_refuses_what_git_does_not_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], act: Callable[[Shop], None], why: str
) -> None:
    shop = Shop(tmp_path, capsys, "main")
    act(shop)
    said = shop.shell.rollout("contract", "check")
    assert said.code == 2
    assert f"error: {CONTRACT}: apply.flag_file: {PATH}: {why}" in said.err


@pytest.mark.parametrize(
    ("flags", "apply", "why"),
    [
        ("{}", APPLY, f"apply.flag_file: {PATH}: {POINTER}: names nothing in the file"),
        (FLAGS.replace("0,", '"0",'), APPLY, f"apply.flag_file: {PATH}: {POINTER}: is no number but '\"0\"'"),
        ("no", APPLY, f"apply.flag_file: {PATH}: {POINTER}: cannot be looked for: the file is not JSON"),
        (
            FLAGS,
            APPLY.replace("app.json", "other.json"),
            "apply.flag_file: flags/other.json is not on main",
        ),
        (FLAGS, APPLY.replace(PATH, "../app.json"), "apply.flag_file.path: a path must be relative and stay"),
        (FLAGS, APPLY.replace(PATH, "/etc/app.json"), "apply.flag_file.path: a path must be relative"),
        (FLAGS, APPLY.replace(PATH, "flags//app.json"), "apply.flag_file.path: must be the path of a file"),
        (FLAGS, APPLY.replace(PATH, "state/shop/x.json"), "apply.flag_file.path: must not be in a folder"),
        (FLAGS, APPLY.replace(PATH, ".github/x.json"), "apply.flag_file.path: must not be below .github"),
        (
            FLAGS,
            APPLY.replace(POINTER, "percent"),
            "apply.flag_file.pointer: 'percent' is not a JSON Pointer",
        ),
        (FLAGS, APPLY.replace("flagd", "launchpad"), "apply.flag_file.format: must be 'flagd', 'gofeature"),
        (FLAGS, APPLY + "  timeout: 5m\n", "apply.timeout: belongs to a command, and there is none"),
        (FLAGS, APPLY + "  command: [x]\n", "apply: give either command or flag_file"),
        (FLAGS, "\napply: {}\n", "apply: give either command or flag_file"),
    ],
)
def test_contract_check_names_file_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: str, apply: str, why: str
) -> None:
    shop = Shop(tmp_path, capsys, "main")
    shop.repository.write(PATH, flags)
    contract = shop.repository.path / CONTRACT
    contract.write_text(contract.read_text().replace(APPLY, apply))
    said = shop.shell.rollout("contract", "check")
    assert said.code == 2
    assert f"error: {CONTRACT}: {why}" in said.err
    assert said.err.count("error: ") == 1
