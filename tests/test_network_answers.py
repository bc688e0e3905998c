"""N4: whatever arrives, with whatever status, is one of the library's exceptions."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometchat_auth import (
    CometChat,
    CometChatException,
    NoAnswerError,
    OutcomeUnknownError,
    RateLimitError,
    User,
    _http,
)

from .network import (
    CALLS,
    KEY,
    TOKEN,
    RawServer,
    client,
    data,
    good,
    http,
    read_request,
    refusal,
)
from .tools import LIMIT, Reply, ScriptedServer, Seen, error_of, scripted


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off for a moment only."""
    monkeypatch.setattr(_http, "BACK_OFF", 0.001)


# What came, and why it is not the service's answer with a status of success.
BODIES: Final[dict[str, tuple[bytes, str]]] = {
    "html": (b"<html><h1>Sign in to the hotel's network</h1>" + b"<p>" * 500, "not_json"),
    "empty": (b"", "not_json"),
    "truncated": (b'{"data": {"uid": "alice", "na', "not_json"),
    "null": (b"null", "unexpected"),
    "list": (b"[]", "unexpected"),
    "number": (b"7", "unexpected"),
    "bad_utf8": (b'{"data": {"uid": "\xff\xfe"}}', "not_json"),
    "deep": (b"[" * 100_000, "not_json"),
    "long_number": (b'{"data": {"uid": ' + b"9" * 10_000 + b"}}", "not_json"),
    "no_data": (b'{"result": {"uid": "alice"}}', "unexpected"),
    "odd_error": (b'{"error": "no"}', "unexpected"),
    "odd_code": (b'{"error": {"code": 7, "message": []}}', "unexpected"),
    "data_null": (b'{"data": null}', "unexpected"),
    "data_list": (b'{"data": []}', "unexpected"),
    "uid_number": (b'{"data": {"uid": 5, "authToken": 5}}', "unexpected"),
    "uid_empty": (b'{"data": {"uid": "", "authToken": "a b"}}', "unexpected"),
    "success_false": (b'{"data": {"success": false}}', "unexpected"),
}
STATUSES: Final = (
    *(200, 201, 300, 302, 304, 400, 401, 403, 404, 408, 409, 418, 429, 451),
    *(500, 502, 503, 504, 520, 599),
)


def _always(reply: Reply, _: Seen) -> Reply:
    return reply


def _expected(call: str, status: int, reason: str) -> tuple[type[CometChatException], str]:
    if 300 <= status < 400:
        return NoAnswerError, "ERROR_IO_EXCEPTION"
    if status == 429:
        return RateLimitError, "ERR_TOO_MANY_REQUESTS"
    if call == "create_user" and (status < 300 or status >= 500):
        return OutcomeUnknownError, "OUTCOME_UNKNOWN"
    code = "ERROR_IO_EXCEPTION" if reason == "too_large" else "ERROR_JSON_EXCEPTION"
    return NoAnswerError, code


def _prepared(server: ScriptedServer, chat: CometChat) -> User | None:
    server.script = good
    chat.login(TOKEN).result(LIMIT)
    server.seen.clear()
    return chat.get_logged_in_user()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("call", CALLS)
def test_n4_statuses_and_bodies(call: str, status: int) -> None:
    """Each status with each body is one of our errors with code, status and a short excerpt."""
    with scripted(good) as server, client(server.url) as chat:
        for name, (body, reason) in BODIES.items():
            if call == "logout" and status < 300 and name in _FINE_FOR_LOGOUT:
                continue
            if status == 304 and body:
                continue  # HTTP has no place for a body there
            before = _prepared(server, chat)
            reply = Reply(status, body, (("Location", "/x"),))
            server.script = partial(_always, reply)
            error = error_of(CALLS[call](chat))
            assert (type(error), error.code) == _expected(call, status, reason), name
            assert error.http_status == status, name
            assert len(error.message) < 700, name
            if status == 200 and isinstance(error, NoAnswerError):
                assert error.reason == reason, name
            assert len(server.seen) == _sent(call, status), name
            assert chat.get_logged_in_user() == (None if call == "logout" else before), name


# The service's word is only that the answer has "data"; what is in it says nothing of a failure.
_FINE_FOR_LOGOUT: Final = {"data_null", "data_list", "uid_number", "uid_empty"}


def _sent(call: str, status: int) -> int:
    if status == 429 or (status in {502, 503, 504} and call != "create_user"):
        return 3
    return 1


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("call", CALLS)
def test_n4_huge(call: str, status: int) -> None:
    """Ten megabytes are an error with the status, soon, and the session stays."""
    with scripted(good) as server, client(server.url) as chat:
        before = _prepared(server, chat)
        server.script = lambda _: Reply(status, b"a" * 10_000_000)
        error = error_of(CALLS[call](chat))
        assert (type(error), error.code) == _expected(call, status, "too_large")
        assert error.http_status == status
        assert chat.get_logged_in_user() == (None if call == "logout" else before)


def test_n4_huge_service_error() -> None:
    """A refusal of megabytes is cut, not searched for minutes."""
    long = "a" * 3_000_000
    details = {"field": [long] * 2, "deep": json.loads("[" * 900 + "]" * 900), "n": [1] * 9999}
    reply = refusal("ERR_" + long[:100_000], 400, long, details=details)
    with scripted(lambda _: reply) as server, client(server.url) as chat:
        began = time.monotonic()
        error = error_of(chat.login(TOKEN))
        assert error.http_status == 400
        assert len(error.code) <= 200
        assert len(error.message) < 700
        assert len(json.dumps(error.details)) < 10_000
        assert time.monotonic() - began < LIMIT


def test_n4_excerpt() -> None:
    """The excerpt is the beginning of the answer: 200 characters at most, free of controls."""
    body = b"\x1b[31m<html>\r\n<title>Hotel</title>" + b"<p>" * 1000
    with scripted(lambda _: Reply(404, body)) as server, client(server.url) as chat:
        message = error_of(chat.login(TOKEN)).message
        assert "<html> <title>Hotel</title><p>" in message
        assert message.count("<p>") < 70
        assert message.isprintable()
        assert server.url in message


def test_n4_service_sentence_is_fit_for_a_terminal() -> None:
    """What the service says is shown without control characters and half surrogate pairs."""
    body = rb'{"error": {"code": "ERR_X", "message": "a\u001b[2J\nb \ud800 c"}}'
    with scripted(lambda _: Reply(400, body)) as server, client(server.url) as chat:
        error = error_of(chat.login(TOKEN))
        assert str(error).encode()
        assert str(error).isprintable()
        assert error.message.endswith("a [2J b c.")


def test_n4_details_are_kept() -> None:
    """The service's sentences for each field reach the caller."""
    details = {"uid": ["The uid field is required."], "n": 3}
    reply = refusal("ERR_BAD_REQUEST", 400, "Failed.", details=details)
    with scripted(lambda _: reply) as server, client(server.url) as chat:
        error = error_of(CALLS["create_user"](chat))
        assert (error.code, error.details) == ("ERR_BAD_REQUEST", details)
        assert error.message == (
            f"Could not create the user ({server.url}, status 400): Failed. "
            "The error's details name the fields."
        )


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
    ],
)
def test_n4_not_http(answer: bytes) -> None:
    """What does not speak HTTP is said to, and not asked again."""

    def script(connection: Any, _: int) -> None:
        read_request(connection)
        connection.sendall(answer)

    with RawServer(script) as server, client(server.url) as chat:
        error = error_of(chat.login(TOKEN))
        assert (error.code, error.reason) == ("ERROR_JSON_EXCEPTION", "unexpected")
        assert server.accepted == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
def test_n4_wrong_encoding(encoding: str) -> None:
    """An answer that is not encoded as it says keeps its status, or is read as it is."""

    def script(connection: Any, _: int) -> None:
        read_request(connection)
        connection.sendall(http("404 X", b"<html>plain", f"Content-Encoding: {encoding}"))

    with RawServer(script) as server, client(server.url) as chat:
        error = error_of(chat.login(TOKEN))
        assert (error.code, error.http_status) == ("ERROR_JSON_EXCEPTION", 404)


@pytest.fixture(scope="module")
def wide() -> Any:
    """Run one server and one client for many examples."""
    with scripted(good) as server, client(server.url) as chat:
        yield server, chat


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_FIELDS = st.sampled_from(
    ["uid", "name", "metadata", "tags", "authToken", "settings", "createdAt", "status", "x"]
)
_ANY_CASE = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_ANY_CASE
@given(value=_JSON | st.dictionaries(_FIELDS, _JSON))
@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "create_user"])
def test_n4_any_data(wide: Any, call: str, value: Any) -> None:
    """Any JSON as the data of a success is a user or one of our errors."""
    server, chat = wide
    server.script = lambda _: data(value)
    _is_ours(CALLS[call](chat))


@_ANY_CASE
@given(value=_JSON, status=st.integers(200, 599), header=st.text(st.characters(codec="latin-1")))
def test_n4_any_error(wide: Any, value: Any, status: int, header: str) -> None:
    """Any JSON as the service's error, and any Retry-After, is one of our errors."""
    server, chat = wide
    error = {"code": "ERR_X", "message": value, "details": value}
    shown = "".join(char for char in header if char.isprintable())
    reply = Reply(status, json.dumps({"error": error}).encode(), (("Retry-After", shown),))
    server.script = lambda _: reply
    if status not in {204, 304}:
        _is_ours(chat.login("alice", KEY, timeout=2))


def _is_ours(future: Any) -> None:
    error = future.exception(LIMIT)
    assert error is None or isinstance(error, CometChatException)
    assert error is None or error.code != "INTERNAL_ERROR"
    assert error is not None or isinstance(future.result(), User)
