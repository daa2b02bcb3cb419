"""Bad input, and what it gets: one clear line, a hint, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout.core.values import format_instant
from rollout.demo.product import TOOLS
from tests.adapters.scratch import Repository
from tests.e2e.conftest import Towns
from tests.e2e.shell import Said, Shell, Town
from tests.rendering.github import as_html

STATE = "state/tau"


@pytest.fixture
def town(towns: Towns) -> Town:
    """With a release in canary-1, and an observation of this moment in `.tau/observation.json`."""
    return towns.after("in-canary-1", in_canary_1)


def in_canary_1(town: Town) -> None:
    town.start("v0.1.5")
    town.advance_to("canary-1")
    town.shell.wait(minutes=10)
    town.product.cycle(town.shell.now)
    town.observe()


def everything(path: Path) -> dict[str, bytes]:
    """The bytes of every file, git's own included, but for locks that are free again."""
    files = (file for file in path.rglob("*") if file.is_file() and file.name not in ("lock", "forge.lock"))
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def check_refused(town: Town, said: Said, code: int, line: str, hint: str, before: dict[str, bytes]) -> None:
    """Ended with that code, said so in these words (patterns), and changed nothing."""
    lines = said.err.splitlines()
    errors = [each for each in lines if each.startswith("error: ")]
    assert (said.code, said.out) == (code, "")
    assert re.search(line, errors[0]), said.err
    assert re.search(f"^hint: .*{hint}", lines[-1]), said.err
    assert "Traceback" not in said.err
    assert everything(town.path) == before


# --- state -----------------------------------------------------------------------------------------------


def committed(file: str, change: Callable[[str], str]) -> Callable[[Town], None]:
    def edit(town: Town) -> None:
        path = town.path / STATE / file
        town.repository.commit({f"{STATE}/{file}": change(path.read_text(encoding="utf-8"))}, "by hand")

    return edit


def without(file: str) -> Callable[[Town], None]:
    def remove(town: Town) -> None:
        town.repository.git("rm", "--quiet", f"{STATE}/{file}")
        town.repository.commit({}, "by hand")

    return remove


BROKEN_STATE = {
    "a status of another release": (
        committed("status.yaml", lambda text: text.replace("release: v0.1.5", "release: v0.1.6", 1)),
        r"state/tau/status\.yaml: release: is v0\.1\.6, and rollout\.yaml has v0\.1\.5",
        r"git log -p -- state/tau/status\.yaml",
    ),
    "a rollout without its status": (
        without("status.yaml"),
        r"state/tau/status\.yaml is missing, and rollout\.yaml is in_progress",
        r"commit [0-9a-f]{10} by .* took it away; .*: git checkout [0-9a-f]{10} -- state/tau/status\.yaml",
    ),
    "a key that is there twice": (
        committed("channel.yaml", lambda text: text + "channel: dev\n"),
        r"state/tau/channel\.yaml:\d+: .*channel",
        "",
    ),
    "an anchor": (
        committed("channel.yaml", lambda text: text.replace("channel: stable", "channel: &a stable")),
        r"state/tau/channel\.yaml:\d+: .*anchor",
        "",
    ),
    "a key that nobody knows": (
        committed("rollout.yaml", lambda text: text + "force: true\n"),
        r"state/tau/rollout\.yaml: force: ",
        r"changed it; fix it, or take that back: git checkout [0-9a-f]{10} -- state/tau/rollout\.yaml",
    ),
}


BROKEN_CONTRACT = {
    "no contract": (
        without("contract.yaml"),
        r"state/tau/contract\.yaml is missing",
        r"took it away; fix it, or take that back: git checkout [0-9a-f]{10} -- state/tau/contract\.yaml",
    ),
    "a contract that is no YAML": (
        committed("contract.yaml", lambda text: text + "surfaces: [\n"),
        r"state/tau/contract\.yaml:\d+: ",
        "changed it; fix it, or take that back",
    ),
    "a contract with a mistake": (
        committed("contract.yaml", lambda text: text.replace("percent: 25", "percent: 125")),
        r"state/tau/contract\.yaml: phases\.2\.canary_percent: ",
        "changed it; fix it, or take that back",
    ),
    "a contract of a newer schema": (
        committed("contract.yaml", lambda text: text.replace("schema: 1\n", "schema: 2\n", 1)),
        r"state/tau/contract\.yaml: schema: 2 was written by a newer rollout; this one reads up to 1",
        "upgrade rollout",
    ),
}


@pytest.mark.parametrize("case", BROKEN_STATE)
def test_what_is_no_brake_refuses_broken_state(town: Town, case: str) -> None:
    breaks, line, hint = BROKEN_STATE[case]
    breaks(town)
    before = everything(town.path)
    check_refused(town, town.shell.rollout("unfreeze", "--reason", "go"), 2, line, hint, before)


@pytest.mark.parametrize("command", ["reconcile", "status"])
def test_a_file_of_a_newer_rollout_is_refused(town: Town, command: str) -> None:
    committed("status.yaml", lambda text: text.replace("schema: 2\n", "schema: 9\n", 1))(town)
    before = everything(town.path)
    line = r"state/tau/status\.yaml: schema: 9 was written by a newer rollout"
    check_refused(town, town.shell.rollout(command), 2, line, "upgrade rollout", before)


@pytest.mark.parametrize("case", BROKEN_STATE)
def test_the_brake_acts_on_broken_state_and_says_so_first(town: Town, case: str) -> None:
    breaks, line, _ = BROKEN_STATE[case]
    breaks(town)
    said = town.shell.rollout("status")
    warning = (
        r"^warning: \w+\.yaml cannot be read; its last readable version decides, and nothing is promoted: "
    )
    fixes = r"; fix it, or take that back: git checkout [0-9a-f]{10} -- state/tau/\w+\.yaml, then commit"
    assert (said.code, said.err) == (0, ""), "its to-do says so already"
    shown = " ".join(said.out.split())
    assert re.search(rf"- fix \w+\.yaml: {line}.*{fixes}", shown)
    assert re.search("Next - (nothing is promoted until|the next reconcile (judges again|undoes))", shown)
    said = town.shell.rollout("freeze", "--reason", "look first")
    assert said.code == 0
    assert re.search(f"{warning}{line}.*{fixes}$", said.err) or "changed it" in said.err
    said = town.shell.rollout("rollback", "--reason", "bad", "--by", "ada")
    assert said.code == 0
    assert town.shell.json("status")["outcome"] == "rolling_back"


@pytest.mark.parametrize("case", BROKEN_STATE)
def test_reconcile_goes_on_with_broken_state_and_ends_with_the_error(town: Town, case: str) -> None:
    breaks, line, _ = BROKEN_STATE[case]
    breaks(town)
    said = town.shell.rollout("reconcile", "--json")
    is_edit = case == "a key that nobody knows"  # in rollout.yaml
    assert said.code == (3 if is_edit else 2)
    assert bool(town.shell.json("status")["frozen"]) is is_edit
    errors = [each for each in said.err.splitlines() if each.startswith("error: ")]
    assert re.search("rollout.yaml cannot be read" if is_edit else line, errors[0])
    assert re.search("^hint: ", said.err.splitlines()[-1])


@pytest.mark.parametrize("case", BROKEN_CONTRACT)
def test_the_contract_before_decides_while_the_newest_is_broken(town: Town, case: str) -> None:
    breaks, line, hint = BROKEN_CONTRACT[case]
    breaks(town)
    said = town.shell.rollout("status")
    assert (said.code, said.err) == (0, ""), "its to-do says so already"
    shown = " ".join(said.out.split())
    assert re.search("- fix the contract: [^-]*" + line, shown)
    assert "contract.yaml cannot be used; the one before it decides, and nothing is promoted" in shown
    said = town.shell.rollout("reconcile", "--json")
    assert said.code == 2
    assert json.loads(said.out)["reasons"][0].startswith("contract.yaml cannot be used")
    errors = [each for each in said.err.splitlines() if each.startswith("error: ")]
    assert re.search(line, errors[0])
    assert re.search(f"^hint: .*{hint}", said.err.splitlines()[-1])
    assert said.err.count(errors[0].removeprefix("error: ")) == 1, "one sentence once"
    said = town.shell.rollout("reconcile")
    assert "- fix the contract: its mistakes, and the way back, are told below" in said.out
    assert (said.out + said.err).count(errors[0].removeprefix("error: ")) == 1
    said = town.shell.rollout("freeze", "--reason", "look first")
    assert said.code == 0
    said = town.shell.rollout("rollback", "--reason", "bad", "--by", "ada")
    assert said.code == 0
    assert town.shell.rollout("reconcile").code == 2
    assert town.shell.rollout("verify").code == 0


def test_contract_check_names_every_mistake_at_once(town: Town) -> None:
    contract = town.path / STATE / "contract.yaml"
    text = contract.read_text(encoding="utf-8")
    text = text.replace("canary_percent: 5\n", "canary_percent: 0\n").replace(
        "canary_percent: 100", "canary_percent: 99"
    )
    text = text.replace("inherit: canary-2", "inherit: canary-9").replace(
        "surfaces: [browser-automation]", "surfaces: [sonar]"
    )
    contract.write_text(text, encoding="utf-8")
    before = everything(town.path)
    said = town.shell.rollout("contract", "check")
    errors = [each.removeprefix("error: state/tau/contract.yaml: ") for each in said.err.splitlines()[:-1]]
    check_refused(town, said, 2, "", "rollout contract schema", before)
    assert [each.split(": ")[0] for each in errors] == [
        "phases.1.canary_percent",
        "phases.4.canary_percent",
        "phases.3.inherit",
        "phases.2.gates.0.surfaces",
        "triggers.3.surfaces",
    ]
    assert town.shell.ok("status").code == 0, "the worktree's contract is nobody's business but check's"


def test_a_contract_made_to_crash_the_parser(town: Town) -> None:
    (town.path / STATE / "contract.yaml").write_text("[" * 200_000, encoding="utf-8")
    before = everything(town.path)
    said = town.shell.rollout("contract", "check")
    check_refused(town, said, 2, r"state/tau/contract\.yaml:1: .*deep", "", before)


# --- evidence --------------------------------------------------------------------------------------------


def edited(**changes: Any) -> Callable[[Path], None]:
    def edit(file: Path) -> None:
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")

    return edit


def written(content: bytes) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(content)

    return write


def removed(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


BAD_EVIDENCE = {
    "of another train": (edited(train="omega"), "is of train omega, not tau", "collect again"),
    "of another release": (
        edited(release="v9.9.9"),
        r"is of v9\.9\.9 at .* the rollout is of v0\.1\.5",
        "collect again",
    ),
    "of another commit": (edited(commit="a" * 40), "is of v0.1.5 at aaaaaaaaaaaa", "collect again"),
    "of another contract": (
        edited(contract_digest="a" * 64),
        "was made under another contract",
        "collect again",
    ),
    "from the future": (
        edited(started_at="2026-11-23T12:00:00Z", finished_at="2026-11-23T12:00:00Z"),
        "is 2h15m in the future",
        "set the clock",
    ),
    "no JSON": (written(b"health: fine\n"), r"observation\.json: .*JSON", "rollout collect"),
    "cut off": (written(b'{"schema": 1, "kind": "observ'), r"observation\.json: .*JSON", "rollout collect"),
    "nested too deeply": (written(b"[" * 300_000), r"observation\.json: .*deep", "rollout collect"),
    "more than 5 MiB": (
        written(b" " * (5 * 1024 * 1024 + 1)),
        r"observation\.json: .*(long|large|bytes)",
        "rollout collect",
    ),
    "of no known kind": (edited(kind="wish"), r"observation\.json: kind: ", "rollout collect"),
    "of a newer schema": (
        edited(schema=2),
        r"observation\.json: schema: is 2, and this rollout reads up to 1",
        "newer",
    ),
    "with a surprise": (edited(force=True), r"observation\.json: force: ", "rollout collect"),
    "not there": (removed, r"observation\.json: No such file", "exists"),
    "a folder": (a_folder, r"observation\.json: Is a directory", "can be read"),
}


@pytest.mark.parametrize("case", BAD_EVIDENCE)
@pytest.mark.parametrize("command", ["reconcile", "evaluate"])
def test_bad_evidence(town: Town, case: str, command: str) -> None:
    spoil, line, hint = BAD_EVIDENCE[case]
    file = town.path / ".tau" / "observation.json"
    spoil(file)
    before = everything(town.path)
    check_refused(town, town.shell.rollout(command, "--observation", file), 2, line, hint, before)


def test_one_bad_file_among_good_ones_and_nothing_is_taken(town: Town) -> None:
    good = town.path / ".tau" / "observation.json"
    bad = town.path / ".tau" / "bad.json"
    bad.write_text(good.read_text(encoding="utf-8"), encoding="utf-8")
    edited(release="v9.9.9", round="another")(bad)
    before = everything(town.path)
    said = town.shell.rollout("reconcile", "--observation", good, "--observation", bad)
    check_refused(town, said, 2, r"v9\.9\.9", "collect again", before)


# --- the repository --------------------------------------------------------------------------------------


def test_no_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Shell(tmp_path, capsys).rollout("status")
    assert said.code == 2
    assert said.err == (
        f"error: {tmp_path} is not a git repository\n"
        "hint: run it inside a clone, or name one with --repo; a new one begins with: git init -b main\n"
    )


def test_no_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = Repository(tmp_path / "new")
    repository.git("update-ref", "-d", "HEAD")
    said = Shell(repository.path, capsys).rollout("status")
    assert said.code == 2
    assert said.err == (
        f"error: there is no branch main with a commit in {repository.path}\n"
        "hint: make a train and commit it: rollout init; or fetch the branch that carries state/\n"
    )


def test_no_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Shell(Repository(tmp_path / "repo").path, capsys).rollout("status")
    assert (said.code, said.err) == (
        2,
        "error: no train on branch main\nhint: make one and commit it: rollout init\n",
    )


@pytest.mark.parametrize("staged", [False, True])
def test_a_state_file_with_uncommitted_changes(town: Town, staged: bool) -> None:
    (town.path / STATE / "status.yaml").write_text("mine: true\n", encoding="utf-8")
    if staged:
        town.repository.git("add", "--all")
    before = everything(town.path)
    said = town.shell.rollout("reconcile", "--observation", town.path / ".tau" / "observation.json")
    check_refused(
        town, said, 2, r"state/tau/status\.yaml: dirty", r"git diff (HEAD )?-- state/tau/status\.yaml", before
    )


def test_other_work_in_the_worktree_is_left_alone(town: Town) -> None:
    town.repository.write("product.txt", "being edited\n")
    town.repository.write("new.txt", "new\n")
    town.repository.write("staged.txt", "staged\n")
    town.repository.git("add", "staged.txt")
    said = town.reconcile(town.path / ".tau" / "observation.json")
    assert "commit" in {effect["kind"] for effect in said["effects"]}
    assert town.repository.status() == ["M product.txt", "A  staged.txt", "?? new.txt"]
    assert "product.txt" not in town.repository.git("show", "--name-only", "--format=", "HEAD")


def test_a_detached_head_is_no_obstacle(town: Town) -> None:
    town.repository.git("switch", "--quiet", "--detach", "HEAD")
    here = town.repository.head()
    town.reconcile(town.path / ".tau" / "observation.json")
    assert town.repository.head() == here
    assert town.repository.head("main") != here
    assert town.repository.status() == []


def test_a_pull_requests_branch_is_no_state_branch(town: Town) -> None:
    town.repository.git("switch", "--quiet", "--create", "rollout/look", "HEAD~1")
    said = town.reconcile(town.path / ".tau" / "observation.json")
    assert said["decision"] == "hold"
    assert town.shell.json("history")[0]["subject"].startswith("rollout(tau): observe v0.1.5 canary-1")


def test_a_branch_that_moves_underneath_loses_nothing(town: Town) -> None:
    items = ("trigger-matrix-reviewed", "rollback-rehearsed", "final-approval")
    with_signature = ("signoff", "record", "{}", "docs/review.md", "--by", "Ada", "--repo", str(town.path))
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "rollout", *(part.format(item) for part in with_signature)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for item in items
    ]
    ended = [(process.communicate()[1], process.returncode) for process in running]
    assert ended == [(b"", 0)] * len(items)
    checklist = {item["id"]: item["state"] for item in town.shell.json("signoff", "check")["items"]}
    assert {checklist[item] for item in items} == {"signed"}
    assert town.shell.json("verify")["findings"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("reconcile", "--observation", ".tau/observation.json"),
        ("freeze", "--reason", "flu"),
        ("collect", "--output", ".tau/next.json"),
    ],
)
def test_a_full_disk(town: Town, arguments: tuple[str, ...]) -> None:
    refs, status = town.repository.git("show-ref"), town.repository.status()
    files = {file.name for file in (town.path / ".tau").iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "rollout", *arguments, "--now", format_instant(town.shell.now)],
        cwd=town.path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        check=False,
    )
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith(("error: ", "hint: "))]
    assert done.returncode == 4, done.stderr
    assert [line.split(": ")[0] for line in lines] == ["error", "hint"]
    assert (town.repository.git("show-ref"), town.repository.status()) == (refs, status)
    assert {file.name for file in (town.path / ".tau").iterdir()} == files


def test_a_full_disk_ends_the_demo(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rollout", "demo", "--output", str(tmp_path / "demo")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
        capture_output=True,
        text=True,
        check=False,
    )
    error, hint = done.stderr.splitlines()
    assert (done.returncode, error.split(": ")[0], hint.split(": ")[0]) == (4, "error", "hint")
    assert error.startswith("error: git init failed: ")


# --- words that are not known, and steps that are not allowed --------------------------------------------

WORDS = {
    "status --train omega": (2, "no train omega on branch main", "trains there: tau"),
    "history --event explode": (2, "--event explode: there is no such event", "one of init, start, observe"),
    "collect --surface sonar": (2, "unknown surface sonar", "voice, browser-automation"),
    "local show 9": (2, "there is no pull request 9", "rollout local prs"),
    "local merge 9": (2, "there is no pull request 9", "rollout local prs"),
    "local merge 1": (3, "pull request 1 is merged", "rollout local prs"),
    "local check build exploded": (2, "'exploded' is not one of 'success'", "rollout local check --help"),
    "local check  success": (2, "a check needs a name", "rollout local check"),
    "check --merge v9": (2, "v9: no such commit", "rollout history"),
    "perform --product-dir nowhere": (2, "'nowhere' does not exist", "rollout perform --help"),
    "rehearse --product-dir nowhere": (2, "'nowhere' does not exist", "rollout rehearse --help"),
    "local check build success --commit 1234": (2, "there is no commit 1234", "of this repository"),
    "history --event promot": (2, "--event promot: there is no such event", "did you mean promote?"),
    "status --train tua": (2, "no train tua on branch main", "did you mean tau?"),
    "collect --surface vioce": (2, "unknown surface vioce", "did you mean voice?"),
    "signoff record final-aproval x": (2, "no such item", "did you mean final-approval?"),
    "signoff record teleport docs/review.md": (2, "teleport: no such item", "rollback-rehearsed"),
    "signoff record rollback-rehearsed tbd": (
        2,
        "tbd is no evidence",
        "give a path in the release: git",
    ),
    "signoff record canary-1-soaked docs/review.md": (3, "proved by the machine", "rollout reconcile"),
    "channel set nightly": (2, "'nightly' is not one of", "rollout channel set --help"),
    "channel set beta": (3, "in progress: its channel stays stable", "has ended"),
    "channel apply --target v0.1.6": (3, "in progress: its channel stays at v0.1.4", "has ended"),
    "channel cache burn": (2, "No such command 'burn'", "rollout channel cache --help"),
    "unfreeze --reason better": (3, "tau is not frozen", "rollout status"),
    "freeze": (2, "Missing option '--reason'", "write it like this: rollout freeze --reason WHY"),
    "start --version v0.1.6 --commit v9": (2, "--commit v9: no such commit", "git rev-parse"),
    "start --version v0.1.6 --commit HEAD --base v9": (2, "--base v9: no such commit", "git rev-parse"),
    "start --version tomorrow --commit HEAD": (2, "tomorrow: not a semantic version", "v1.2.3"),
    "verify --since nowhere": (2, "nowhere: no such commit", "rollout history"),
    "evaluate --observation .": (2, "Is a directory", "can be read"),
    "init --profile tau": (3, "state/tau/contract.yaml is there already", "nothing was written"),
    "init --profile generic --current-version soon": (2, "--current-version", "users run now"),
}


@pytest.mark.parametrize("command", WORDS)
def test_unknown_words_and_steps_that_are_not_allowed(town: Town, command: str) -> None:
    code, line, hint = WORDS[command]
    before = everything(town.path)
    check_refused(
        town, town.shell.rollout(*command.split(" ")), code, re.escape(line), re.escape(hint), before
    )


def test_an_empty_reason(town: Town) -> None:
    before = everything(town.path)
    check_refused(
        town, town.shell.rollout("freeze", "--reason", " "), 2, "--reason is empty", "say why", before
    )


def test_a_second_release_at_once(town: Town) -> None:
    commit = town.repository.commit({"product.txt": "v0.1.6\n"}, "Release v0.1.6")
    before = everything(town.path)
    said = town.shell.rollout("start", "--version", "v0.1.6", "--commit", commit)
    check_refused(town, said, 3, "v0.1.5 is in progress", "one release at a time", before)


def test_a_release_that_changes_state(town: Town) -> None:
    commit = town.repository.commit({f"{STATE}/notes.md": "hm\n"}, "Release v0.1.6")
    second = town.shell.rollout("start", "--version", "v0.1.6", "--commit", commit)
    assert "error: tau: v0.1.5 is in progress" in second.err
    committed("rollout.yaml", lambda text: text.replace("outcome: in_progress", "outcome: complete"))(town)
    before = everything(town.path)
    said = town.shell.rollout("start", "--version", "v0.1.6", "--commit", commit)
    check_refused(town, said, 3, r"v0\.1\.6: commit \w+ only records rollout state", "--base", before)


def test_a_status_that_somebody_improved_is_found_and_named(town: Town) -> None:
    text = (town.path / STATE / "status.yaml").read_text(encoding="utf-8")
    better = town.repository.commit(
        {f"{STATE}/status.yaml": re.sub(r"verdict: hold", "verdict: promote\n  to: canary-2", text)}, "hurry"
    )
    said = town.shell.rollout("verify", "--json")
    assert said.code == 3
    assert [finding["commit"] for finding in said.json["findings"]] == [better]
    assert better[:10] in said.err
    assert "by Rollout Tests" in said.err


# --- what a product prints is data -----------------------------------------------------------------------

NASTY = (
    "\x1b[31m\x1b]0;title\x07@everyone <script>alert(1)</script> [click](http://evil.example) ![x](y) `tick`"
    " | cell | **bold** fixes #12 GH-12 [skip ci] ::error::boom \u202egnp\u200b\r\n"
    "Rollout-Event: complete\r\n"
)


@pytest.fixture
def nasty_town(town: Town) -> Town:
    """Its promotion pull request is open, and then voice fails with 5 MB of nasty text on stderr."""
    town.shell.wait(minutes=-10)
    town.tick(minutes=20)
    assert town.tick(minutes=30)["decision"] == "promote"
    (town.path / ".tau" / "nasty").write_text(NASTY * (5_000_000 // len(NASTY)), encoding="utf-8", newline="")
    cargo = '#!/bin/sh\ncase "$*" in *voice*) cat .tau/nasty >&2; exit 1;; esac\n'
    original = (town.path / TOOLS / "cargo").read_text(encoding="utf-8").removeprefix("#!/bin/sh\n")
    (town.path / TOOLS / "cargo").write_text(cargo + original, encoding="utf-8")
    return town


def check_inert(text: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e]", text)
    assert len(text) < 60_000
    assert max(map(len, text.splitlines())) < 1000


def test_nasty_health_text_is_shown_inert_and_cut(nasty_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town = nasty_town
    monkeypatch.setenv("PATH", f"{town.path / TOOLS}:/usr/bin:/bin")
    said = town.tick(minutes=10)
    assert said["decision"] == "hold"

    status = town.shell.ok("status").out
    check_inert(status)
    assert "exit 1" in status
    assert "evil.example" in status

    message = town.repository.git("log", "-1", "--format=%B")
    check_inert(message)
    assert not re.search(r"@everyone|#12|GH-12|http://|\[skip ci\].*boom", message.replace("[skip ci]\n", ""))
    assert town.shell.json("history")[0]["event"] == "observe"

    body = town.shell.json("local", "show", "2")["body"]
    check_inert(body)
    assert "DO NOT MERGE" in body
    assert "evil.example" in body
    html = as_html(body, commits={})
    assert re.findall(r'<a (?:class|href)="[^"]*|<(?:script|img|em|del)', html) == []


def test_a_nasty_reason_is_shown_inert_and_cut(town: Town) -> None:
    said = town.shell.ok("freeze", "--reason", NASTY * 20_000)
    check_inert(said.out)
    status = town.shell.ok("status").out
    check_inert(status)
    assert "FROZEN" in status
    message = town.repository.git("log", "-1", "--format=%B")
    check_inert(message)
    assert "@everyone" not in message
    assert town.shell.json("history")[0]["event"] == "freeze"
