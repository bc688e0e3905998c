"""One exchange with the service, retried where that is safe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _late, _threads
from ._answers import Request, no_answer, outcome
from ._secrets import Secret
from ._waits import Deadline, Flow, Pause
from .errors import RETRYABLE_STATUSES, CometChatException, RateLimitError

if TYPE_CHECKING:
    from ._settings import AppSettings
    from ._transport import Line

T = TypeVar("T")

_log = logging.getLogger("cometchat_auth")

ATTEMPTS: Final = 3  # CometChat's rate-limit page advises three tries
BACK_OFF: Final = 0.5  # seconds before the second try; doubled for the third


class Http:
    """The way to the service with one client's settings; connections are shared by all.

    Args:
        settings: How the hosts are reached.
        attempts: How often at most a request is sent that may be sent again.
    """

    def __init__(self, settings: AppSettings, attempts: int = ATTEMPTS) -> None:
        self._settings = settings
        self._attempts = attempts
        self._lines: dict[str, Line] = {}

    def exchange(self, request: Request, deadline: Deadline, read: Callable[[Any], T]) -> Flow[T]:
        """Return what the service's answer says.

        Args:
            request: What to send.
            deadline: Bounds all tries and the waiting between them.
            read: Makes a result of the answer's envelope, or raises `Unreadable`.

        Raises:
            CometChatException: Whatever else comes of it.
        """
        for pause in _back_offs(self._attempts):
            try:
                return self._attempt(request, deadline, read)
            except CometChatException as error:
                wait = _wait_before_retry(request, error, pause)
                if wait is None or wait >= deadline.remaining():
                    # Without the frames that hold the answer, which may quote the credential.
                    raise error.with_traceback(None) from error.__cause__
                _log.debug("%s: %s; trying again in %.2f s", request.what, error.code, wait)
            yield Pause(wait)
        raise AssertionError  # pragma: no cover - the last back-off is None, which raises above

    def connect(self, base: str, deadline: Deadline) -> None:
        """Open a connection to a host for later, unless an idle one is there.

        Raises:
            NoAnswerError: If it cannot be opened.
        """
        _transport = _imported_transport()
        try:
            _transport.connect(base, line=self._line(base), deadline=deadline)
            return
        except _transport.TransportError as error:
            problem = error
        request = Request("connect", "GET", base, "", {}, ("", Secret("")), None, True)
        raise no_answer(request, problem, deadline) from problem.root

    def connect_ahead(self, base: str, deadline: Deadline) -> None:
        """Open a connection on another worker, if one is free; a failure shows with the request."""

        def open_quietly() -> None:
            try:
                self.connect(base, deadline)
            except CometChatException as error:
                _log.debug("connecting ahead to %s: %s", base, error.code)

        _threads.REQUESTS.submit_if_free(open_quietly)

    def _attempt(self, request: Request, deadline: Deadline, read: Callable[[Any], T]) -> T:
        _transport = _imported_transport()
        try:
            answer = _transport.send(
                request.method,
                request.base,
                request.path,
                request.headers,
                request.body,
                credential=request.credential,
                hidden=request.hidden,
                line=self._line(request.base),
                deadline=deadline,
            )
        except _transport.TransportError as error:
            problem = error
        else:
            return outcome(request, answer, read)
        # Raised here, where the transport's error does not become its context.
        raise no_answer(request, problem, deadline) from problem.root

    def _line(self, base: str) -> Line:
        # Reading proxies and CAs from the environment takes a quarter of a request's time.
        if (line := self._lines.get(base)) is None:
            line = self._lines[base] = _imported_transport().line_to(
                base, self._settings.proxies, self._settings.verify, self._settings.cert
            )
        return line


def _imported_transport() -> Any:
    """Import it, with `requests`, at a moment in which no fork comes in between."""
    with _late.IMPORTING:
        from . import _transport
    return _transport


def _back_offs(attempts: int) -> Iterator[float | None]:
    for attempt in range(attempts - 1):
        yield BACK_OFF * 2**attempt * _late.random.uniform(0.5, 1.0)
    yield None


def _wait_before_retry(
    request: Request, error: CometChatException, back_off: float | None
) -> float | None:
    """Return the seconds to wait before the next try, or ``None`` if there must be none."""
    if back_off is None or not (error.retryable and _is_transient(error)):
        return None
    never_arrived = isinstance(error, RateLimitError) or error.details.get("sent") is False
    if not (request.repeatable or never_arrived):
        return None
    return back_off if error.retry_after is None else error.retry_after


def _is_transient(error: CometChatException) -> bool:
    if error.http_status is not None:
        return error.http_status == 429 or error.http_status in RETRYABLE_STATUSES
    return error.reason in {"connect", "lost"}
