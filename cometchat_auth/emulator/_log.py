"""The request log: what was asked of the service, what came back, and which fault was met."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, overload

from attrs import asdict, field, frozen

from ._log_masks import credentials, error_code, masked, masked_body, masked_path

MAX_ENTRIES: Final = 1000  # kept; older ones are forgotten

_MAX_ID: Final = 100  # characters of an app id or a uid; no longer one exists
_FIRST_ERROR: Final = 400  # statuses from here on carry an error code
_PATIENCE: Final = 5.0  # seconds that wait() waits unless told otherwise


@frozen
class Entry:
    """One request, free of credentials: they are masked as the service masks them.

    Attributes:
        number: Counts the requests of an emulator from 1; clearing the log does not begin anew.
        time: Unix time in seconds at which the request had arrived.
        method: Its method.
        path: Its path and query string.
        app_id: App that it was for.
        call: Name of the call, such as ``create_user``; ``None`` for an unknown path.
        uid: User that it names in its path, its body or its auth token; ``None`` if none.
        status: Status of the answer; ``None`` if there was no answer.
        code: Error code in the answer; ``None`` if there is none.
        milliseconds: From the arrival until the answer began, or the connection was cut.
        fault: Id of the fault that it met; ``None`` if it met none.
        request_body: Its body, at most 2,000 characters of it.
        response_body: The answer's body, at most 2,000 characters of it.
    """

    number: int
    time: float
    method: str
    path: str
    app_id: str
    call: str | None = None
    uid: str | None = None
    status: int | None = None
    code: str | None = None
    milliseconds: float = 0.0
    fault: int | None = None
    request_body: str = field(default="", repr=False)
    response_body: str = field(default="", repr=False)

    def to_wire(self) -> dict[str, Any]:
        """Return the entry as the control API answers it."""
        return asdict(self)


class Facts(NamedTuple):
    """What is kept of a request until somebody reads its entry; it may hold credentials.

    Attributes:
        time: As in the entry.
        method: The same.
        path: The path, decoded.
        query: The query string.
        app_id: As in the entry.
        call: The same.
        uid: The same.
        sent: What the headers held that carry credentials.
        request_body: The beginning of the body.
        status: As in the entry.
        response_body: The beginning of the answer's body.
        milliseconds: As in the entry.
        fault: The same.
    """

    time: float
    method: str
    path: str
    query: str
    app_id: str
    call: str | None
    uid: str | None
    sent: tuple[str, ...]
    request_body: bytes
    status: int | None
    response_body: bytes
    milliseconds: float
    fault: int | None

    def entry(self, number: int, keys: Iterable[str]) -> Entry:
        """Return the entry that tells of the request.

        Args:
            number: Its number.
            keys: API keys to mask wherever they stand.
        """
        secrets = credentials(self.sent, self.path).union(keys)
        refused = self.status is not None and self.status >= _FIRST_ERROR
        return Entry(
            number=number,
            time=self.time,
            method=self.method,
            path=masked_path(self.path, self.query, secrets),
            app_id=masked(self.app_id, secrets)[:_MAX_ID],
            call=self.call,
            uid=None if self.uid is None else masked(self.uid, secrets)[:_MAX_ID],
            status=self.status,
            code=error_code(self.response_body) if refused else None,
            milliseconds=self.milliseconds,
            fault=self.fault,
            request_body=masked_body(self.request_body, secrets),
            response_body=masked_body(self.response_body, secrets),
        )


class RequestLog(Sequence[Entry]):
    """The last 1,000 requests, newest last; any thread may read it at any time."""

    def __init__(self) -> None:
        self._keys: Callable[[], Iterable[str]] = tuple
        # Tuples of nothing but text and numbers: the garbage collector leaves them alone, where
        # a thousand objects that come and go would have it search the whole process again and
        # again. Entries are written when they are read, since most never are.
        self._kept: deque[tuple[int, tuple[Any, ...]]] = deque(maxlen=MAX_ENTRIES)
        self._written: dict[int, Entry] = {}
        self._last = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    @property
    def last_number(self) -> int:
        """Return the number of the newest request there ever was; 0 before the first."""
        return self._last

    def since(self, number: int) -> list[Entry]:
        """Return the requests after the one of this number, oldest first."""
        return [self._read(*kept) for kept in self._snapshot() if kept[0] > number]

    def wait(self, count: int, timeout: float = _PATIENCE) -> list[Entry]:
        """Wait until so many requests are in the log, and return all that are.

        An answered request is in the log before its client has the answer.

        Args:
            count: How many, from 1 to 1,000.
            timeout: Seconds to wait.

        Raises:
            ValueError: The log never holds so many.
            TimeoutError: There were fewer in that time.
        """
        if not 1 <= count <= MAX_ENTRIES:
            raise ValueError(f"count must be from 1 to {MAX_ENTRIES}, not {count}.")
        with self._lock:
            self._waiting += 1
            enough = self._changed.wait_for(lambda: len(self) >= count, timeout)
            self._waiting -= 1
        if not enough:
            raise TimeoutError(
                f"There were fewer than {count} requests in the log after {timeout:g} seconds."
            )
        return list(self)

    def clear(self) -> None:
        """Forget the requests, but not how many there were."""
        with self._lock:
            self._kept.clear()
            self._written.clear()

    def hide(self, keys: Callable[[], Iterable[str]]) -> None:
        """Mask the API keys that a function returns, wherever they stand in a request."""
        self._keys = keys

    def add(self, facts: Facts) -> None:
        """Put a request into the log."""
        plain = tuple(facts)
        with self._lock:
            self._last += 1
            self._kept.append((self._last, plain))
            if self._waiting:
                self._changed.notify_all()

    def _snapshot(self) -> list[tuple[int, tuple[Any, ...]]]:
        with self._lock:
            return list(self._kept)

    def _read(self, number: int, facts: tuple[Any, ...]) -> Entry:
        """Return an entry, the same one whenever it is read."""
        entry = self._written.get(number)
        if entry is not None:
            return entry
        entry = Facts(*facts).entry(number, self._keys())
        with self._lock:
            if len(self._written) >= 2 * MAX_ENTRIES:
                oldest = self._last - MAX_ENTRIES
                self._written = {n: each for n, each in self._written.items() if n > oldest}
            return self._written.setdefault(number, entry)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Entry]:
        return iter([self._read(*kept) for kept in self._snapshot()])

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...

    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        kept = self._snapshot()
        if isinstance(index, slice):
            return [self._read(*each) for each in kept[index]]
        return self._read(*kept[index])

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self)} requests>"
