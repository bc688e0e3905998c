"""What an import of very many users says of each row, and of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

import attrs

from ..errors import CometChatException
from ..models import User

Status = Literal["created", "exists", "refused", "unknown"]

# What a caller may hand in as one row.
Given = User | Mapping[str, object] | CometChatException

INTERVAL: Final = 0.1  # seconds between two reports at least


@attrs.frozen
class Outcome:
    """What became of one row.

    Attributes:
        number: The row's place among the rows, from 1.
        uid: As the row has it, or ``None`` for a row that has none.
        status: ``"created"``: this import created the user. ``"exists"``: there was a user of
            this uid before, deactivated perhaps. ``"refused"``: by the service, or before
            anything was sent; ``error`` says why. ``"unknown"``: the import ended before anybody
            could tell; the next one with the same journal finds out.
        user: As the service answered, where it did in this run.
        error: For ``"refused"`` and ``"unknown"``.
        resumed: Whether an earlier run did it; nothing was sent in this one.
    """

    number: int
    uid: str | None
    status: Status
    user: User | None = None
    error: CometChatException | None = None
    resumed: bool = False


@attrs.frozen
class Progress:
    """How far an import has come.

    Attributes:
        rows: Outcomes so far.
        created: How many of them say so, resumed ones included; likewise the next three.
        exists: See ``created``.
        refused: See ``created``.
        unknown: See ``created``.
        resumed: How many an earlier run did.
        seconds: Since the start.
        waiting: Seconds until the next request, where the service asked to wait or does not
            answer; 0.0 if nothing is being waited for.
        reason: The code of what is waited for, e.g. ``"ERR_TOO_MANY_REQUESTS"``, or ``None``.
    """

    rows: int
    created: int
    exists: int
    refused: int
    unknown: int
    resumed: int
    seconds: float
    waiting: float
    reason: str | None


class Reporter:
    """Counts the outcomes, and tells whoever wants to know.

    Args:
        told: Gets the figures, at most ten times a second.
        waiting: Says for how long nothing is sent, and why.
    """

    def __init__(
        self,
        told: Callable[[Progress], object] | None,
        waiting: Callable[[], tuple[float, str | None]],
    ) -> None:
        self._told = told
        self._waiting = waiting
        self._counts: dict[Status, int] = dict.fromkeys(
            ("created", "exists", "refused", "unknown"), 0
        )
        self._resumed = 0
        self._began = time.monotonic()
        self._next = self._began + INTERVAL

    def count(self, outcome: Outcome) -> None:
        """Add one outcome."""
        self._counts[outcome.status] += 1
        self._resumed += outcome.resumed

    def tell(self, *, now: bool = False) -> None:
        """Report, unless it was done a moment ago; with ``now`` in any case."""
        if self._told is None:
            return
        moment = time.monotonic()
        if now or moment >= self._next:
            self._next = moment + INTERVAL
            self._told(self._progress(moment))

    def _progress(self, moment: float) -> Progress:
        waiting, reason = self._waiting()
        return Progress(
            rows=sum(self._counts.values()),
            **self._counts,
            resumed=self._resumed,
            seconds=moment - self._began,
            waiting=waiting,
            reason=reason,
        )
