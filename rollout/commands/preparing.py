"""Makes the product's checkout ready to run, once, before the first command that needs it."""

from __future__ import annotations

from collections.abc import Callable

from rollout.core.contract import Prepare
from rollout.core.text import inert
from rollout.ports import Failure, Worker

Progress = Callable[[str], None]
"""Takes one line for a person."""


class Preparation:
    """The contract's `prepare` in one run of `collect` or `perform`.

    A later run repeats it, because nothing tells for certain that what it built is still there. So the
    command has to be cheap where nothing has changed, as a build is.
    """

    def __init__(self, section: Prepare | None, product: Worker, progress: Progress) -> None:
        self._section = section
        self._product = product
        self._progress = progress
        self._problem: str | None = None

    def problem(self) -> str:
        """Returns why the checkout is not ready, nothing when it is; the first call runs the command."""
        if self._problem is None:
            self._problem = self._run(self._section) if self._section else ""
        return self._problem

    def _run(self, section: Prepare) -> str:
        self._progress("prepare: begins")
        ran = self._product.run(section.command, section.workdir, section.timeout)
        detail = inert(ran.detail, 280)
        self._progress(f"prepare: {detail}")
        report_failure("prepare", ran.failure, self._product, self._progress)
        return "" if ran.ok else f"prepare failed: {detail}"


def report_failure(name: str, failure: Failure | None, product: Worker, progress: Progress) -> None:
    """Prints the error of a command that failed, and keeps all that it printed as evidence."""
    if failure is None:
        return
    if len(failure.excerpt) > 1:  # a single line is in the error already
        for line in failure.excerpt:
            progress(f"  | {line}")
    if kept := product.keep(name, failure.output):
        progress(f"  whole output: {kept}")
