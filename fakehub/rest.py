"""The REST routes. Importing this module registers them."""

from __future__ import annotations

from fakehub import (
    rest_actions,
    rest_apps,
    rest_git,
    rest_people,
    rest_releases,
    rest_settings,
    rest_threads,
)

__all__ = [
    "rest_actions",
    "rest_apps",
    "rest_git",
    "rest_people",
    "rest_releases",
    "rest_settings",
    "rest_threads",
]
