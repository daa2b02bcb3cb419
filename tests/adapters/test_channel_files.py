"""Tags as releases, the cache as YAML, and files that a commit takes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.adapters.channel_files import TagReleases, YamlFiles
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.core.state import Channel, CommitMessage, StateChange
from rollout.core.state.release_cache import FILE, ReleaseCache, ReleasePage, ReleaseRecord
from rollout.errors import InputError
from rollout.ports import FULL_PAGE
from tests.adapters.scratch import NOON, Repository

CACHE = ReleaseCache(
    train="tau",
    source="tags of the local repository",
    fetched_at=NOON,
    pages=(
        ReleasePage(
            etag='W/"1"',
            entries=3,
            leads_on=True,
            releases=(
                ReleaseRecord(tag="v0.2.0-rc.1", prerelease=True),
                ReleaseRecord(tag="1.0.0", draft=True),
            ),
        ),
        ReleasePage(entries=0),
    ),
)
PATH = f"state/tau/{FILE}"
NOTE = CommitMessage(subject="note", body="")


# --- tags -------------------------------------------------------------------------------------------------


def test_tags_that_are_versions_are_releases() -> None:
    page = TagReleases(lambda: ["nightly", "v0.1.5", "v0.2.0-rc.1", "v" + "1" * 130 + ".0.0"]).page(1, "")
    assert page is not None
    assert page.releases == (
        ReleaseRecord(tag="v0.1.5"),
        ReleaseRecord(tag="v0.2.0-rc.1", prerelease=True),
    )


def test_the_same_tags_are_not_given_again() -> None:
    tags = ["v0.1.5"]
    releases = TagReleases(lambda: tags)
    page = releases.page(1, "")
    assert page is not None
    assert releases.page(1, page.etag) is None
    tags.append("v0.1.6")
    assert releases.page(1, page.etag) is not None


def test_there_is_one_page_however_many_tags() -> None:
    releases = TagReleases(lambda: [f"v0.1.{patch}" for patch in range(FULL_PAGE)])
    page, after = releases.page(1, ""), releases.page(2, "")
    assert page is not None
    assert after is not None
    assert (page.leads_on, after.entries) == (False, 0)


# --- files ------------------------------------------------------------------------------------------------


def test_a_cache_comes_back_as_it_was_written() -> None:
    files = YamlFiles()
    text = files.texts("tau", StateChange(release_cache=CACHE))[FILE]
    assert files.release_cache("tau", text.encode()) == CACHE
    assert files.texts("tau", StateChange(removes_release_cache=True)) == {FILE: ""}
    assert list(files.texts("tau", StateChange(channel=Channel(train="tau")))) == ["channel.yaml"]


@pytest.mark.parametrize("text", [b"", b"[1", b"schema: 2\n", b"\xff", b"x: " + b"y" * 2_000_000])
def test_what_is_no_cache_is_named(text: bytes) -> None:
    with pytest.raises(InputError, match=PATH):
        YamlFiles().release_cache("tau", text)


@pytest.mark.parametrize("is_here", [True, False], ids=["checked out", "elsewhere"])
def test_a_commit_can_take_a_file_away(tmp_path: Path, is_here: bool) -> None:
    repository = Repository(tmp_path / "repository", {"state/tau/rollout.yaml": "a: 1\n", "README": "x\n"})
    if not is_here:
        repository.git("switch", "--quiet", "--create", "other")
    store = YamlStore(Git(repository.path), "main")
    wrote = store.commit("tau", StateChange(release_cache=CACHE), NOTE, parent=store.head(), at=NOON)
    assert store.text("tau", FILE, wrote) is not None
    assert (repository.path / PATH).exists() == is_here
    took = store.commit("tau", StateChange(removes_release_cache=True), NOTE, parent=wrote, at=NOON)
    assert store.text("tau", FILE, took) is None
    assert not (repository.path / PATH).exists()
    assert repository.status() == []
    assert repository.git("ls-tree", "-r", "--name-only", "main").splitlines() == [
        "README",
        "state/tau/rollout.yaml",
    ]
    assert repository.git("fsck", "--strict") == ""


def test_to_take_away_what_somebody_is_editing_is_refused(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", {PATH: "schema: 1\n"})
    repository.write(PATH, "mine\n")
    store = YamlStore(Git(repository.path), "main")
    with pytest.raises(InputError, match="uncommitted changes would be overwritten"):
        store.commit("tau", StateChange(removes_release_cache=True), NOTE, parent=store.head(), at=NOON)
    assert (repository.path / PATH).read_text() == "mine\n"


def test_a_folder_in_its_place_is_no_file(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", {f"{PATH}/x": "1\n"})
    store = YamlStore(Git(repository.path), "main")
    assert store.text("tau", FILE, store.head()) is None
