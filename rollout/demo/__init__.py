"""`rollout demo`: two releases on a simulated clock, through the very commands that people and jobs use."""

from __future__ import annotations

from rollout.demo.story import tell

__all__ = ["tell"]
