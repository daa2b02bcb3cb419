"""What a contract may say: a broken snippet laid over a good contract, and the lines that it earns."""

from copy import deepcopy

import pytest

from rollout.commands.contract_schema import contract_schema
from rollout.core.contract import (
    COMPLETE,
    RESERVED_GATE_NAMES,
    Contract,
    FlatGate,
    HealthStateGate,
    Phase,
    RunsSoak,
    Surface,
    matching,
)
from rollout.core.contract_check.examine import examine
from rollout.core.contract_check.limits import TIMES
from rollout.files.yaml_text import load_yaml

GOOD = """
schema: 1
train: shop
surfaces:
  api: {adapter: json, command: [cat, health.json], map: {health_state: state}}
  web: {adapter: tau-status, file: web.json}
harness: {report: report.json, manifest: manifest.json}
phases:
- {name: dark, canary_percent: 0, soak: {runs: 1}, gates: [{kind: harness, total: 2, passed: 2}]}
- {name: few, canary_percent: 10, soak: 30m, gates: [{kind: health_state}, {kind: flat, counter: errors}]}
- name: all
  canary_percent: 100
  soak: 1h
  max_gap: 2h
  inherit: few
  gates: [{kind: health_state, surfaces: [web]}, {kind: signoff, before: complete}]
triggers:
- {name: sick, kind: health_regression, states: [failing], checks: 2, actions: [freeze, rollback]}
signoff:
  items: [{id: agreed, section: End, title: Agreed, before: complete}]
"""


def read(snippet: str = "") -> object:
    data, changes = load_yaml(GOOD, file="good"), load_yaml(snippet, file="snippet") or {}
    assert isinstance(data, dict)
    assert isinstance(changes, dict)
    return {**data, **changes}


def good(snippet: str = "") -> Contract:
    contract, problems = examine(read(snippet))
    assert problems == []
    assert contract is not None
    return contract


def phases(*each: str) -> str:
    return "phases:\n" + "".join(f"- {{{phase}}}\n" for phase in each)


GATE = "gates: [{kind: health_state}]"
DARK = f"name: dark, canary_percent: 0, soak: 1h, {GATE}"
FEW = f"name: few, canary_percent: 10, soak: 1h, {GATE}"
LAST = "gates: [{kind: health_state}, {kind: signoff, before: complete}]"
ALL = f"name: all, canary_percent: 100, soak: 1h, {LAST}"


def few(each: str, percent: int = 10) -> str:
    return f"name: at-{percent}, canary_percent: {percent}, soak: 1h, gates: [{each}]"


COUNTING = """
surfaces:
  api:
    adapter: json
    file: health.json
    events: events.jsonl
    map: {health_state: state, fields: {error_count: e, drift: d, queue_depth: q}, labels: {build: b}}
"""


def gates(*each: str) -> str:
    return phases(f"name: dark, canary_percent: 0, soak: 0s, gates: [{', '.join(each)}]", ALL)


def trigger(rest: str) -> str:
    return f"triggers: [{{name: sick, actions: [freeze, rollback], {rest}}}]"


def item(rest: str) -> str:
    first = "{id: ok, section: S, title: T, before: complete}"
    return f"signoff: {{items: [{first}, {{id: b, section: S, title: T, {rest}}}]}}"


BROKEN = {
    # phases
    "too few phases": (phases(ALL), ["phases: must have at least 2, has 1"]),
    "duplicate phase": (
        phases(DARK, f"name: dark, canary_percent: 5, soak: 1h, {GATE}", ALL),
        ["phases: duplicate name dark"],
    ),
    "reserved phase": (
        phases(DARK, ALL, f"name: complete, canary_percent: 100, soak: 1h, {GATE}"),
        [
            "phases: complete is what sign-off items name the end of the rollout by; choose another name",
            "phases.2.canary_percent: must rise, and complete has 100 after all's 100",
        ],
    ),
    "percent falls": (
        phases(DARK, FEW, f"name: fewer, canary_percent: 5, soak: 1h, {GATE}", ALL),
        ["phases.2.canary_percent: must rise, and fewer has 5 after few's 10"],
    ),
    "percent stops short": (
        phases(
            DARK,
            f"name: all, canary_percent: 99, soak: 1h, {LAST}",
        ),
        ["phases.1.canary_percent: the last phase must be 100, all is 99"],
    ),
    "percent beyond all": (
        phases(
            DARK,
            f"name: all, canary_percent: 101, soak: 1h, {LAST}",
        ),
        ["phases.1.canary_percent: must be at most 100, not 101"],
    ),
    "percent below none": (
        phases(f"name: dark, canary_percent: -0.1, soak: 1h, {GATE}", ALL),
        ["phases.0.canary_percent: must be at least 0, not -0.1"],
    ),
    "percent that is no number": (
        phases(DARK, f"name: few, canary_percent: .nan, soak: 1h, {GATE}", ALL),
        ["phases.1.canary_percent: must be a finite number, not nan"],
    ),
    "fractions that do not rise": (
        phases(
            DARK,
            f"name: few, canary_percent: 0.5, soak: 1h, {GATE}",
            f"name: fewer, canary_percent: 0.1, soak: 1h, {GATE}",
            ALL,
        ),
        ["phases.2.canary_percent: must rise, and fewer has 0.1 after few's 0.5"],
    ),
    # inherit
    "unknown phase in inherit": (
        phases(DARK, ALL + ", inherit: drak"),
        ["phases.1.inherit: unknown phase drak"],
    ),
    "inherits itself": (
        phases(DARK + ", inherit: dark", ALL),
        ["phases.0.inherit: a cycle leads back to dark"],
    ),
    "a cycle, and a phase outside it that leads into it": (
        phases(DARK + ", inherit: few", FEW + ", inherit: dark", ALL + ", inherit: few"),
        ["phases.0.inherit: a cycle leads back to dark", "phases.1.inherit: a cycle leads back to few"],
    ),
    "a cycle without gates": (
        phases(
            "name: a, canary_percent: 0, soak: 1h, inherit: b",
            "name: b, canary_percent: 2, soak: 1h, inherit: a",
            ALL,
        ),
        [
            "phases.0.inherit: a cycle leads back to a",
            "phases.1.inherit: a cycle leads back to b",
            "phases.0.gates: a has no gate; an empty list would promote anything",
            "phases.1.gates: b has no gate; an empty list would promote anything",
        ],
    ),
    # gates
    "no gates": (
        phases("name: dark, canary_percent: 0, soak: 1h", ALL),
        ["phases.0.gates: dark has no gate; an empty list would promote anything"],
    ),
    "empty gates, also where nothing is inherited": (
        phases("name: dark, canary_percent: 0, soak: 1h, gates: []", ALL),
        ["phases.0.gates: dark has no gate; an empty list would promote anything"],
    ),
    "inherits no gates": (
        phases(
            "name: a, canary_percent: 0, soak: 1h", "name: b, canary_percent: 1, soak: 1h, inherit: a", ALL
        ),
        [
            "phases.0.gates: a has no gate; an empty list would promote anything",
            "phases.1.gates: b has no gate; an empty list would promote anything",
        ],
    ),
    "duplicate gate": (
        gates("{kind: flat, counter: errors}", "{kind: flat, counter: errors}"),
        ["phases.0.gates: duplicate name flat.errors"],
    ),
    "duplicate gate by its name": (
        gates("{kind: health_state, name: no_trigger}", "{kind: no_trigger}"),
        ["phases.0.gates: duplicate name no_trigger"],
    ),
    "reserved gate": (
        gates("{kind: health_state, name: soak}"),
        ["phases.0.gates.0.name: soak is a gate that every phase has; choose another name"],
    ),
    "gate on an unknown surface": (
        gates("{kind: health_state, surfaces: [api, wbe]}"),
        ["phases.0.gates.0.surfaces: unknown surface wbe"],
    ),
    "gate on no surface": (
        gates("{kind: timeline_clean, surfaces: []}"),
        ["phases.0.gates.0.surfaces: names none; leave it out for all"],
    ),
    "harness gate without harness": (
        "harness:\n" + gates("{kind: harness, total: 1, passed: 1}"),
        ["phases.0.gates.0: there is no harness section to read a report from"],
    ),
    "sign-off gate without items": (
        gates("{kind: signoff, before: few}"),
        ["phases.0.gates.0.before: no sign-off item is before few"],
    ),
    "threshold without bounds": (
        gates("{kind: threshold, field: x}"),
        ["phases.0.gates.0: give max, min or both"],
    ),
    "gate of unknown kind": (
        gates("{kind: treshold, field: x, max: 1}"),
        ["phases.0.gates.0.kind: unknown kind 'treshold'; did you mean threshold?"],
    ),
    # runners
    "runner that nobody names": (
        "runners: {lap: [self-hosted, lab]}\nproduct: {runner: lab}",
        ["runners.lap: no surface and no product.runner names it; did you mean lab?"],
    ),
    "runner that is no label": (
        "runners: {lab: []}\nproduct: {runner: lab}",
        ["runners.lab: give labels, a group, or both"],
    ),
    "submodules in a word of its own": (
        "product: {submodules: all}",
        ["product.submodules: must be false, true or 'recursive', not 'all'"],
    ),
    # triggers
    "duplicate trigger": (
        "triggers: [{name: a, kind: validation_failure, actions: [freeze, rollback]},"
        " {name: a, kind: validation_failure, actions: [rollback, freeze]}]",
        ["triggers: duplicate name a"],
    ),
    "trigger on an unknown surface": (
        trigger("kind: timeline_error, surfaces: [wbe]"),
        ["triggers.0.surfaces: unknown surface wbe"],
    ),
    "trigger on no surface": (
        trigger("kind: timeline_error, surfaces: []"),
        ["triggers.0.surfaces: names none; leave it out for all"],
    ),
    "trigger in an unknown phase": (
        trigger("kind: new_counter, counters: [x], phases: [few, canary]"),
        ["triggers.0.phases: unknown phase canary"],
    ),
    "validation of nothing": (
        trigger("kind: validation_failure, harness: false"),
        ["triggers.0: watches neither harness nor checks"],
    ),
    "validation without harness": (
        "harness:\n" + phases(DARK, ALL) + trigger("kind: validation_failure"),
        ["triggers.0.harness: there is no harness section to read a report from"],
    ),
    "trigger without a bound, and with two": (
        "triggers:\n"
        "- {name: a, kind: threshold, field: queue_depth, actions: [freeze, rollback]}\n"
        "- {name: b, kind: threshold, field: queue_depth, at_least: 1, at_most: 9,"
        " actions: [freeze, rollback]}\n",
        ["triggers.0: give either at_least or at_most", "triggers.1: give either at_least or at_most"],
    ),
    "triggers that do not stop, or set off what belongs to a rollback": (
        "triggers:\n"
        "- {name: a, kind: timeline_error, actions: []}\n"
        "- {name: b, kind: timeline_error, actions: [rollback]}\n"
        "- {name: c, kind: timeline_error, actions: [freeze, block_signoff]}\n",
        [
            f"triggers.{index}.actions: give freeze and rollback, with others or without, or freeze alone"
            for index in range(3)
        ],
    ),
    # sampling
    "no interval": (
        "sampling: {interval: 0s, min_interval: 0s}",
        [
            "sampling.interval: must be longer than nothing",
            "sampling.min_interval: must be longer than nothing, else one reading counts as two checks",
        ],
    ),
    "a wrong percent says nothing about the soak beside it": (
        phases(DARK, f"name: few, canary_percent: ten, soak: 0m, {GATE}", ALL),
        ["phases.1.canary_percent: must be a number, not 'ten'"],
    ),
    "samples that are stale at once, and soak that no interval earns": (
        "sampling: {max_age: 0s, max_gap: 0m}",
        [
            "sampling.max_age: must be longer than nothing",
            "sampling.max_gap: must be longer than nothing",
        ],
    ),
    "a gap of nothing in a phase": (
        phases(DARK, f"name: few, canary_percent: 10, soak: {{runs: 2}}, max_gap: 0s, {GATE}", ALL),
        ["phases.1.max_gap: must be longer than nothing"],
    ),
    "no soak while somebody has the release": (
        phases(
            f"name: dark, canary_percent: 0, soak: 0s, {GATE}",
            f"name: few, canary_percent: 10, soak: 0m, {GATE}",
            ALL,
        ),
        [
            "phases.1.soak: few at 10 % would be left at its first observation; give it a time, or {runs: N}",
        ],
    ),
    "a phase with users whose health nobody reads": (
        phases(
            DARK,
            "name: few, canary_percent: 10, soak: {runs: 1}, gates: [{kind: rollback_target},"
            " {kind: ci_checks, checks: x}, {kind: advancing, counter: served}]",
            ALL,
        ),
        [
            "phases.1.gates: few at 10 % has no gate that reads the health of a surface; add one, such as"
            " {kind: health_state}"
        ],
    ),
    "a comparison with a baseline where there is none": (
        COUNTING
        + "triggers: []\n"
        + phases(
            "name: dark, canary_percent: 0, soak: 1h,"
            " gates: [{kind: ratio, field: drift, over: error_count, max: 2}]",
            few("{kind: ratio, field: drift, over: error_count, max: 2}"),
            "name: all, canary_percent: 100, soak: 1h, inherit: at-10,"
            " gates: [{kind: signoff, before: complete}]",
        ),
        [
            "phases.0.soak: can never be earned, because no gate reads a surface's health; add one, such as"
            " {kind: health_state}",
            "phases.2.gates: all at 100 % has no gate that reads the health of a surface; add one, such as"
            " {kind: health_state}",
        ],
    ),
    "a comparison with itself, of what nobody reports, and by nothing": (
        COUNTING
        + phases(
            DARK,
            few(
                "{kind: health_state}, {kind: ratio, field: drift, over: drift, max: 2},"
                " {kind: ratio, name: x, field: drfit, over: errorcount, max: 2}"
            ),
            ALL,
        )
        + "triggers:\n"
        "- {name: a, kind: ratio, field: drift, over: drift, max: 2, actions: [freeze]}\n"
        "- {name: b, kind: ratio, field: drift, over: errorcount, max: 2, actions: [freeze]}\n",
        [
            "phases.1.gates.2.field: no surface reports drfit; did you mean drift?",
            "phases.1.gates.2.over: no surface reports errorcount; did you mean error_count?",
            "triggers.1.over: no surface reports errorcount; did you mean error_count?",
            "phases.1.gates.1.over: is the field itself; name another one",
            "triggers.0.over: is the field itself; name another one",
        ],
    ),
    "a ratio of at most nothing": (
        gates("{kind: ratio, field: a, over: b, max: 0}"),
        ["phases.0.gates.0.max: must be above 0, not 0"],
    ),
    "no_trigger reads nothing where no trigger of health watches": (
        phases(
            DARK,
            "name: few, canary_percent: 10, soak: {runs: 1}, gates: [{kind: no_trigger}]",
            "name: more, canary_percent: 20, soak: {runs: 1}, gates: [{kind: no_trigger}]",
            ALL,
        )
        + "triggers:\n"
        "- {name: ci, kind: validation_failure, checks: x, actions: [freeze, rollback]}\n"
        "- {name: sick, kind: health_regression, states: [failing], checks: 1, phases: [more],"
        " actions: [freeze, rollback]}\n",
        [
            "phases.1.gates: few at 10 % has no gate that reads the health of a surface; add one, such as"
            " {kind: health_state}"
        ],
    ),
    "a phase with users that only a harness looks at": (
        phases(
            DARK,
            "name: few, canary_percent: 10, soak: {runs: 1},"
            " gates: [{kind: harness, total: 2, passed: 2}, {kind: no_trigger}]",
            ALL,
        )
        + "triggers:\n"
        "- {name: run, kind: validation_failure, harness: true, actions: [freeze, rollback]}\n",
        [
            "phases.1.gates: few at 10 % has no gate that reads the health of a surface; add one, such as"
            " {kind: health_state}"
        ],
    ),
    "gates that no failing product fails": (
        COUNTING
        + phases(
            DARK,
            few("{kind: threshold, field: error_count, min: 0}"),
            few("{kind: threshold, field: error_count, min: -5, max: 1.0e+308}", 11),
            few("{kind: threshold, field: drift, max: 1.0e+300}", 12),
            few("{kind: threshold, field: queue_depth, min: -1}", 13),
            few("{kind: equals, field: build, value: 'v{version}'}", 14),
            few("{kind: equals, field: build, value: '{commit}'}, {kind: advancing, counter: served}", 15),
            ALL,
        ),
        [
            f"phases.{number}.gates: at-{9 + number} at {9 + number} % has no gate that reads the health of a"
            f" surface: {why}; add one, such as {{kind: health_state}}"
            for number, why in enumerate(
                [
                    "no value fails error_count",
                    "no value fails error_count",
                    "no value fails drift",
                    "no value fails queue_depth",
                    "build only tells which release runs",
                    "build only tells which release runs",
                ],
                start=1,
            )
        ],
    ),
    "a trigger that no value fires": (
        phases(DARK, few("{kind: no_trigger}"), ALL)
        + "triggers: [{name: much, kind: threshold, surfaces: [web], field: queue_depth, at_least: 1.0e+300,"
        " actions: [freeze, rollback]}]\n",
        [
            "phases.1.gates: at-10 at 10 % has no gate that reads the health of a surface: no value makes a"
            " trigger fire; add one, such as {kind: health_state}"
        ],
    ),
    "a soak that no surface's clock can earn": (
        phases(
            "name: dark, canary_percent: 0, soak: {runs: 1}, gates: [{kind: rollback_target}]",
            "name: few, canary_percent: 10, soak: 1h, gates: [{kind: harness, total: 2, passed: 2}]",
            ALL,
        ),
        [
            "phases.0.soak: can never be earned, because no gate reads health; add one, such as"
            " {kind: health_state}",
            "phases.1.gates: few at 10 % has no gate that reads the health of a surface; add one, such as"
            " {kind: health_state}",
        ],
    ),
    "min_interval longer than interval": (
        "sampling: {interval: 5m, min_interval: 6m}",
        ["sampling.min_interval: longer than interval, so no two observations would be two checks"],
    ),
    "a soak that sampling can never satisfy": (
        "sampling: {interval: 1h, max_gap: 30m}",
        ["phases.1.soak: can never be earned, because sampling.interval 1h is longer than max_gap 30m"],
    ),
    "a bare number for a time": (
        "sampling: {interval: 10}",
        ["sampling.interval: not a duration (write 30m, 24h or 1h30m): 10"],
    ),
    # names that no surface reports
    "a misspelt field of tau": (
        gates("{kind: threshold, field: failure_strek, max: 0}", "{kind: health_state}"),
        ["phases.0.gates.0.field: no surface reports failure_strek; did you mean failure_streak?"],
    ),
    "a misspelt label": (
        gates("{kind: equals, surfaces: [web], field: rollout_gte, value: pass}"),
        ["phases.0.gates.0.field: web does not report rollout_gte; did you mean rollout_gate?"],
    ),
    "a field that one of two surfaces has": (
        gates("{kind: equals, field: rollout_gate, value: pass}"),
        [
            "phases.0.gates.0.field: api does not report rollout_gate; name those that do: surfaces: [web]",
        ],
    ),
    "a field that is not applicable elsewhere is no mistake, unless that surface was named": (
        gates(
            "{kind: threshold, field: queue_depth, max: 0}",
            "{kind: threshold, name: both, field: queue_depth, max: 0, surfaces: [web, api]}",
        ),
        ["phases.0.gates.1.field: api does not report queue_depth; name those that do: surfaces: [web]"],
    ),
    "a counter of a map that names its counters": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: s, counters: 'c.{failed: f, ok: o}'}}}"
        + "\n"
        + trigger("kind: new_counter, counters: [failed, faild]")
        + "\n"
        + gates("{kind: no_new, counter: okay}", "{kind: no_new, counter: ok}"),
        [
            "phases.0.gates.0.counter: no surface reports okay; did you mean ok?",
            "triggers.0.counters: no surface reports faild; did you mean failed?",
        ],
    ),
    "counters, health, timeline and fields of what has none": (
        "surfaces: {api: {adapter: json, file: x, map: {fields: {depth: d}}},"
        " mem: {adapter: tau-transport-health, file: y}}\n"
        + gates(
            "{kind: threshold, surfaces: [api], field: deep, max: 1}",
            "{kind: no_new, counter: c}",
            "{kind: advancing, surfaces: [mem], counter: c}",
            "{kind: health_state, surfaces: [api]}",
            "{kind: timeline_clean}",
        )
        + "triggers:\n"
        "- {name: a, kind: threshold, surfaces: [api], field: dept, at_least: 3,"
        " actions: [freeze, rollback]}\n"
        "- {name: b, kind: timeline_error, actions: [freeze, rollback]}\n"
        "- {name: c, kind: health_regression, surfaces: [api], states: [failing], checks: 1,"
        " actions: [freeze, rollback]}\n",
        [
            "phases.0.gates.0.field: api does not report deep; did you mean depth?",
            "phases.0.gates.1.counter: no surface reports c",
            "phases.0.gates.2.counter: mem does not report c",
            "phases.0.gates.3: api does not report health_state",
            "phases.0.gates.4: no surface reports a timeline",
            "triggers.0.field: api does not report dept; did you mean depth?",
            "triggers.1: no surface reports a timeline",
            "triggers.2: api does not report health_state",
        ],
    ),
    "what the browser's summary never reports": (
        "surfaces: {web: {adapter: tau-browser-summary, file: x}}\n"
        + gates(
            "{kind: threshold, field: queue_depth, max: 1}",
            "{kind: no_new, counter: errors}",
            "{kind: no_new, counter: artifact_records}",
            "{kind: threshold, field: success_cases, min: 1}",
        ),
        [
            "phases.0.gates.0.field: no surface reports queue_depth; known here: artifact_records,"
            " denied_action_limit, denied_unsafe_actions, discovered_cases, malformed_cases,"
            " retryable_failures, success_cases, timeout_failures",
            "phases.0.gates.1.counter: no surface reports errors; known here: artifact_records",
        ],
    ),
    # placeholders
    "placeholders that mean nothing": (
        gates(
            "{kind: equals, name: a, surfaces: [web], field: rollout_gate, value: 'v{verison} {version}'}",
            "{kind: equals, surfaces: [web], field: rollout_gate, value: '{commit} {phase} {percent}'}",
            "{kind: equals, name: c, surfaces: [web], field: rollout_gate, value: '{train}'}",
        ),
        [
            "phases.0.gates.0.value: unknown placeholder {verison}; did you mean version?",
            "phases.0.gates.2.value: unknown placeholder {train}; known here: version, commit, phase,"
            " percent",
        ],
    ),
    "placeholders where none is filled in": (
        gates("{kind: ci_checks, checks: 'Build {version} (*)'}")
        + trigger("kind: validation_failure, harness: false, checks: 'Smoke {commit}'"),
        [
            "phases.0.gates.0.checks: {version} is not filled in here; match any check with *",
            "triggers.0.checks: {commit} is not filled in here; match any check with *",
        ],
    ),
    # limits
    "more surfaces than an observation holds": (
        "surfaces:\n"
        + "".join(f"  s{n}: {{adapter: tau-status, file: x}}\n" for n in range(201))
        + phases(DARK, ALL),
        ["surfaces: has 201 surfaces, and 200 are the most"],
    ),
    "more fields and labels than a sample holds": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: s, fields: {"
        + ", ".join(f"f{n}: a" for n in range(201))
        + "}, labels: {"
        + ", ".join(f"l{n}: a" for n in range(202))
        + "}}}}\n"
        + phases(DARK, ALL),
        [
            "surfaces.api.map.fields: has 201 fields, and 200 are the most",
            "surfaces.api.map.labels: has 202 labels, and 200 are the most",
        ],
    ),
    "more counters than a sample holds": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: s, counters: '{"
        + ", ".join(f"c{n}: a" for n in range(501))
        + "}'}}}\n"
        + phases(DARK, ALL),
        ["surfaces.api.map.counters: has 501 counters, and 500 are the most"],
    ),
    "more answers than a status holds": (
        "surfaces:\n"
        + "".join(f"  s{n}: {{adapter: tau-status, file: x}}\n" for n in range(150))
        + gates("{kind: rollback_target}", *(f"{{kind: no_new, counter: c{n}}}" for n in range(10))),
        ["phases.0.gates: has 1501 answers to record (gates times surfaces), and 1500 are the most"],
    ),
    "a gate's own title that is too long": (
        gates(f"{{kind: no_new, counter: {'c' * 94}}}", f"{{kind: no_new, counter: {'c' * 93}}}"),
        [f"phases.0.gates.0: no_new.{'c' * 94} is too long for a title; give it a name of at most 100"],
    ),
    "names that git takes for no branch": (
        "train: shop.lock\nproduct: {branch: a//b}\nstate: {branch: a..b}\n"
        + phases(DARK.replace("name: dark", "name: da..rk"), ALL.replace("name: all", "name: all.")),
        [
            f"{where} cannot be in the name of a git branch: no two dots in a row, no dot or .lock at the end"
            f" of a part; did you mean {meant}?"
            for where, meant in (
                ("train: shop.lock", "shop-lock"),
                ("product.branch: a//b", "a/b"),
                ("state.branch: a..b", "a.b"),
                ("phases.0.name: da..rk", "da.rk"),
                ("phases.1.name: all.", "all"),
            )
        ],
    ),
    "times that no calendar holds": (
        "channel: {cache_ttl: 3651d}\n"
        + phases(DARK.replace("soak: 1h", "soak: 9999999999h"), ALL + ", max_gap: 87601h"),
        [
            "phases.0.soak: 9999999999h is longer than ten years",
            "phases.1.max_gap: 87601h is longer than ten years",
            "channel.cache_ttl: 87624h is longer than ten years",
        ],
    ),
    "a label that GitHub refuses": (
        f"signoff: {{labels: [{'x' * 51}, {'x' * 50}],"
        " items: [{id: a, section: S, title: T, before: complete}]}",
        ["signoff.labels.0: is 51 characters long; GitHub takes 50"],
    ),
    "more globs than an index has entries": (
        f"rollback: {{evidence: [{', '.join(f'f{n}' for n in range(201))}]}}",
        ["rollback.evidence: has 201 globs, and 200 are the most"],
    ),
    "gates that nothing can satisfy": (
        gates(
            "{kind: threshold, field: queue_depth, min: 3, max: 1.5}",
            "{kind: harness, total: 5, passed: 5, failed: 1}",
        ),
        [
            "phases.0.gates.0.min: 3 is above max, 1.5; nothing lies between",
            "phases.0.gates.1.total: 5 is less than passed and failed together",
        ],
    ),
    # what cannot work
    "branches that git calls otherwise": (
        "product: {branch: HEAD}\nstate: {branch: refs/heads/ops}",
        [
            "product.branch: HEAD is not what git calls a branch; did you mean main?",
            "state.branch: refs/heads/ops is not what git calls a branch; did you mean ops?",
        ],
    ),
    "branches below which the tool makes its own": (
        "product: {branch: rollout-channel}\nstate: {branch: rollout/ops}",
        [
            "product.branch: rollout-channel is a name for the branches that rollout makes;"
            " did you mean main?",
            "state.branch: rollout/ops is a name for the branches that rollout makes;"
            " did you mean rollout-ops?",
        ],
    ),
    "a state branch in the way of the tool's own": (
        "product: {repository: acme/tau, branch: rollout}\nstate: {branch: rollout-revert}",
        [
            "state.branch: rollout-revert is a name for the branches that rollout makes;"
            " did you mean rollout-state?",
        ],
    ),
    "a first phase with users": (
        phases(FEW, ALL),
        [
            "phases.0.canary_percent: few gives a release to 10 % before anything was checked; begin with a"
            " phase at 0"
        ],
    ),
    "placeholders of commands": (
        'apply: {command: [deploy, "--to={percnt}", "${percnt}"]}\n'
        'rollback: {apply: {command: [deploy, "{versoin}"]}, lane: {command: [lane, "{lane}"]}}\n'
        'channel: {apply: {command: [put, "{version}", "{prevoius}"]}}\n',
        [
            "apply.command.1: unknown placeholder {percnt}; did you mean percent?",
            "rollback.apply.command.1: unknown placeholder {versoin}; did you mean version?",
            "channel.apply.command.2: unknown placeholder {prevoius}; did you mean previous?",
        ],
    ),
    "commands that do the same each time": (
        'apply: {command: [deploy, "{version}"]}\n'
        "rollback: {apply: {command: [deploy]}, lane: {command: [lane, '{surface}']}}\n"
        "channel: {apply: {command: [put, '{channel}']}}\n",
        [
            "apply.command: has neither {percent} nor {phase}, so it does the same each time; add"
            ' "{percent}"',
            'rollback.apply.command: has no {version}, so it does the same each time; add "{version}"',
            'rollback.lane.command: has no {lane}, so it does the same each time; add "{lane}"',
            'channel.apply.command: has no {version}, so it does the same each time; add "{version}"',
        ],
    ),
    "commands that are nothing, or have no time": (
        "surfaces: {web: {adapter: tau-status, command: ['', x], timeout: 0s}}\n"
        "prepare: {command: [' '], timeout: 0m}\n"
        "harness: {command: [x], timeout: 0s, report: r, manifest: m}\n",
        [
            "prepare.timeout: 0s ends the command before it begins; did you mean 10m?",
            "prepare.command.0: is empty; the first word is the program to run",
            "surfaces.web.timeout: 0s ends the command before it begins; did you mean 10m?",
            "surfaces.web.command.0: is empty; the first word is the program to run",
            "harness.timeout: 0s ends the command before it begins; did you mean 10m?",
        ],
    ),
    "a harness that leaves a run out": (
        gates("{kind: harness, total: 5, passed: 3, failed: 1}"),
        ["phases.0.gates.0.total: 5 is more than passed and failed together; did you mean 4?"],
    ),
    "an age shorter than a check": (
        "sampling: {interval: 10m, min_interval: 5m, max_age: 4m}",
        [
            "sampling.max_age: 4m is shorter than min_interval, 5m: no reading counts until the next check;"
            " did you mean 20m?",
        ],
    ),
    "a duration of more digits than a number may have": (
        f"sampling: {{interval: {'9' * 5000}h}}",
        [f"sampling.interval: not a duration (write 30m, 24h or 1h30m): '{'9' * 257}..."],
    ),
    "a negative duration": (
        "sampling: {max_age: -5m}",
        ["sampling.max_age: not a duration (write 30m, 24h or 1h30m): '-5m'"],
    ),
    "triggers that watch nothing, or fire at once": (
        "triggers:\n"
        "- {name: a, kind: timeline_error, phases: [], surfaces: [], actions: [freeze, rollback]}\n"
        "- {name: b, kind: threshold, field: queue_depth, at_least: 0, actions: [freeze, rollback]}\n"
        "- {name: c, kind: threshold, field: queue_depth, at_most: 0, actions: [freeze, rollback]}\n"
        "- {name: d, kind: threshold, field: queue_depth, at_most: -1, actions: [freeze, rollback]}\n",
        [
            "triggers.0.surfaces: names none; leave it out for all",
            "triggers.0.phases: names none; leave it out for all but the first",
            "triggers.1.at_least: 0 fires at once, because queue_depth is a count; did you mean 1?",
            "triggers.2.at_most: 0 fires while nothing is wrong, because queue_depth is a count; did you mean"
            " at_least?",
            "triggers.3.at_most: -1 never fires, because queue_depth is a count; did you mean at_least?",
        ],
    ),
    "nothing is called healthy": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: s,"
        " health_states: {healthy: degraded, up: degraded, down: failing}}}}\n" + phases(DARK, ALL),
        [
            "surfaces.api.map.health_states: calls nothing healthy, so no gate on health would ever hold",
        ],
    ),
    "a folder for a file": (
        "surfaces: {api: {adapter: json, file: ., map: {health_state: s}}}\n" + phases(DARK, ALL),
        ["surfaces.api.file: . is a folder; name the file in it"],
    ),
    "a harness that cannot have these figures": (
        "harness: {report: out/run.json, manifest: out/run.json, surfaces: [a, b, a]}\n"
        + gates("{kind: harness, total: 5, passed: 5, failed: 0}"),
        [
            "harness.manifest: is the report, out/run.json; a run writes two files",
            "harness.surfaces.2: a is named twice",
            "phases.0.gates.0.total: 5 is more than the 2 of harness.surfaces; did you mean 2?",
        ],
    ),
    "placeholders in other letters": (
        'apply: {command: [go, "{percent}", "--at={Percent}", "{PHASE}"]}\n' + phases(DARK, ALL),
        [
            "apply.command.2: unknown placeholder {Percent}; did you mean percent?",
            "apply.command.3: unknown placeholder {PHASE}; did you mean phase?",
        ],
    ),
    "failing is called healthy": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: s,"
        " health_states: {failing: healthy, Degraded: healthy, degraded: failing, ok: healthy}}}}\n"
        + phases(DARK, ALL),
        [
            "surfaces.api.map.health_states.failing: is called healthy; did you mean failing?",
            "surfaces.api.map.health_states.Degraded: is called healthy; did you mean degraded?",
        ],
    ),
    "bodies of what is not captured": (
        "rollback: {evidence: [out/report.json, logs/*.txt, a/**],"
        " evidence_in_git: [out/reprt.json, out/report.json, logs/a.txt, a/*/b, x]}",
        [
            "rollback.evidence_in_git.0: out/reprt.json is not among rollback.evidence, so it is never"
            " captured; did you mean out/report.json?",
            "rollback.evidence_in_git.4: x is not among rollback.evidence, so it is never captured; known"
            " here: out/report.json, logs/*.txt, a/**",
        ],
    ),
    "expressions that look at nothing": (
        "surfaces: {api: {adapter: json, file: x, map: {health_state: \"'healthy'\", updated_unix_ms: at,"
        " fields: {errors: '`0`', depth: \"length('abc')\", ok: 'a || `0`'}}}}\n" + phases(DARK, ALL),
        [
            "surfaces.api.map.health_state: 'healthy' is the same whatever the product prints; did you mean"
            " healthy, without quotes?",
            "surfaces.api.map.fields.errors: `0` is the same whatever the product prints",
            "surfaces.api.map.fields.depth: length('abc') is the same whatever the product prints",
        ],
    ),
    "globs that match no check": (
        gates('{kind: ci_checks, checks: ""}', '{kind: ci_checks, name: b, checks: "Smoke [a"}')
        + trigger('kind: validation_failure, harness: false, checks: "Smoke []x"'),
        [
            'phases.0.gates.0.checks: is empty and matches no check; did you mean "*"?',
            "phases.0.gates.1.checks: a [ is not closed; write [[] for the character itself",
            "triggers.0.checks: a [ is not closed; write [[] for the character itself",
        ],
    ),
    "text for numbers": (
        phases(
            DARK,
            "name: few, canary_percent: '10', soak: {runs: '1'}, gates: [{kind: threshold,"
            " field: queue_depth, max: '3.5'}]",
            ALL,
        ),
        [
            "phases.1.canary_percent: must be a number, not text; did you mean 10, without quotes?",
            "phases.1.soak.runs: must be a number, not text; did you mean 1, without quotes?",
            "phases.1.gates.0.max: must be a number, not text; did you mean 3.5, without quotes?",
        ],
    ),
    "true and false for numbers": (
        phases(
            DARK.replace("canary_percent: 0", "canary_percent: false"),
            "name: few, canary_percent: true, soak: {runs: true}, gates: [{kind: threshold,"
            " field: queue_depth, max: false}]",
            ALL,
        )
        + "triggers: [{name: t, kind: threshold, field: queue_depth, at_least: true,"
        " actions: [freeze, rollback]}]",
        [
            "phases.0.canary_percent: must be a number, not false; did you mean 0?",
            "phases.1.canary_percent: must be a number, not true; did you mean 1?",
            "phases.1.soak.runs: must be a number, not true; did you mean 1?",
            "phases.1.gates.0.max: must be a number, not false; did you mean 0?",
            "triggers.0.at_least: must be a number, not true; did you mean 1?",
        ],
    ),
    # how surfaces speak
    "age and gap shorter than a surface's interval": (
        "sampling: {max_age: 20m}\n"
        "surfaces: {slow: {adapter: tau-status, file: x, interval: 90m}}\n"
        + phases(
            DARK.replace("soak: 1h", "soak: {runs: 1}"),
            FEW,
            FEW.replace("few", "more").replace("10", "20") + ", max_gap: 1h",
            ALL + ", max_gap: 2h",
        )
        + "triggers: []",
        [
            "sampling.max_age: 20m is shorter than the interval of slow, 1h30m",
            "sampling.max_gap: 30m is shorter than the interval of slow, 1h30m",
            "phases.2.max_gap: 1h is shorter than the interval of slow, 1h30m",
        ],
    ),
    "an interval of nothing": (
        "surfaces: {web: {adapter: tau-status, file: x, interval: 0s}}",
        ["surfaces.web.interval: must be longer than nothing"],
    ),
    "an interval of what has no pulse": (
        "surfaces: {web: {adapter: tau-status, file: x, interval: 1h, fresh: phase}}",
        ["surfaces.web.interval: not with fresh: phase, which has no pulse"],
    ),
    "a pulse that is refreshed": (
        "surfaces: {web: {adapter: tau-status, file: x, refresh: harness}}",
        ["surfaces.web.refresh: needs fresh: phase; a pulse refreshes itself"],
    ),
    "refreshed by a harness without a command": (
        "surfaces: {web: {adapter: tau-status, file: x, fresh: phase, refresh: harness}}",
        ["surfaces.web.refresh: there is no harness.command to run"],
    ),
    "refreshed by no harness": (
        "harness:\nsurfaces: {web: {adapter: tau-status, file: x, fresh: phase, refresh: harness}}\n"
        + phases(DARK, ALL),
        ["surfaces.web.refresh: there is no harness.command to run"],
    ),
    "words of a surface that do not exist": (
        "surfaces: {web: {adapter: tau-status, file: x, absent: nil, on_reset: ignore, fresh: new}}",
        [
            "surfaces.web.fresh: must be 'pulse' or 'phase', not 'new'",
            "surfaces.web.absent: must be 'zero' or 'unknown', not 'nil'",
            "surfaces.web.on_reset: must be 'count' or 'rebase', not 'ignore'",
        ],
    ),
    "a group that is no name": (
        "surfaces: {web: {adapter: tau-status, file: x, serial: The Lock}}",
        [
            "surfaces.web.serial: 'The Lock' is not a name: use lower-case letters, digits, dots, dashes and"
            " underscores, at most 63"
        ],
    ),
    "a streak that nothing can continue": (
        "sampling: {streak_gap: 0s}",
        ["sampling.streak_gap: must be longer than nothing"],
    ),
    "a streak that lapses before the next check": (
        "sampling: {streak_gap: 8m}\n"
        "triggers: [{name: bad, kind: health_regression, states: [failing], checks: 2, surfaces: [web],"
        " actions: [freeze, rollback]}]",
        [
            "sampling.streak_gap: 8m is shorter than the interval of web, 10m, so no two of its checks would"
            " be consecutive"
        ],
    ),
    "a slow surface whose streak lapses": (
        "surfaces: {web: {adapter: tau-status, file: x, interval: 12h}}\n"
        "sampling: {max_age: 13h, max_gap: 13h}\n" + phases(DARK, ALL) + "\n"
        "triggers: [{name: slow, kind: threshold, field: failure_streak, at_least: 1, checks: 2,"
        " actions: [freeze, rollback]}]",
        [
            "sampling.streak_gap: 6h is shorter than the interval of web, 12h, so no two of its checks would"
            " be consecutive"
        ],
    ),
    "preparing without a command": ("prepare: {timeout: 5m}", ["prepare.command: is missing"]),
    # sign-off
    "duplicate item": (
        item("before: complete").replace("id: b", "id: ok"),
        ["signoff.items: duplicate name ok"],
    ),
    "item before an unknown phase": (item("before: al"), ["signoff.items.1.before: unknown phase al"]),
    "item before the first phase": (
        item("before: dark"),
        ["signoff.items.1.before: nothing comes before dark"],
    ),
    "item that no gate waits for": (
        item("before: all"),
        ["signoff.items.1.before: no gate waits for it; add {kind: signoff, before: all}"],
    ),
    "proof of an unknown phase": (
        item("before: complete, proof: {kind: phase_soaked, of: fwe}"),
        ["signoff.items.1.proof.of: unknown phase fwe"],
    ),
    "proof of an unknown surface": (
        item("before: complete, proof: {kind: surface_healthy, of: wbe}"),
        ["signoff.items.1.proof.of: unknown surface wbe"],
    ),
    "proof of something, of nothing": (
        item("before: complete, proof: {kind: phase_soaked}"),
        ["signoff.items.1.proof.of: needed by phase_soaked and surface_healthy, and only by them"],
    ),
    "proof of nothing, of something": (
        item("before: complete, proof: {kind: harness, of: web}"),
        ["signoff.items.1.proof.of: needed by phase_soaked and surface_healthy, and only by them"],
    ),
    # surfaces
    "no surface": (
        "surfaces: {}\n" + phases(DARK, ALL),
        ["surfaces: must have at least 1, has 0"],
    ),
    "no source": ("surfaces: {web: {adapter: tau-status}}", ["surfaces.web: give either command or file"]),
    "two sources": (
        "surfaces: {web: {adapter: tau-status, file: x, command: [x]}}",
        ["surfaces.web: give either command or file"],
    ),
    "no map": (
        "surfaces: {web: {adapter: json, file: x}}",
        ["surfaces.web: the json adapter, and only it, needs a map"],
    ),
    "a path outside": (
        "surfaces: {web: {adapter: tau-status, file: a/../../x}}",
        ["surfaces.web.file: a path must be relative and stay inside its folder: 'a/../../x'"],
    ),
    "a command line": (
        "surfaces: {web: {adapter: tau-status, command: cat x}}",
        ["surfaces.web.command: must be a list, not 'cat x'"],
    ),
    # the rest
    "newer schema": ("schema: 2", ["schema: must be 1, not 2"]),
    "unknown section": ("trigers: []", ["trigers: unknown key; did you mean triggers?"]),
    "steps left out": (
        "rollback: {steps: [freeze, revert]}",
        [
            "rollback.steps: must be freeze, capture_evidence, inspect_target, apply_metadata, revert,"
            " revalidate, in this order"
        ],
    ),
    "bad train": (
        "train: The Shop",
        [
            "train: 'The Shop' is not a name: use lower-case letters, digits, dots, dashes and underscores,"
            " at most 63"
        ],
    ),
}


@pytest.mark.parametrize(("snippet", "lines"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_snippet_earns_exactly(snippet: str, lines: list[str]) -> None:
    _, problems = examine(read(snippet))
    assert problems == lines


def test_every_duration_of_a_contract_has_its_limit() -> None:
    named = {
        name
        for definition in contract_schema()["$defs"].values()
        for name, field in definition.get("properties", {}).items()
        if any(each.get("pattern") == "^([0-9]+[smhd])+$" for each in (field, *field.get("anyOf", ())))
    }
    assert named == TIMES


def test_an_expression_that_is_none() -> None:
    snippet = "surfaces: {web: {adapter: json, file: x, map: {health_state: a..b, counters: c}}}"
    _, (problem,) = examine(read(snippet))
    assert problem.startswith("surfaces.web.map.health_state: not a JMESPath expression")


def test_all_mistakes_come_at_once_whatever_kind_they_are_of() -> None:
    snippet = (
        "surfces: {}\n"
        "sampling: {interval: 5m, min_interval: 6m}\n"
        + phases(
            "name: dark, canary_percent: 0, soak: 1h, gates: [{kind: helth_state}]",
            "name: few, canary_percent: 10, soak: 1h, inherit: drak",
            "name: all, canary_percent: 100, soak: soon, gates: [{kind: health_state, surfaces: [wbe]},"
            " {kind: signoff, before: complete}]",
        )
        + trigger("kind: health_regression, states: [failing], checks: 2, phases: [canary], surfces: [web]")
        + "\n"
        + item("before: al, proof: {kind: magic}")
    )
    contract, problems = examine(read(snippet))
    assert contract is None
    assert problems == [
        "phases.0.gates.0.kind: unknown kind 'helth_state'; did you mean health_state?",
        "phases.2.soak: not a duration (write 30m, 24h or 1h30m): 'soon'",
        "triggers.0.surfces: unknown key; did you mean surfaces?",
        "signoff.items.1.proof.kind: must be 'harness', 'ci_checks', 'rollback_target', 'phase_soaked',"
        " 'surface_healthy', 'no_trigger' or 'rehearsed', not 'magic'",
        "surfces: unknown key; did you mean surfaces?",
        "phases.1.inherit: unknown phase drak",
        "phases.1.gates: few has no gate; an empty list would promote anything",
        "phases.2.gates.0.surfaces: unknown surface wbe",
        "triggers.0.phases: unknown phase canary",
        "sampling.min_interval: longer than interval, so no two observations would be two checks",
        "signoff.items.1.before: unknown phase al",
    ]


UNBLURRED = {
    "a bad gate might be the sign-off gate": gates("{kind: health_state}").replace(
        "before: complete", "befor: complete"
    ),
    "two bad gates are not called duplicates": gates("{kind: a}", "{kind: b}"),
    "two bad triggers are not called duplicates": "triggers: [{kind: a}, {kind: b}]",
    "a bad percent is not compared": phases(DARK.replace("0,", "x,", 1), FEW, ALL.replace("100", "-1")),
    "a bad inherit is not called gateless": phases(
        DARK, "name: few, canary_percent: 10, soak: 1h, inherit: FEW!", ALL
    ),
    "a bad interval is not compared": "sampling: {interval: soon, max_gap: 1s, min_interval: 1h}",
    "a bad age is not compared with an interval": (
        "sampling: {max_age: soon}\nsurfaces: {web: {adapter: tau-status, file: x, interval: 2h}}\n"
    ),
    "a bad harness may have had a command": (
        "harness: {command: x}\n"
        "surfaces: {web: {adapter: tau-status, file: x, fresh: phase, refresh: harness}}"
    ),
    "a good interval is lost with its section": (
        "sampling: {interval: 1m, min_interval: soon}\n" + phases(DARK + ", max_gap: 5m", ALL)
    ),
    "a bad gap is not compared": (
        "sampling: {interval: 1h}\n" + phases(DARK + ", max_gap: 5", ALL + ", max_gap: 2h")
    ),
    "a bad soak may have been one of runs": (
        "sampling: {interval: 1h}\n"
        + phases(DARK.replace("soak: 1h", "soak: {runs: x}"), ALL + ", max_gap: 2h")
    ),
    "a bad surface is still there": "surfaces: {web: {adapter: tau}}",
    "a bad surface may report anything": (
        "surfaces: {web: {adapter: tau}}\n" + gates("{kind: threshold, field: depth, max: 1}")
    ),
    "a bad harness is still there": "harness: {reprt: x}",
    "pieces that whole checks do not read": (
        "apply: {command: []}\nproduct: {branch: ''}\nstate: {branch: ''}\nrollback: {revert: x}"
    ),
    "a mistake below one that is taken away": "rollback: {revert: x, foo: 1}\nsurfaces: {web: {foo: 1}}",
    "a section that is no mapping": "rollback: [x]\nharness: [x]",
}


@pytest.mark.parametrize("snippet", UNBLURRED.values(), ids=UNBLURRED.keys())
def test_what_types_refuse_brings_no_other_complaint(snippet: str) -> None:
    data = read(snippet)
    kept = deepcopy(data)
    _, problems = examine(data)
    assert problems
    whole = (
        "has no gate",
        "no gate waits",
        "duplicate name",
        "must rise",
        "must be 100",
        "can never",
        "longer",
        "no harness",
        "shorter",
        "report ",
        "reports",
    )
    assert [problem for problem in problems if any(words in problem for words in whole)] == []
    assert data == kept


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"phases": 3, "triggers": {"a": 1}}])
def test_what_is_no_contract_at_all(data: object) -> None:
    contract, problems = examine(data)
    assert contract is None
    assert problems


# --- asking a good contract ------------------------------------------------------------------------------


def test_finds_phases_by_name_and_order() -> None:
    contract = good()
    assert contract.phase("few").canary_percent == 10
    assert contract.phase("dark").soak == RunsSoak(runs=1)
    assert [phase.name if phase else None for phase in map(contract.next_phase, ("dark", "few", "all"))] == [
        "few",
        "all",
        None,
    ]


def test_a_phase_that_is_history_has_no_gates_and_none_after_it() -> None:
    contract = good()
    past = contract.phase("nowhere")
    assert (past.name, contract.gates_of(past), contract.next_phase("nowhere")) == ("nowhere", (), None)


def test_a_phase_may_have_a_gap_of_its_own() -> None:
    contract = good()
    assert [contract.max_gap(phase) for phase in contract.phases] == [1800, 1800, 7200]


def test_what_a_surface_leaves_unsaid_depends_on_its_adapter() -> None:
    snippet = "surfaces: {api: {adapter: %s, file: x%s}}\ntriggers: []\n" + phases(DARK, ALL)

    def api(adapter: str, said: str = "") -> Surface:
        mapped = ", map: {health_state: state}" if adapter == "json" else ""
        return good(snippet % (adapter, said + mapped)).surfaces["api"]

    for adapter in ("tau-status", "tau-transport-health", "tau-browser-summary"):
        assert api(adapter).absent_is_zero
        assert not api(adapter).rebases_on_reset
        assert not api(adapter, ", absent: unknown").absent_is_zero
        assert api(adapter, ", on_reset: rebase").rebases_on_reset
    assert not api("json").absent_is_zero
    assert api("json").rebases_on_reset
    assert api("json", ", absent: zero").absent_is_zero
    assert not api("json", ", on_reset: count").rebases_on_reset


def test_what_a_contract_leaves_unsaid_about_time() -> None:
    contract = good()
    assert contract.sampling.streak_gap == 6 * 3600
    assert [phase.warm_up for phase in contract.phases] == [0, 0, 0]
    assert contract.prepare is None
    web = contract.surfaces["web"]
    assert (web.interval, web.fresh, web.refresh, web.serial) == (None, "pulse", None, None)


def test_inherited_gates_come_first_and_the_phases_own_win() -> None:
    gates = good().gates_of(good().phase("all"))
    assert [gate.title for gate in gates] == ["flat.errors", "health_state", "signoff.complete"]
    assert isinstance(gates[1], HealthStateGate)
    assert gates[1].surfaces == ("web",)


def test_gates_are_called_by_their_name_else_by_what_they_look_at() -> None:
    snippet = gates(
        "{kind: health_state}",
        "{kind: threshold, field: depth, min: 1}",
        "{kind: equals, field: gate, value: pass}",
        "{kind: no_new, counter: c}",
        "{kind: flat, counter: c}",
        "{kind: advancing, counter: c}",
        "{kind: timeline_clean}",
        "{kind: no_trigger}",
        "{kind: harness, total: 1, passed: 1}",
        '{kind: ci_checks, checks: "*"}',
        "{kind: rollback_target}",
        "{kind: flat, counter: d, name: Quiet}",
    )
    surfaces = (
        "surfaces: {web: {adapter: json, file: x, map: {health_state: s, timeline: t, counters: c,"
        " fields: {depth: d}, labels: {gate: g}}}}\n"
    )
    dark, last = good(surfaces + snippet).phases
    assert [gate.title for gate in (*dark.gates, *last.gates)] == [
        "health_state",
        "depth",
        "gate",
        "no_new.c",
        "flat.c",
        "advancing.c",
        "timeline_clean",
        "no_trigger",
        "harness",
        "ci_checks",
        "rollback_target",
        "Quiet",
        "health_state",
        f"signoff.{COMPLETE}",
    ]


def test_every_gate_that_all_phases_have_is_reserved() -> None:
    assert RESERVED_GATE_NAMES == ("soak", "applied")


def test_a_gate_looks_at_the_surfaces_it_names_in_the_contracts_order() -> None:
    contract = good()
    assert contract.surfaces_of(None) == ("api", "web")
    assert contract.surfaces_of(("web", "api")) == ("api", "web")
    assert contract.surfaces_of(("web",)) == ("web",)


def test_a_trigger_watches_all_but_the_first_phase_unless_it_names_some() -> None:
    (everywhere,) = good().triggers
    assert [good().watches(everywhere, phase) for phase in ("dark", "few", "all")] == [False, True, True]
    (named,) = good(trigger("kind: validation_failure, phases: [dark]")).triggers
    assert [good().watches(named, phase) for phase in ("dark", "few", "all")] == [True, False, False]


def test_a_trigger_that_compares_with_a_baseline_watches_only_where_there_is_one() -> None:
    ratio = "kind: ratio, field: failure_streak, over: queue_depth, max: 2, surfaces: [web]"
    (trigger_,) = good(trigger(f"{ratio}, phases: [dark, few, all]")).triggers
    assert [good().watches(trigger_, phase) for phase in ("dark", "few", "all")] == [False, True, False]


def test_globs_are_case_sensitive() -> None:
    names = ["Live smoke (voice)", "live smoke", "Live smoke gate", "Lint"]
    assert matching("Live smoke *", names) == ["Live smoke (voice)", "Live smoke gate"]


def test_both_spellings_of_an_aliased_key_make_the_same_gate() -> None:
    assert HealthStateGate.model_validate({"kind": "health_state", "is": "healthy"}) == HealthStateGate(
        kind="health_state"
    )


def test_a_soak_of_nothing_needs_no_sampling() -> None:
    snippet = "sampling: {interval: 1h, max_gap: 30m}\n" + phases(
        f"name: dark, canary_percent: 0, soak: 0s, {GATE}",
        "name: all, canary_percent: 100, soak: 1h, max_gap: 1h, inherit: dark",
    )
    assert isinstance(good(snippet + "\nsignoff: {}").phases[0], Phase)


def test_contracts_are_frozen() -> None:
    gate = FlatGate(kind="flat", counter="c")
    with pytest.raises(ValueError, match="frozen"):
        gate.counter = "d"  # type: ignore[misc]


def test_a_changed_copy_works_its_gates_and_counters_out_anew() -> None:
    contract = good()
    assert contract.counters == {"api": ("errors",), "web": ("errors",)}
    assert [gate.title for gate in contract.gates_of(contract.phases[1])] == ["health_state", "flat.errors"]
    fewer = contract.phases[1].model_copy(update={"gates": (HealthStateGate(kind="health_state"),)})
    phases = (contract.phases[0], fewer, contract.phases[2])
    changed = contract.model_copy(update={"phases": phases})
    assert changed.counters == {"api": (), "web": ()}
    assert [gate.title for gate in changed.gates_of(fewer)] == ["health_state"]
    assert contract.counters["api"] == ("errors",)
