"""What a release is cut from: the local branch, and the product's branch on GitHub. Both answer alike."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.adapters.git import Git
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.history import GitHubHistory
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.product_clone import ProductClone
from rollout.adapters.local.history import LocalHistory
from rollout.core.contract import Product
from rollout.core.files import StatePaths
from rollout.core.state import MOST_COMMITS
from rollout.errors import InputError, OutsideError
from rollout.ports import History, Place
from tests.adapters.github.world import GitHubWorld, WaitingClock, seed
from tests.adapters.scratch import Existing, Repository

__all__ = ["hub"]

STATE = "state/tau/rollout.yaml"


@dataclass
class Story:
    """A product's repository: main, a branch that was squashed, a line of maintenance, decisions between."""

    repo: Repository
    base: str
    side: str
    merged: str
    """The merge of a branch of two commits."""
    squashed: str
    tip: str
    """A decision, which touches nothing but state."""
    fix: str
    """What v1.0.1 is tagged on, which main does not hold."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Only copied and read."""
    return story(tmp_path_factory.mktemp("history") / "product")


@pytest.fixture
def told(source: Story, tmp_path: Path) -> Story:
    shutil.copytree(source.repo.path, tmp_path / "product")
    return replace(source, repo=Existing(tmp_path / "product"))


def story(folder: Path) -> Story:
    repo = Repository(folder, {"app.txt": "1\n", STATE: "phase: a\n"})
    repo.git("tag", "-a", "v1.0.0", "-m", "Version 1.0.0")
    repo.git("tag", "v1.0.0-rc.1")
    repo.git("tag", "nightly")
    base = repo.head()
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"feature.txt": "half\n"}, "Half of it")
    repo.commit({"feature.txt": "all\n"}, "The rest")
    repo.git("checkout", "-q", "main")
    repo.commit({STATE: "phase: b\n"}, "rollout(tau): decide")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    merged = repo.head()
    repo.git("checkout", "-q", "-b", "squashed-away")
    side = repo.commit({"more.txt": "more\n"}, "More")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "squashed-away")
    repo.git("commit", "-qm", "More (#2)")
    squashed = repo.commit({"both.txt": "x\n", STATE: "phase: c\n"}, "Product and state at once")
    tip = repo.commit({STATE: "phase: d\n"}, "rollout(tau): decide again")
    repo.git("checkout", "-q", "-b", "1.0", base)
    fix = repo.commit({"app.txt": "1.0.1\n"}, "Fix")
    repo.git("tag", "1.0.1")
    repo.git("checkout", "-q", "main")
    return Story(repo, base, side, merged, squashed, tip, fix)


Made = tuple[Story, History]


def on_github(
    hub: Hub, repository: str, branch: str = "main", *, home: str = "acme/product", token: str = ""
) -> GitHubHistory:
    """The history of the product's repository, for a train whose state lies in `home`."""
    api = Api(Address(home, hub.url, f"{hub.url}/graphql", hub.url), token, WaitingClock(hub.clock))
    where = Product(repository=repository, branch=branch)
    listing = Listing(api, lambda: "main", lambda: where)
    state = StatePaths() if repository == home else StatePaths(None)
    return GitHubHistory(listing, lambda: state, lambda name: ProductClone(hub.url, name, lambda _: token))


def hosted(hub: Hub, told: Story) -> str:
    """Puts the product on GitHub; a token that reads it."""
    return hub.app_token(hub.repo("acme/product", seed=told.repo.path)).value


@pytest.fixture(params=["local", "github"])
def made(request: pytest.FixtureRequest, source: Story) -> Made:
    if request.param == "local":
        return source, LocalHistory(Git(source.repo.path), lambda: "main")
    hub = request.getfixturevalue("hub")
    return source, on_github(hub, "acme/product", token=hosted(hub, source))


def test_a_decision_is_not_the_newest_commit_of_the_product(made: Made) -> None:
    told, history = made
    assert history.newest() == told.squashed


def test_where_a_commit_is(made: Made) -> None:
    told, history = made
    assert [history.place(each) for each in (told.base, told.merged, told.tip)] == [Place.ON_BRANCH] * 3
    assert [history.place(each) for each in (told.side, told.fix)] == [Place.ELSEWHERE] * 2
    assert [history.place(each) for each in ("9" * 40, "main", told.base[:10])] == [Place.MISSING] * 3


def test_a_versions_tag_is_found_however_it_is_written_and_peeled(made: Made) -> None:
    told, history = made
    assert [history.tagged(each) for each in ("v1.0.0", "1.0.0")] == [told.base] * 2
    assert [history.tagged(each) for each in ("v1.0.1", "1.0.1")] == [told.fix] * 2
    assert history.tagged("v9.0.0") is None


def test_both_spellings_of_a_tag_are_asked_for_at_once(hub: Hub, source: Story) -> None:
    history = on_github(hub, "acme/product", token=hosted(hub, source))
    assert history.tagged("v9.0.0") is None
    assert [str(call) for call in hub.calls(git=True)].count("GET /acme/product.git/info/refs") == 1


def test_the_versions_of_a_commit_are_those_whose_tags_lead_to_it(made: Made) -> None:
    told, history = made
    assert [history.versions_at(each) for each in (told.base, told.fix, told.tip, "9" * 40)] == [
        ("v1.0.0-rc.1", "v1.0.0"),
        ("1.0.1",),
        (),
        (),
    ]


def test_where_a_line_left_the_branch(made: Made) -> None:
    told, history = made
    assert history.tagged("v1.0.1") == told.fix
    assert history.fork(told.base, told.tip) == told.base
    assert history.fork(told.fix, told.tip) == told.base
    assert history.fork(told.tip, told.merged) == told.merged
    assert history.fork("9" * 40, told.tip) is None


@pytest.mark.parametrize("merged_history", [True, False])
def test_the_commits_of_a_range_are_those_that_touch_more_than_state(
    made: Made, merged_history: bool
) -> None:
    told, history = made
    found = history.commits(told.base if merged_history else told.merged, told.tip)
    wanted = ["Product and state at once", "More (#2)"]
    if merged_history:
        wanted += ["Merge feature", "The rest", "Half of it"]
    assert sorted(each.subject for each in found.commits) == sorted(wanted)
    assert (found.commits[0].commit, found.total, found.more) == (told.squashed, len(wanted), 0)


def test_a_commit_alone(made: Made) -> None:
    told, history = made
    assert [each.subject for each in history.commits(None, told.merged).commits] == ["Merge feature"]
    assert history.commits(None, told.tip).total == 0
    assert history.commits(told.squashed, told.tip).total == 0


def test_a_commit_made_meanwhile_is_seen(told: Story) -> None:
    history = LocalHistory(Git(told.repo.path), lambda: "main")
    assert history.newest() == told.squashed
    later = told.repo.commit({"app.txt": "2\n"}, "Later")
    assert (history.newest(), history.place(later)) == (later, Place.ON_BRANCH)


def test_twenty_commits_are_listed_and_the_rest_is_counted(told: Story) -> None:
    for number in range(MOST_COMMITS + 5):
        told.repo.commit({"app.txt": f"{number}\n"}, f"Change {number}")
    found = LocalHistory(Git(told.repo.path), lambda: "main").commits(told.tip, told.repo.head())
    assert (len(found.commits), found.total, found.more) == (MOST_COMMITS, MOST_COMMITS + 5, 5)
    assert found.commits[0].subject == f"Change {MOST_COMMITS + 4}"


def test_what_a_subject_says_is_one_harmless_line(told: Story) -> None:
    commit = told.repo.commit({"app.txt": "2\n"}, "Red \x1b[31m\u202e" + "x" * 200)
    (shown,) = LocalHistory(Git(told.repo.path), lambda: "main").commits(None, commit).commits
    assert shown.subject.startswith("Red xxx")
    assert shown.subject.isprintable()
    assert len(shown.subject) == 120


@pytest.mark.parametrize("forge", ["local", "github"])
def test_a_branch_that_does_not_exist(told: Story, hub: Hub, forge: str) -> None:
    history: History = LocalHistory(Git(told.repo.path), lambda: "trunk")
    if forge == "github":
        history = on_github(hub, "acme/product", "trunk", token=hosted(hub, told))
    with pytest.raises(InputError, match="there is no branch trunk") as refused:
        history.newest()
    assert "product.branch" in refused.value.hint


def test_a_repository_that_cannot_be_read(hub: Hub) -> None:
    history = on_github(hub, "acme/secret")
    for ask in (
        history.newest,
        lambda: history.place("1" * 40),
        lambda: history.tagged("v1.0.0"),
        lambda: history.versions_at("1" * 40),
    ):
        with pytest.raises(OutsideError, match="acme/secret"):
            ask()


def test_a_product_elsewhere_may_have_a_folder_called_state(told: Story, hub: Hub) -> None:
    history = on_github(hub, "acme/product", home="acme/state", token=hosted(hub, told))
    assert history.newest() == told.tip


def test_a_shallow_clone_says_so(told: Story, tmp_path: Path) -> None:
    told.repo.git("clone", "-q", "--depth=1", f"file://{told.repo.path}", str(tmp_path / "shallow"))
    history = LocalHistory(Git(tmp_path / "shallow"), lambda: "main")
    assert history.cut_off
    assert history.place(told.tip) is Place.ON_BRANCH
    assert history.place(told.base) is Place.MISSING


def test_the_state_of_the_train_is_in_the_same_repository(tmp_path: Path, hub: Hub) -> None:
    world = GitHubWorld(hub, *_seeded(tmp_path))
    assert world.run().history.newest() == world.release


def _seeded(folder: Path) -> tuple[Path, str]:
    repository, release = seed(folder / "seeded")
    return repository.path, release
