"""The import of very many users: a bounded number of rows in flight, each row's outcome in turn.

Everything but the requests happens in the caller's own thread, while it asks for the next
outcome: rows are pulled, marked in the journal and handed to the threads; what these put back is
noted in the journal, and then yielded in the order of the rows. So nothing is lost, whatever
ends it: a row that was handed out is marked, and one that was yielded is noted.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Final

from .. import _checks
from ..errors import WOULD_BLOCK_FOREVER, CometChatException
from ..models import User
from . import _bulk_rows
from ._bulk_crew import Crew
from ._bulk_plan import Plan
from ._bulk_rows import Row
from ._bulk_tries import Way
from ._journal import Journal
from ._outcomes import Given, Outcome, Progress, Reporter
from ._pace import Gate

Send = Callable[[User, float], User]
Look = Callable[[str, float], User]

_WINDOW: Final = 16  # rows taken and not yet yielded, for each that may be in flight
_SMALLEST_WINDOW: Final = 256
_BATCH: Final = 64  # rows that one transaction marks; each costs a wait for the disk
_LONGEST_PULL: Final = 0.02  # seconds after which rows that come slowly are sent as they are


def create(
    rows: Iterable[Given],
    send: Send,
    look: Look,
    *,
    app_id: str,
    host: str,
    timeout: float,
    journal: str | os.PathLike[str] | None = None,
    in_flight: int = 16,
    per_minute: float | None = None,
    patience: float = 60.0,
    on_progress: Callable[[Progress], object] | None = None,
) -> Generator[Outcome, None, None]:
    """Create users, and yield one outcome for each row in the order of the rows.

    Args:
        rows: Users, mappings of their fields, or errors of rows that could not be read. Pulled
            while the outcomes are, in the same thread.
        send: Creates a user with one request; called in several threads at once.
        look: Looks a user up with one request; likewise.
        app_id: The app, for the journal.
        host: Where it is, for the journal.
        timeout: Seconds for each request.
        journal: The file that lets a later run go on where this one ended.
        in_flight: How many requests may be under way at once, 1 to 64.
        per_minute: How many requests may start in a minute, evenly spaced.
        patience: Seconds without any answer after which the import ends.
        on_progress: Called in this thread, at most ten times a second, and once at the end.

    Raises:
        TypeError: If an argument is not of its type.
        InvalidParameterError: If one cannot be used; ``INVALID_JOURNAL``, once the first outcome
            is asked for, if the file is something else.
        CometChatException: When the outcomes known are out: what every further row would be
            answered, or the last error after ``patience``; ``JOURNAL_IN_USE``, ``JOURNAL_ERROR``.
    """
    plan = Plan(
        rows=rows,
        way=Way(send, look, _checks.seconds("timeout", timeout)),
        app_id=app_id,
        host=host,
        journal=journal,
        in_flight=in_flight,
        per_minute=per_minute,
        patience=patience,
        on_progress=on_progress,
    )
    return _run(plan)


def _run(plan: Plan) -> Generator[Outcome, None, None]:
    journal = Journal(plan.journal, plan.app_id, plan.host)
    gate = Gate(plan.patience, plan.per_minute)
    try:
        work = _Import(plan, journal, gate, Crew(plan.in_flight, plan.way, gate))
        try:
            yield from work.outcomes()
        finally:
            work.wind_up()
    finally:
        gate.stop()  # once more: a second Ctrl-C may have come before the first one's
        journal.close()


class _Import:
    """One run, seen from the caller's thread."""

    def __init__(self, plan: Plan, journal: Journal, gate: Gate, crew: Crew) -> None:
        self._rows = plan.rows
        self._journal = journal
        self._gate = gate
        self._crew = crew
        self._reporter = Reporter(plan.on_progress, gate.waiting)
        self._round = plan.in_flight  # outcomes yielded before the threads are looked after
        self._low = max(_BATCH, 4 * plan.in_flight)  # rows that are kept ready for the threads
        self._most = max(_SMALLEST_WINDOW, _WINDOW * plan.in_flight)
        self._window: deque[Row] = deque()
        self._numbers = itertools.count(1)
        self._pulling = True
        self._ending: BaseException | None = None
        self._process = os.getpid()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of each row, then raise what ended the import before its time."""
        while self._pulling or self._window:
            if os.getpid() != self._process:
                raise _forked()
            if self._needs_rows():
                self._take_in()
            self._gather(wait=not (self._needs_rows() or self._is_ready()))
            self._reporter.tell()
            for _ in range(self._round):
                if not self._is_ready():
                    break
                if (outcome := self._window.popleft().outcome) is not None:
                    self._reporter.count(outcome)
                    yield outcome
                    self._reporter.tell()
        self._reporter.tell(now=True)
        if self._ending is not None:
            raise self._ending

    def wind_up(self) -> None:
        """Let no further request start, wait for those under way, and note what came of them."""
        self._gate.stop()
        if os.getpid() != self._process:
            return
        self._crew.finish()
        # Where it cannot be noted the rows stay marked as sent, and the next run looks.
        with contextlib.suppress(CometChatException):
            self._gather(wait=False)

    def _is_ready(self) -> bool:
        return bool(self._window) and self._window[0].settled

    def _needs_rows(self) -> bool:
        return self._pulling and len(self._window) < self._most and self._crew.backlog() < self._low

    def _take_in(self) -> None:
        """Pull rows, mark them in the journal, and hand them to the threads."""
        batch: list[Row] = []
        end = time.monotonic() + _LONGEST_PULL
        while len(self._window) < self._most and len(batch) < _BATCH:
            if (row := self._pull()) is None:
                break
            self._window.append(row)
            if not row.settled:
                batch.append(row)
            if time.monotonic() > end:
                break
        if batch:
            self._hand_in(batch)

    def _pull(self) -> Row | None:
        try:
            return _bulk_rows.read(next(self._numbers), next(self._rows))
        except StopIteration:
            self._pulling = False
        except Exception as error:  # of the caller's own; raised when all before it is out
            self._pulling = False
            self._ending = error
        return None

    def _hand_in(self, batch: list[Row]) -> None:
        known = self._journal.take([(row.number, row.key) for row in batch])
        for row, entry in zip(batch, known, strict=True):
            if entry.first is not None:
                row.settle(_bulk_rows.duplicate(row, entry.first))
            elif entry.state in ("created", "exists"):
                row.settle(row.result(entry.state, resumed=True))
            else:
                row.doubtful = entry.state == "sent"
        self._crew.hand_in([row for row in batch if not row.settled])

    def _gather(self, *, wait: bool) -> None:
        """Note what the threads have put back, in the journal first."""
        results = self._crew.results(wait=wait)
        if not results:
            return
        self._journal.note(
            [(result.row.key, result.state) for result in results if result.state is not None]
        )
        for result in results:
            result.row.settle(result.outcome)
            if result.ending is not None:
                self._pulling = False
                self._ending = self._ending or result.ending
        self._crew.forget(len(results))


def _forked() -> CometChatException:
    return CometChatException(
        WOULD_BLOCK_FOREVER,
        "This import was begun in the parent process, and its threads are there. "
        "Go on with it there, or begin another one here with a journal of its own.",
    )
