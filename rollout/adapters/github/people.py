"""What a person may do in a repository, as GitHub tells it."""

from __future__ import annotations

from rollout.adapters.github.api import Document
from rollout.ports import Permission


class Role(Document):
    """The answer of `collaborators/LOGIN/permission`."""

    permission: str
    role_name: str = ""

    @property
    def level(self) -> Permission:
        """By the role's name; a role of the organization's own has the base that it extends beside it."""
        known = {permission.value for permission in Permission}
        return Permission(self.role_name if self.role_name in known else self.permission)
