import pytest

from rollout.core.captured import Captured, CaptureState, in_words, path_matches
from tests.fakes.clock import NOON


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("a/b.log", "a/b.log", True),
        ("a/b.log", "./a//b.log", True),
        ("a/b.log", "a/*", True),
        ("a/b.log", "*", False),
        ("a/b.log", "a", False),
        ("a/b/c.log", "a/**", True),
        ("a/b/c.log", "a/**/c.log", True),
        ("a/c.log", "a/**/c.log", True),
        ("a/b/c.log", "**/b/*", True),
        ("a/b/c.log", "a/**/d/*", False),
        ("A.log", "a.log", False),
    ],
)
def test_globs(path: str, pattern: str, matches: bool) -> None:
    assert path_matches(path, pattern) is matches


def test_counts_in_words() -> None:
    def entries(*states: CaptureState) -> list[Captured]:
        return [Captured(path="x", state=state, at=NOON) for state in states]

    assert in_words([], copied=True) == "nothing"
    assert in_words(entries(CaptureState.MISSING), copied=True) == "1 missing"
    every = entries(*CaptureState, CaptureState.TAKEN)
    assert in_words(every, copied=True) == "2 captured, 1 missing, 1 refused"
    assert in_words(every, copied=False) == "2 read and not copied, 1 missing, 1 refused"
