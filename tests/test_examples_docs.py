"""``docs/server.rst``: what it lists is complete; `test_docs` runs what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from cometchat_auth.server import CometChatServer

PAGE = Path(__file__).parent.parent / "docs" / "server.rst"


def test_the_page_lists_every_method() -> None:
    """Each method must stand beside its endpoint."""
    listed = re.findall(r"^``(\w+)`` +``(?:GET|POST|PUT|DELETE) /", PAGE.read_text("utf-8"), re.M)
    public = [name for name in vars(CometChatServer) if not name.startswith("_")]
    assert sorted(listed) == sorted(public)
