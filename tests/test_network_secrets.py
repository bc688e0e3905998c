"""X1 and X2: credentials go to their host only, and are readable nowhere else."""

from __future__ import annotations

import html
import logging
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from cometchat_auth import (
    AppSettings,
    CometChat,
    MemoryStore,
    SessionStoreError,
    User,
    _api,
    _http,
)
from cometchat_auth._hosts import Hosts
from cometchat_auth._record import encode
from cometchat_auth._secrets import Secret
from cometchat_auth._session import Session
from cometchat_auth._vault import _drop_quoting_cause

from .canary import Watch, leaks, shown, watching
from .network import (
    CALLS,
    KEY,
    MINTED,
    NEEDS_SESSION,
    TOKEN,
    RawServer,
    client,
    data,
    good,
    http,
    read_request,
    refusal,
)
from .tools import LIMIT, Reply, Script, Seen, error_of, scripted

CANARIES: Final = (KEY, TOKEN, MINTED)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS)
def test_x1_redirects_are_not_followed(call: str, status: int) -> None:
    """A redirect is an error; the host that it names sees no request."""
    with scripted(good) as thief, scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.seen.clear()
        body = data({"uid": "mallory", "authToken": "mallory-token"}).body
        server.script = lambda _: Reply(status, body, (("Location", f"{thief.url}/v3.0/me"),))
        error = error_of(CALLS[call](chat))
        assert (error.code, error.reason) == ("ERROR_IO_EXCEPTION", "redirect")
        assert (error.http_status, len(server.seen), len(thief.seen)) == (status, 1, 0)


@pytest.mark.parametrize(
    "uid", ["../users/x?y=", "a/b", "a%2Fb", "a b", "a#b", "..", "é", "a\r\nb"]
)
def test_x1_uid_cannot_change_the_path(uid: str) -> None:
    """A uid that means something in a path is refused before anything is sent."""
    with scripted(good) as server, client(server.url) as chat:
        assert error_of(chat.login(uid, KEY)).code == "INVALID_UID"
        assert server.seen == []


_OURS: Final = Hosts("https://app.api-us.cometchat.io/v3.0", "https://app.apiclient-us.x/v3.0")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "evilcometchat.io",
        "cometchat.io.evil.com",
        "https://evil.com/.cometchat.io",
        "https://me@x.cometchat.io",
        "https://x.cometchat.io@evil.com",
        "http://x.cometchat.io",
        "x.cometchat.io:8443",
        "evil.com\\.cometchat.io",
        "evil.com#.cometchat.io",
        "evil.com?.cometchat.io",
        "\tx.cometchat.io",
        "127.0.0.1",
        "",
        None,
        7,
        ["x.cometchat.io"],
    ],
)
def test_x1_named_hosts_that_are_not_followed(host: Any) -> None:
    """A host outside the service's own domains is not followed, however it is written."""
    settings = {"ADMIN_API_HOST": host, "CLIENT_API_HOST": host}
    assert _api.followed(_OURS, settings, admin=True, client=True) == _OURS


@pytest.mark.parametrize(
    ("host", "version", "base"),
    [
        ("a.api-us.cometchat.io", None, "https://a.api-us.cometchat.io/v3.0"),
        ("a.api-us.cometchat.io/", "v3", "https://a.api-us.cometchat.io/v3"),
        ("https://a.cc-cluster-2.io/v9", "v3.0", "https://a.cc-cluster-2.io/v3.0"),
        ("a.cc-edge-2.io", "../evil", "https://a.cc-edge-2.io/v3.0"),
        ("a.cc-edge-2.io", ["v3"], "https://a.cc-edge-2.io/v3.0"),
    ],
)
def test_x1_named_hosts_that_are_followed(host: str, version: Any, base: str) -> None:
    """A host below the service's domains is followed, with a version that is known."""
    settings = {"ADMIN_API_HOST": host, "CHAT_API_VERSION": version}
    assert _api.followed(_OURS, settings, admin=True, client=True) == Hosts(base, _OURS.client)


def test_x1_configured_hosts_are_never_replaced() -> None:
    """A host of the settings stays, whatever the service names."""
    settings = {"ADMIN_API_HOST": "a.cometchat.io", "CLIENT_API_HOST": "c.cometchat.io"}
    assert _api.followed(_OURS, settings, admin=False, client=False) == _OURS

    def script(seen: Seen) -> Reply:
        reply = data({"uid": "alice", "settings": settings})
        return reply if seen.path.endswith("/me") else good(seen)

    with scripted(script) as server, client(server.url) as chat:
        chat.login("alice", KEY).result(LIMIT)
        chat.check_session().result(LIMIT)
        assert len(server.seen) == 3


def test_x1_each_credential_has_its_host() -> None:
    """The key goes to the admin host only, the token to the client host only."""
    with scripted(good) as admin, scripted(good) as own:
        with client(own.url, admin=admin.url) as chat:
            chat.login("alice", KEY).result(LIMIT)
            CALLS["create_user"](chat).result(LIMIT)
            chat.logout().result(LIMIT)
        assert KEY not in str(own.seen)
        assert MINTED not in str(admin.seen)
        assert {seen.headers.get("apiKey") for seen in admin.seen} == {KEY}
        assert {seen.headers.get("authToken") for seen in own.seen} == {MINTED}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Listen to all loggers at DEBUG."""
    monkeypatch.setattr(_http, "BACK_OFF", 0.001)
    with watching() as handler:
        yield handler


def _echo(seen: Seen) -> str:
    return seen.headers.get("apiKey") or seen.headers.get("authToken") or ""


def _json_echo(seen: Seen) -> Reply:
    secret = _echo(seen)
    details = {secret: [secret], "a": {"b": [{"c": secret}]}}
    return refusal(f"ERR_{secret}", 400, f"The key {secret} is not {secret}.", details=details)


_ECHOES: Final[dict[str, Script]] = {
    "refused": _json_echo,
    "wrong_key": lambda seen: refusal("AUTH_ERR_APIKEY_NOT_FOUND", 401, _echo(seen)),
    "dead_token": lambda seen: refusal("AUTH_ERR_AUTH_TOKEN_NOT_FOUND", 401, _echo(seen)),
    "500": lambda seen: Reply(500, _echo(seen).encode() * 50),
    "502": lambda seen: Reply(502, b"<p>" + _echo(seen).encode()),
    "html": lambda seen: Reply(200, f"<p>{html.escape(_echo(seen))}</p>".encode()),
    "cut": lambda seen: Reply(200, f'{{"data": {{"authToken": "{_echo(seen)}", "ui'.encode()),
    "long": lambda seen: Reply(404, b"<" * 150 + _echo(seen).encode() * 500),
    "redirect": lambda seen: Reply(302, b"", (("Location", f"/?{_echo(seen)}"),)),
    "limit": lambda seen: Reply(429, _echo(seen).encode(), (("Retry-After", _echo(seen)),)),
    "lost": lambda seen: Reply(200, _echo(seen).encode() * 9, cut=100),
    "reason": lambda seen: Reply(404, b"", (("X-Echo", _echo(seen)),)),
    "other_user": lambda seen: data({"uid": _echo(seen), "authToken": f"{_echo(seen)} {MINTED}"}),
    "success": lambda seen: good(seen),
}


def _assert_unreadable(chat: CometChat, future: Any, watch: Watch) -> None:
    error = future.exception(LIMIT)
    things = [future, chat, chat._settings, chat._engine.state.session, chat.session_info()]
    things += [error if error is not None else future.result()]
    # A store holds the token: that is what it is for.
    things += [part for part in vars(chat).values() if part is not chat._store]
    things += vars(chat._engine).values()
    assert leaks([*watch.lines, *shown(*things)], CANARIES) == []


@pytest.mark.parametrize("script", _ECHOES)
@pytest.mark.parametrize("call", CALLS)
def test_x2_answers(call: str, script: str, watch: Watch) -> None:
    """A server that echoes the credential in any way does not make it readable anywhere."""
    with scripted(good) as server, client(server.url) as chat:
        if call in NEEDS_SESSION:
            chat.login(TOKEN).result(LIMIT)
        server.script = _ECHOES[script]
        future = CALLS[call](chat)
        future.exception(LIMIT)
    with client("http://127.0.0.1:9") as other:
        assert other.get_logged_in_user() is None
    if script != "other_user":
        _assert_unreadable_closed(chat, future, watch)


def _assert_unreadable_closed(chat: CometChat, future: Any, watch: Watch) -> None:
    chat._engine.desk._closed = False  # so that it can still be asked what it would show
    _assert_unreadable(chat, future, watch)


_RAW: Final[dict[str, Callable[[bytes], bytes]]] = {
    "bad_header": lambda secret: (
        b"HTTP/1.1 200 OK\r\n" + secret + b"\r\n\x00: " + secret + b"\r\n\r\n"
    ),
    "not_http": lambda secret: secret + b"\r\n\r\n",
    "reason": lambda secret: b"HTTP/1.1 404 " + secret + b"\r\nContent-Length: 0\r\n\r\n",
    "length": lambda secret: b"HTTP/1.1 200 OK\r\nContent-Length: " + secret + b"\r\n\r\n",
    "chunk": lambda secret: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + b"\r\n"
    ),
    "encoding": lambda secret: http("200 OK", secret, f"Content-Encoding: {secret.decode()}, gzip"),
    "silence": lambda _: b"",
}


@pytest.mark.parametrize("raw", _RAW)
@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "create_user"])
def test_x2_broken_answers(call: str, raw: str, watch: Watch) -> None:
    """Nor does one whose answer breaks HTTP around the credential."""
    secret = (TOKEN if call == "login_with_token" else KEY).encode()

    def script(connection: Any, _: int) -> None:
        read_request(connection)
        connection.sendall(_RAW[raw](secret))
        if raw == "silence":
            server.over.wait(LIMIT)

    server = RawServer(script)
    limit = 0.5 if raw == "silence" else LIMIT
    with server, client(server.url, timeout=limit) as chat:
        future = CALLS[call](chat)
        future.exception(LIMIT)
        _assert_unreadable(chat, future, watch)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://no.invalid"])
@pytest.mark.parametrize("call", ["login_with_key", "login_with_token", "create_user"])
def test_x2_no_answer(call: str, url: str, watch: Watch) -> None:
    """Nor does a connection that cannot be made, or a proxy in between."""
    for proxies in (None, {"https": "http://127.0.0.1:1"}):
        with client(url, proxies=proxies) as chat:
            future = CALLS[call](chat)
            future.exception(LIMIT)
            _assert_unreadable(chat, future, watch)


@pytest.mark.parametrize("spoilt", [" {}", "{}\n", "{}\u00e9", "{}" * 500])
def test_x2_validation(spoilt: str, watch: Watch) -> None:
    """Nor does a credential that is refused before it is sent."""
    with client("http://127.0.0.1:9") as chat:
        for future in (
            chat.login("alice", spoilt.replace("{}", KEY)),
            chat.login(spoilt.replace("{}", TOKEN)),
            chat.create_user(User("a", "A"), spoilt.replace("{}", KEY)),
        ):
            _assert_unreadable(chat, future, watch)


class Quoting(MemoryStore):
    """A store whose error quotes what it was to keep, as one that runs a command might."""

    def save(self, _service_name: str, _profile: str, record: str) -> None:
        """Fail."""
        raise subprocess.CalledProcessError(1, ["store-it", record])


def test_x2_a_store_that_quotes_the_record(caplog: pytest.LogCaptureFixture) -> None:
    """Where a store's own error quotes the credential, it is kept out of ours and of the log."""
    caplog.set_level(logging.DEBUG)
    with scripted(good) as server:
        settings = AppSettings.for_emulator(server.url)
        with CometChat("app", settings, session_store=Quoting()) as chat:
            chat.login(TOKEN).result(LIMIT)
            info = chat.session_info()
    assert (info.persisted, info.reason) == (False, "error")
    assert TOKEN not in caplog.text + repr(info)


@pytest.mark.parametrize("quotes", [True, False])
def test_x2_causes_that_quote_are_dropped(quotes: bool) -> None:
    """A cause that quotes the token is dropped; any other one stays for whoever looks for it."""
    record = encode(Session(User("kim"), Secret(TOKEN), minted=False, device_id="d"))
    error = SessionStoreError("SESSION_STORE_ERROR", "failed")
    error.__cause__ = OSError(f"cannot run: store-it {record if quotes else ''}")
    _drop_quoting_cause(error, record)
    assert (error.__cause__ is None) == quotes
