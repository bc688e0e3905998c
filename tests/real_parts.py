"""What to do where a real part that a test needs is not installed."""

from __future__ import annotations

import os

import pytest


def require(reason: str | None) -> None:
    """End the test unless the real part it needs is there.

    Args:
        reason: Why the part cannot be used, or ``None`` if it can.

    Without the part a test is skipped on a user's machine, and fails where the environment
    variable ``CI`` is set: there everything has to be installed.
    """
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
