"""Everything that can go wrong between a client and the service."""

from __future__ import annotations

import email.utils
import gzip
import socket
import time
from typing import Final

from . import fault_places as places
from . import faulty
from .fault_places import Fault
from .faulty import Header, answering, dripping, saying
from .network import http

_HTML: Final = b"<html><h1>Sign in to the hotel's network</h1> You sent {}." + b"<p>" * 300


def _status(status: int) -> Fault:
    """Return the fault of a gateway or a stranger that answers with HTML."""
    body = b"" if status == 304 else _HTML
    location = "Location: https://127.0.0.1:9/login?token={}"
    return Fault(
        f"{status} HTML",
        "answer",
        places.served(answering(f"{status} Status {{}}", body, location, "X-Echo: {}")),
        status,
        "html",
    )


def _body(name: str, body: bytes, kind: str, status: int = 200, *headers: str) -> Fault:
    make = places.served(answering(f"{status} X", body, *headers))
    return Fault(f"{status} {name}", "answer", make, status, kind)


def _said(code: str, status: int, message: str, *headers: str) -> Fault:
    """Return the fault of a service that refuses in its own words."""
    details = '{"uid": ["The field of {} is required."]}'
    body = f'{{"error": {{"code": "{code}", "message": "{message}", "details": {details}}}}}'
    make = places.served(answering(f"{status} X", body.encode(), *headers))
    return Fault(f"{status} {code}", "answer", make, status, "error", code)


def _limited(name: str, wait: float | None, *headers: Header, status: int = 429) -> Fault:
    make = places.served(answering(f"{status} X", _HTML, *headers))
    return Fault(f"{status} {name}", "answer", make, status, "html", wait=wait)


def _date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


_ENDLESS: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CUT_CHUNKS: Final = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"data": "{}'

STATUSES: Final = (
    *(300, 301, 302, 303, 304, 305, 307, 308),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 413, 414, 415, 417, 418, 421, 422),
    *(423, 425, 426, 428, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 524, 530, 599),
)


def _html_for_a_tunnel(_: object, connection: socket.socket, *_target: object) -> None:
    connection.sendall(http("200 OK", _HTML))
    while connection.recv(65536):
        pass


_BEFORE: Final = [
    Fault("DNS: unknown name", "unknown", places.named("https://nowhere.invalid")),
    Fault("DNS: never answers", "mute", places.named("https://slow.invalid")),
    Fault("refused", "unreachable", places.at_port(faulty.closed_port)),
    Fault("never accepts", "mute", places.at_port(faulty.full_backlog)),
    Fault(
        "reset on arrival", "unreachable", places.without_tls(lambda _, sock: faulty.reset(sock))
    ),
    Fault("closed on arrival", "unreachable", places.without_tls(lambda _, sock: sock.recv(9999))),
    Fault("TLS: never answers", "mute", places.without_tls(places.mute)),
    Fault("TLS: untrusted", "untrusted", places.served(None, "untrusted")),
    Fault("TLS: wrong host", "untrusted", places.served(None, "wrong_host")),
    Fault("TLS: it is plain HTTP", "untrusted", places.without_tls(places.plain_answer)),
    Fault("proxy: not there", "barred", places.no_proxy_there),
    *(
        Fault(f"proxy: {status}", "barred", places.proxied(status=status))
        for status in ("302 Found", "403 Forbidden", "407 Proxy Authentication Required")
    ),
    Fault("proxy: 502 Bad Gateway", "barred", places.proxied(status="502 Bad Gateway")),
    Fault("proxy: 511 sign in first", "barred", places.proxied(status="511 Sign In")),
    Fault("proxy: reset", "barred", places.proxied(lambda _, sock, *__: faulty.reset(sock))),
    Fault("proxy: closes", "barred", places.proxied(lambda *_: None)),
    Fault("proxy: HTML, no tunnel", "mute", places.proxied(_html_for_a_tunnel)),
    Fault("proxy: never answers", "mute", places.proxied(places.mute)),
    Fault("proxy: drips", "mute", places.proxied(places.drip_to_connect)),
    Fault("proxy: slow, but in time", "fine", places.proxied(places.slowly)),
]

_AFTER: Final = [
    Fault("never answers", "silent", places.served(faulty.silent)),
    Fault("drips the status", "silent", places.served(dripping(b"", b"H"))),
    Fault("drips headers", "silent", places.served(dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"))),
    Fault("drips the body", "silent", places.served(dripping(_ENDLESS, b" "))),
    Fault("100 Continue for ever", "silent", places.served(dripping(b"", _CONTINUE))),
    Fault("reset before commit", "lost", places.served(faulty.reset_before)),
    Fault("reset after commit", "lost", places.served(faulty.reset_after), commits=True),
    Fault("closed after commit", "lost", places.served(faulty.close_after), commits=True),
    Fault("body is cut", "lost", places.served(faulty.truncated_after), commits=True),
    Fault("chunks are cut", "lost", places.served(saying(_CUT_CHUNKS))),
    Fault("not HTTP", "not_http", places.served(saying(b"220 {} ESMTP\r\n\r\n"))),
]

_BODIES: Final = [
    _body("HTML (a portal)", _HTML, "html"),
    _body("empty", b"", "html"),
    _body("null", b"null", "json"),
    _body("list", b'["{}"]', "json"),
    _body("cut JSON", b'{"data": {"uid": "alice", "authToken": "{}', "html"),
    _body("bad UTF-8", b'{"data": {"uid": "{}\xff\xfe"}}', "html"),
    _body("no data", b'{"result": {"uid": "alice", "apiKey": "{}"}}', "json"),
    _body("wrong types", b'{"data": {"uid": 5, "authToken": {"{}": []}, "name": []}}', "no user"),
    _body("data is a list", b'{"data": ["{}"]}', "no user"),
    _body("another user", b'{"data": {"uid": "mallory", "authToken": "t"}}', "other"),
    _body("success: false", b'{"data": {"success": false, "message": "{}"}}', "denied"),
    _body("10 MB", b"{}" * 500_000, "huge"),
    _body("10 MB", b"{}" * 500_000, "huge", 404),
    _body("bomb of 50 MB", gzip.compress(b"x" * 50_000_000), "huge", 200, "Content-Encoding: gzip"),
    _body("not gzip", _HTML, "html", 200, "Content-Encoding: gzip"),
    _body("empty", b"", "html", 500),
    _body("odd error", b'{"error": {"code": 7, "message": ["{}"]}}', "json", 400),
]

_WORDS: Final = [
    _said("AUTH_ERR_APIKEY_NOT_FOUND", 401, "The key {} does not exist."),
    _said("AUTH_ERR_NO_ACCESS", 403, "The key {} may not do this."),
    _said("AUTH_ERR_AUTH_TOKEN_NOT_FOUND", 401, "The auth token {} does not exist."),
    _said("ERR_UID_NOT_FOUND", 404, "The UID alice does not exist."),
    _said("ERR_UID_ALREADY_EXISTS", 400, "The UID alice exists. {}"),
    _said("ERR_BAD_REQUEST", 400, "Failed to validate the data sent with the request."),
    _said("ERR_PLAN_QUOTA_RESTRICTION", 402, "The plan's quota is used up. {}"),
    _said("ERR_EXCEPTION", 500, "Something went wrong. {}"),
    _said("ERR_MISSION_FAILED", 503, "Too busy. {}"),
]

_LIMITS: Final = [
    _limited("no Retry-After", None),
    _limited("Retry-After: 0", 0, "Retry-After: 0"),
    _limited("Retry-After: 1 h", 3600, "Retry-After: 3600"),
    _limited("Retry-After: 3 days", 259_200, "Retry-After: 259200"),
    _limited("Retry-After: date in 1 h", 3600, lambda: f"Retry-After: {_date(3600)}"),
    _limited("Retry-After: date that is past", 0, lambda: f"Retry-After: {_date(-3600)}"),
    _limited("Retry-After: 400 digits", float("inf"), f"Retry-After: {'9' * 400}"),
    _limited("Retry-After: -5", None, "Retry-After: -5"),
    _limited("Retry-After: garbage", None, "Retry-After: soon, {}"),
    _limited("Reset in 1 h", 3600, lambda: f"X-Rate-Limit-Reset: {int(time.time()) + 3600}"),
    _limited("Retry-After: 1 h", 3600, "Retry-After: 3600", status=503),
]

FAULTS: Final[list[Fault]] = [
    *_BEFORE,
    *_AFTER,
    *map(_status, STATUSES),
    *_BODIES,
    *_WORDS,
    *_LIMITS,
]
