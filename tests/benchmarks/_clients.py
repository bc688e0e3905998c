"""What clients cost in memory, time and threads, measured in a process of its own."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def resident() -> int:
    """Return how many bytes of memory this process has in use (Linux only)."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("the system does not say how much memory there is in use")


def print_cost(
    make: Callable[[], Any], count: int, use: Callable[[int], None] | None = None
) -> None:
    """Make so many clients, and print what each of them costs as JSON.

    Args:
        make: Makes one.
        count: How many.
        use: Makes so many others and asks something of each, before threads are counted.
    """
    before = threading.active_count()
    kept = [make()]  # the first one pays for imports
    gc.collect()
    memory = resident()
    began = time.perf_counter()
    kept += [make() for _ in range(count)]
    seconds = time.perf_counter() - began
    grown = resident() - memory
    if use is not None:
        use(count)
    figures = {
        "us": 1e6 * seconds / count,
        "KiB": grown / 1024 / count,
        "threads": threading.active_count() - before,
    }
    print(json.dumps(figures), flush=True)  # noqa: T201 - this is what it is for
