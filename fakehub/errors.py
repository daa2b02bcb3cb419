"""Refusals, as GitHub words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """Becomes an HTTP answer, or an error of GraphQL."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})

    @classmethod
    def invalid(cls, resource: str, field: str = "", message: str = "") -> ApiError:
        """Returns 422 "Validation Failed", about a field, or with words of its own."""
        error = {"resource": resource, "code": "custom" if message else "invalid"}
        if field:
            error["field"] = field
        if message:
            error["message"] = message
        return cls(422, "Validation Failed", errors=[error])


class RuleViolationError(ApiError):
    """A ruleset forbids it."""

    def __init__(self, reasons: Sequence[str], status: int = 422) -> None:
        super().__init__(status, "\n\n".join(["Repository rule violations found", *reasons]))
        self.reasons = list(reasons)


class ArchivedError(ApiError):
    """A write to an archived repository (r-universe-org/help#247)."""

    def __init__(self) -> None:
        super().__init__(403, "Repository was archived so is read-only.")


class NoRefError(ApiError):
    """A branch that git cannot make beside another one (microsoft/vscode-remote-repositories-github#122)."""

    def __init__(self) -> None:
        super().__init__(422, "Reference update failed")


class StaleHeadError(ApiError):
    """The branch is not where the caller thought."""

    def __init__(self, expected: str) -> None:
        super().__init__(
            409, f'Expected branch to point to "{expected}" but it did not.  Pull and try again.'
        )


class TooMuchError(ApiError):
    """A query that would take too long: GraphQL's RESOURCE_LIMITS_EXCEEDED."""

    def __init__(self) -> None:
        super().__init__(422, "Resource limits for this query exceeded.")
