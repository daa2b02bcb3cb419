"""What observations, status and branches cannot carry, found before a release starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollout.core.contract import Contract, HarnessGate, Product, ThresholdGate
from rollout.core.contract.gates import SurfaceGate
from rollout.core.contract.rules import inheritance_holds
from rollout.core.evidence_index import MAX_CAPTURED
from rollout.core.files import OWN_ROOTS, STATE_BRANCH
from rollout.core.observation import MAX_COUNTERS, MAX_FIELDS, MAX_SURFACES
from rollout.core.surfaces.known import known
from rollout.core.values import IDENTIFIER_PATTERN, Model, format_duration

MAX_DURATION = 3650 * 86400
"""Seconds; a time that is added to a date has to stay on the calendar."""
MAX_FINDINGS = 1500
"""Answers of gates in one status: some 270 kB, so that GitHub still hands out the file whole."""
MAX_LABEL = 50
"""Characters of a label on GitHub."""

_TITLE = re.compile(IDENTIFIER_PATTERN)
_GIT = "cannot be in the name of a git branch: no two dots in a row, no dot or .lock at the end of a part"
_PRODUCT_FIELD, _STATE_FIELD = "product.branch", "state.branch"
_REVERTS = ("rollout-revert", "rollout-apply")
_RESERVED = ("HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD")
"""Names that mean something else to git than a branch."""


def limit_problems(contract: Contract) -> Iterator[str]:
    """Yields everything that is too many, too long or too large, as `field: message`."""
    yield from _surfaces(contract)
    yield from _branches(contract)
    yield from _gates(contract)
    if inheritance_holds(contract):
        yield from _answers(contract)
    yield from _durations(contract, "")
    if len(contract.rollback.evidence) > MAX_CAPTURED:
        yield _too_many("rollback.evidence", len(contract.rollback.evidence), MAX_CAPTURED, "globs")
    for index, label in enumerate(contract.signoff.labels):
        if len(label) > MAX_LABEL:
            yield f"signoff.labels.{index}: is {len(label)} characters long; GitHub takes {MAX_LABEL}"


def _too_many(where: str, count: int, most: int, what: str) -> str:
    return f"{where}: has {count} {what}, and {most} are the most"


def _surfaces(contract: Contract) -> Iterator[str]:
    if len(contract.surfaces) > MAX_SURFACES:
        yield _too_many("surfaces", len(contract.surfaces), MAX_SURFACES, "surfaces")
    for name, surface in contract.surfaces.items():
        where = f"surfaces.{name}.map"
        if surface.map is None:
            continue
        for key, names in (("fields", surface.map.fields), ("labels", surface.map.labels)):
            if len(names) > MAX_FIELDS:
                yield _too_many(f"{where}.{key}", len(names), MAX_FIELDS, key)
        counters = known(surface).counters
        if counters is not None and len(counters) > MAX_COUNTERS:
            yield _too_many(f"{where}.counters", len(counters), MAX_COUNTERS, "counters")


def _branches(contract: Contract) -> Iterator[str]:
    names = {
        "train": contract.train,
        _PRODUCT_FIELD: contract.product.branch,
        _STATE_FIELD: contract.state.branch,
        **{f"phases.{index}.name": phase.name for index, phase in enumerate(contract.phases)},
    }
    # Another repository gets the branches of reverts and percents alone.
    of_product = OWN_ROOTS if contract.product.repository is None else _REVERTS
    own = {_STATE_FIELD: OWN_ROOTS, _PRODUCT_FIELD: of_product}
    for where, name in names.items():
        if name is None:
            continue
        if not _is_branch(name):
            yield f"{where}: {name} {_GIT}; did you mean {_as_branch(name)}?"
        elif name in _RESERVED or name.startswith("refs/"):
            yield f"{where}: {name} is not what git calls a branch; did you mean {_as_branch(name)}?"
        elif name.partition("/")[0] in own.get(where, ()):
            nearest = _beside_own(name) if where == _STATE_FIELD else Product().branch
            yield (f"{where}: {name} is a name for the branches that rollout makes; did you mean {nearest}?")


def _beside_own(name: str) -> str:
    """Returns the nearest name that is not in the way of the tool's own branches."""
    beside = name.replace("/", "-")
    return STATE_BRANCH if beside in OWN_ROOTS else beside


def _as_branch(name: str) -> str:
    """Returns the nearest name that git takes."""
    if name in _RESERVED:
        return "main"
    name = re.sub(r"\.\.+", ".", name.removeprefix("refs/heads/").removeprefix("refs/"))
    parts = [re.sub(r"\.lock$", "-lock", part.strip(".")).strip(".") for part in name.split("/")]
    return "/".join(part for part in parts if part) or "main"


def _is_branch(name: str) -> bool:
    """Returns whether git takes it as a branch or as a part of one."""
    parts = name.split("/")
    return ".." not in name and all(
        part and not part.startswith(".") and not part.endswith((".", ".lock")) for part in parts
    )


def _gates(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        where = f"phases.{index}.gates"
        for number, gate in enumerate(phase.gates):
            if _TITLE.fullmatch(gate.title) is None:
                yield f"{where}.{number}: {gate.title} is too long for a title; give it a name of at most 100"
            if isinstance(gate, ThresholdGate) and not _has_room(gate):
                yield f"{where}.{number}.min: {gate.min:g} is above max, {gate.max:g}; nothing lies between"
            if isinstance(gate, HarnessGate) and gate.passed + gate.failed > gate.total:
                yield f"{where}.{number}.total: {gate.total} is less than passed and failed together"


def _answers(contract: Contract) -> Iterator[str]:
    for index, phase in enumerate(contract.phases):
        count = sum(
            len(contract.surfaces_of(gate.surfaces)) if isinstance(gate, SurfaceGate) else 1
            for gate in contract.gates_of(phase)
        )
        if count > MAX_FINDINGS:
            what = "answers to record (gates times surfaces)"
            yield _too_many(f"phases.{index}.gates", count, MAX_FINDINGS, what)


def _has_room(gate: ThresholdGate) -> bool:
    return gate.min is None or gate.max is None or gate.min <= gate.max


def _durations(model: Model, where: str) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        value, place = getattr(model, name), f"{where}{field.alias or name}"
        parts: dict[str, object] = {place: value}
        if isinstance(value, tuple):
            parts = {f"{place}.{index}": each for index, each in enumerate(value)}
        elif isinstance(value, dict):
            parts = {f"{place}.{key}": each for key, each in value.items()}
        for spot, part in parts.items():
            if isinstance(part, Model):
                yield from _durations(part, f"{spot}.")
            elif name in TIMES and isinstance(part, int) and part > MAX_DURATION:
                yield f"{spot}: {format_duration(part)} is longer than ten years"


TIMES = frozenset(
    {
        "cache_ttl",
        "interval",
        "long",
        "max_age",
        "max_gap",
        "min_interval",
        "short",
        "soak",
        "streak_gap",
        "timeout",
        "warm_up",
        "window",
    }
)
"""The keys whose value is a duration."""
