"""What holds for every adapter: bytes in, a sample out, never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.contract import Adapter, JsonMapping, Surface
from rollout.core.observation import Sample
from rollout.core.surfaces import parse
from tests.core.surfaces.surfaces import READ_AT, SAMPLES, surface

MAPPING = JsonMapping(
    health_state="health_state",
    updated_unix_ms="health.updated_unix_ms",
    fields={"failure_streak": "health.failure_streak", "joined": "join(',', keys(@))", "longest": "max(*)"},
    labels={"gate": "rollout_gate"},
    counters="reason_code_counts",
    timeline="timeline",
)
SURFACES = [
    surface(Adapter.TAU_STATUS),
    surface(Adapter.TAU_TRANSPORT_HEALTH),
    surface(Adapter.TAU_BROWSER_SUMMARY),
    surface(Adapter.JSON, mapping=MAPPING),
]
KNOWN_KEYS = [
    "health_state",
    "health",
    "updated_unix_ms",
    "failure_streak",
    "queue_depth",
    "last_cycle_failed",
    "reason_code_counts",
    "rollout_gate",
    "timeline",
    "artifact_records",
    "replay_step",
    "error_code",
    "case_id",
    "status",
    "error",
    "id",
]
every_surface = pytest.mark.parametrize("which", SURFACES, ids=lambda which: which.adapter)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["healthy", "degraded", "success", "ok", "", "pass\u202e", "1e999"])
    | st.text()
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KNOWN_KEYS) | st.text(max_size=8), inner, max_size=8)
    ),
    max_leaves=30,
)


def is_sound(sample: Sample) -> bool:
    """Valid by its own model, and unknown samples say nothing else."""
    assert Sample.model_validate(sample.model_dump()) == sample
    json.dumps(sample.model_dump(mode="json"), allow_nan=False).encode("utf-8")
    return sample.unknown is None or sample == Sample(unknown=sample.unknown)


@every_surface
@given(payload=st.binary())
def test_any_bytes_give_a_sample(which: Surface, payload: bytes) -> None:
    assert is_sound(parse(which, payload, READ_AT))


@every_surface
@given(document=documents)
def test_any_json_gives_a_sample(which: Surface, document: Any) -> None:
    assert is_sound(parse(which, json.dumps(document).encode(), READ_AT))


@every_surface
@given(data=st.data())
def test_real_payloads_with_one_value_replaced_give_a_sample(which: Surface, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(SAMPLES.glob("*/*.json"))))
    document = json.loads(path.read_bytes())
    target = document[0] if isinstance(document, list) else document
    target = data.draw(st.sampled_from([target, target.get("health", target)]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(documents)
    assert is_sound(parse(which, json.dumps(document).encode(), READ_AT))


@every_surface
@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{}", "not UTF-8 at byte 0"),
        (b'{"health_state": "heal', "not JSON: Unterminated string"),
        (b"Segmentation fault", "not JSON: Expecting value"),
        (b'{"a": NaN}', "not JSON: NaN is not a number"),
        (b"[-Infinity]", "not JSON: -Infinity is not a number"),
        (b"[" * 200_000, "JSON nested too deeply"),
        (b'{"a":' * 200_000, "JSON nested too deeply"),
        (b"1" * 5_000, "a number too large to read"),
        (b" " * 5_000_000, "larger than 4194304 bytes"),
        (b'{"health_state": "failing", "health_state": "healthy"}', "contradictory: the key 'health_state'"),
        (b'[{"health": {"queue_depth": 9, "queue_depth": 0}}]', "contradictory: the key 'queue_depth'"),
        (b'{"a": {"b\\u0063": 1, "bc": 1}}', "contradictory: the key 'bc' is given twice"),
        (b'{"queue_depth": 1e999}', "a number too large to read: 1e999"),
        (b'\xef\xbb\xbf{"health_state": "healthy"}', "not JSON"),
    ],
)
def test_garbage_is_unknown_with_the_reason(which: Surface, payload: bytes, why: str) -> None:
    sample = parse(which, payload, READ_AT)
    assert is_sound(sample)
    assert sample.unknown is not None
    assert sample.unknown.startswith(why)


@pytest.mark.parametrize(
    ("which", "payload"),
    [
        (SURFACES[0], b"[]"),
        (SURFACES[0], b"null"),
        (SURFACES[0], b'{"health": []}'),
        (SURFACES[1], b"{}"),
        (SURFACES[1], b"[]"),
        (SURFACES[1], b"[1]"),
        (SURFACES[1], b'[{"transport": "memory"}]'),
        (SURFACES[2], b"[]"),
        (SURFACES[2], b'"healthy"'),
    ],
)
def test_the_wrong_shape_is_unknown(which: Surface, payload: bytes) -> None:
    sample = parse(which, payload, READ_AT)
    assert is_sound(sample)
    assert sample.unknown


def test_reasons_carry_no_control_characters() -> None:
    sample = parse(SURFACES[0], b'{"health_state": "\\u001b[31mred\\u202e\\n@everyone"}', READ_AT)
    assert sample.unknown is not None
    assert sample.unknown.startswith("health_state is not one of healthy, degraded, failing: ")
    assert sample.unknown.isprintable()
