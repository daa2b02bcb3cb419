"""Pages as GitHub cuts them, with the Link header that leads on."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any


def page(base: str, path: str, query: Mapping[str, str], items: Sequence[Any], wrap: str) -> tuple[Any, str]:
    """Returns one page (wrapped with `total_count` when `wrap` names the key), and the Link header or ""."""
    size = max(1, min(100, int(query.get("per_page", "30"))))
    number = max(1, int(query.get("page", "1")))
    last = max(1, -(-len(items) // size))
    chunk = list(items[(number - 1) * size : number * size])
    targets = {"prev": number - 1, "first": 1} if number > 1 else {}
    targets |= {"next": number + 1, "last": last} if number < last else {}
    links = [
        f'<{base}{path}?{urllib.parse.urlencode({**query, "per_page": size, "page": target})}>; rel="{name}"'
        for name, target in targets.items()
    ]
    document = {"total_count": len(items), wrap: chunk} if wrap else chunk
    return document, ", ".join(links)
