"""Makes up contracts: mostly sound, each choice odd now and then, so that some are refused."""

from __future__ import annotations

import random
from typing import Any

ODD = 0.015
"""How often a choice is an odd one."""
NAMES = ("api", "web", "worker", "memory")
COUNTERS = ("failed", "served")
_OF_NO_SURFACE = ("no_trigger", "ci_checks", "rollback_target", "harness")
FIELDS = ("errors", "queue_depth", "failure_streak", "drift")


class Draft:
    """One contract as plain data, made of a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.surfaces = self._some(NAMES, least=1)
        self.harness = self._chance(0.5)
        self._read = {name: self._surface() for name in self.surfaces}

    def data(self) -> dict[str, Any]:
        phases = self._phases()
        sections: dict[str, Any] = {
            "schema": 1,
            "train": self._odd("shop", "shop.lock", "a..b", "a."),
            "product": {"branch": self._odd("main", "HEAD", "a//b", "refs/heads/main", "x.lock")},
            "surfaces": self._read,
            "sampling": self._sampling(),
            "phases": phases,
            "triggers": [self._trigger(number, phases) for number in range(self._random.randint(0, 3))],
            "rollback": self._rollback(),
            "signoff": {"items": self._items(phases)},
            "channel": self._channel(),
        }
        if self.harness:
            command = {"command": self._command("validate")} if self._chance(0.7) else {}
            sections["harness"] = {"report": "r.json", "manifest": "m.json", **command, **self._timeout()}
        if self._chance(0.4):
            sections["apply"] = {
                "command": self._command("deploy", "{percent}", "{percnt}"),
                **self._timeout(),
            }
        if self._chance(0.2):
            sections["prepare"] = {"command": self._command("make"), **self._timeout()}
        return sections

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _odd(self, usual: Any, *odd: Any) -> Any:
        return self._random.choice(odd) if self._chance(ODD) else usual

    def _some(self, words: tuple[str, ...], *, least: int = 0) -> list[str]:
        return self._random.sample(words, self._random.randint(least, len(words)))

    def _time(self) -> str:
        usual = self._random.choice(("1m", "5m", "10m", "30m", "1h", "24h"))
        return str(self._odd(usual, "0s", "1s", "87600h", "999999999h", "9" * 400 + "h", "-5m"))

    def _timeout(self) -> dict[str, Any]:
        return {"timeout": self._time()} if self._chance(0.3) else {}

    def _command(self, program: str, word: str = "x", odd: str = "{x}") -> list[str]:
        words = [self._odd(program, "", " "), self._odd(word, odd, "", "{version}")]
        return words if not self._chance(ODD) else []

    # --- what is read -------------------------------------------------------------------------------------

    def _surface(self) -> dict[str, Any]:
        if self._chance(0.25):
            return self._metrics()
        adapter = self._random.choice(("json",) * 12 + ("tau-status", "tau-transport-health"))
        surface: dict[str, Any] = {"adapter": adapter, **self._timeout()}
        surface |= {"file": "x.json"} if self._chance(0.5) else {"command": self._command("probe")}
        if adapter == "json":
            surface["map"] = self._map()
        for key, values in {
            "fresh": ("pulse", "phase"),
            "absent": ("zero", "unknown"),
            "on_reset": ("count", "rebase"),
            "revision": ("release", "any"),
            "serial": ("group", "group", "group", "Group"),
        }.items():
            if self._chance(0.1):
                surface[key] = self._random.choice(values)
        if self._chance(0.03):
            surface["interval"] = self._time()
        return surface

    def _metrics(self) -> dict[str, Any]:
        """A metrics surface: its errors are a proportion, and what it counts can be asked over windows."""
        few = {"min_samples": self._odd(20, 0, True)} if self._chance(0.5) else {}
        counts = {name: {"query": f"sum(increase({name}[{{window}}]))"} for name in COUNTERS}
        queries = {
            "errors": {
                "good": "sum(ok)",
                "total": self._odd("sum(all)", "sum("),
                "window": self._time(),
                **few,
            },
            **{name: {"query": "1"} for name in FIELDS if name != "errors"},
            **counts,
        }
        url = "https://prometheus.example"
        return {"metrics": {"provider": self._odd("prometheus", "graphite"), "url": url, "queries": queries}}

    def _burn_rate(self) -> dict[str, Any]:
        pairs = [{"long": self._odd("1h", "1m", "0s"), "short": "5m", "factor": self._odd(2, 0, 1e9)}]
        return {
            "kind": "burn_rate",
            "good": self._odd("served", "failed"),
            "total": self._odd("failed", "errors"),
            "objective": self._odd(0.9, 1, 99.9),
            "windows": pairs,
            "surfaces": [name for name, surface in self._read.items() if "metrics" in surface],
        }

    def _map(self) -> dict[str, Any]:
        def expression(usual: str) -> str:
            return str(self._odd(usual, "'healthy'", "`0`", "a[", "f(a)"))

        return {
            "health_state": expression("state"),
            "health_states": {"up": "healthy", self._odd("down", "failing"): self._odd("failing", "healthy")},
            "fields": {name: expression(name) for name in FIELDS},
            "labels": {"gate": expression("gate")},
            "counters": expression("{failed: f, served: s}"),
            **({"timeline": "steps"} if self._chance(0.9) else {}),
            **({"updated_unix_ms": "at"} if self._chance(0.5) else {}),
        }

    def _sampling(self) -> dict[str, Any]:
        keys = ("interval", "min_interval", "max_age", "max_gap", "streak_gap")
        return {key: self._time() for key in keys if self._chance(0.04)}

    # --- phases -------------------------------------------------------------------------------------------

    def _phases(self) -> list[dict[str, Any]]:
        some = self._random.sample(range(1, 100), self._random.randint(0, 3))
        middle = sorted(percent / 10 if self._chance(0.2) else percent for percent in some)
        percents = [self._odd(0, 5, False, -1), *middle, self._odd(100, 99, True)]
        return [self._phase(number, percent, percents) for number, percent in enumerate(percents)]

    def _phase(self, number: int, percent: Any, percents: list[Any]) -> dict[str, Any]:
        is_first = number == 0
        phase: dict[str, Any] = {
            "name": f"p{number}{self._odd('', '.lock', '..x', '.', '-0')}",
            "canary_percent": percent,
            "soak": {"runs": self._odd(2, 0, True, 1000)} if self._chance(0.4) else self._time(),
            "gates": [self._gate() for _ in range(self._random.randint(int(is_first), 3))],
        }
        if not is_first or self._chance(0.7):
            phase["gates"].append(self._health())
        if number == len(percents) - 1:
            phase["gates"].append({"kind": "signoff", "before": "complete"})
        for key in ("max_gap", "warm_up"):
            if self._chance(0.1):
                phase[key] = self._time()
        if not is_first and self._chance(0.3):
            phase["inherit"] = self._odd(f"p{self._random.randrange(number)}", f"p{number}", "none")
        return phase

    def _health(self) -> dict[str, Any]:
        if all("metrics" in surface for surface in self._read.values()):
            return {"kind": "threshold", "field": "queue_depth", "max": 1, "name": "health"}
        return {"kind": "health_state", "name": "health"}

    def _gate(self) -> dict[str, Any]:
        field, counter = self._random.choice(FIELDS), self._odd(self._random.choice(COUNTERS), "fialed")
        gates: tuple[dict[str, Any], ...] = (
            {
                "kind": "threshold",
                "field": field,
                "max": self._odd(1, -1, True, 1e300),
                "min": self._odd(0, 5),
            },
            {"kind": "equals", "field": "gate", "value": self._odd("{version}", "{verison}", "")},
            {
                "kind": "ratio",
                "field": field,
                "over": self._odd("queue_depth", field),
                "max": self._odd(2, 0),
            },
            self._burn_rate(),
            {"kind": "no_new", "counter": counter},
            {"kind": "flat", "counter": counter},
            {"kind": "advancing", "counter": counter, "by": self._odd(1, 0, 10**16)},
            {"kind": "timeline_clean"},
            {"kind": "no_trigger"},
            {
                "kind": "ci_checks",
                "checks": self._odd("Build *", "", "[", "[a]"),
                "at_least": self._odd(1, 99),
            },
            {"kind": "rollback_target"},
            {"kind": "harness", "total": self._odd(2, 9), "passed": 2},
        )
        gate = dict(self._random.choice(gates[: None if self.harness else -1]))
        # Most gates look where there is something to see.
        if gate["kind"] == "burn_rate" and not gate["surfaces"]:
            gate = {"kind": "no_trigger"}
        if gate["kind"] not in (*_OF_NO_SURFACE, "burn_rate") and self._chance(0.5):
            gate["surfaces"] = self._some(tuple(self.surfaces), least=0 if self._chance(ODD) else 1)
        return {**gate, "name": f"g{self._random.randrange(10**6)}"}

    # --- the rest -----------------------------------------------------------------------------------------

    def _trigger(self, number: int, phases: list[dict[str, Any]]) -> dict[str, Any]:
        kinds: tuple[dict[str, Any], ...] = (
            {"kind": "health_regression", "states": ["failing"], "checks": self._odd(2, 1, 100)},
            {"kind": "new_counter", "counters": ["failed"]},
            {"kind": "threshold", "field": "failure_streak", "at_least": self._odd(3, 0, -1, True)},
            {"kind": "threshold", "field": "drift", "at_most": self._odd(-1, 0, 1e300, True)},
            {"kind": "ratio", "field": "errors", "over": "queue_depth", "max": 2, "checks": 2},
            self._burn_rate(),
            {"kind": "validation_failure", "harness": self.harness, "checks": self._odd("*", "", "[")},
        )
        actions = ["freeze"] if self._chance(0.2) else ["freeze", "rollback"]
        kind = self._random.choice(kinds)
        if kind.get("surfaces") == []:
            kind = kinds[0]
        trigger = {"name": f"t{number}", "actions": actions, **kind}
        if self._chance(0.2):
            names = tuple(phase["name"] for phase in phases)
            trigger["phases"] = self._some(names, least=0 if self._chance(ODD) else 1)
        return trigger

    def _rollback(self) -> dict[str, Any]:
        rollback: dict[str, Any] = {"canary_percent": self._random.choice(("zero", "hold"))}
        if self._chance(0.3):
            rollback["evidence"] = ["out/*.json"]
            rollback["evidence_in_git"] = [self._odd("out/a.json", "in/a.json", "[")]
        if self._chance(0.3):
            rollback["apply"] = {"command": self._command("deploy", "{version}", "{versoin}")}
        if self._chance(0.2):
            rollback["lane"] = {"command": self._command("lane", "{lane}", "{lan}")}
        return rollback

    def _items(self, phases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        before = self._odd("complete", phases[-1]["name"], phases[0]["name"], "none")
        person = {
            "id": "ok",
            "section": "S",
            "title": "T",
            "before": before,
            "people": self._odd(1, 20, True),
        }
        kinds = ("harness", "ci_checks", "rollback_target", "no_trigger", "rehearsed", "phase_soaked")
        kind = self._random.choice(kinds)
        of = {"of": self._odd(phases[0]["name"], "none")} if kind == "phase_soaked" else {}
        proved = {
            "id": "proof",
            "section": "S",
            "title": "T",
            "before": "complete",
            "proof": {"kind": kind, **of},
        }
        return [person, proved] if self._chance(0.5) else [person]

    def _channel(self) -> dict[str, Any]:
        if not self._chance(0.2):
            return {}
        return {"cache_ttl": self._time(), "apply": {"command": self._command("put", "{version}", "{x}")}}
