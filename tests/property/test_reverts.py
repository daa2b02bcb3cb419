"""The revert of a release is exact, whatever the history: real git over generated histories.

Where the product's files at the tip are the release's, or later commits touched other files, the release's
files are as in its base afterwards, and nothing else has changed.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rollout.adapters.git import Git
from rollout.adapters.local.forge import LocalForge
from rollout.adapters.local.reverter import LocalReverter
from rollout.core.state import CommitMessage, Release
from rollout.ports import RevertOutcome
from tests.adapters.scratch import NOON, Existing
from tests.examples import examples
from tests.property.histories import (
    STATE,
    Commit,
    Tree,
    append,
    edited,
    held_by,
    histories,
    later_work,
    product,
    put,
    read,
    write,
)

MESSAGE = CommitMessage("Revert v1", "Incident 7", (("Rollout-Train", "tau"),))
SEVERAL = settings(max_examples=examples(40), phases=[Phase.explicit, Phase.reuse, Phase.generate])


def differing(one: Tree, other: Tree) -> frozenset[str]:
    return frozenset(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


@given(st.data())
@SEVERAL
def test_a_revert_gives_the_tree_of_the_base(data: st.DataObject) -> None:
    commits = data.draw(histories())
    last = len(commits) - 1
    base = data.draw(st.sampled_from(sorted(held_by(commits, last) - {last})))
    changed = differing(product(commits[base].tree), product(commits[last].tree))
    for _ in range(data.draw(st.integers(0, 2))):
        work = later_work(commits[-1].tree, changed | product(commits[base].tree).keys())
        commits.append(Commit(data.draw(work), (len(commits) - 1,)))
    before, wanted = commits[-1].tree, commits[-1].tree
    for path in changed:
        wanted = {other: entry for other, entry in wanted.items() if other != path}
    wanted |= {path: commits[base].tree[path] for path in changed if path in commits[base].tree}
    with TemporaryDirectory() as folder:
        repo = Existing(Path(folder))
        ids = write(repo.path, commits)
        git = Git(repo.path)
        reverter = LocalReverter(git, LocalForge(git, "main"), lambda: "main")
        release = Release(version="v1", commit=ids[last], base=ids[base], started_at=NOON)
        preview = reverter.preview(release)
        assert preview.outcome is (RevertOutcome.CLEAN if changed else RevertOutcome.NOTHING)
        assert reverter.is_free_of(ids[-1], release) is not bool(changed)
        if changed:
            range_ = held_by(commits, last) - held_by(commits, base)
            assert set(preview.commits) == {ids[each] for each in range_ if commits[each].message != "Decide"}
        new = reverter.push(release, MESSAGE, at=NOON)
        assert read(repo.path, new) == wanted
        assert wanted[STATE] == before[STATE]
        assert repo.status() == []
        assert reverter.preview(release).outcome is RevertOutcome.NOTHING
        assert reverter.is_free_of(new, release)
        git.close()


@given(st.data())
@SEVERAL
def test_later_work_brings_nothing_back_but_reverting_the_revert_does(data: st.DataObject) -> None:
    commits = data.draw(histories())
    last = len(commits) - 1
    base = data.draw(st.sampled_from(sorted(held_by(commits, last) - {last})))
    if not differing(product(commits[base].tree), product(commits[last].tree)):
        return
    with TemporaryDirectory() as folder:
        repo = Existing(Path(folder))
        ids = write(repo.path, commits)
        git = Git(repo.path)
        reverter = LocalReverter(git, LocalForge(git, "main"), lambda: "main")
        release = Release(version="v1", commit=ids[last], base=ids[base], started_at=NOON)
        new = reverter.push(release, MESSAGE, at=NOON)
        reverted = put(commits[base].tree, STATE, commits[last].tree[STATE])
        fixed = data.draw(edited(data.draw(st.sampled_from([reverted, commits[last].tree]))))
        fix = append(repo.path, put(fixed, STATE, reverted[STATE]), new, "Fix")
        assert reverter.preview(release).outcome is RevertOutcome.NOTHING
        assert reverter.is_free_of(fix, release)
        said = f'Revert "Revert v1"\n\nThis reverts commit {new}.'
        back = append(repo.path, commits[last].tree, fix, said)
        preview = reverter.preview(release)
        assert (preview.outcome, preview.taken_back) == (RevertOutcome.CLEAN, back)
        assert not reverter.is_free_of(back, release)
        git.close()
