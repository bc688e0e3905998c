"""The loop of a worker program; it needs nothing but the standard library."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable


def serve(sample: Callable[[], float]) -> None:
    """Take samples for whoever is at the other end; see `_programs.worker`.

    Args:
        sample: Does the work once, and returns the seconds that it took.
    """
    print("ready", flush=True)  # noqa: T201 - this is what it is for
    for line in sys.stdin:
        print(json.dumps([sample() for _ in range(int(line))]), flush=True)  # noqa: T201
