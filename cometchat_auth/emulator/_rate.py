"""The rate limit: how many requests an app carries out in a minute, and how it says so."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final

from attrs import frozen

_WINDOW: Final = 60  # seconds; CometChat's documentation states its limits per minute

# CometChat's articles and SDK pages have the first spelling, the REST API's page the second.
_NAMES: Final = ("X-Rate-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
_OTHER_NAMES: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@frozen
class Allowance:
    """How much of a minute's requests is left.

    Attributes:
        limit: Requests in a minute.
        remaining: Requests left in this one.
        reset: Unix time in seconds at which the next minute begins.
        wait: Whole seconds until then.
        exceeded: Whether the request that asked is one too many.
    """

    limit: int
    remaining: int
    reset: int
    wait: int
    exceeded: bool = False


class RateLimit:
    """Counts an app's requests; a minute begins with the first request after the last one.

    The service has several limits, for core and for other operations, for each key and user;
    this is one for all of them, as its free plan has.

    Args:
        per_minute: Requests in a minute.
        clock: Returns the unix time in seconds.
        other_names: Whether the headers have the spelling of the REST API's page.
    """

    def __init__(
        self, per_minute: int, clock: Callable[[], float], *, other_names: bool = False
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._names = _OTHER_NAMES if other_names else _NAMES
        self._lock = threading.Lock()
        self._began = -math.inf
        self._used = 0

    def spend(self) -> Allowance:
        """Count one request, unless it is one too many."""
        with self._lock:
            now = self._turn()
            exceeded = self._used >= self._per_minute
            self._used += not exceeded
            return self._allowance(now, exceeded)

    def look(self) -> Allowance:
        """Return what is left, and count nothing."""
        with self._lock:
            return self._allowance(self._turn(), False)

    def reset(self) -> None:
        """Forget what was counted: the next request begins a minute."""
        with self._lock:
            self._began, self._used = -math.inf, 0

    def headers(self, allowance: Allowance) -> dict[str, str]:
        """Return what an answer says about the limit."""
        limit, remaining, reset = self._names
        told = {limit: str(allowance.limit), remaining: str(allowance.remaining)}
        if allowance.exceeded:
            told |= {"Retry-After": str(allowance.wait), reset: str(allowance.reset)}
        return told

    def _turn(self) -> float:
        """Begin a new minute if the last one is over, or the clock was set back."""
        now = self._clock()
        if not self._began <= now < self._began + _WINDOW:
            self._began, self._used = now, 0
        return now

    def _allowance(self, now: float, exceeded: bool) -> Allowance:
        end = self._began + _WINDOW
        return Allowance(
            limit=self._per_minute,
            remaining=self._per_minute - self._used,
            reset=math.ceil(end),
            wait=math.ceil(end - now),
            exceeded=exceeded,
        )
