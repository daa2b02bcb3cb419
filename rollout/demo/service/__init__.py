"""`rollout demo --service`: a web service on a real Prometheus, whose traffic follows a flag."""

from __future__ import annotations

from rollout.demo.service.story import tell

__all__ = ["tell"]
