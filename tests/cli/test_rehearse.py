"""`rollout rehearse`: the six steps on a scratch copy, and that nothing else changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.contract import Contract
from rollout.core.state import Channel, Quarantine, QuarantinedRelease, Rollout, StateChange
from rollout.files.state_files import files_of
from rollout.files.yaml_text import load_yaml
from tests.adapters.scratch import NOON, Repository
from tests.world import OLD_VERSION, TAU, VERSION, contract

__all__ = ["hub"]

STEPS = ["freeze", "capture_evidence", "inspect_target", "apply_metadata", "revert", "revalidate"]
NOW = "2026-11-23T12:00:00Z"
STARTED = "2026-11-23T11:00:00Z"


def seed(folder: Path, *, target: str | None = OLD_VERSION, **changes: Any) -> Repository:
    """A train with tau's contract, and its release started."""
    data = contract().model_dump(mode="json", by_alias=True, exclude_none=True)
    policy = {
        **data["rollback"],
        "apply": {"command": ["touch", "ran-{version}"]},
        **changes.pop("rollback", {}),
    }
    changed = Contract.model_validate({**_with_durations(), **changes, "rollback": policy})
    change = StateChange(
        contract=changed, rollout=Rollout(train=TAU), channel=Channel(train=TAU, current_version=target)
    )
    files = {path: content.decode() for path, content in files_of(TAU, change).items() if content}
    repo = Repository(folder, {**files, "src/main.rs": "0\n", ".gitignore": ".tau/\n"})
    release = repo.commit({"src/main.rs": "1\n"}, f"Release {VERSION}")
    repo.write(".tau/live-run-unified/report.json", "{}")
    repo.write(".tau/live-run-unified/surfaces/voice.log", "log\n")
    first = () if target else ("--first", "--reason", "our first release")
    assert main(["start", "--version", VERSION, "--commit", release, *first, *at(repo, STARTED)]) == 0
    return repo


def _with_durations() -> dict[str, Any]:
    data = load_yaml((Path(__file__).parents[2] / "state/tau/contract.yaml").read_bytes(), file="contract")
    assert isinstance(data, dict)
    return data


def at(repo: Repository, now: str = NOW) -> list[str]:
    return ["--repo", str(repo.path), "--now", now]


def everything(repo: Repository) -> object:
    git_dir = repo.path / ".git"
    records = (
        sorted(path.name for path in (git_dir / "rollout").glob("*"))
        if (git_dir / "rollout").exists()
        else []
    )
    return repo.git("for-each-ref"), repo.status(), records, sorted(os.listdir(repo.path))


def test_goes_through_all_steps_and_records_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = seed(tmp_path / "repo")
    head = repo.head()
    capsys.readouterr()
    assert main(["rehearse", "--json", "--by", "Olga", *at(repo)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["release"], said["target"]) == (True, VERSION, OLD_VERSION)
    assert [step["step"] for step in said["steps"]] == STEPS
    results = {step["step"]: step["result"] for step in said["steps"]}
    assert results["capture_evidence"].startswith("2 read and not copied, ")
    assert results["apply_metadata"].endswith("not run in a rehearsal: touch")
    assert "its pull request is merged" in results["revert"]
    assert results["revalidate"].startswith("not run in a rehearsal, taken for green: ")
    assert repo.head("main^") == head
    assert repo.git("log", "-1", "--format=%s").startswith(
        f"rollout(tau): rehearse the rollback of {VERSION}"
    )
    assert repo.git("diff", "--name-only", "HEAD^", "HEAD") == "state/tau/rehearsal.yaml"
    recorded = load_yaml(repo.text("state/tau/rehearsal.yaml").encode(), file="rehearsal.yaml")
    assert isinstance(recorded, dict)
    assert (recorded["by"], recorded["tip"], recorded["target"]) == ("Olga", head, OLD_VERSION)
    assert recorded["commit"] == repo.head("main~2")
    assert main(["verify", *at(repo)]) == 0


def test_the_machine_signs_what_asks_for_a_rehearsal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {
        "id": "rehearsed",
        "section": "Readiness",
        "title": "Rollback rehearsed",
        "before": "complete",
        "proof": {"kind": "rehearsed"},
    }
    repo = seed(tmp_path / "repo", signoff={"items": [item, *_with_durations()["signoff"]["items"]]})
    assert main(["rehearse", *at(repo)]) == 0
    assert main(["reconcile", *at(repo, "2026-11-23T12:05:00Z")]) == 0
    capsys.readouterr()
    assert main(["signoff", "check", "--json", *at(repo)]) in (0, 3)
    states = {one["id"]: one["state"] for one in json.loads(capsys.readouterr().out)["items"]}
    assert states["rehearsed"] == "signed"
    assert main(["verify", *at(repo)]) == 0


def test_touches_nothing_else_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = seed(tmp_path / "repo", apply={"command": ["touch", "applied-{percent}"]})
    before = everything(repo)
    capsys.readouterr()
    assert main(["rehearse", "--dry-run", *at(repo)]) == 0
    assert "nothing outside was touched; not recorded" in capsys.readouterr().out
    assert everything(repo) == before


def test_says_where_a_person_would_be_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = seed(tmp_path / "repo")
    repo.commit({"src/main.rs": "2\n"}, "On top of it")
    before = everything(repo)
    capsys.readouterr()
    assert main(["rehearse", "--json", *at(repo)]) == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out)["passed"] is False
    assert "would need a person: revert: the revert conflicts in src/main.rs" in printed.err
    assert everything(repo) == before


def test_a_first_release_is_rehearsed_by_its_revert_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = seed(tmp_path / "repo", target=None)
    capsys.readouterr()
    assert main(["rehearse", "--json", *at(repo)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["target"]) == (True, None)
    states = {step["step"]: step["state"] for step in said["steps"]}
    assert (states["inspect_target"], states["apply_metadata"]) == ("skipped", "skipped")
    assert "target: null" in repo.text(f"state/{TAU}/rehearsal.yaml")


def test_a_target_in_quarantine_stops_it_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = seed(tmp_path / "repo")
    bad = QuarantinedRelease(commit="9" * 40, version=OLD_VERSION, incident="bad", at=NOON)
    change = StateChange(quarantine=Quarantine(train=TAU, releases=(bad,)))
    files = {path: content.decode() for path, content in files_of(TAU, change).items() if content}
    repo.commit(files, "quarantine it")
    assert main(["rehearse", *at(repo)]) == 3
    assert f"inspect target: {OLD_VERSION} is in quarantine since incident bad" in capsys.readouterr().err


def test_a_contract_that_validates_nothing_is_not_recorded_as_rehearsed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preflight, *others = _with_durations()["phases"]
    gates = [gate for gate in preflight["gates"] if gate["kind"] not in ("harness", "ci_checks")]
    repo = seed(tmp_path / "repo", phases=[{**preflight, "soak": "0s", "gates": gates}, *others])
    before = everything(repo)
    capsys.readouterr()
    assert main(["rehearse", "--json", *at(repo)]) == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out)["passed"] is False
    assert "would end unvalidated: nothing was validated: the contract has neither" in printed.err
    assert "add a harness or ci_checks gate to a phase, then rehearse again" in printed.err
    assert everything(repo) == before


def test_an_idle_train_has_nothing_to_rehearse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = StateChange(contract=contract(), rollout=Rollout(train=TAU))
    files = {path: content.decode() for path, content in files_of(TAU, change).items() if content}
    repo = Repository(tmp_path / "repo", files)
    assert main(["rehearse", *at(repo)]) == 3
    assert "no rollout is in progress" in capsys.readouterr().err


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another repository"])
def test_on_github_it_is_a_state_commit_and_nothing_else(
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    elsewhere: bool,
) -> None:
    changes: dict[str, Any] = {"product": {"repository": "acme/product"}} if elsewhere else {}
    source = seed(tmp_path / "seed", **changes)
    home = hub.repo("acme/tau", seed=source.path)
    others = [hub.repo("acme/product", seed=source.path)] if elsewhere else []
    token = hub.app_token(home, *others)
    for name, value in {
        **home.address(),
        "GITHUB_TOKEN": token.value,
        "GITHUB_ACTOR": "olga",
    }.items():
        monkeypatch.setenv(name, value)
    before = [repo.bare.refs() for repo in (home, *others)]
    capsys.readouterr()
    assert main(["rehearse", "--forge", "github", "--json", *at(source)]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    after = [repo.bare.refs() for repo in (home, *others)]
    assert after[1:] == before[1:]
    assert {name for name in after[0] if after[0][name] != before[0].get(name)} == {"refs/heads/main"}
    assert home.bare.git("diff", "--name-only", "main^", "main") == "state/tau/rehearsal.yaml"
    assert "by: olga" in home.bare.text("main:state/tau/rehearsal.yaml")
    writes = [
        str(call)
        for call in hub.calls()
        if call.method != "GET" and (not call.operation or call.operation.startswith("create"))
    ]
    assert writes == ["POST /graphql createCommitOnBranch"]
    assert not home.threads
