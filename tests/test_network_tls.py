"""N5: certificates, proxies, and what is never read."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cometchat_auth import NoAnswerError

from .network import KEY, ME, TOKEN, RawServer, client, good, http, read_request, serve_me
from .proxy import Proxy
from .tools import LIMIT, error_of, scripted


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """Return a certificate authority that nobody trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    """Return the path of its certificate."""
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def _context(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def secure(ca: trustme.CA) -> Iterator[RawServer]:
    """Run a TLS server that knows one user."""
    with RawServer(serve_me, _context(ca)) as server:
        yield server


def test_n5_untrusted(secure: RawServer) -> None:
    """An unknown CA is refused; the error names the host and the setting."""
    with client(secure.url) as chat:
        error = error_of(chat.login(TOKEN))
    assert isinstance(error, NoAnswerError)
    assert (error.code, error.reason, error.retryable) == ("FAILED_TO_FETCH", "tls", False)
    assert secure.url in error.message
    assert "AppSettings(verify=...)" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.message
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


def test_n5_untrusted_creation_is_no_mystery(secure: RawServer) -> None:
    """Where TLS failed nothing was sent, so even creating a user has a known outcome."""
    from .network import CALLS

    with client(secure.url) as chat:
        assert error_of(CALLS["create_user"](chat)).reason == "tls"


def test_n5_verify(secure: RawServer, ca_file: str) -> None:
    """A CA given as a setting is trusted."""
    with client(secure.url, verify=ca_file) as chat:
        assert chat.login(TOKEN).result(LIMIT).uid == "alice"


def test_n5_settings_do_not_mix(secure: RawServer, ca_file: str) -> None:
    """A connection that one client trusts is not lent to a client that does not."""
    with client(secure.url, verify=ca_file) as trusting, client(secure.url) as other:
        trusting.login(TOKEN).result(LIMIT)
        assert error_of(other.login(TOKEN)).reason == "tls"


def test_n5_wrong_host_name(ca: trustme.CA, ca_file: str) -> None:
    """A certificate for another host is refused, whoever signed it."""
    server = RawServer(serve_me, _context(ca, "other.example.com"))
    with server, client(server.url, verify=ca_file) as chat:
        error = error_of(chat.login(TOKEN))
    assert error.reason == "tls"
    assert "not valid for '127.0.0.1'" in error.message


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_n5_unusable_ca_file(secure: RawServer, tmp_path: Path, content: str | None) -> None:
    """A CA file that is missing or holds nothing is a TLS error, and nothing is sent."""
    path = tmp_path / "missing.pem"
    if content is not None:
        path.write_text(content)
    with client(secure.url, verify=str(path)) as chat:
        error = error_of(chat.login(TOKEN))
    assert (error.code, error.reason) == ("FAILED_TO_FETCH", "tls")
    assert secure.accepted == 0


def test_n5_client_certificate(ca: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    """A server that asks for a client certificate gets the one of the settings."""
    context = _context(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    mine = tmp_path / "mine.pem"
    ca.issue_cert("me.example.com").private_key_and_cert_chain_pem.write_to_path(str(mine))
    with RawServer(serve_me, context) as server:
        with client(server.url, verify=ca_file, cert=str(mine)) as chat:
            assert chat.login(TOKEN).result(LIMIT).uid == "alice"
        with client(server.url, verify=ca_file) as chat:
            assert isinstance(error_of(chat.login(TOKEN)), NoAnswerError)


def test_n5_plain_server_behind_https() -> None:
    """A server that speaks plain HTTP where TLS was expected is an error of TLS."""

    def script(connection: socket.socket, _: int) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with RawServer(script) as server, client(server.url.replace("http:", "https:")) as chat:
        assert error_of(chat.login(TOKEN)).reason == "tls"


def test_n5_warmed_connection_is_used(secure: RawServer, ca_file: str) -> None:
    """A connection opened ahead is the one that the login uses, session tickets or not."""
    with client(secure.url, verify=ca_file) as chat:
        chat.warm_up().result(LIMIT)
        chat.warm_up().result(LIMIT)
        for _ in range(3):
            chat.login(TOKEN).result(LIMIT)
        assert secure.accepted == 1


def test_n5_warm_up_replaces_a_dead_connection() -> None:
    """Warming up opens a new connection where the idle one has been closed by the server."""
    closed = threading.Event()
    answered: list[int] = []

    def script(connection: socket.socket, number: int) -> None:
        while read_request(connection):
            answered.append(number)
            connection.sendall(ME)
            if number == 0:
                break
        connection.close()
        closed.set()

    with RawServer(script) as server, client(server.url) as chat:
        chat.login(TOKEN).result(LIMIT)
        assert closed.wait(LIMIT)
        chat.warm_up().result(LIMIT)
        chat.login(TOKEN).result(LIMIT)
        assert server.accepted == 2
        assert answered == [0, 1]


def test_n5_closed_tls_connection_is_noticed(ca: trustme.CA, ca_file: str) -> None:
    """A kept TLS connection that the server has closed is replaced, even to create a user."""
    from .network import CALLS

    closed = threading.Event()

    def script(connection: socket.socket, number: int) -> None:
        if number == 0:
            read_request(connection)
            connection.sendall(ME)
            connection.close()
            closed.set()
        else:
            serve_me(connection)

    with RawServer(script, _context(ca)) as server:
        with client(server.url, verify=ca_file) as chat:
            chat.login(TOKEN).result(LIMIT)
            assert closed.wait(LIMIT)
            assert CALLS["create_user"](chat).result(LIMIT).uid == "alice"
        assert server.accepted == 2


def test_n5_proxy_from_environment(
    secure: RawServer, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that the environment names is used, by tunnel: it sees no credential."""
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:pw@"))
        with client(secure.url, verify=ca_file) as chat:
            chat.login(TOKEN).result(LIMIT)
            chat.check_session().result(LIMIT)
            assert error_of(_untrusting(secure)).reason == "tls"
        assert (proxy.accepted, secure.accepted) == (2, 2)
        assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{secure.port}".encode())
        assert b"Proxy-Authorization: Basic bWU6cHc=" in proxy.asked[0]
        assert TOKEN.encode() not in b"".join(proxy.asked)


def _untrusting(server: RawServer) -> Any:
    with client(server.url) as chat:
        future = chat.login(TOKEN)
        future.exception(LIMIT)
        return future


def test_n5_proxy_with_tls(ca: trustme.CA, secure: RawServer, ca_file: str) -> None:
    """A proxy that is reached by TLS is verified with the same CA, and used."""
    with Proxy(context=_context(ca)) as proxy:
        with client(secure.url, verify=ca_file, proxies={"https": proxy.url}) as chat:
            chat.login(TOKEN).result(LIMIT)
            chat.check_session().result(LIMIT)
        assert (proxy.accepted, secure.accepted) == (1, 1)


def test_n5_given_proxy_for_http() -> None:
    """A proxy given as a setting is used for plain HTTP as well."""
    with Proxy() as proxy, client("http://127.0.0.1:9", proxies={"http": proxy.url}) as chat:
        chat.warm_up().result(LIMIT)
        assert chat.login(TOKEN).result(LIMIT).uid == "alice"
        assert proxy.asked[0].startswith(b"PUT http://127.0.0.1:9/v3.0/me ")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_x1_http_never_meets_the_environments_proxy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain HTTP to this machine does not pass a proxy that could read the credential."""
    with Proxy() as proxy, scripted(good) as server:
        monkeypatch.setenv(name, proxy.url)
        with client(server.url) as chat:
            assert chat.login("alice", KEY).result(LIMIT).uid == "alice"
        assert proxy.accepted == 0


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_n5_proxy_refuses(secure: RawServer, status: str) -> None:
    """A proxy that does not let it through is named as what stood in the way."""
    with Proxy(status) as proxy, client(secure.url, proxies={"https": proxy.url}) as chat:
        error = error_of(chat.login(TOKEN))
    assert (error.code, error.reason, secure.accepted) == ("FAILED_TO_FETCH", "proxy", 0)
    assert status in error.message


@pytest.mark.parametrize(
    "proxy",
    ["http://127.0.0.1:1", "http://nowhere.invalid:3128", "http://:80", "http://a:b", "x:y:z"],
)
def test_n5_proxy_cannot_be_reached(proxy: str) -> None:
    """A proxy that is not there, or whose URL cannot be used, is said to be the trouble."""
    with client("https://127.0.0.1:9", proxies={"https": proxy}) as chat:
        error = error_of(chat.login(TOKEN))
    assert (error.code, error.reason) == ("FAILED_TO_FETCH", "proxy")


def test_n5_slow_proxy(secure: RawServer) -> None:
    """A proxy that does not answer costs the time limit and no more."""
    slow: RawServer = RawServer(lambda *_: slow.over.wait(LIMIT))
    with slow, client(secure.url, proxies={"https": slow.url}, timeout=0.5) as chat:
        assert error_of(chat.login(TOKEN)).code == "TIMEOUT"


def test_n5_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of ~/.netrc for the host adds nothing to a request."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password CANARY\nmachine 127.0.0.1 login me password X\n")
    netrc.chmod(0o600)
    (tmp_path / "home" / ".netrc").write_text(netrc.read_text())
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(good) as server, client(server.url) as chat:
        chat.login("alice", KEY).result(LIMIT)
        assert len(server.seen) == 2
        assert not any("authorization" in map(str.lower, seen.headers) for seen in server.seen)


def test_n5_cookies_are_not_kept() -> None:
    """A cookie that the server sets is not sent back."""
    answer = http("200 OK", ME.partition(b"\r\n\r\n")[2], "Set-Cookie: a=CANARY; Path=/")
    requests: list[bytes] = []

    def script(connection: socket.socket, _: int) -> None:
        while request := read_request(connection):
            requests.append(request)
            connection.sendall(answer)

    with RawServer(script) as server, client(server.url) as chat:
        chat.login(TOKEN).result(LIMIT)
        chat.check_session().result(LIMIT)
        assert len(requests) == 2
        assert b"CANARY;" not in requests[1]
        assert b"ookie" not in requests[1]


def test_n5_unknown_host() -> None:
    """A host name that nobody knows is said to be unknown, without another try."""
    with client("https://nowhere.invalid") as chat:
        error = error_of(chat.login(TOKEN))
    assert (error.code, error.reason, error.retryable) == ("FAILED_TO_FETCH", "dns", True)
    assert "nowhere.invalid" in error.message
