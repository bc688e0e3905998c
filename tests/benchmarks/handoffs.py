"""Ways to have a function run on another thread, where callbacks run.

``python -m tests.benchmarks.handoffs WAY PACE`` is a worker; the pace is ``busy``, where one
hand-off follows the other, ``idle``, where the receiver has slept before, or ``many``.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

Post = Callable[[Callable[[], object]], object]

REST: Final = 0.005  # seconds that the receiver has slept before an idle hand-off
MANY: Final = 100_000  # callbacks, for the rate


def _queue() -> Post:
    tasks: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            tasks.get()()

    threading.Thread(target=work, daemon=True).start()
    return tasks.put


def _pool() -> Post:
    pool: Any = ThreadPoolExecutor(1)
    return pool.submit  # type: ignore[no-any-return]


def _ours() -> Post:
    from cometchat_auth._outbox import Outbox

    return Outbox(None, None).send


WAYS: Final[dict[str, Callable[[], Post]]] = {
    "SimpleQueue and a thread": _queue,
    "ThreadPoolExecutor(1).submit": _pool,
    "cometchat_auth": _ours,
}


def one_way(post: Post, rest: float) -> Callable[[], float]:
    """Return what hands one function over, and returns the seconds until it runs."""
    arrived: queue.SimpleQueue[float] = queue.SimpleQueue()
    never = threading.Event()

    def sample() -> float:
        if rest:
            never.wait(rest)
        began = time.perf_counter()
        post(lambda: arrived.put(time.perf_counter()))
        return arrived.get(timeout=30) - began

    return sample


def many(post: Post) -> Callable[[], float]:
    """Return what hands many functions over, and returns the seconds that each takes."""

    def sample() -> float:
        over = threading.Event()
        began = time.perf_counter()
        for _ in range(MANY):
            post(_nothing)
        post(over.set)
        assert over.wait(60)
        return (time.perf_counter() - began) / MANY

    return sample


def _nothing() -> None:
    pass


if __name__ == "__main__":
    from ._worker import serve

    chosen = WAYS[sys.argv[1]]()
    pace = sys.argv[2]
    serve(many(chosen) if pace == "many" else one_way(chosen, REST if pace == "idle" else 0.0))
