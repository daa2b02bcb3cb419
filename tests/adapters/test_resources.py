"""Where templates and profiles are found."""

from pathlib import Path

import pytest

from rollout.adapters.resources import PACKAGE, profile_text, templates_dir, workflow_texts
from rollout.errors import OutsideError


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_suffix(".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_checkout_has_them_beside_the_package(tmp_path: Path) -> None:
    put(tmp_path, templates__profiles__generic="g", state__tau__contract="t")
    package = tmp_path / "rollout"
    assert templates_dir(package) == tmp_path / "templates"
    assert (profile_text("generic", package), profile_text("tau", package)) == ("g", "t")


def test_a_wheel_carries_them_inside(tmp_path: Path) -> None:
    put(tmp_path, rollout__templates__profiles__generic="g", rollout__templates__profiles__tau="t")
    put(tmp_path, templates__profiles__generic="of somebody else")
    package = tmp_path / "rollout"
    assert templates_dir(package) == package / "templates"
    assert (profile_text("generic", package), profile_text("tau", package)) == ("g", "t")


def test_the_running_program_has_its_own() -> None:
    assert templates_dir() in (PACKAGE / "templates", PACKAGE.parent / "templates")
    assert "train: tau\n" in profile_text("tau")
    assert "train: product\n" in profile_text("generic")


def test_an_incomplete_installation_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="templates that come with rollout are missing") as refused:
        templates_dir(tmp_path / "rollout")
    assert "install" in refused.value.hint
    (tmp_path / "templates").mkdir()
    with pytest.raises(OutsideError, match="profile tau that comes with rollout is missing"):
        profile_text("tau", tmp_path / "rollout")


def test_every_workflow_of_a_rollout_comes_along(tmp_path: Path) -> None:
    put_workflow(tmp_path / ".github", "rollout-start", "rollout-later", "ci")
    package = tmp_path / "rollout"
    assert list(workflow_texts(package)) == ["rollout-later.yml", "rollout-start.yml"]
    put_workflow(package / "templates", "rollout-start")
    assert workflow_texts(package) == {"rollout-start.yml": "name: rollout-start\n"}
    with pytest.raises(OutsideError, match="workflows that come with rollout are missing"):
        workflow_texts(tmp_path / "elsewhere" / "rollout")


def put_workflow(parent: Path, *names: str) -> None:
    (parent / "workflows").mkdir(parents=True)
    for name in names:
        (parent / "workflows" / f"{name}.yml").write_text(f"name: {name}\n")
