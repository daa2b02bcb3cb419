"""Generated histories of a product, written into a real repository by one `git fast-import`.

A tree is a mapping from path to mode and content. What a merge, a cherry-pick or a revert makes of the trees
is up to the strategy: git takes any tree, and so must the tool.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
STATE = "state/tau/rollout.yaml"
Tree = dict[str, tuple[str, str]]

_PATHS = (
    "app.txt",
    "lib",
    "lib/one.txt",
    "lib/two.txt",
    "src/one.txt",
    "src/two.txt",
    "docs",
    "docs/a/b.txt",
)
_LATER_PATHS = ("later.txt", "src/later.txt", "lib/later.txt", "docs/later.txt", "other/later")
_WORDS = ("fast", "slow", "new", "old")
_SUBMODULES = ("1" * 40, "2" * 40)


def text(*changes: tuple[int, str]) -> str:
    """Twelve lines, some of them changed: alike enough to be taken for a renamed file."""
    lines = [f"line {number}" for number in range(12)]
    for at, word in changes:
        lines[at] = word
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Commit:
    tree: Tree
    parents: tuple[int, ...]
    """Indexes; the first is the line that it was made on."""
    message: str = "Work"


def put(tree: Tree, path: str, entry: tuple[str, str]) -> Tree:
    """The tree with that file, whatever has to make way for it."""
    kept = {
        other: found
        for other, found in tree.items()
        if not other.startswith(f"{path}/") and not path.startswith(f"{other}/")
    }
    return {**kept, path: entry}


def without(tree: Tree, path: str) -> Tree:
    return {other: found for other, found in tree.items() if other != path}


def change(tree: Tree, before: Tree, after: Tree) -> Tree:
    """What turned `before` into `after`, done to the tree: a cherry-pick, or with both swapped a revert."""
    for path in before.keys() - after.keys():
        tree = without(tree, path)
    for path, entry in after.items():
        if before.get(path) != entry:
            tree = put(tree, path, entry)
    return tree


def product(tree: Tree) -> Tree:
    return without(tree, STATE)


# --- strategies -------------------------------------------------------------------------------------------

_CONTENTS = st.one_of(
    st.tuples(
        st.sampled_from([FILE, PROGRAM]),
        st.lists(st.tuples(st.integers(0, 11), st.sampled_from(_WORDS)), max_size=3).map(
            lambda changes: text(*changes)
        ),
    ),
    st.tuples(st.just(LINK), st.sampled_from(["app.txt", "lib/one.txt"])),
    st.tuples(st.just(SUBMODULE), st.sampled_from(_SUBMODULES)),
)


@st.composite
def edited(draw: st.DrawFn, tree: Tree, paths: Sequence[str] = _PATHS) -> Tree:
    """The tree after a few changes: written, deleted, renamed, made a program."""
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths))
        match draw(st.sampled_from(["write", "delete", "rename", "mode"])):
            case "write":
                tree = put(tree, path, draw(_CONTENTS))
            case "delete":
                tree = without(tree, path)
            case "rename":
                moved = tree.get(path)
                if moved is not None:
                    tree = put(without(tree, path), draw(st.sampled_from(paths)), moved)
            case _:
                mode, content = tree.get(path, ("", ""))
                if mode in (FILE, PROGRAM):
                    tree = {**tree, path: (PROGRAM if mode == FILE else FILE, content)}
    return tree


@st.composite
def histories(draw: st.DrawFn) -> list[Commit]:
    """Commits, parents first; the last one is the release, on top of whatever it grew from."""
    first: Tree = {
        "app.txt": (FILE, text()),
        "lib/one.txt": (FILE, text((1, "one"))),
        "docs/a/b.txt": (FILE, "docs\n"),
        STATE: (FILE, "phase: 0\n"),
    }
    commits, tip = [Commit(first, ())], 0
    for number in range(draw(st.integers(2, 8))):
        on = draw(st.one_of(st.just(tip), st.integers(0, len(commits) - 1)))
        commits.append(draw(_next(commits, on, number)))
        # A branch that is left goes on being merged from later.
        tip = len(commits) - 1 if on == tip or draw(st.booleans()) else tip
    if tip != len(commits) - 1:
        commits.append(draw(_next(commits, tip, 99)))
    return commits


@st.composite
def _next(draw: st.DrawFn, commits: list[Commit], on: int, number: int) -> Commit:
    tree, other = commits[on].tree, draw(st.integers(0, len(commits) - 1))
    before = commits[commits[other].parents[0]].tree if commits[other].parents else {}
    match draw(st.sampled_from(["edit", "edit", "merge", "octopus", "pick", "revert", "decide"])):
        case "merge" | "octopus" as how:
            others = [other, draw(st.integers(0, len(commits) - 1))][: 2 if how == "octopus" else 1]
            for each in others:
                tree = change(tree, commits[0].tree, commits[each].tree)
            parents = dict.fromkeys((on, *others))
            return Commit(put(tree, STATE, commits[on].tree[STATE]), tuple(parents), "Merge")
        case "pick":
            return Commit(put(change(tree, before, commits[other].tree), STATE, tree[STATE]), (on,), "Pick")
        case "revert":
            return Commit(put(change(tree, commits[other].tree, before), STATE, tree[STATE]), (on,), "Undo")
        case "decide":
            return Commit(put(tree, STATE, (FILE, f"phase: {number + 1}\n")), (on,), "Decide")
        case _:
            return Commit(draw(edited(tree)), (on,))


@st.composite
def later_work(draw: st.DrawFn, tip: Tree, taken: frozenset[str]) -> Tree:
    """Work and decisions after the release that touch none of its files."""
    free = [path for path in _LATER_PATHS if not any(_clash(path, other) for other in taken)]
    tree = draw(edited(tip, free)) if draw(st.booleans()) else tip
    tree = {path: entry for path, entry in tree.items() if path not in _LATER_PATHS or path in free}
    return put(tree, STATE, (FILE, "phase: later\n"))


def _clash(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


# --- git --------------------------------------------------------------------------------------------------


def write(folder: Path, commits: Sequence[Commit]) -> list[str]:
    """A repository with main, checked out, at the last of the commits; the ids of all."""
    subprocess.run(["git", "init", "-q", "--initial-branch=main", str(folder)], check=True)
    parents = ["".join(f" :{parent + 1}" for parent in commit.parents).split() for commit in commits]
    ids = _import(folder, commits, parents)
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "--force", "main"], check=True)
    return ids


def append(folder: Path, tree: Tree, parent: str, message: str) -> str:
    """One commit more on main, which the worktree does not follow."""
    return _import(folder, [Commit(tree, (), message)], [[parent]])[0]


def _import(folder: Path, commits: Sequence[Commit], parents: Sequence[Sequence[str]]) -> list[str]:
    stream = "".join(_commands(commits, parents))
    marks = folder / ".git" / "marks"
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
        input=stream.encode(),
        check=True,
    )
    rows = dict(line.split() for line in marks.read_text().splitlines())
    return [rows[f":{number}"] for number in range(1, len(commits) + 1)]


def _commands(commits: Sequence[Commit], parents: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, (commit, grown_from) in enumerate(zip(commits, parents, strict=True), start=1):
        who = f"Tester <tester@example.com> {1_700_000_000 + number} +0000"
        yield f"commit refs/heads/main\nmark :{number}\ncommitter {who}\n{_data(commit.message)}"
        for index, parent in enumerate(grown_from):
            yield f"{'merge' if index else 'from'} {parent}\n"
        yield "deleteall\n"
        for path, (mode, content) in commit.tree.items():
            if mode == SUBMODULE:
                yield f"M {mode} {content} {path}\n"
            else:
                yield f"M {mode} inline {path}\n{_data(content)}"
        yield "\n"


def _data(content: str) -> str:
    return f"data {len(content.encode())}\n{content}\n"


def read(folder: Path, commit: str) -> Tree:
    """The tree of a commit."""
    git = ["git", "-C", str(folder)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "-z", commit], check=True, capture_output=True, text=True
    ).stdout
    rows = [row.split(None, 3) for row in listed.split("\0") if row]
    blobs = [found for _, kind, found, _ in rows if kind == "blob"]
    asked = "\n".join(blobs) + "\n"
    out = subprocess.run(
        [*git, "cat-file", "--batch"], input=asked.encode(), check=True, capture_output=True
    ).stdout
    contents = {}
    for found in blobs:
        header, _, out = out.partition(b"\n")
        size = int(header.split()[2])
        contents[found], out = out[:size].decode(), out[size + 1 :]
    return {path: (mode, contents.get(found, found)) for mode, _, found, path in rows}


def held_by(commits: Sequence[Commit], index: int) -> set[int]:
    """The commit and all that it grew from."""
    found: set[int] = set()
    todo = [index]
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += commits[each].parents
    return found
