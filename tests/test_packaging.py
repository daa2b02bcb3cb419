"""What the wheel carries, and what building it in a job needs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("rollout-*.yml"))


def test_a_wheel_carries_templates_profiles_and_workflows(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    wanted = [f"workflows/{path.name}" for path in WORKFLOWS]
    wanted += [path.name for path in (ROOT / "templates").glob("*.j2")]
    wanted += ["profiles/generic.yaml", "profiles/tau.yaml"]
    assert {f"rollout/templates/{name}" for name in wanted} <= set(names)


def test_a_sparse_checkout_of_the_tool_has_all_that_its_wheel_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], ".github/actions/rollout"]
    found = 0
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        for step in (step for job in jobs.values() for step in job["steps"]):
            given = step.get("with", {})
            # What is checked out into a folder of its own is not the tool.
            folders = [] if "path" in given else str(given.get("sparse-checkout", "")).split()
            found += bool(folders)
            for one in needed if folders else ():
                assert any(f"{one}/".startswith(f"{folder}/") for folder in folders), (path.name, one)
    assert found
