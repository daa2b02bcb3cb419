"""One number of a flag file, found and replaced, in files of flagd and GO Feature Flag, and others."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.contract import FlagFile
from rollout.errors import InputError
from rollout.files.flag_text import number_in, path_in, with_number

FLAGD = """{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "checkout": {
      "state": "ENABLED",   "variants": {"on": true, "off": false},
      "defaultVariant": "off",
      "targeting": {"fractional": [["on", 5], ["off", 95]]}
    }
  }
}"""
GO_FEATURE_FLAG = """# Who gets the new checkout.
checkout:
  variations: {"on": true, off: false}
  defaultRule:
    percentage:
      "on":  5     # written by rollout
      off: 95
"""
SETTINGS = '{"a/b": {"m~n": [0, {"share": 2.50}]}, "last": 1e2}\n'


def flag(pointer: str, path: str = "flags.json", **more: Any) -> FlagFile:
    return FlagFile.model_validate({"path": path, "format": "json_pointer", "pointer": pointer, **more})


@pytest.mark.parametrize(
    ("text", "named", "percent", "before", "after"),
    [
        (FLAGD, flag("/flags/checkout/targeting/fractional/0/1"), 25, '["on", 5]', '["on", 25]'),
        (FLAGD, flag("/flags/checkout/targeting/fractional/1/1"), 0.1, '["off", 95]', '["off", 0.1]'),
        (GO_FEATURE_FLAG, flag("/checkout/defaultRule/percentage/on", "f.yaml"), 12.5, ":  5 ", ":  12.5 "),
        (GO_FEATURE_FLAG, flag("/checkout/defaultRule/percentage/off", "f.yml"), 0, "off: 95", "off: 0"),
        (SETTINGS, flag("/a~1b/m~0n/1/share"), 100, "2.50", "100"),
        (SETTINGS, flag("/a~1b/m~0n/0"), 7, "[0,", "[7,"),
        (SETTINGS, flag("/last"), 50, "1e2", "50"),
        ("\ufeff" + SETTINGS, flag("/last"), 50, "1e2", "50"),
        ("é: {🚀: 1}\r\nn: 3\r\n", flag("/n", "f.yaml"), 4, "n: 3", "n: 4"),
        ("\ufeffé: {🚀: 1}\nn: 3", flag("/é/🚀", "f.YAML"), 4, "🚀: 1", "🚀: 4"),
        ("- 1\n- [2, {x: 3}]\n", flag("/1/1/x", "f.yaml"), 9, "x: 3", "x: 9"),
        ('{"a": {"x": 1}, "b": {"x": 1}}', flag("/b/x"), 2, '"b": {"x": 1}', '"b": {"x": 2}'),
        ('{\n\t"a": 1\n}', flag("/a"), 2, '"a": 1', '"a": 2'),
        ('{"a\\u0062": 1}', flag("/ab"), 2, '": 1', '": 2'),
    ],
)
def test_changes_that_number_and_no_other_byte(
    text: str, named: FlagFile, percent: float, before: str, after: str
) -> None:
    assert text.count(before) == 1
    changed = with_number(text.encode(), named, percent)
    assert changed == text.replace(before, after).encode()
    assert number_in(changed, named).value == percent


@pytest.mark.parametrize("written", ["5", "5.0", "50e-1", "0.5e1"])
def test_a_number_that_is_right_already_keeps_its_spelling(written: str) -> None:
    text = f'{{"percent": {written}}}'.encode()
    assert with_number(text, flag("/percent"), 5) == text


DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "named", "why"),
    [
        ("{}", flag("/a"), "names nothing in the file"),
        ('{"a": 1}', flag("/a/b"), "names nothing in the file"),
        ("[1]", flag("/01"), "names nothing in the file"),
        ("", flag("/a", "f.yaml"), "names nothing in the file"),
        ("a: 1", flag("/a/b", "f.yaml"), "names nothing in the file"),
        ('{"a": "5"}', flag("/a"), "is no number but '\"5\"'"),
        ('{"a": true}', flag("/a"), "is no number but 'true'"),
        ('{"a": {"b": 1}}', flag("/a"), "is no number but '{\"b\": 1}'"),
        ("a: '5'", flag("/a", "f.yaml"), "is no plain number but '5'"),
        ("a: !!int 5", flag("/a", "f.yaml"), "is no plain number but '5'"),
        ("a: 0x5", flag("/a", "f.yaml"), "is no number but '0x5'"),
        ("a: 1_0", flag("/a", "f.yaml"), "is no number but '1_0'"),
        ("a: .nan", flag("/a", "f.yaml"), "is no number but '.nan'"),
        ("a: {b: 1}", flag("/a", "f.yaml"), "is no number but a mapping"),
        ("a: [1]", flag("/a", "f.yaml"), "is no number but a list"),
        ('{"a": 1, "a": 2}', flag("/a"), "the file is contradictory: the key 'a' is given twice"),
        ("a: 1\na: 2", flag("/a", "f.yaml"), "key 'a' is there twice, and readers differ on which"),
        ("a: {b: 7}\na: {c: x}", flag("/a/b", "f.yaml"), "key 'a' is there twice"),
        ("a: {c: x}\na: {b: 7}", flag("/a/b", "f.yaml"), "key 'a' is there twice"),
        ("a: {b: {c: 1}, b: 2}", flag("/a/b/c", "f.yaml"), "key 'b' is there twice"),
        ("a: [{b: 1, b: 2}]", flag("/a/0/b", "f.yaml"), "key 'b' is there twice"),
        ("a: &x 1\nb: *x", flag("/a", "f.yaml"), "is shared by an anchor or alias (x)"),
        ("a: &x 1\nb: *x", flag("/b", "f.yaml"), "is shared by an anchor or alias (x)"),
        ("a: &x {b: 1}\nc: *x", flag("/a/b", "f.yaml"), "is shared by an anchor or alias (x)"),
        ('{"a": 1', flag("/a"), "the file is not JSON: Expecting ',' delimiter"),
        ('{"a": NaN}', flag("/a"), "the file is not JSON: NaN is not a number"),
        ('{"a": 1} x', flag("/a"), "there is more after the JSON document"),
        ("[" * DEEP + "]" * DEEP, flag("/0"), "the file is not JSON: it is nested too deep"),
        ("[" * 60 + "1" + "]" * 60, flag("/0" * 60, "f.yaml"), "nested deeper than 50"),
        ("a: [1", flag("/b", "f.yaml"), "the file is not YAML: line "),
        ("a: \x01", flag("/a", "f.yaml"), "the file is not YAML: "),
        ("a: 1\n---\nb: 2", flag("/a", "f.yaml"), "the file has a second document"),
        ('{"a": ' + "1" * 200 + "}", flag("/a"), "is no number but '111"),
        ('{"a": ' + "1" * 5000 + "}", flag("/a"), "the file is not JSON: Exceeds the limit"),
        (" " * (1 << 20) + "1", flag("/a"), "the file is larger than 1048576 bytes"),
    ],
)
def test_says_in_one_line_why_nothing_can_be_written(text: str, named: FlagFile, why: str) -> None:
    with pytest.raises(InputError) as refused:
        with_number(text.encode(), named, 5)
    assert refused.value.message.startswith(f"{named.path}: {named.pointer}: ")
    assert why in refused.value.message
    assert "\n" not in refused.value.message
    assert refused.value.hint
    assert refused.value.file == named.path


def test_refuses_what_is_no_text() -> None:
    with pytest.raises(InputError, match=r"flags.json: /a: cannot be looked for: the file is not UTF-8 text"):
        number_in(b'{"a": "\xff"}', flag("/a"))


# --- any document ----------------------------------------------------------------------------------------

PERCENTS = st.integers(0, 100) | st.integers(1, 10**6 - 1).map(lambda steps: steps / 10**4)
KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | KEYS
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
FORMATS = st.fixed_dictionaries(
    {"indent": st.sampled_from([None, 1, 2, "\t"]), "ensure_ascii": st.booleans()}
)


def numbers(data: object, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The ways to every number of a document."""
    if isinstance(data, dict):
        return [way for key, value in data.items() for way in numbers(value, (*above, key))]
    if isinstance(data, list):
        return [way for index, value in enumerate(data) for way in numbers(value, (*above, str(index)))]
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    return [above] if is_number and above else []


def pointer_of(way: tuple[str, ...]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in way)


def replaced(data: Any, way: tuple[str, ...], value: float) -> Any:
    if not way:
        return value
    if isinstance(data, list):
        return [replaced(each, way[1:], value) if str(at) == way[0] else each for at, each in enumerate(data)]
    return {key: replaced(each, way[1:], value) if key == way[0] else each for key, each in data.items()}


def check(text: str, data: Any, way: tuple[str, ...], percent: float, path: str, kind: str) -> Any:
    """Returns what the changed document says, once all but the number is known to be the same bytes."""
    named = FlagFile.model_validate({"path": path, "format": kind, "pointer": pointer_of(way)})
    found = number_in(text.encode(), named)
    changed = with_number(text.encode(), named, percent).decode()
    old = text[found.start : found.end]
    assert changed in (text, text[: found.start] + str(percent) + text[found.end :])
    assert float(old) == found.value
    assert number_in(changed.encode(), named).value == percent
    return changed


@given(DATA, PERCENTS, FORMATS, st.data())
def test_any_json_document_stays_byte_for_byte(
    data: Any, percent: float, layout: dict[str, Any], draw: st.DataObject
) -> None:
    whole = {"flags": data, "last": 1}
    text = json.dumps(whole, **layout)
    way = draw.draw(st.sampled_from(numbers(whole)))
    kind = draw.draw(st.sampled_from(["flagd", "json_pointer"]))
    changed = check(text, whole, way, percent, "flags.json", kind)
    assert json.loads(changed) == replaced(whole, way, percent)


@given(DATA, PERCENTS, st.booleans(), st.booleans(), st.integers(2, 6), st.data())
def test_any_yaml_document_stays_byte_for_byte(
    data: Any, percent: float, flow: bool, escapes: bool, indent: int, draw: st.DataObject
) -> None:
    whole = {"flags": data, "last": 1}
    dumped = yaml.safe_dump(
        whole, default_flow_style=flow, allow_unicode=not escapes, indent=indent, sort_keys=False
    )
    text = f"# written by hand\n{dumped}# the end\n"
    way = draw.draw(st.sampled_from(numbers(whole)))
    kind = draw.draw(st.sampled_from(["gofeatureflag", "json_pointer", "flagd"]))
    changed = check(text, whole, way, percent, "flags.goff.yaml", kind)
    assert yaml.safe_load(changed) == replaced(whole, way, percent)


@pytest.mark.parametrize(
    ("contract", "path"),
    [
        (b"apply: {flag_file: {path: flags.json, format: flagd}}", "flags.json"),
        (b"apply: {command: [set-percent]}", None),
        (b"apply: {command: [flag_file]}", None),
        (b"apply: {flag_file: flags.json}", None),
        (b"apply: [flag_file", None),
        (b"flag_file: 1", None),
    ],
)
def test_finds_the_flag_file_of_a_contract_whatever_else_is_wrong_with_it(
    contract: bytes, path: str | None
) -> None:
    assert path_in(contract) == path
