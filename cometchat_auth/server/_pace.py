"""When the next request of an import may start: one gate for all of its workers.

The caller's thread takes no lock of the gate's: a Ctrl-C in the wrong moment would leave it
locked, and the workers with it.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import threading
import time
from typing import Final

import attrs

from ..errors import CometChatException, RateLimitError

FIRST_BACK_OFF: Final = 1.0  # seconds; CometChat's rate-limit page advises 1 s, 2 s, 4 s
LONGEST_BACK_OFF: Final = 30.0  # seconds
LEAST_PAUSE: Final = 0.1  # seconds, doubled each time, however little the service asks for
_AT_ONCE: Final = 60.0  # seconds that one wait may last; Windows counts no further than 49 days

_log = logging.getLogger("cometchat_auth")


@attrs.frozen
class Ticket:
    """A request that may start now.

    Attributes:
        began: By the monotonic clock.
        era: How often the gate had been closed by then.
    """

    began: float
    era: int


class Gate:
    """Lets requests start, one after the other, unless the service wants to be left alone.

    Args:
        patience: Seconds without any answer after which there is no point in going on.
        per_minute: How many requests may start in a minute, evenly spaced.
    """

    def __init__(self, patience: float, per_minute: float | None = None) -> None:
        self._patience = patience
        self._interval = 60.0 / per_minute if per_minute is not None else 0.0
        self._turn = threading.Lock()  # so that one worker waits for the time, the rest for it
        self._lock = threading.Lock()
        self._stopped = False
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()  # rung when it is stopped
        self._next = 0.0
        self._closed: tuple[float, str | None] = (0.0, None)  # until when, and why
        self._era = 0
        self._failures = 0
        self._heard_until = 0.0
        self._silent_since: float | None = None
        self._answers = 0

    @property
    def answers(self) -> int:
        """Return how many requests the service has answered for good."""
        return self._answers

    def enter(self) -> Ticket | None:
        """Wait until a request may start.

        Returns:
            The ticket to give back with what came of it, or ``None`` if none may start any more.
        """
        with self._turn:
            while not self._stopped:
                with self._lock:
                    now = time.monotonic()
                    wait = max(self._next, self._closed[0]) - now
                    if wait <= 0:
                        self._next = now + self._interval
                        return Ticket(now, self._era)
                self._wait(wait)
            return None

    def answered(self, ticket: Ticket) -> None:
        """Say that the service answered, and not only that it is busy."""
        with self._lock:
            self._answers += 1
            self._heard_until = max(self._heard_until, time.monotonic())
            self._silent_since = None
            if ticket.era == self._era:
                self._failures = 0

    def close(self, ticket: Ticket, error: CometChatException) -> bool:
        """Let nobody in for as long as the service asks, or for a while that doubles each time.

        Many requests that fail of one cause close the gate once. One that fails alone, while
        others are answered, closes it to nobody: it only waits for a while here.

        Returns:
            Whether it is no use: nothing has been answered for longer than there is patience.
        """
        with self._lock:
            now = time.monotonic()
            is_alone = not _asks_to_wait(error) and self._heard_until > ticket.began
            self._listen(ticket, error, now)
            if not is_alone:
                self._close(ticket, error, now)
            is_no_use = self._is_silent_for(self._patience, now)
        if is_alone:
            self._wait(FIRST_BACK_OFF * _jitter())
        return is_no_use

    def stop(self) -> None:
        """Let nobody in any more, and send away whoever waits."""
        self._stopped = True
        self._bell.put(None)

    def waiting(self) -> tuple[float, str | None]:
        """Return for how many seconds the gate stays closed, and the code of the reason."""
        opens, reason = self._closed
        left = opens - time.monotonic()
        return (left, reason) if left > 0 and not self._stopped else (0.0, None)

    def _wait(self, seconds: float) -> None:
        """Wait, but not for so long that the system cannot count it, and only until the stop."""
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=min(seconds, _AT_ONCE))
            self._bell.put(None)  # for the next one

    def _listen(self, ticket: Ticket, error: CometChatException, now: float) -> None:
        """Note whether the service is there; the wait that it asks for is no silence."""
        if _asks_to_wait(error):
            self._heard_until = max(self._heard_until, now + (error.retry_after or 0.0))
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = max(ticket.began, self._heard_until)

    def _is_silent_for(self, seconds: float, now: float) -> bool:
        return self._silent_since is not None and now - self._silent_since >= seconds

    def _close(self, ticket: Ticket, error: CometChatException, now: float) -> None:
        if ticket.era == self._era:
            self._era += 1
            self._failures += 1
            self._close_until(now + self._pause(error, now), error)
        elif error.retry_after is not None:
            self._close_until(now + error.retry_after, error)

    def _pause(self, error: CometChatException, now: float) -> float:
        if error.retry_after is not None:
            least: float = LEAST_PAUSE * 2 ** min(self._failures - 1, 9)
            return max(error.retry_after, min(least, LONGEST_BACK_OFF))
        # 2 ** 5 is beyond the longest; a service that is away for long must not overflow it.
        span: float = FIRST_BACK_OFF * 2 ** min(self._failures - 1, 5)
        span = min(span, LONGEST_BACK_OFF) * _jitter()
        if self._silent_since is not None:  # the last try is made when patience ends
            span = min(span, max(0.0, self._silent_since + self._patience - now))
        return span

    def _close_until(self, moment: float, error: CometChatException) -> None:
        if moment > self._closed[0]:
            self._closed = (moment, error.code)
            _log.debug("import: %s; waiting %.1f s", error.code, moment - time.monotonic())


def _asks_to_wait(error: CometChatException) -> bool:
    return isinstance(error, RateLimitError) or error.retry_after is not None


def _jitter() -> float:
    return random.uniform(0.75, 1.25)  # noqa: S311 - no secret
