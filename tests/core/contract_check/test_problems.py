"""How pydantic's findings read as lines."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints, ValidationError, model_validator

from rollout.core.contract import Contract
from rollout.core.contract_check.mistakes import describe, dotted
from rollout.core.values import Duration, Identifier, Instant, Model, Name, RelativePath, Sha, Version


class Cat(Model):
    kind: Literal["cat"]
    lives: int = Field(default=9, le=9)


class Dog(Model):
    kind: Literal["dog"]
    tricks: tuple[str, ...] = Field(min_length=1, max_length=2)


class Runs(Model):
    runs: int


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Home(Model):
    name: Name
    size: float | None = None
    warm: bool = True
    is_: Literal["open", "closed"] = Field(default="open", alias="is")
    pets: tuple[Pet, ...] = ()
    rooms: dict[Name, Duration] = {}
    stay: Duration | Runs = 60
    sizes: dict[str, float] = {}
    head: Sha | None = None
    counter: Identifier | None = None
    owner: Annotated[str, StringConstraints(min_length=1, max_length=10)] = "x"
    door: Annotated[str, StringConstraints(pattern="^[ab]$")] = "a"
    version: Version = "1"
    path: RelativePath = "."
    since: Instant | None = None

    @model_validator(mode="after")
    def _no_castle(self) -> "Home":
        if self.name == "castle":
            raise ValueError("name: too big")
        if self.name == "tent":
            raise ValueError("warning: it rains in")
        return self


def lines(data: object) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Home.model_validate(data)
    return describe(refused.value, Home)


CASES = {
    "unknown key": ({"nam": 1}, "nam: unknown key; did you mean name?"),
    "unknown key by its alias": ({"iss": 1}, "iss: unknown key; did you mean is?"),
    "unknown key, nothing near": (
        {"pets": [{"kind": "cat", "xyz": 1}]},
        "pets.0.xyz: unknown key; known here: kind, lives",
    ),
    "alias in the place": ({"is": "ajar"}, "is: must be 'open' or 'closed', not 'ajar'"),
    "number": ({"size": "big"}, "size: must be a number, not 'big'"),
    "finite": ({"size": float("inf")}, "size: must be a finite number, not inf"),
    "yes or no": ({"warm": "perhaps"}, "warm: must be true or false, not 'perhaps'"),
    "whole number": (
        {"pets": [{"kind": "cat", "lives": 1.5}]},
        "pets.0.lives: must be a whole number, not 1.5",
    ),
    "at most": ({"pets": [{"kind": "cat", "lives": 10}]}, "pets.0.lives: must be at most 9, not 10"),
    "missing": ({"pets": [{"kind": "dog"}]}, "pets.0.tricks: is missing"),
    "too few": ({"pets": [{"kind": "dog", "tricks": []}]}, "pets.0.tricks: must have at least 1, has 0"),
    "too many": (
        {"pets": [{"kind": "dog", "tricks": ["a", "b", "c"]}]},
        "pets.0.tricks: must have at most 2, has 3",
    ),
    "a bad entry is not also too few": (
        {"pets": [{"kind": "dog", "tricks": [1]}]},
        "pets.0.tricks.0: must be text, not 1",
    ),
    "no kind": ({"pets": [{}]}, "pets.0.kind: is missing; it is one of cat, dog"),
    "unknown kind": ({"pets": [{"kind": "dogg"}]}, "pets.0.kind: unknown kind 'dogg'; did you mean dog?"),
    "not a mapping": ({"pets": ["cat"]}, "pets.0: must be a mapping of keys to values, not 'cat'"),
    "not a mapping of names": ({"rooms": ["hall"]}, "rooms: must be a mapping of keys to values, not a list"),
    "not a list": ({"pets": {"kind": "cat"}}, "pets: must be a list, not a mapping"),
    "nothing there": ({"pets": None}, "pets: must be a list, not nothing"),
    "bad key": (
        {"rooms": {"Hall": "1h"}},
        "rooms.Hall: as a key 'Hall' is not a name: use lower-case letters, digits, dots, dashes and"
        " underscores, at most 63",
    ),
    "a key that would garble the line": (
        {"sizes": {"a\nb": []}},
        r"sizes.'a\nb': must be a number, not a list",
    ),
    "one of two types, and it is text": ({"stay": 5}, "stay: not a duration (write 30m, 24h or 1h30m): 5"),
    "one of two types, and it is a mapping": (
        {"stay": {"runs": "x"}},
        "stay.runs: must be a whole number, not 'x'",
    ),
    "commit": ({"head": "abc"}, "head: 'abc' is not a whole commit id of 40 (or 64) hexadecimal digits"),
    "identifier": (
        {"counter": "a b"},
        "counter: 'a b' is not an identifier: use letters, digits, dots, dashes and underscores",
    ),
    "pattern of its own": ({"door": "c"}, "door: 'c' does not match ^[ab]$"),
    "too short": ({"owner": ""}, "owner: must have at least 1 characters, not ''"),
    "too long": ({"owner": "abcdefghijk"}, "owner: must have at most 10 characters, not 'abcdefghijk'"),
    "unquoted version": ({"version": 1.5}, "version: is a number to YAML; put it in quotes: '1.5'"),
    "path": ({"path": "../x"}, "path: a path must be relative and stay inside its folder: '../x'"),
    "whole model, naming its field": ({"name": "castle"}, "name: too big"),
    "whole model, naming no field": ({"name": "tent"}, "warning: it rains in"),
}


@pytest.mark.parametrize(("data", "line"), CASES.values(), ids=CASES.keys())
def test_reads_as(data: dict[str, object], line: str) -> None:
    assert lines({"name": "home", **data}) == [line]


def test_what_has_no_sentence_of_ours_keeps_pydantics() -> None:
    (line,) = lines({"name": "home", "since": "2026-11-23T10:00:00"})
    assert line == "since: Input should have timezone info: '2026-11-23T10:00:00'"


def test_a_mistake_of_the_whole_document_has_no_field() -> None:
    assert lines([]) == ["must be a mapping of keys to values, not a list"]


def test_all_mistakes_come_at_once_in_the_models_order() -> None:
    found = lines({"nmae": "x", "warm": 7, "size": "big", "pets": [{"kind": "cow"}]})
    assert [line.split(":")[0] for line in found] == ["name", "size", "warm", "pets.0.kind", "nmae"]


@pytest.mark.parametrize("field", ["owner", "door", "path", "size", "stay", "since", "head", "is"])
def test_shows_little_and_nothing_alive_of_what_stands_there(field: str) -> None:
    (line,) = lines({"name": "home", field: "../\x1b[31m\r\n@all" + "x" * 100_000})
    assert len(line) < 450
    assert line.isprintable()


def test_dotted_quotes_what_would_garble_the_line() -> None:
    assert dotted(("a", 0, "b-c", "", "d\x1b")) == r"a.0.b-c.''.'d\x1b'"


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just([{}]),
    st.just({"kind": "flat"}),
)
keys = st.sampled_from([*Contract.model_fields, "schema", "kind", "voice", "a\nb"])
mappings = st.dictionaries(keys, anything, max_size=4)


@given(st.dictionaries(keys, anything | mappings | st.lists(mappings, max_size=2), max_size=5))
def test_any_document_gets_printable_lines(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Contract.model_validate(data)
    found = describe(refused.value, Contract)
    assert found
    assert all(line.isprintable() and len(line) < 1000 for line in found)
