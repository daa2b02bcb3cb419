"""What every test gets: a home of its own, no token, no network, and repeatable properties."""

import gc
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.examples import NIGHTLY, examples

GIT_CONFIG = """\
[user]
    name = Rollout Tests
    email = tests@rollout.invalid
[init]
    defaultBranch = main
    templateDir =
[gc]
    auto = 0
[maintenance]
    auto = false
"""

# What Actions, a git hook or a developer's shell sets, and would change what a test sees.
LEAKS = ("ACTIONS_", "GH_", "GITHUB_", "GIT_", "INPUT_", "ROLLOUT_", "RUNNER_", "XDG_")
# Where an unusual installation of git keeps its own programs.
KEPT = frozenset({"GIT_EXEC_PATH", "GIT_SSL_CAINFO", "GIT_TEMPLATE_DIR"})

# A loaded CI machine makes any deadline, and any limit on drawing examples, fail now and then.
SLOW_IS_FINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SHARED_MEMORY = Path("/dev/shm")
ROOM = 1 << 30
"""Bytes: the whole suite writes a fifth of it."""


def _has_room(folder: Path) -> bool:
    """Whether programs may be run from the folder, and the suite fits into it."""
    if not os.access(folder, os.W_OK):
        return False
    there = os.statvfs(folder)
    return not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize > ROOM


# Git makes and deletes files by the thousand: in memory a test takes half of its time. Workers inherit it.
if "TMPDIR" not in os.environ and _has_room(SHARED_MEMORY):
    os.environ["TMPDIR"] = str(SHARED_MEMORY)
    tempfile.tempdir = None  # whoever asked before

# Compiling anew costs each child process more than a second, and each worker ten: bytecode is always kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
settings.register_profile("quick", SLOW_IS_FINE, max_examples=examples(100))
settings.register_profile(
    "ci", settings.get_profile("quick"), derandomize=True, database=None, print_blob=True
)
settings.register_profile("nightly", SLOW_IS_FINE, max_examples=examples(500), print_blob=True)
settings.load_profile("nightly" if NIGHTLY else "ci" if "CI" in os.environ else "quick")

LONGEST = ("tests/workflows/test_played.py",)
"""Begun last, one of these would keep one process busy while the others have nothing left to do."""

gc.disable()  # collecting makes much, and all of it stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for homes that do not exist yet; a test's own `tmp_path` stays empty."""
    parent = tmp_path_factory.mktemp("homes")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(scope="session", autouse=True)
def home_of_what_is_shared(homes: Iterator[Path]) -> Iterator[None]:
    """Fixtures of a wider scope than one test come before the test's own home."""
    with pytest.MonkeyPatch.context() as patch:
        _settle(next(homes), patch)
        yield


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for this test alone, where git knows its committer and nothing else.

    The committer is configuration rather than `GIT_AUTHOR_NAME`, which would overrule
    an identity that the tool gives to git itself. Dates of commits are git's own.
    """
    home = next(homes)
    _settle(home, monkeypatch)
    return home


def _settle(home: Path, patch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(LEAKS) and name not in KEPT:
            patch.delenv(name)
    home.mkdir()
    config = home / ".gitconfig"
    config.write_text(GIT_CONFIG, encoding="utf-8")
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_GLOBAL", str(config))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_TERMINAL_PROMPT", "0")
    # A proxy of this machine is not asked for the local GitHub, and not looked for at each request.
    patch.setenv("NO_PROXY", "127.0.0.1")
