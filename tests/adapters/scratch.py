"""A real repository in a temporary folder, handled with plain git as a person would."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
"""
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Repository:
    """`path` on branch main, with one commit of `files` (path -> content)."""

    def __init__(self, path: Path, files: dict[str, str] | None = None, *options: str) -> None:
        self.path = path
        path.mkdir(parents=True)
        if options:
            self.git("init", "--quiet", "--initial-branch=main", *options)
        else:
            self._init()
        self.commit(files or {"README": "hello\n"})

    def _init(self) -> None:
        """Leaves what `git init` leaves: a process the fewer."""
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.path / ".git" / folder).mkdir(parents=True)
        (self.path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
        (self.path / ".git" / "config").write_text(CONFIG, encoding="utf-8")

    def git(self, *arguments: str) -> str:
        # A fixture that outlives one test runs before a test's HOME is set up, where nobody may be known.
        known = (Path.home() / ".gitconfig").exists()
        who = () if known else ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, path: str, content: str) -> None:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    def commit(self, files: dict[str, str], message: str = "by hand") -> str:
        for path, content in files.items():
            self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        return self.head()

    def head(self, name: str = "HEAD") -> str:
        return (self._tip() if name == "HEAD" else None) or self.git("rev-parse", name)

    def _tip(self) -> str | None:
        """Returns the commit at HEAD where two files say it, which saves a process."""
        git_dir = self.path / ".git"
        try:
            kind, _, name = (git_dir / "HEAD").read_text(encoding="utf-8").strip().rpartition(" ")
            return (git_dir / name).read_text(encoding="utf-8").strip() if kind == "ref:" else name
        except (FileNotFoundError, NotADirectoryError):  # packed, or another worktree
            return None

    def text(self, path: str, at: str = "HEAD") -> str:
        return self.git("show", f"{at}:{path}")

    def status(self) -> list[str]:
        return self.git("status", "--porcelain").splitlines()


class Existing(Repository):
    """A repository, or another worktree of one, that is there already."""

    def __init__(self, path: Path) -> None:
        self.path = path
