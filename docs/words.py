"""Checks prose against docs/style.md, and a commit's subject: `python -m docs.words [--subject FILE]`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STYLE = ROOT / "docs" / "style.md"
PROSE = (".py", ".md", ".j2", ".yml", ".yaml", ".toml")
OTHERS_WORDS = ("CHANGELOG.md", "docs/style.md", "tests/")
"""The changelog tells of its time, the style names what it forbids, and tests hold what people type."""
LONGEST_SUBJECT = 72
NOT_IMPERATIVE = ("Let ", "Prove ", "Say ", "Tell ")
THIRD_PERSON = re.compile(
    r"(?!(?:This|Its|Others|Us|Bytes|Files|Lines|Paths|Keys|Actions|Events|Values|Versions)\b)"
    r"[A-Z][a-z]+s\b(?! of\b)"
)
"""A verb. Plurals end alike: these are nouns only, and so is what `of` follows."""
_EXEMPT = re.compile(r"property|command|group", re.IGNORECASE)


def forbidden() -> dict[str, str]:
    """Returns the style page's table: what not to write, and what to write."""
    table = STYLE.read_text(encoding="utf-8").partition("| not | but |")[2]
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", table, re.MULTILINE)
    return {wrong: right for wrong, right in rows if wrong != "---"}


def findings(name: str, text: str, words: dict[str, str]) -> Iterator[str]:
    """Yields `file:line: what to write` for each forbidden word, also where a line break splits it."""
    for wrong, right in words.items():
        pattern = r"\b" + r"\s+(?:#\s*)?".join(map(re.escape, wrong.split())) + r"\b"
        for found in re.finditer(pattern, text, re.IGNORECASE):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: {wrong!r}: write {right!r}"


def problems(name: str, text: str, words: dict[str, str]) -> Iterator[str]:
    """Yields everything that is wrong with a file."""
    yield from findings(name, text, words)
    if name.endswith(".py"):
        yield from docstring_problems(name, text)


def docstring_problems(name: str, source: str) -> Iterator[str]:
    """Yields `file:line: what to write` for each docstring of a function without a verb at its beginning.

    A property's docstring names a thing, a command's is its help, and that of `__init__` explains arguments.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name == "__init__":
            continue
        text = ast.get_docstring(node)
        is_exempt = any(_EXEMPT.search(ast.unparse(one)) for one in node.decorator_list)
        if text and not is_exempt and not THIRD_PERSON.match(text):
            line, word = node.body[0].lineno, text.split()[0]
            yield f"{name}:{line}: {word!r}: begin with a verb in the third person, such as: Returns"


def subject_problems(message: str) -> Iterator[str]:
    """Yields what is wrong with the first line of a commit message."""
    subject = next(iter(message.splitlines()), "")
    if subject.startswith(("fixup! ", "squash! ", "Merge ", "Revert ")):
        return
    if len(subject) > LONGEST_SUBJECT:
        yield f"the subject has {len(subject)} characters, and {LONGEST_SUBJECT} are the most"
    if not subject[:1].isupper():
        yield "begin the subject with a capital letter, such as: Fix paging after a renamed repository"
    if subject.endswith("."):
        yield "end the subject without a full stop"
    if subject.startswith(NOT_IMPERATIVE) or re.match(r"[A-Z][a-z]+ed\b", subject):
        yield f"{subject.split()[0]!r}: begin with what the commit does, such as: Fix, Add, Test"


def _files() -> Iterable[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    names = (name for name in listed.stdout.split("\0") if name.endswith(PROSE))
    return [name for name in names if not name.startswith(OTHERS_WORDS) and (ROOT / name).is_file()]


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--subject"]:
        found = list(subject_problems(Path(arguments[1]).read_text(encoding="utf-8")))
    else:
        words = forbidden()
        texts = ((name, (ROOT / name).read_text(encoding="utf-8")) for name in _files())
        found = [one for name, text in texts for one in problems(name, text, words)]
    if found:
        found.append("the rules: docs/style.md")
    sys.stderr.writelines(f"{one}\n" for one in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
