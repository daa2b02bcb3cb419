"""Every error a person may see. One tree, so that one boundary (cli) can print it and pick the exit code."""

from __future__ import annotations


class RolloutError(Exception):
    """An expected failure: `message` says what and where, `hint` says what to do next.

    Exit codes, which scripts rely on: 0 done, 1 a bug, 2 bad input, 3 refused, 4 outside failure.
    `file` is a path relative to the repository, when one file is at fault; Actions shows the error there.
    """

    exit_code = 2
    documented = False
    """Set by a command that has printed its `--json` document already."""

    def __init__(self, message: str, *, hint: str = "", file: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.file = file


class InputError(RolloutError):
    """Bad input or configuration: the person who called can fix it."""

    exit_code = 2


class ContractError(InputError):
    """One or more mistakes in a contract, each as `file: field: message`."""

    def __init__(self, problems: tuple[str, ...], *, hint: str = "", file: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint, file=file)
        self.problems = problems


class RefusedError(RolloutError):
    """A guard, a freeze or an illegal step: the input is understood and the answer is no."""

    exit_code = 3


class OutsideError(RolloutError):
    """Something outside failed (git, GitHub, a command, the disk) and the call can be tried again."""

    exit_code = 4


class HeadMovedError(OutsideError):
    """The state branch is no longer at the commit that a change was computed from: read and decide again."""
