"""The forms of the REST API's answers that several calls share."""

from __future__ import annotations

from typing import Any

from ._records import Page


def done(message: str) -> dict[str, Any]:
    """Return the answer of a call that has nothing to tell but that it succeeded.

    For users, tokens and keys CometChat's documentation has the message, of one token excepted.
    """
    return {"data": {"success": True, "message": message}}


def listing(items: list[dict[str, Any]], page: Page, total: int) -> dict[str, Any]:
    """Return one page of a list; ``total`` is how many items there are on all pages."""
    pagination = {
        "total": total,
        "count": len(items),
        "per_page": page.size,
        "current_page": page.number,
        "total_pages": -(-total // page.size),
    }
    return {"data": items, "meta": {"pagination": pagination}}
