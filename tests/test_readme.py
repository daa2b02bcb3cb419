"""What README.md and docs/ show is real: each `console` block is typed into a shell, and prints what it says.

`UPDATE_README=1 make test T=tests/test_readme.py` writes what is printed now into the pages; read the diff.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from docs import generate
from rollout.cli import app
from rollout.core.contract import RollbackStep
from tests.pages import BLOCK, check_page

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ON_GITHUB = ROOT / "docs" / "github.md"
WITH_TRANSCRIPTS = (README, ROOT / "docs" / "channels.md", ROOT / "docs" / "tutorial.md")
ON_A_REAL_PROMETHEUS = ROOT / "docs" / "metrics.md"
"""`tests/real/test_metrics_page.py` types this one."""
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
PLACE = re.compile(
    r"`((?:rollout|core|commands|adapters|rendering|ports|wiring|files|cli|tests|fakehub|benchmarks)/[a-z][a-z0-9_./-]*)`"
)
"""A path of this repository, as pages name it; below `rollout/` without that word."""
LONGEST_CELL = 140


@pytest.mark.parametrize("path", WITH_TRANSCRIPTS, ids=lambda path: path.name)
def test_every_command_prints_what_the_page_says(path: Path, tmp_path: Path) -> None:
    check_page(path, tmp_path)


def test_every_transcript_is_run() -> None:
    shown = {page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))}
    assert shown == {*WITH_TRANSCRIPTS, ON_A_REAL_PROMETHEUS}


def typed_commands(page: str) -> list[str]:
    """Command lines of the program, in blocks and in the text."""
    blocks = re.findall(r"^```sh.*?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("rollout ")]
    return lines + re.findall(r"(?<!`)`(rollout [a-z][^`\n|]*)`", page)


def check_command(typed: str) -> None:
    """Fails for a command or an option that the program does not have."""
    command: click.Command | None = app
    context = click.Context(app)
    _, *words = shlex.split(typed.replace("...", ""), comments=True)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command, words = command.get_command(context, words[0]), words[1:]
    assert command is not None, typed
    command.make_parser(context).parse_args(words)


OF_NOW = [page for page in PAGES if page.name != "CHANGELOG.md" and page.parent.name != "reference"]
"""The changelog tells of its time, and the reference is generated."""


@pytest.mark.parametrize("path", OF_NOW, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_that_a_page_names_is_one_of_the_program(path: Path) -> None:
    for typed in typed_commands(path.read_text(encoding="utf-8")):
        check_command(typed)


@pytest.mark.parametrize("path", [README, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_a_cell_of_a_table_holds_a_phrase(path: Path) -> None:
    """docs/style.md, 9."""
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    assert [cell for cell in cells if len(cell) > LONGEST_CELL] == []


@pytest.mark.parametrize("typed", ["rollout begin v1", "rollout start --anyway", "rollout local mrege 1"])
def test_a_command_that_there_is_not_is_found(typed: str) -> None:
    (found,) = typed_commands(f"Say `{typed}`.")
    with pytest.raises((AssertionError, click.NoSuchOption)):
        check_command(found)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes links of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for name, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)]*)\)", path.read_text(encoding="utf-8")):
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name}: {name}"
        assert not anchor or anchor in anchors(target), f"{path.name}: {name}#{anchor}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_place_in_the_code_exists(path: Path) -> None:
    for place in PLACE.findall(path.read_text(encoding="utf-8")):
        assert (ROOT / place).exists() or (ROOT / "rollout" / place).exists(), place


def test_commands_and_paths_of_contributing_exist() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    asked = re.findall(r"\bmake ([a-z]+)\b(?= T=|`|  +#| [A-Z]=)", page)
    assert len(asked) > 10
    assert not set(asked) - set(targets)
    for place in re.findall(r"(?<![\w./-])(?:tests|rollout|docs|fakehub|benchmarks)/[\w./*-]*[\w*]", page):
        assert "NAME" in place or list(ROOT.glob(place)), place


@pytest.mark.parametrize("name", generate.PAGES)
def test_reference_pages_are_what_the_code_says(name: str) -> None:
    page = ROOT / name
    assert page.read_text(encoding="utf-8") == generate.PAGES[name](), "run `make docs`"


def test_what_github_shows_is_what_is_rendered() -> None:
    """The pull request, the job summary and doctor's answer are the golden files of tests/rendering."""
    page, golden = ON_GITHUB.read_text(encoding="utf-8"), ROOT / "tests" / "rendering" / "golden"
    for name in ("promotion.md", "summary-hold.md"):
        lines = (golden / name).read_text(encoding="utf-8").rstrip("\n").splitlines()
        assert "\n".join(f"> {line}".rstrip() for line in lines) in page, name
    first_screen = (golden / "promotion.md").read_text(encoding="utf-8").partition("\n<details>")[0].rstrip()
    quoted = "\n".join(f"> {line}".rstrip() for line in first_screen.splitlines())
    assert quoted in README.read_text(encoding="utf-8")
    assert f"```text\n{(golden / 'doctor.txt').read_text(encoding='utf-8')}```" in page


def test_the_apps_permissions_are_those_that_workflows_ask_for() -> None:
    asked = set()
    for path in (ROOT / ".github" / "workflows").glob("rollout-*.yml"):
        for permissions in re.findall(r"^ +app-permissions: (.+)$", path.read_text(), re.MULTILINE):
            asked |= {tuple(one.split(":")) for one in permissions.split()}
    names = {"commit-statuses": "statuses"}
    table = (
        ON_GITHUB.read_text(encoding="utf-8")
        .partition("| permission | level | for |")[2]
        .partition("\n\n")[0]
    )
    told = {
        (names.get(key, key), level)
        for name, level in re.findall(r"^\| (\w[\w ]+) \| (read|write) \|", table, re.MULTILINE)
        for key in [name.lower().replace(" ", "-")]
    }
    assert told == asked


def test_every_name_on_the_page_exists() -> None:
    folders = [ROOT / ".github", ROOT / "rollout"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".yml", ".py")]
    there = "\n".join(path.read_text(encoding="utf-8") for path in files)
    page = ON_GITHUB.read_text(encoding="utf-8")
    names = set(re.findall(r"\bROLLOUT_[A-Z_]+\b|(?<=`)rollout-[a-z-]+(?:\.yml)?", page))
    for name in sorted(names):
        assert name.removesuffix(".yml") in there or (ROOT / ".github/workflows" / name).exists(), name


def test_every_workflow_and_variable_is_named() -> None:
    page = ON_GITHUB.read_text(encoding="utf-8")
    for path in (ROOT / ".github" / "workflows").glob("rollout-*.yml"):
        assert f"`{path.stem}`" in page, path.name
        for name in re.findall(r"(?:vars|secrets)\.(ROLLOUT_\w+)", path.read_text()):
            assert name in page, name


def test_the_steps_of_a_rollback_have_one_name_each() -> None:
    """In the terminal and the issue they are RollbackStep.label too."""
    page = (ROOT / "docs" / "rollback.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) ([^|]+?) \|", page, re.MULTILINE)
    assert rows == [(str(number), step.label) for number, step in enumerate(RollbackStep, start=1)]
