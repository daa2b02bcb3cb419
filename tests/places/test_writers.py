"""Every command that writes, in the middle of what a person has begun, and with edits in its way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.places import places
from tests.places.places import PLACES, copied, files_of_people, git
from tests.places.writers import LISTED, WRITERS, make_new, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writers") / "made"
    places.make(folder)
    return folder


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writers") / "new"
    make_new(folder)
    return folder


BEGUN = ("in a merge", "in a rebase")


@pytest.mark.parametrize("place", ["at the top", *BEGUN])
@pytest.mark.parametrize("name", WRITERS)
def test_only_the_brake_writes_in_the_middle_of_what_a_person_has_begun(
    made: Path, new: Path, tmp_path: Path, name: str, place: str
) -> None:
    writer = WRITERS[name]
    repo = copied(new if writer.is_new else made, tmp_path)
    for command in writer.before:
        assert run(repo, command)[0] == 0
    PLACES[place].go(repo)
    head, theirs = git(repo, "rev-parse", "main"), files_of_people(repo)
    code, said = run(repo, writer.command)
    assert (code, PLACES[place].says in said) == (PLACES[place].write, True), said
    assert (git(repo, "rev-parse", "main") == head) is (code != 0)
    assert files_of_people(repo) == theirs


# --- what lies in the way of the file that is written -------------------------------------------------------


def edited(*flags: str) -> Callable[[Path], object]:
    def go(repo: Path) -> None:
        if flags:
            git(repo, "update-index", *flags, LISTED)
        (repo / LISTED).write_text((repo / LISTED).read_text() + "# mine\n")

    return go


def staged(repo: Path) -> None:
    before = (repo / LISTED).read_bytes()
    edited()(repo)
    git(repo, "add", LISTED)
    (repo / LISTED).write_bytes(before)


def removed(repo: Path) -> None:
    (repo / LISTED).unlink()


def a_file_that_git_does_not_know(repo: Path) -> None:
    git(repo, "rm", "--quiet", LISTED)
    git(repo, "commit", "--quiet", "--message=begin anew")
    (repo / LISTED).write_text("mine\n")


def broken(repo: Path) -> None:
    (repo / LISTED).write_text("<<<<<<< HEAD\n")
    git(repo, "commit", "--quiet", "--all", "--message=merge")


IN_THE_WAY = {
    "an edit": (edited(), 2, "dirty"),
    "a staged edit": (staged, 2, "dirty"),
    "an edit under assume-unchanged": (edited("--assume-unchanged"), 2, "told to ignore"),
    "an edit under skip-worktree": (edited("--skip-worktree"), 2, "told to ignore"),
    "removed": (removed, 2, "dirty"),
    "a file that git does not know": (a_file_that_git_does_not_know, 2, "error: "),
    "a link": (PLACES["state is a link"].go, 2, "is a link"),
    "broken": (broken, 2, f"{LISTED}: "),
    "another git at work": (PLACES["another git at work"].go, 4, "index.lock"),
    "another branch": (PLACES["another branch"].go, 0, ""),
    "a detached head": (PLACES["a detached head"].go, 0, ""),
    "a sparse checkout": (PLACES["a sparse checkout without state"].go, 0, ""),
    "line ends of another system": (PLACES["line ends of another system"].go, 0, ""),
}


@pytest.mark.parametrize("place", IN_THE_WAY)
@pytest.mark.parametrize("command", ["quarantine add v1.0.0", "quarantine lift v1.1.0^{}"])
def test_what_a_person_did_to_the_quarantine_file_is_kept(
    new: Path, tmp_path: Path, place: str, command: str
) -> None:
    repo, (go, wanted, says) = copied(new, tmp_path), IN_THE_WAY[place]
    assert run(repo, "quarantine add v1.1.0 --reason leaks --by ada")[0] == 0
    go(repo)
    head, shown = git(repo, "rev-parse", "main"), git(repo, "status", "--porcelain", "-uall", "--ignored")
    before = (repo / LISTED).read_bytes() if (repo / LISTED).exists() else None
    code, said = run(repo, f"{command} --reason leaks --by ada")
    assert (code, says in said) == (wanted, True), said
    assert git(repo, "status", "--porcelain", "-uall", "--ignored") == shown
    if code:
        assert git(repo, "rev-parse", "main") == head
        assert ((repo / LISTED).read_bytes() if (repo / LISTED).exists() else None) == before
    else:
        assert git(repo, "diff", "--name-only", head, "main") == LISTED
