"""Plays the jobs of a workflow file as act does, without starting Python for each stand-in.

Most of what a run under act costs is the start of Python, again and again. What people wrote is played as it
stands: conditions, matrices, outputs, composite actions, scripts by bash. Only a script that is one call of
`python3 FILE` runs in this process (`inside`). A test holds this to act, workflow by workflow.
"""

from __future__ import annotations

import json
import re
import shlex
import string
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from fakehub import inside, warm
from fakehub.act import LEVELS, ActError, ActRun, environment
from fakehub.entities import JobResult
from fakehub.expressions import as_text, evaluate, value_of
from fakehub.workflow_file import WorkflowFile, read

Context = Mapping[str, Any]
_STATUS = re.compile(r"\b(success|failure|always|cancelled)\(\)")
_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<facts>[^:]*))?::(?P<text>.*)")
_ESCAPED = {"%0D": "\r", "%0A": "\n", "%25": "%"}
_ONE_PYTHON = re.compile(r'(?P<set>(\w+=\w* )*)python3 (?P<words>"?[$\w/."\s-]+)')
_LONG = re.compile(r"(?P<name>[\w-]+)<<(?P<end>\S+)")


def play(run: ActRun) -> list[JobResult]:
    """Plays the jobs; returns those that began, in that order, with ids 0.
    Raises ActError for what it does not know.
    """
    return _Workflow(run).play()


@dataclass
class _Ended:
    """How a job or a step ended; for a job both words are one."""

    outcome: str
    outputs: dict[str, str] = field(default_factory=dict)
    conclusion: str = ""

    def shown(self) -> dict[str, Any]:
        return {"result": self.outcome, "outcome": self.outcome, "outputs": self.outputs} | {
            "conclusion": self.conclusion or self.outcome
        }


class _Workflow:
    def __init__(self, run: ActRun) -> None:
        self._run = run
        self._document = read(run.workflow.read_bytes())
        self._ended: dict[str, _Ended] = {}
        self._found: list[JobResult] = []
        event = run.scratch / "event.json"
        event.write_text(json.dumps(run.payload), encoding="utf-8")
        (run.scratch / "home").mkdir()
        self._env = {
            **environment(run.scratch / "home"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": run.actor,
            "GITHUB_EVENT_NAME": run.event,
            "GITHUB_EVENT_PATH": str(event),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            **run.env,
        }
        github = {
            **{name.removeprefix("GITHUB_").lower(): value for name, value in self._env.items()},
            "event": run.payload,
            "token": run.token,
            "ref_name": re.sub(r"^refs/(heads|tags|pull)/", "", self._env["GITHUB_REF"]),
            "base_ref": run.payload.get("pull_request", {}).get("base", {}).get("ref", ""),
            "head_ref": run.payload.get("pull_request", {}).get("head", {}).get("ref", ""),
            "workflow": self._document.get("name"),
        }
        self._context: dict[str, Any] = {
            "github": github,
            "vars": run.variables,
            "secrets": run.secrets,
            "inputs": _typed(WorkflowFile("", self._document), run.payload.get("inputs") or {}),
        }

    def play(self) -> list[JobResult]:
        for key, job in self._in_order():
            needs = {name: self._ended[name].shown() for name in _listed(job.get("needs"))}
            results = [need["result"] for need in needs.values()]
            is_well = all(result == "success" for result in results)
            context = {**self._context, "needs": needs, **_how_it_goes(is_well, "failure" in results)}
            if not _holds(job.get("if"), context):
                self._ended[key] = _Ended("skipped")
                continue
            for matrix in _combinations(job, context):
                self._ended[key] = self._play_job(key, job, {**context, "matrix": matrix}, matrix)
            own = [one.conclusion for one in self._found if one.key == key]
            if not own:
                self._ended[key] = _Ended("skipped")
            elif "failure" in own:
                self._ended[key].outcome = "failure"
        return self._found

    def _in_order(self) -> Iterator[tuple[str, dict[str, Any]]]:
        waiting = dict(self._document["jobs"])
        while waiting:
            ready = [key for key, job in waiting.items() if not set(_listed(job.get("needs"))) & set(waiting)]
            if not ready:
                raise ActError(f"jobs need one another: {', '.join(waiting)}")
            for key in ready:
                yield key, waiting.pop(key)

    def _play_job(self, key: str, job: Context, context: Context, matrix: Context) -> _Ended:
        told = {
            name: as_text(value) if isinstance(value, str) else str(value) for name, value in matrix.items()
        }
        result = JobResult(
            0, f"{key} ({', '.join(told.values())})" if told else key, key, "success", matrix=told
        )
        self._found.append(result)
        folder = self._run.scratch / f"job-{len(self._found)}"
        workspace, temp = folder / "work", folder / "temp"
        for made in (workspace, temp):
            made.mkdir(parents=True)
        _install(temp / "rollout" / "bin")
        runner = {"os": "Linux", "arch": "X64", "temp": str(temp)}
        github = {**context["github"], "job": key, "workspace": str(workspace)}
        context = {**context, "github": github, "runner": runner}
        env = {**self._env, "GITHUB_JOB": key, "GITHUB_WORKSPACE": str(workspace), "RUNNER_TEMP": str(temp)}
        for level in (self._document, job):
            more = {
                name: evaluate(as_text(value), context) for name, value in (level.get("env") or {}).items()
            }
            env |= more
            context = {**context, "env": {**context.get("env", {}), **more}}
        steps = _Steps(result, workspace, self._run.actions, env, context)
        result.conclusion = "success" if steps.play(job["steps"]) else "failure"
        outputs = {
            name: evaluate(as_text(value), {**context, "steps": steps.shown()})
            for name, value in (job.get("outputs") or {}).items()
        }
        return _Ended(result.conclusion, outputs)


class _Steps:
    """The steps of a job or of a composite action, one after the other."""

    def __init__(
        self,
        job: JobResult,
        workspace: Path,
        actions: Mapping[str, Path],
        env: Mapping[str, str],
        context: Context,
    ) -> None:
        self._job = job
        self._workspace = workspace
        self._actions = actions
        self._env = env
        self._context = context
        self._ended: dict[str, _Ended] = {}

    def shown(self) -> dict[str, Any]:
        return {name: ended.shown() for name, ended in self._ended.items()}

    def play(self, steps: Sequence[dict[str, Any]]) -> bool:
        """Plays the steps; returns whether all went well."""
        is_well = True
        for step in steps:
            context = {**self._context, "steps": self.shown(), **_how_it_goes(is_well, not is_well)}
            ended = self._play_step(step, context) if _holds(step.get("if"), context) else _Ended("skipped")
            forgiven = step.get("continue-on-error") or False
            if isinstance(forgiven, str):
                forgiven = value_of(forgiven, context)
            if ended.outcome == "failure":
                ended.conclusion = "success" if forgiven else "failure"
                is_well = is_well and bool(forgiven)
            if "id" in step:
                self._ended[step["id"]] = ended
        return is_well

    def _play_step(self, step: Mapping[str, Any], context: Context) -> _Ended:
        own = {name: evaluate(as_text(value), context) for name, value in (step.get("env") or {}).items()}
        context, env = {**context, "env": {**context.get("env", {}), **own}}, {**self._env, **own}
        if "uses" in step:
            return self._act(step, env, context)
        if step.get("shell", "bash") != "bash":
            raise ActError(f"shell {step['shell']} is not played")
        return self._script(evaluate(step["run"], context), env, step.get("working-directory", ""))

    def _act(self, step: Mapping[str, Any], env: Mapping[str, str], context: Context) -> _Ended:
        folder = self._folder(step["uses"])
        file = next(folder.glob("action.y*ml"), None)
        if file is None:
            self._job.log += f"there is no action in {step['uses']}\n"
            return _Ended("failure")
        action = read(file.read_bytes())
        given = {name: evaluate(as_text(value), context) for name, value in (step.get("with") or {}).items()}
        rules = action.get("inputs") or {}
        inputs = {
            name: given.get(name, evaluate(as_text((rule or {}).get("default")), context))
            for name, rule in rules.items()
        }
        if unknown := given.keys() - rules.keys():
            raise ActError(f"{step['uses']} has no input {', '.join(sorted(unknown))}")
        inner = {**context, "inputs": inputs}
        inside = {**env, "GITHUB_ACTION_PATH": str(folder)}
        steps = _Steps(self._job, self._workspace, self._actions, inside, inner)
        is_well = steps.play(action["runs"]["steps"])
        outputs = {
            name: evaluate(as_text(rule["value"]), {**inner, "steps": steps.shown()})
            for name, rule in (action.get("outputs") or {}).items()
        }
        return _Ended("success" if is_well else "failure", outputs)

    def _folder(self, used: str) -> Path:
        if used.startswith("./"):
            return self._workspace / used
        path, _, pin = used.partition("@")
        owner, name, *inside = path.split("/")
        return self._actions[f"{owner}/{name}@{pin}"].joinpath(*inside)

    def _script(self, script: str, env: Mapping[str, str], where: str) -> _Ended:
        scratch = self._workspace.parent
        files = {
            name: scratch / name
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        }
        for file in files.values():
            file.write_bytes(b"")
        env = {**env, **{name: str(file) for name, file in files.items()}}
        code, said = _ran(script, env, self._workspace / where)
        self._hear(said)
        self._job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        for name in ("GITHUB_ENV", "GITHUB_PATH"):
            if files[name].read_bytes():
                raise ActError(f"{name} is not played")
        self._job.log += f"exit status {code}\n" if code else ""
        outputs = dict(_outputs(files["GITHUB_OUTPUT"].read_text(encoding="utf-8")))
        self._job.outputs |= outputs
        return _Ended("failure" if code else "success", outputs)

    def _hear(self, said: str) -> None:
        """Separates workflow commands from what is only printed."""
        for line in said.splitlines():
            command = _COMMAND.fullmatch(line)
            if command is None:
                self._job.log += f"{line}\n"
            elif command["name"] in LEVELS:
                facts = [_unescaped(fact) for fact in (command["facts"] or "").split(",") if fact]
                told = " ".join([command["name"], *facts])
                self._job.annotations.append(f"{told}: {_unescaped(command['text'])}")


def _ran(script: str, env: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Runs a script; returns its exit code and what it printed."""
    call = _ONE_PYTHON.fullmatch(script.strip())
    if call is not None:
        more = dict(word.split("=", 1) for word in call["set"].split())
        file, *arguments = shlex.split(string.Template(call["words"]).substitute(env))
        if threading.current_thread() is threading.main_thread():
            return inside.call(Path(file), arguments, {**env, **more}, folder)
        # What a test makes happen before a request happens in the middle of another command of this process.
        return warm.call(warm.serve(), arguments, {**env, **more}, folder, program=file)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def _install(folder: Path) -> None:
    """Makes a `rollout` that the action finds, so that it installs nothing; nobody runs it."""
    folder.mkdir(parents=True)
    program = folder / "rollout"
    program.write_text("#!/bin/sh\nexit 70\n", encoding="utf-8")
    program.chmod(0o755)


def _typed(file: WorkflowFile, given: Mapping[str, str]) -> dict[str, Any]:
    """Returns what a dispatched workflow reads: a boolean, not its name."""
    declared = file.triggers.get("workflow_dispatch", {}).get("inputs") or {}
    return {
        name: value == "true" if (declared.get(name) or {}).get("type") == "boolean" else value
        for name, value in given.items()
    }


def _how_it_goes(is_well: bool, has_failed: bool) -> dict[str, bool]:  # two facts of one kind
    return {"success()": is_well, "failure()": has_failed, "always()": True, "cancelled()": False}


def _holds(condition: object, context: Context) -> bool:
    text = "success()" if condition is None else as_text(condition)
    is_met = bool(value_of(text, context))
    return is_met if _STATUS.search(text) else is_met and bool(context["success()"])


def _combinations(job: Mapping[str, Any], context: Context) -> list[dict[str, Any]]:
    """Returns what the matrix makes: each value with each other, or what it includes."""
    written = (job.get("strategy") or {}).get("matrix") or {}
    lists = {name: value_of(one, context) if isinstance(one, str) else one for name, one in written.items()}
    included = lists.pop("include", [] if lists else [{}])
    crossed = [dict(zip(lists, chosen, strict=True)) for chosen in product(*lists.values())] if lists else []
    return crossed + [dict(one) for one in included]


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _outputs(text: str) -> Iterator[tuple[str, str]]:
    """Yields name and value of each `name=value`, or `name<<END`, its lines and `END`."""
    lines = iter(text.splitlines())
    for line in lines:
        long = _LONG.fullmatch(line)
        if long is None:
            name, _, value = line.partition("=")
            yield name, value
            continue
        inside = []
        for more in lines:
            if more == long["end"]:
                break
            inside.append(more)
        yield long["name"], "\n".join(inside)


def _unescaped(text: str) -> str:
    for code, char in _ESCAPED.items():
        text = text.replace(code, char)
    return text
