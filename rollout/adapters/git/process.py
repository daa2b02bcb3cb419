"""Running git: its environment, its processes, and what it complains of."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from rollout.core.text import inert
from rollout.errors import OutsideError

Done = subprocess.CompletedProcess[bytes]
RETRY_HINT = "run the command again; if it fails again, look at the repository: git status; git fsck"
LITERAL: Mapping[str, str] = {"GIT_LITERAL_PATHSPECS": "1"}
NOTHING: Mapping[str, str] = {}
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.commentChar=#",
    "core.useReplaceRefs=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "log.showSignature=false",
    "log.showRoot=true",
    "log.follow=false",
    "log.mailmap=false",
    "trailer.separators=:",
    "diff.orderFile=/dev/null",
    "diff.ignoreSubmodules=none",
    "diff.relative=false",
    "merge.renames=true",
    "merge.directoryRenames=false",
    "merge.renormalize=false",
    "submodule.recurse=false",
    "tag.sort=refname",
    "column.ui=never",
    "column.tag=never",
    "color.ui=false",
)
"""What git reads and merges must not depend on a person's settings; line ends and identity may."""
_OPTIONS = tuple(part for setting in _CONFIG for part in ("-c", setting))

# What a git process inherits: where it finds programs, homes, keys and proxies, who commits, and which files
# of settings there are. Nothing else: a variable can point git elsewhere, or change how it reads a path.
_PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TMP", "TEMP", "TZ"),
        *("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "NIX_SSL_CERT_FILE"),
        *("SYSTEMROOT", "APPDATA", "USERPROFILE", "PROGRAMDATA"),
        *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "DISPLAY", "GNUPGHOME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
        "EMAIL",
        *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
        *("GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_PROXY_COMMAND"),
        *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY"),
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)
_BOOLEANS = ("GIT_CONFIG_NOSYSTEM", "GIT_DISCOVERY_ACROSS_FILESYSTEM")
_BOOLEAN = re.compile(r"(?i:true|yes|on|false|no|off|[0-9]{1,9})?")
_COUNT = re.compile(r"[0-9]{1,4}")
_CONFIG_KEY = re.compile(r"[A-Za-z0-9-]+(\..*)?\.[A-Za-z][A-Za-z0-9-]*")
"""git ends at any other value before it looks at anything: no command would work, the brake included."""
NO_GRAFTS = f"{os.devnull}/grafts"
"""A file that cannot be: a grafted history is another than the commits'."""
_ALWAYS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": NO_GRAFTS,
}

_STATES_AN_ERROR = ("fatal: ", "error: ", " ! [")

TOOL_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "rollout"), ("EMAIL", "rollout@localhost"))
}
"""Who commits where git knows nobody."""


class Runner:
    """Runs git in one folder, and keeps its complaints to a line."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        """Where git is run."""
        self.environment = environment

    def start(self, arguments: Sequence[str], env: Mapping[str, str] = NOTHING) -> subprocess.Popen[bytes]:
        return start(self.home, arguments, {**self.environment, **env})

    def attempt(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] = NOTHING) -> Done:
        """Returns how it ended, whatever its exit code."""
        return finish(self.start(arguments, env), arguments, stdin)

    def run(self, command: str, *arguments: str, env: Mapping[str, str] = NOTHING) -> bytes:
        """Returns what it prints. Raises OutsideError when it fails."""
        return output(command, self.attempt(command, *arguments, env=env))

    def feed(self, command: str, *arguments: str, stdin: bytes) -> bytes:
        """Runs git as `run` does, with something to read."""
        return output(command, self.attempt(command, *arguments, stdin=stdin))


def usual_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns what git inherits of an environment, this process's when None: a closed list."""
    given = os.environ if environment is None else environment
    kept = {name: value for name, value in given.items() if _is_passed_on(name, value)}
    return {**kept, **_settings(given), **_ALWAYS}


def _is_passed_on(name: str, value: str) -> bool:
    return name in _PASSED_ON and (name not in _BOOLEANS or _BOOLEAN.fullmatch(value) is not None)


def _settings(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings that the environment gives git, as keys and values;
    none where git would refuse one.
    """
    count = given.get("GIT_CONFIG_COUNT", "")
    if not _COUNT.fullmatch(count):
        return {}
    keys = [f"GIT_CONFIG_KEY_{number}" for number in range(int(count))]
    values = [f"GIT_CONFIG_VALUE_{number}" for number in range(int(count))]
    if not all(_CONFIG_KEY.fullmatch(given.get(key, "")) for key in keys) or not given.keys() >= set(values):
        return {}
    return {name: given[name] for name in ("GIT_CONFIG_COUNT", *keys, *values)}


def start(folder: Path, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *_OPTIONS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
    except FileNotFoundError as error:
        raise OutsideError("git is not installed", hint="install git, or add it to PATH") from error
    except OSError as error:
        raise OutsideError(f"git cannot be started: {error.strerror}", hint=RETRY_HINT) from error


def finish(process: subprocess.Popen[bytes], arguments: Sequence[str], stdin: bytes) -> Done:
    with process:
        out, err = process.communicate(stdin)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            pipe(stream).close()
    process.wait()


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream


def output(command: str, done: Done) -> bytes:
    if done.returncode:
        raise OutsideError(f"git {command} failed: {complaint(done)}", hint=RETRY_HINT)
    return done.stdout


def complaint(done: Done) -> str:
    return error_line(done.stderr) or f"exit code {done.returncode}"


def error_line(stderr: bytes) -> str:
    """Returns the first line in which git states an error, else its last one: advice follows the error."""
    lines = stderr.decode(errors="replace").strip("\n").splitlines()
    stated = next((line for line in lines if line.startswith(_STATES_AN_ERROR)), "")
    shown = stated or (lines[-1] if lines else "")
    return inert(shown.removeprefix("fatal: ").removeprefix("error: "))
