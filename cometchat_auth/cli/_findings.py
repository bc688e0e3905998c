"""What ``doctor`` finds: facts, and problems with what to do about them."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Problem:
    """Something that needs doing.

    Attributes:
        text: What is wrong, in a sentence.
        advice: What to do, in a sentence.
    """

    text: str
    advice: str


@attrs.frozen
class Section:
    """What one check has found.

    Attributes:
        title: What it is about.
        facts: Name -> value; no credential among them.
        problems: What needs doing; empty if all is well.
        note: What could not be checked, and why, where that is no problem.
    """

    title: str
    facts: dict[str, Any] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)
    note: str | None = None


def without_password(url: str) -> str:
    """Return a URL, whether it is a valid one or not, without user and password."""
    before, at, after = url.rpartition("@")
    scheme, mark, _ = before.partition("://")
    return f"{scheme}{mark}***@{after}" if mark else f"***@{after}" if at else url
