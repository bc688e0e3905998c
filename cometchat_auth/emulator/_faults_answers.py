"""Answers as a whole: the service's own, and those that faults give in its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from . import _errors
from ._faults import Fault

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
Headers = list[tuple[str, str]]

_BODILESS: Final = frozenset({204, 205, 304})
_JSON: Final = "application/json"


@frozen
class Answer:
    """An answer.

    Attributes:
        status: Status and reason, such as ``200 OK``.
        headers: Its headers.
        body: Its body.
    """

    status: str
    headers: Headers
    body: bytes

    def head(self) -> bytes:
        """Return the status line and the headers as they go over the wire, for the last answer."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def ask(application: Application, environ: dict[str, Any]) -> Answer:
    """Return the answer of a WSGI application."""
    said: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, _error: object = None) -> None:
        said.append((status, headers))

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    return Answer(*said[-1], body)


def answer_of(fault: Fault, method: str) -> Answer | None:
    """Return the answer that a fault gives; ``None`` if it leaves that to the service."""
    if fault.rate_limit is not None:
        error = _errors.too_many_requests(fault.rate_limit)
        body = json.dumps(error.envelope()).encode()
        headers = (("Retry-After", str(fault.rate_limit)), ("Content-Type", _JSON))
        return _answer(error.status, headers, body, method)
    if fault.status is not None:
        return _answer(fault.status, fault.headers, fault.body, method)
    return None


def unreadable() -> Answer:
    """Return the answer to a body whose end cannot be told."""
    error = _errors.unusable_body("The request cannot be read.")
    body = json.dumps(error.envelope()).encode()
    return _answer(error.status, (("Content-Type", _JSON),), body, "POST")


def _answer(status: int, given: Iterable[tuple[str, str]], body: bytes, method: str) -> Answer:
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    if status in _BODILESS:
        body = b""
    if body and "content-type" not in names:
        headers.append(("Content-Type", _kind(body)))
    if "access-control-allow-origin" not in names:
        # As on the service's own answers: without it a page would not see the status.
        headers.append(("Access-Control-Allow-Origin", "*"))
    if status not in _BODILESS:
        headers.append(("Content-Length", str(len(body))))
    return Answer(f"{status} {_reason(status)}", headers, b"" if method == "HEAD" else body)


def _kind(body: bytes) -> str:
    begin = body.lstrip()[:1]
    if begin in {b"{", b"["}:
        return _JSON
    return "text/html; charset=utf-8" if begin == b"<" else "text/plain; charset=utf-8"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
