"""What people see on GitHub, laid out with GitHub's own style sheet in a browser.

The documents are the golden files of tests/rendering. Pictures of them are left in .cache/real/pages: look at
them after a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.browser import INSTALLED, Page, browser
from tests.rendering.github import as_html
from tests.rendering.goldens import GOLDEN

DOCUMENTS = sorted(path.stem for path in GOLDEN.glob("*.md"))
PHONE, DESK = 390, 900
FIRST_SCREEN = 1200
MOST_COLUMNS = 4
_STYLE = INSTALLED / "node_modules" / "github-markdown-css" / "github-markdown-light.css"
_FRAME = ".markdown-body {{ box-sizing: border-box; padding: 16px; }} body {{ margin: 0; }}"

_MEASURE = """(() => {
  document.querySelectorAll("details").forEach((each) => { each.open = OPEN; });
  const body = document.querySelector(".markdown-body");
  const blocks = [...body.querySelectorAll("p, li, h3, th, td, summary")];
  const headings = [...body.querySelectorAll("h1, h2, h3, h4")];
  return {
    width: document.documentElement.scrollWidth,
    columns: [...body.querySelectorAll("table")].map((each) => each.rows[0].cells.length),
    scrolled: [...body.querySelectorAll("table, pre")]
      .filter((each) => !each.querySelector(".language-mermaid"))  // GitHub draws it
      .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText),
    empty: headings.filter((each) => !each.innerText.trim() || !each.nextElementSibling
      || /^H[1-4]$/.test(each.nextElementSibling.tagName)).map((each) => each.innerText),
    first: blocks.filter((each) => each.getBoundingClientRect().bottom <= SCREEN)
      .filter((each) => each.checkVisibility()).map((each) => each.innerText).join("\\n"),
  };
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as shown:
        yield shown


def measure(page: Page, name: str, width: int, *, opened: bool) -> dict[str, Any]:
    """The document in a window of that width."""
    body = as_html((GOLDEN / f"{name}.md").read_text(encoding="utf-8"), commits={})
    style = _STYLE.read_text(encoding="utf-8") + _FRAME.format()
    html = f"<!doctype html><style>{style}</style><article class='markdown-body'>{body}</article>"
    page.show(html, width, FIRST_SCREEN)
    asked = _MEASURE.replace("OPEN", str(opened).lower()).replace("SCREEN", str(FIRST_SCREEN))
    found: dict[str, Any] = page.evaluate(asked)
    if not opened:
        page.screenshot(INSTALLED / "pages" / f"{name}-{width}.png")
    return found


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_it_fits_the_screen(page: Page, name: str, width: int) -> None:
    for opened in (True, False):
        found = measure(page, name, width, opened=opened)
        assert found["width"] <= width
        assert found["scrolled"] == []
        assert max(found["columns"], default=0) <= MOST_COLUMNS
        assert found["empty"] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "promotion",
            [
                "canary-2 at 25 % → canary-3 at 50 %",
                "Verdict: promote",
                "By merging you vouch",
                "Retry a failed upload once",
                "To refuse",
            ],
        ),
        ("promotion-regressed", ["DO NOT MERGE", "degraded, wanted healthy"]),
        ("incident", ["is being rolled back", "Merge pull request #7", "5 revert"]),
        ("signoff-issue", ["2 of 4 signed", "Final approver agrees", "/signoff"]),
        ("revert", ["takes v0.1.5 of tau back", "Retry a failed upload once"]),
    ],
)
def test_the_first_screen_says_what_matters(page: Page, name: str, words: list[str]) -> None:
    found = measure(page, name, DESK, opened=False)
    assert [each for each in words if each not in found["first"]] == []
    assert "queue_depth: 0" not in found["first"], "what holds is folded"
