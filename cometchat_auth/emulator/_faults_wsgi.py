"""The service's WSGI application with its faults before it, and its log behind it."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from attrs import field, frozen

from ._checks import MAX_BODY
from ._faults import AFTER, BEFORE, BODY, HEADERS, Fault
from ._faults_answers import Answer, Application, answer_of, ask, unreadable
from ._faults_list import Chosen, Faults
from ._faults_match import Sighting, sight
from ._log import Facts, RequestLog
from ._log_masks import LOOKED_AT, sent_values
from ._server_line import Line, line_of

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_DRAIN: Final = 64 * 1024  # bytes read at once of a body that is too long anyway


class _UnreadableError(Exception):
    """Where a body ends cannot be told."""


@frozen
class _Visit:
    """A request on its way.

    Attributes:
        environ: Its WSGI environment.
        path: Its path, decoded.
        body: Its body, as far as it is kept.
        seen: What it is to the faults.
        arrived: Unix time in seconds at which it had arrived.
        began: The same on a clock that is never set.
    """

    environ: dict[str, Any] = field(repr=False)
    path: str = field(repr=False)
    body: bytes = field(repr=False)
    seen: Sighting
    arrived: float
    began: float


class FaultyService:
    """A WSGI application that answers as the service does, unless a fault is in the way.

    Args:
        application: The service.
        faults: What goes wrong.
        log: Where each request is written down.
        app_of: Returns the id of the app that a request is for.
        keys: Returns API keys that the log masks wherever they stand.
        clock: Returns the unix time in seconds.
    """

    def __init__(
        self,
        application: Application,
        faults: Faults,
        log: RequestLog,
        app_of: Callable[[dict[str, Any]], str],
        keys: Callable[[], Iterable[str]],
        clock: Callable[[], float],
    ) -> None:
        self._application = application
        self._faults = faults
        self._log = log
        self._app_of = app_of
        self._clock = clock
        log.hide(keys)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, and write it down before its client has the answer."""
        try:
            visit = self._visit(environ)
        except _UnreadableError:
            # Where the next request begins cannot be told: the connection ends.
            line_of(environ).send(unreadable().head() + unreadable().body)
            return []
        chosen = self._faults.choose(visit.seen)
        if chosen is not None:
            return self._meet(visit, chosen, start_response)
        answer = ask(self._application, environ)
        self._note(visit, answer)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _visit(self, environ: dict[str, Any]) -> _Visit:
        began, arrived = time.perf_counter(), self._clock()
        body = _take_body(environ)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        seen = sight(environ, path, body, self._app_id(environ))
        return _Visit(environ, path, body, seen, arrived, began)

    def _app_id(self, environ: dict[str, Any]) -> str:
        try:
            return self._app_of(environ)
        except Exception:
            # The service will stumble over the same, and say so in an answer of its own.
            _LOGGER.debug("Whose a request is cannot be told.", exc_info=True)
            return ""

    def _meet(self, visit: _Visit, chosen: Chosen, start_response: Any) -> Iterable[bytes]:
        """Have a request meet its fault."""
        line, fault = line_of(visit.environ), chosen.fault
        answer = None
        try:
            if chosen.wait:
                line.wait(chosen.wait)
            answer = self._answer(visit.environ, fault)
        finally:
            self._note(visit, answer, chosen.id)
        if answer is None:
            _end(line, fault)
        if fault.cut is None and fault.drip is None:
            start_response(answer.status, answer.headers)
            return [answer.body]
        _send_badly(line, fault, answer)
        return []

    def _answer(self, environ: dict[str, Any], fault: Fault) -> Answer | None:
        """Return what a request is answered, once it is carried out if it is to be."""
        if BEFORE in {fault.hang, fault.cut}:
            return None
        instead = answer_of(fault, environ["REQUEST_METHOD"])
        if instead is not None and not fault.carried_out:
            return instead
        answer = ask(self._application, environ)
        if AFTER in {fault.hang, fault.cut}:
            return None
        return instead or answer

    def _note(self, visit: _Visit, answer: Answer | None, fault: int | None = None) -> None:
        environ, seen = visit.environ, visit.seen
        self._log.add(
            Facts(
                time=visit.arrived,
                method=seen.method,
                path=visit.path,
                query=environ.get("QUERY_STRING", ""),
                app_id=seen.app_id,
                call=seen.call,
                uid=seen.uid,
                sent=sent_values(environ),
                request_body=visit.body[:LOOKED_AT],
                status=None if answer is None else int(answer.status[:3]),
                response_body=b"" if answer is None else answer.body[:LOOKED_AT],
                milliseconds=round((time.perf_counter() - visit.began) * 1000, 3),
                fault=fault,
            )
        )


def _take_body(environ: dict[str, Any]) -> bytes:
    """Return the beginning of a body, and leave it to the application as well.

    All of it is read: what is left on the connection would be taken for the next request, and
    closing the connection would reset it.

    Raises:
        _UnreadableError: Its length or its chunks are not as HTTP has them.
    """
    stream, kept = environ["wsgi.input"], b""
    if environ.get("CONTENT_LENGTH", "").startswith("-"):
        raise _UnreadableError
    try:
        while chunk := stream.read(_DRAIN):
            kept = (kept + chunk)[: MAX_BODY + 1]
    except ValueError:
        raise _UnreadableError from None
    environ["wsgi.input"] = io.BytesIO(kept)
    environ["CONTENT_LENGTH"] = str(len(kept))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return kept


def _end(line: Line, fault: Fault) -> NoReturn:
    """End a connection without an answer."""
    if fault.hang is not None:
        line.wait(None)
    raise line.cut(reset=fault.reset)


def _send_badly(line: Line, fault: Fault, answer: Answer) -> None:
    """Send an answer in pieces, or a piece of it."""
    head, body = answer.head(), answer.body
    if fault.cut == BODY:
        # Without a body only the head is left to be cut: whole, it would be a whole answer.
        line.send(head + body[: len(body) // 2] if body else head[: len(head) // 2])
        raise line.cut(reset=fault.reset)
    if fault.drip_from == HEADERS:
        head, body = b"", head + body
    line.send(head)
    line.drip(body, fault.drip or 0.0)
