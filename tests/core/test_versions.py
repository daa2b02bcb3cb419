"""Versions: what is one, and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core import versions

# The example of precedence in SemVer 2.0, section 11, lowest first.
PUBLISHED_ORDER = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
]
NO_VERSIONS = [
    "",
    "v",
    "vv1.0.0",
    "V1.0.0",
    "1",
    "1.2",
    "1.2.3.4",
    "01.2.3",
    "1.2.3-",
    "1.2.3-01",
    "1.2.3+",
    " 1.2.3",
]
NO_VERSIONS += ["1.2.3\n", "release-1.2.3", "1.2.3-ä", "1.2.\N{ARABIC-INDIC DIGIT THREE}", "latest"]

numbers = st.integers(min_value=0, max_value=10**6)
cores = st.tuples(numbers, numbers, numbers).map(lambda parts: ".".join(map(str, parts)))
words = st.from_regex(r"[0-9]*[a-zA-Z-][0-9a-zA-Z-]{0,5}|0|[1-9][0-9]{0,5}", fullmatch=True)
dotted_words = st.lists(words, min_size=1, max_size=3).map(".".join)
prefixes = st.sampled_from(["", "v"])
tails = st.one_of(st.just(""), dotted_words.map("-{}".format))
builds = st.one_of(st.just(""), dotted_words.map("+{}".format))
version_texts = st.builds("{}{}{}{}".format, prefixes, cores, tails, builds)


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_is_no_version(text: str) -> None:
    assert not versions.is_valid(text)
    with pytest.raises(ValueError, match="not a version") as refused:
        versions.parse(text)
    assert "\n" not in str(refused.value)


def test_a_refusal_shows_little_of_a_long_text() -> None:
    with pytest.raises(ValueError, match="not a version") as refused:
        versions.parse("9" * 100_000)
    assert len(str(refused.value)) < 200


@given(version_texts)
def test_reads_every_version_with_and_without_v(text: str) -> None:
    assert versions.is_valid(text)
    assert str(versions.parse(text)) == text.removeprefix("v")


@given(st.permutations(PUBLISHED_ORDER), st.permutations(["", "x", "nightly", "v1.0"]))
def test_order_is_semvers_own(shuffled: list[str], noise: list[str]) -> None:
    assert sorted(shuffled, key=versions.parse) == PUBLISHED_ORDER
    assert versions.newest([*noise, *shuffled]) == "1.0.0"


def precedence(text: str) -> tuple[object, ...]:
    """SemVer 2.0, section 11, word for word: a key that sorts as versions do."""
    core, _, early = text.removeprefix("v").partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in early.split(".") if early]
    return (*numbers, not early, parts)


@given(version_texts, version_texts, version_texts)
def test_precedence_is_a_total_order_and_semvers(one: str, two: str, three: str) -> None:
    first, second, third = (versions.parse(text) for text in (one, two, three))
    assert (first < second) + (second < first) + (first == second) == 1
    assert not (first <= second <= third) or first <= third
    assert (first < second) == (precedence(one) < precedence(two))
    assert (first == second) == (precedence(one) == precedence(two))


@given(st.lists(st.one_of(version_texts, st.text(max_size=8))))
def test_newest_is_a_given_tag_that_none_precedes(tags: list[str]) -> None:
    newest = versions.newest(tags)
    parsed = [versions.parse(tag) for tag in tags if versions.is_valid(tag)]
    if newest is None:
        assert parsed == []
    else:
        assert newest in tags
        assert versions.parse(newest) >= max(parsed)
        assert versions.newest(reversed(tags)) == newest


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        ([], None),
        (["docs", "nightly"], None),
        (["v0.9.0", "v0.10.0", "v0.2.0"], "v0.10.0"),
        (["v1.0.0-rc.1", "v0.9.9"], "v1.0.0-rc.1"),
        (["v1.0.0", "1.0.0"], "1.0.0"),
    ],
)
def test_newest(tags: list[str], newest: str | None) -> None:
    assert versions.newest(iter(tags)) == newest
