"""Reverting a release on GitHub: git's own protocol and the API, against the fake hub."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.entities import Token
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.github.address import Address, address
from rollout.adapters.github.api import Api
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.product_clone import ProductClone
from rollout.adapters.github.reverter import GitHubReverter
from rollout.core.contract import Product
from rollout.core.files import STATE, StatePaths
from rollout.core.forge import PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage, Release
from rollout.errors import InputError, OutsideError, RefusedError
from rollout.ports import RevertOutcome
from tests.adapters.github.world import WaitingClock
from tests.adapters.scratch import NOON, Repository

__all__ = ["hub"]

BRANCH = "rollout-revert/tau/20261123t120000z-v0.1.5"
MESSAGE = CommitMessage("Revert v0.1.5", "Incident 7", (("Rollout-Train", "tau"),))
LINES = "".join(f"line {number}\n" for number in range(30))


@dataclass
class World:
    """acme/state carries state; the product is there too, or in acme/product."""

    hub: Hub
    home: Repo
    product: Repo
    token: Token
    release: Release
    flag_files: tuple[str, ...] = ()

    def reverter(
        self,
        token: Token | None = None,
        *,
        branch: str = "main",
        watch: bool = False,
        listed: bool = True,
        below: Path | None = None,
    ) -> GitHubReverter:
        """As one command has it; where it watches a release, after pull requests were listed, or before."""
        url = self.hub.url
        value = (token or self.token).value
        api = Api(
            Address(self.home.full_name, url, f"{url}/graphql", url), value, WaitingClock(self.hub.clock)
        )
        named = self.product.full_name if self.product is not self.home else None
        product = Product(repository=named, branch=branch)
        listing = Listing(api, lambda: "main", lambda: product)
        if watch:
            listing.watch(self.release.commit)
            if listed:
                listing.open()
        state = StatePaths(STATE if named is None else None, self.flag_files)
        return GitHubReverter(
            api,
            listing,
            lambda name: ProductClone(url, name, lambda _: value, below=below),
            lambda: state,
        )

    def tip(self, branch: str = "main") -> str | None:
        return self.product.bare.branch(branch)

    def text(self, at: str = "main") -> str:
        return self.product.bare.text(f"{at}:app.txt")


def lines(**changed: str) -> str:
    rows = LINES.splitlines()
    for name, text in changed.items():
        rows[int(name.removeprefix("at"))] = text
    return "\n".join(rows) + "\n"


def build(hub: Hub, folder: Path, *, elsewhere: bool = False, release: dict[str, str] | None = None) -> World:
    seed = Repository(folder / "seed", {"app.txt": LINES, "state/tau/rollout.yaml": "phase: a\n"})
    base = seed.head()
    seed.commit({"app.txt": lines(at3="one")}, "One")
    seed.commit({"state/tau/rollout.yaml": "phase: b\n"}, "State")
    commit = seed.commit(release or {"app.txt": lines(at3="two")}, "Two")
    product = hub.repo("acme/product" if elsewhere else "acme/state", seed=seed.path)
    home = hub.repo("acme/state") if elsewhere else product
    found = Release(version="v0.1.5", commit=commit, base=base, started_at=NOON)
    return World(hub, home, product, hub.app_token(home, product), found)


@pytest.fixture
def world(hub: Hub, tmp_path: Path) -> World:
    return build(hub, tmp_path)


def test_previews_without_changing_anything(world: World) -> None:
    refs = world.product.bare.refs()
    preview = world.reverter().preview(world.release)
    assert (preview.outcome, preview.tip, len(preview.commits)) == (RevertOutcome.CLEAN, world.tip(), 2)
    assert world.product.bare.refs() == refs
    assert not world.hub.calls()


def test_the_tip_comes_with_the_listing_or_by_a_call_of_its_own(world: World) -> None:
    beside = world.reverter(watch=True)
    assert beside.tip() == world.tip()
    assert [str(call) for call in world.hub.calls()] == ["POST /graphql repository,repository"]
    world.hub.forget_calls()
    assert world.reverter().tip() == world.tip()
    assert [str(call) for call in world.hub.calls()] == ["GET /repos/acme/state/git/ref/heads/main"]
    assert world.reverter(branch="trunk").tip() is None


def test_whether_more_than_state_has_changed_comes_with_the_listing(world: World) -> None:
    alice, before = world.hub.person("alice", world.product), world.tip() or ""

    def push(path: str) -> None:
        content = (path, b"changed\n")
        world.product.commit_on_branch(alice, "main", world.tip() or "", "Go on", [content], [])

    def unchanged(*, listed: bool) -> bool:
        reverter = world.reverter(watch=True, listed=listed)
        world.hub.forget_calls()
        told = reverter.unchanged_since(before)
        assert len(world.hub.calls()) == (not listed)
        return told

    assert unchanged(listed=True)
    push("state/tau/rollout.yaml")
    assert unchanged(listed=False)
    assert unchanged(listed=True), "from a clone, when it was not asked with the listing"
    push("notes.txt")
    assert not unchanged(listed=False)
    assert not unchanged(listed=True)
    assert not world.reverter(watch=True, listed=False).unchanged_since("9" * 40)


@pytest.mark.parametrize("path", ["flags.json", "config/flags.json"])
def test_a_flag_file_is_state_too(world: World, tmp_path: Path, path: str) -> None:
    """In the root the listing leaves it out; below a folder a clone has to tell."""
    world.flag_files = (path,)
    alice, before = world.hub.person("alice", world.product), world.tip() or ""
    for changed, is_state in ((path, True), (f"{path}.old", False)):
        content = (changed, b"5\n")
        world.product.commit_on_branch(alice, "main", world.tip() or "", "Go on", [content], [])
        (clones := tmp_path / changed.replace("/", "-")).mkdir()
        reverter = world.reverter(watch=True, listed=False, below=clones)
        assert reverter.unchanged_since(before) is is_state
        assert any(clones.iterdir()) is ("/" in path)


def test_a_folder_named_state_is_the_products_own_elsewhere(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path, elsewhere=True)
    alice, before = hub.person("alice", world.product), world.tip() or ""
    world.product.commit_on_branch(alice, "main", before, "Go on", [("state/machine.rs", b"x\n")], [])
    assert not world.reverter(watch=True, listed=False).unchanged_since(before)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another repository"])
def test_proposes_once_and_finds_it_again(hub: Hub, tmp_path: Path, elsewhere: bool) -> None:
    world = build(hub, tmp_path, elsewhere=elsewhere)
    tip = world.tip()
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert (pull.kind, pull.title, pull.head, pull.base, pull.state, pull.body) == (
        PullRequestKind.REVERT,
        "Revert v0.1.5",
        BRANCH,
        "main",
        PullRequestState.OPEN,
        "Why.",
    )
    assert world.tip(BRANCH) == pull.head_sha
    assert world.text(BRANCH) == LINES.strip()
    told = world.product.bare.git("log", "--format=%an|%s|%b", f"{tip}..{BRANCH}")
    assert told.count("rollout|Revert v0.1.5|This reverts commit ") == 1
    assert told.count("This reverts commit ") == (3 if elsewhere else 2)
    assert [(thread.labels, thread.state) for thread in world.product.pulls()] == [([], "open")]
    again = world.reverter().propose(world.release, BRANCH, MESSAGE, "again", at=NOON)
    assert again.number == pull.number
    assert len(world.product.pulls()) == 1


@pytest.mark.parametrize("squash", [False, True])
def test_a_merged_proposal_holds_the_revert(world: World, squash: bool) -> None:
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert world.reverter().preview(world.release).outcome is RevertOutcome.CLEAN
    world.product.merge(
        world.hub.person("alice", world.product), pull.number, method="squash" if squash else "merge"
    )
    assert world.reverter().preview(world.release).outcome is RevertOutcome.NOTHING
    merged = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert (merged.number, merged.state) == (pull.number, PullRequestState.MERGED)
    assert merged.merged_as == world.tip()
    assert world.reverter().is_free_of(world.tip() or "", world.release)
    assert not world.reverter().is_free_of(world.release.commit, world.release)
    assert not world.reverter().is_free_of("1" * 40, world.release)


def test_a_squash_that_names_nothing_is_known_by_its_pull_request(world: World) -> None:
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    alice = world.hub.person("alice", world.product)
    world.product.merge(alice, pull.number, method="squash", title="Back to before", message="\n")
    merged = world.reverter().proposed(BRANCH)
    assert merged is not None
    assert merged.merged_as == world.tip()
    fixed = [("app.txt", lines(at3="fixed").encode())]
    world.product.commit_on_branch(alice, "main", world.tip() or "", "Fix", fixed, [])
    outcome = RevertOutcome.CONFLICT
    assert world.reverter().preview(world.release).outcome is outcome, "nothing says that it was reverted"
    seen = world.reverter().preview(world.release, merged=merged.merged_as)
    assert seen.outcome is RevertOutcome.NOTHING
    assert world.reverter().is_free_of(world.tip() or "", world.release, merged.merged_as)


def test_a_base_that_the_branch_never_merged_is_fetched(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path)
    alice, before = hub.person("alice", world.product), world.release.base or ""
    world.product.bare.git("branch", "maintenance", before)
    fix = [("app.txt", lines(at20="fix").encode())]
    base = world.product.commit_on_branch(alice, "maintenance", before, "Fix", fix, [])
    release = world.release.model_copy(update={"base": base})
    world.reverter().push(release, MESSAGE, at=NOON)
    assert world.text() == lines(at20="fix").strip()


# --- killed between two acts ------------------------------------------------------------------------------


def test_a_killed_run_is_finished_by_the_next(world: World) -> None:
    world.hub.fail("POST /repos/*/pulls", faults.Fault(status=403), times=-1)
    with pytest.raises(OutsideError):
        world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    left = world.tip(BRANCH)
    assert left is not None
    world.hub.heal()
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert pull.head_sha == left == world.tip(BRANCH)
    assert [(thread.labels, thread.state) for thread in world.product.pulls()] == [([], "open")]


def test_an_answer_that_is_lost_opens_no_second_one(world: World) -> None:
    world.hub.fail("POST /repos/*/pulls", faults.DROPPED_AFTER)
    world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert len(world.product.pulls()) == 1


def test_a_branch_with_something_else_is_made_anew(world: World) -> None:
    world.product.bare.git("branch", BRANCH, f"{world.tip()}^")
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert pull.head_sha == world.tip(BRANCH)
    assert world.text(BRANCH) == LINES.strip()


def test_what_a_person_resolved_on_the_branch_is_kept(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path)
    alice = hub.person("alice", world.product)
    conflicting = world.product.commit_on_branch(
        alice, "main", world.tip() or "", "Later", [("app.txt", lines(at3="three").encode())], []
    )
    assert world.reverter().preview(world.release).outcome is RevertOutcome.CONFLICT
    with pytest.raises(RefusedError, match=r"conflicts with what came after it, in app\.txt"):
        world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert world.tip(BRANCH) is None
    world.product.bare.git("branch", BRANCH, conflicting)
    by_hand = world.product.commit_on_branch(
        alice, BRANCH, conflicting, "By hand", [("app.txt", LINES.encode())], []
    )
    pull = world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert pull.head_sha == by_hand


# --- pushing ----------------------------------------------------------------------------------------------


def test_pushes_once(world: World) -> None:
    new = world.reverter().push(world.release, MESSAGE, at=NOON)
    assert (world.tip(), world.text()) == (new, LINES.strip())
    assert world.reverter().push(world.release, MESSAGE, at=NOON) == new
    assert world.product.bare.text("main:state/tau/rollout.yaml") == "phase: b"


def test_a_push_that_somebody_overtakes_is_worked_out_again(world: World) -> None:
    alice = world.hub.person("alice", world.product)

    def overtake() -> None:
        changed = [("other.txt", b"x\n")]
        world.product.commit_on_branch(alice, "main", world.tip() or "", "Later", changed, [])

    world.hub.before("POST *git-receive-pack", overtake)
    new = world.reverter().push(world.release, MESSAGE, at=NOON)
    assert (world.tip(), world.text()) == (new, LINES.strip())
    assert world.product.bare.text("main:other.txt") == "x"


def test_a_push_that_is_denied_says_why_and_changes_nothing(world: World) -> None:
    tip = world.tip()
    reads = world.hub.app_token(world.product, permissions={"contents": "read"}, slug="reader")
    with pytest.raises(OutsideError, match=r"pushing main to acme/state failed: .*403") as denied:
        world.reverter(reads).push(world.release, MESSAGE, at=NOON)
    assert "contents: write" in denied.value.hint
    world.hub.ruleset(world.product, pull_request=True)
    with pytest.raises(OutsideError, match="pushing main to acme/state failed"):
        world.reverter().push(world.release, MESSAGE, at=NOON)
    assert world.tip() == tip


def test_workflows_are_told_and_their_push_refused(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path, release={".github/workflows/ci.yml": "on: push\n"})
    preview = world.reverter().preview(world.release)
    assert (preview.workflows, preview.paths) == (True, (".github/workflows/ci.yml",))
    with pytest.raises(OutsideError, match="failed") as denied:
        world.reverter().propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)
    assert "workflows: write" in denied.value.hint
    assert world.tip(BRANCH) is None


# --- what is not there, and the token ---------------------------------------------------------------------


def test_what_is_not_there_is_missing(world: World) -> None:
    unknown = world.release.model_copy(update={"commit": "1" * 40})
    assert world.reverter().preview(unknown).outcome is RevertOutcome.MISSING
    lost = world.reverter(branch="trunk")
    assert lost.preview(world.release).detail == (
        "there is no branch trunk in acme/state, where the contract says the product is"
    )
    with pytest.raises(RefusedError, match="no branch trunk"):
        lost.propose(world.release, BRANCH, MESSAGE, "Why.", at=NOON)


def test_a_repository_that_cannot_be_read_is_no_clean_revert(world: World) -> None:
    stranger = world.hub.app_token(slug="stranger")
    with pytest.raises(OutsideError, match="fetching main of acme/state failed"):
        world.reverter(stranger).preview(world.release)


def test_the_token_is_in_no_file_no_argument_and_no_message(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = next(
        Path(folder, "git") for folder in os.environ["PATH"].split(":") if Path(folder, "git").exists()
    )
    spy, seen = tmp_path / "bin/git", tmp_path / "seen"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {real} "$@"\n')
    spy.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    found = world.reverter(below=scratch)
    found.preview(world.release)
    world.product.bare.git("branch", BRANCH, world.tip() or "")
    value = world.token.value
    files = [path for path in scratch.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if value.encode() in path.read_bytes()]
    assert value not in seen.read_text()
    world.hub.fail("* *git-receive-pack*", faults.Fault(status=500), times=-1)
    with pytest.raises(OutsideError) as denied:
        found.push(world.release, MESSAGE, at=NOON)
    assert value not in f"{denied.value}{denied.value.hint}"
    del found, denied
    gc.collect()
    assert not list(scratch.iterdir()), "the clone is gone"


@pytest.mark.parametrize(
    ("api", "server", "found"),
    [
        ("https://api.github.com", "https://github.com", "https://github.com"),
        ("https://api.github.com", "", "https://github.com"),
        ("https://api.github.com/", "", "https://github.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com/", "https://acme.ghe.com"),
        ("https://git.acme.example/api/v3", "https://git.acme.example", "https://git.acme.example"),
        ("https://api.github.com", "https://evil.example", None),
        ("https://api.github.com", "http://github.com", None),
    ],
)
def test_the_token_goes_to_the_server_of_the_api_only(api: str, server: str, found: str | None) -> None:
    given = {"GITHUB_REPOSITORY": "acme/tau", "GITHUB_API_URL": api, "GITHUB_SERVER_URL": server}
    if found is None:
        with pytest.raises(InputError, match="GITHUB_SERVER_URL name different hosts"):
            address(given)
    else:
        assert address(given).server_url == found
        assert "//" not in address(given).graphql_url.removeprefix("https://")


@pytest.mark.parametrize(
    ("server", "api", "graphql"),
    [
        ("", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://github.com", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        (
            "https://git.acme.example:8443",
            "https://git.acme.example:8443/api/v3",
            "https://git.acme.example:8443/api/graphql",
        ),
    ],
)
def test_the_api_is_found_by_the_server_alone(server: str, api: str, graphql: str) -> None:
    found = address({"GITHUB_REPOSITORY": "acme/tau", "GITHUB_SERVER_URL": server})
    assert (found.api_url, found.graphql_url) == (api, graphql)
