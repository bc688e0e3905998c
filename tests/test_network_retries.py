"""N2 and N3: what is sent twice, what never is, and how long is waited."""

from __future__ import annotations

import email.utils
import socket
import threading
import time
from collections.abc import Callable

import pytest

from cometchat_auth import OutcomeUnknownError, RateLimitError, _http
from cometchat_auth._answers import Request
from cometchat_auth._http import _wait_before_retry
from cometchat_auth._secrets import Secret
from cometchat_auth.errors import NoAnswerError

from .network import (
    CALLS,
    KEY,
    ME,
    NEEDS_SESSION,
    TOKEN,
    RawServer,
    client,
    good,
    http,
    read_request,
    refusal,
    serve_me,
)
from .tools import LIMIT, Reply, Seen, error_of, scripted


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off for a moment only."""
    monkeypatch.setattr(_http, "BACK_OFF", 0.001)


def _failing(times: int, reply: Reply, counted: Callable[[Seen], bool]) -> Callable[[Seen], Reply]:
    """Return a script that fails so many times before it answers."""
    left = [times]

    def script(seen: Seen) -> Reply:
        if counted(seen) and left[0]:
            left[0] -= 1
            return reply
        return good(seen)

    return script


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("fault", [502, 503, 504, "lost", "truncated"])
@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "logout", "check_session"])
def test_n2_repeated(call: str, fault: int | str, fresh: bool) -> None:
    """Minting, PUT and DELETE survive two failures, on fresh and on reused connections."""
    replies: dict[int | str, Reply] = {
        "lost": Reply(200, b"x" * 10, cut=0),
        "truncated": Reply(200, b'{"data": {"uid": "alice"}}', cut=12),
    }
    reply = replies.get(fault) or Reply(int(fault), b"<html>")
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION or not fresh:
            chat.login("alice", KEY).result(LIMIT)
        if fresh:
            _close_idle()
        server.seen.clear()
        first: list[Seen] = []

        def counted(seen: Seen) -> bool:
            first.append(seen)
            return seen.method == first[0].method

        server.script = _failing(2, reply, counted)
        CALLS[call](chat).result(LIMIT)
        tries = [seen for seen in server.seen if seen.method == first[0].method]
        assert len(tries) == 3
        assert len({(seen.path, seen.body) for seen in tries}) == 1


@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "logout", "check_session"])
def test_n2_three_tries(call: str) -> None:
    """After three tries the last failure is the outcome; all but a logout may be tried again."""
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.seen.clear()
        server.script = lambda _: Reply(502, b"<html>bad gateway")
        error = error_of(CALLS[call](chat))
        assert (error.http_status, len(server.seen)) == (502, 3)
        assert error.retryable == (call != "logout")


@pytest.mark.parametrize("status", [500, 501, 400, 404, 408])
def test_n2_other_statuses_are_not_repeated(status: int) -> None:
    """Only a gateway's answers are worth another try."""
    with scripted(lambda _: Reply(status, b"<html>")) as server, client(server.url) as chat:
        assert error_of(chat.login(TOKEN)).http_status == status
        assert len(server.seen) == 1


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("fault", [200, 500, 502, 503, 504, "lost", "truncated", "garbage"])
def test_n2_create_user_is_never_repeated(fault: int | str, fresh: bool) -> None:
    """Once a byte may have arrived, creating a user is not tried again; nobody knows."""
    seen: list[bytes] = []

    def script(connection: socket.socket, _: int) -> None:
        if not fresh:
            read_request(connection)
            connection.sendall(ME)
        seen.append(read_request(connection))
        if fault == "truncated":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        elif fault == "garbage":
            connection.sendall(b"220 mail.example.com ESMTP\r\n\r\n")
        elif fault != "lost":
            connection.sendall(http(f"{fault} X", b'{"data": {"name": "no uid"}}'))

    with RawServer(script) as server, client(server.url) as chat:
        if not fresh:
            chat.login(TOKEN).result(LIMIT)
        error = error_of(CALLS["create_user"](chat))
        assert isinstance(error, OutcomeUnknownError)
        assert (error.code, error.retryable) == ("OUTCOME_UNKNOWN", False)
        assert error.http_status == (fault if isinstance(fault, int) else None)
        assert len(seen) == server.accepted == 1


@pytest.mark.parametrize("call", CALLS)
def test_n2_service_errors_are_not_repeated(call: str) -> None:
    """What the service refuses it would refuse again."""
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.seen.clear()
        server.script = lambda _: refusal("ERR_EXCEPTION", 500)
        assert error_of(CALLS[call](chat)).code == "ERR_EXCEPTION"
        assert len(server.seen) == 1


def test_n2_refused_connection_is_retried_even_to_create() -> None:
    """Where no byte was sent the request may be repeated, whatever it is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with client(url) as chat:
        error = error_of(CALLS["create_user"](chat))
    assert isinstance(error, NoAnswerError)
    assert (error.code, error.reason) == ("FAILED_TO_FETCH", "connect")
    request = Request("x", "POST", url, "", {}, ("k", _secret()), None, repeatable=False)
    assert _wait_before_retry(request, error, 0.5) == 0.5
    assert _wait_before_retry(request, error, None) is None
    error.details["sent"] = True
    assert _wait_before_retry(request, error, 0.5) is None


@pytest.mark.parametrize("call", ["login_with_token", "create_user"])
def test_n2_stale_connection_is_noticed(call: str) -> None:
    """A kept connection that the server has closed is replaced before anything is written."""
    closed = threading.Event()
    requests: list[int] = []

    def script(connection: socket.socket, number: int) -> None:
        while read_request(connection):
            requests.append(number)
            connection.sendall(ME)
            if number == 0:
                break
        connection.close()
        closed.set()

    with RawServer(script) as server, client(server.url) as chat:
        chat.login(TOKEN).result(LIMIT)
        assert closed.wait(LIMIT)
        CALLS[call](chat).result(LIMIT)
        assert requests == [0, 1]


def test_n2_connections_are_kept() -> None:
    """Calls one after the other share a connection, whichever client makes them."""
    with RawServer(serve_me) as server:
        for _ in range(3):
            with client(server.url) as chat:
                chat.login(TOKEN).result(LIMIT)
                chat.check_session().result(LIMIT)
        assert server.accepted == 1


@pytest.mark.parametrize("by", [60, -3600])
def test_n2_a_connection_left_too_long_is_not_used(
    by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a laptop's sleep, and where the clock cannot tell, a call opens a new connection.

    The other side has forgotten the old one, and who sends on it waits for an answer in vain.
    """
    with RawServer(serve_me) as server, client(server.url) as chat:
        chat.login(TOKEN).result(LIMIT)
        now = time.time() + by
        monkeypatch.setattr("cometchat_auth._connections.time.time", lambda: now)
        chat.check_session().result(LIMIT)
        chat.check_session().result(LIMIT)
        assert server.accepted == 2


def _limited(value: str | None, name: str = "Retry-After") -> Reply:
    headers = () if value is None else ((name, value),)
    return Reply(429, refusal("ERR_TOO_MANY_REQUESTS", 429).body, headers)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("form", ["0", "1", "date", "nonsense", None])
def test_n3_waited_for(call: str, form: str | None) -> None:
    """A wait that fits the time limit is waited for, as seconds or as a date, by every call."""
    value = email.utils.formatdate(time.time() + 1, usegmt=True) if form == "date" else form
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.seen.clear()
        server.script = _failing(1, _limited(value), lambda _: True)
        began = time.monotonic()
        CALLS[call](chat).result(LIMIT)
        assert len(server.seen) == (3 if call == "login_with_key" else 2)
        if form == "1":
            assert time.monotonic() - began > 0.9


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("form", ["3600", "date", "reset"])
@pytest.mark.parametrize("envelope", [True, False])
def test_n3_does_not_fit(call: str, form: str, envelope: bool) -> None:
    """A wait that does not fit is an error at once that says how long to wait."""
    values = {
        "3600": "3600",
        "date": email.utils.formatdate(time.time() + 3600, usegmt=True),
        "reset": str(int(time.time()) + 3600),
    }
    reply = _limited(values[form], "X-Rate-Limit-Reset" if form == "reset" else "Retry-After")
    if not envelope:
        reply = Reply(429, b"<html>slow down", reply.headers)
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.seen.clear()
        server.script = lambda _: reply
        error = error_of(CALLS[call](chat))
        assert isinstance(error, RateLimitError)
        assert (error.code, error.http_status) == ("ERR_TOO_MANY_REQUESTS", 429)
        # After a logout the token is forgotten, and the same call would send nothing.
        assert (error.retryable, len(server.seen)) == (call != "logout", 1)
        assert error.retry_after is not None
        assert 3500 < error.retry_after <= 3600


def test_n3_without_header() -> None:
    """Without a word of how long to wait there are three tries, then the service's error."""
    with scripted(lambda _: _limited(None)) as server, client(server.url) as chat:
        error = error_of(chat.login(TOKEN))
        assert (error.code, error.retry_after, len(server.seen)) == (
            "ERR_TOO_MANY_REQUESTS",
            None,
            3,
        )


def test_n3_waiting_holds_no_worker() -> None:
    """While six calls wait out a limit, another one is served."""
    limited = threading.Semaphore(0)

    def script(seen: Seen) -> Reply:
        if seen.headers["authToken"].startswith("LIMITED"):
            limited.release()
            return _limited("3")
        return good(seen)

    with scripted(script) as server:
        slow = [client(server.url) for _ in range(6)]
        futures = [chat.login(f"LIMITED{number}") for number, chat in enumerate(slow)]
        for _ in slow:
            assert limited.acquire(timeout=LIMIT)
        with client(server.url) as chat:
            assert chat.login(TOKEN).result(LIMIT).uid == "alice"
        assert not any(future.done() for future in futures)
        server.script = good
        assert len(server.seen) == 7
        for chat, future in zip(slow, futures, strict=True):
            assert future.result(LIMIT).uid == "alice"
            chat.close()


def _close_idle() -> None:
    from cometchat_auth import _transport

    _transport.close_idle()


def _secret() -> Secret:
    return Secret("k")
