"""What git reads, writes and merges is the same whatever a person's environment and settings say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from rollout.adapters.git import Git, branch_move
from rollout.adapters.git.process import usual_environment
from tests.adapters.scratch import NOON, Existing, Repository
from tests.shared import made_once

VARIABLES = {
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "1",
    "GIT_NOGLOB_PATHSPECS": "1",
    "GIT_ICASE_PATHSPECS": "1",
    "GIT_DIR": "elsewhere",
    "GIT_WORK_TREE": "elsewhere",
    "GIT_INDEX_FILE": "elsewhere/index",
    "GIT_OBJECT_DIRECTORY": "elsewhere",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "elsewhere",
    "GIT_COMMON_DIR": "elsewhere",
    "GIT_NAMESPACE": "other",
    "GIT_SHALLOW_FILE": "elsewhere",
    "GIT_GRAFT_FILE": "elsewhere",
    "GIT_REPLACE_REF_BASE": "refs/other/",
    "GIT_CEILING_DIRECTORIES": "/",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_DIFF_OPTS": "--unified=7",
    "GIT_ATTR_SOURCE": "nowhere",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_TRACE": "1",
    "GIT_TRACE_SETUP": "2",
    "GIT_PAGER": "false",
    "GIT_ADVICE": "0",
    "GIT_CONFIG": "elsewhere",
    "GIT_CONFIG_PARAMETERS": "'diff.orderFile=nowhere'",
    "GIT_AUTHOR_DATE": "never",
    "GIT_COMMITTER_DATE": "never",
    "GIT_PREFIX": "src/",
    "GIT_OPTIONAL_LOCKS": "1",
    "GIT_MERGE_VERBOSITY": "5",
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
}
SETTINGS = {
    "diff.orderFile": "nowhere",
    "diff.renames": "copies",
    "diff.relative": "true",
    "diff.ignoreSubmodules": "all",
    "diff.external": "false",
    "diff.noprefix": "true",
    "trailer.separators": "=",
    "core.commentChar": "R",
    "core.commentString": "Rollout",
    "core.quotePath": "true",
    "core.fsmonitor": "false-program",
    "core.abbrev": "4",
    "core.pager": "false",
    "log.follow": "true",
    "log.showSignature": "true",
    "log.showRoot": "false",
    "log.date": "relative",
    "log.decorate": "full",
    "log.abbrevCommit": "true",
    "log.diffMerges": "combined",
    "log.mailmap": "true",
    "format.pretty": "%B",
    "i18n.logOutputEncoding": "ISO-8859-1",
    "i18n.commitEncoding": "ISO-8859-1",
    "merge.renames": "false",
    "merge.directoryRenames": "true",
    "merge.conflictStyle": "diff3",
    "merge.renormalize": "true",
    "status.showUntrackedFiles": "no",
    "status.relativePaths": "true",
    "status.branch": "true",
    "status.short": "true",
    "submodule.recurse": "true",
    "color.ui": "always",
    "column.ui": "always",
    "column.tag": "always",
    "tag.sort": "-refname",
    "pager.log": "true",
    "push.default": "nothing",
    "commit.gpgSign": "true",
    "user.useConfigOnly": "true",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is only copied."""
    return made_once(tmp_path_factory, "environment", lambda folder: make(folder / "repo")) / "repo"


def make(folder: Path) -> None:
    repo = Repository(folder, {"state/tau/a.yaml": "one\n", "state/tau/[b].yaml": "é\n"})
    repo.commit({"src/x": "1\n"}, "Große Änderung\n\nRollout-Train: tau\nRollout-Event: start")
    repo.git("checkout", "--quiet", "-b", "other")
    repo.commit({"state/tau/c.yaml": "three\n"})
    repo.git("checkout", "--quiet", "main")
    repo.git("mv", "src/x", "src/y")
    repo.commit({"state/tau/a.yaml": "two\n", "src/z": "2\n"})
    for tag in ("v1.0.0", "v2.0.0", "v10.0.0"):
        repo.git("tag", tag)


@pytest.fixture
def repo(made: Path, tmp_path: Path) -> Repository:
    shutil.copytree(made, tmp_path / "repo")
    return Existing(tmp_path / "repo")


@pytest.fixture(scope="module")
def usual(made: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What the tool gets to know of the repository where nobody has set anything."""
    folder = tmp_path_factory.mktemp("usual") / "repo"
    shutil.copytree(made, folder)
    return list(everything(Existing(folder)))


def everything(repo: Repository) -> Iterator[object]:
    """What the tool asks git for, and an act of each sort, on objects alone."""
    git = Git(repo.path)
    head, other = git.tip("main"), git.tip("other")
    assert head is not None
    assert other is not None
    yield head, other, git.default_branch(), git.current_branch(), git.tags()
    yield [astuple_of(entry) for entry in git.log(head, ["state/tau/"])]
    yield [astuple_of(entry) for entry in git.log(head, ["state/tau/[b].yaml"])]
    yield git.changed_paths(None, head), git.changed_paths(other, head)
    yield git.merge(head, other)
    made = git.write_commit({"state/tau/new.yaml": b"new\n"}, parent=head, message="Ä\n\nA: b\n", at=NOON)
    yield made, git.changed_paths(None, made), git.is_ancestor(head, made), git.merge_base(other, head)
    git.close()


def astuple_of(entry: object) -> object:
    return astuple(entry) if hasattr(entry, "__dataclass_fields__") else tuple(entry)  # type: ignore[arg-type,call-overload]


@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_changes_it(
    repo: Repository, usual: list[object], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, VARIABLES[name])
    assert list(everything(repo)) == usual


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_changes_it(repo: Repository, usual: list[object], name: str) -> None:
    repo.git("config", name, SETTINGS[name])
    assert list(everything(repo)) == usual


def test_a_commit_can_be_made_and_checked_out_under_all_variables_at_once(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    git = Git(repo.path)
    head = git.tip("main")
    assert head is not None
    new = branch_move.commit(
        git, "main", {"state/tau/a.yaml": b"three\n"}, parent=head, message="m\n", at=NOON
    )
    git.close()
    for name in VARIABLES:
        monkeypatch.delenv(name)
    assert (repo.head("main"), repo.status()) == (new, [])


def test_what_is_passed_on_is_a_closed_list() -> None:
    given = {"PATH": "p", "HOME": "h", "GIT_SSH_COMMAND": "s", "https_proxy": "x", "GITHUB_TOKEN": "t"}
    told = usual_environment({**given, **VARIABLES, "SOMETHING": "1", "GIT_OF_TOMORROW": "1"})
    always = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    always["GIT_GRAFT_FILE"] = "/dev/null/grafts"
    assert told == {"PATH": "p", "HOME": "h", "GIT_SSH_COMMAND": "s", "https_proxy": "x", **always}


SETTING = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.B c.d", "GIT_CONFIG_VALUE_0": ""}


@pytest.mark.parametrize(
    "broken",
    [
        {"GIT_CONFIG_COUNT": "bad"},
        {"GIT_CONFIG_COUNT": "99999999999"},
        {"GIT_CONFIG_COUNT": "2"},
        {"GIT_CONFIG_KEY_0": "a"},
        {"GIT_CONFIG_KEY_0": "a.1b"},
        {"GIT_CONFIG_KEY_0": ""},
        {"GIT_CONFIG_NOSYSTEM": "maybe"},
        {"GIT_DISCOVERY_ACROSS_FILESYSTEM": "maybe"},
    ],
    ids=lambda broken: "=".join(*broken.items()),
)
def test_a_variable_that_git_would_end_at_is_not_passed_on(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str]
) -> None:
    usual = list(everything(repo))
    for name, value in {**SETTING, **broken}.items():
        monkeypatch.setenv(name, value)
    assert list(everything(repo)) == usual
    assert not broken.keys() & usual_environment().keys()


def test_settings_of_the_environment_are_passed_on_whole() -> None:
    told = usual_environment({**SETTING, "GIT_CONFIG_KEY_1": "a.b", "GIT_CONFIG_NOSYSTEM": "1"})
    assert told == {**usual_environment({}), **SETTING, "GIT_CONFIG_NOSYSTEM": "1"}


def test_an_object_that_somebody_replaced_is_read_as_it_was_committed(repo: Repository) -> None:
    """`git replace` is a view of one clone: history that is verified is what was pushed."""
    head, other = repo.head(), repo.head("other")
    usual = list(everything(repo))
    repo.git("replace", f"{head}~1", other)
    assert list(everything(repo)) == usual
    repo.git("config", "core.useReplaceRefs", "true")
    assert list(everything(repo)) == usual


def test_a_history_that_somebody_grafted_is_read_as_it_was_committed(repo: Repository) -> None:
    head, other = repo.head(), repo.head("other")
    usual = list(everything(repo))
    grafts = repo.path / ".git" / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    for line in (f"{head} {other}\n", f"{head}\n"):
        grafts.write_text(line)
        assert list(everything(repo)) == usual


def test_a_worktree_that_the_settings_put_elsewhere_is_told_with_the_way_to_bring_it_along(
    repo: Repository, tmp_path: Path
) -> None:
    elsewhere, notes, head = tmp_path / "elsewhere", list[str](), repo.head()
    elsewhere.mkdir()
    repo.git("config", "core.worktree", str(elsewhere))
    git = Git(repo.path)
    git.note = notes.append
    new = branch_move.commit(
        git, "main", {"state/tau/a.yaml": b"three\n"}, parent=head, message="m\n", at=NOON
    )
    git.close()
    (note,) = notes
    assert note.startswith("core.worktree leads elsewhere: index and worktree stay behind main")
    repo.git(*note.partition("bring them along: git ")[2].split(" "))
    assert (elsewhere / "state/tau/a.yaml").read_text() == "three\n"
    assert repo.git("diff", "--cached", "--name-only", new) == ""
