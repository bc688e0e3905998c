"""The emulator as a program: starting and stopping, connections, threads, paths, bodies, logs."""

from __future__ import annotations

import gc
import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

from cometchat_auth.emulator import Emulator

from .tools import LIMIT


@attrs.frozen
class Answer:
    """What came back: the status, the headers in lower case, the body as text and as JSON."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        """Return what a successful answer carries."""
        assert self.status == 200, self.text
        return self.body["data"]

    @property
    def refusal(self) -> tuple[int, str]:
        """Return the status and the code of a refusal."""
        return self.status, self.body["error"]["code"]


def ask(
    service: Emulator,
    method: str,
    path: str,
    body: object = None,
    *,
    on: http.client.HTTPConnection | None = None,
    raw: bytes | None = None,
    **headers: str,
) -> Answer:
    """Send one request, on a connection of its own unless one is given, and read the answer."""
    connection = on or connect(service)
    sent = raw if body is None else json.dumps(body).encode()
    connection.request(method, path, sent, headers)
    response = connection.getresponse()
    named = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(response.status, named, response.read().decode())
    if on is None:
        connection.close()
    return answer


def connect(service: Emulator) -> http.client.HTTPConnection:
    """Open a connection to the emulator."""
    return http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)


def port_of(service: Emulator) -> int:
    """Return the port that the emulator listens on."""
    port = urlsplit(service.url).port
    assert port is not None
    return port


def emulator_threads() -> list[str]:
    """Return the names of the emulator's threads that are alive."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("cometchat-emulator")]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator() as service:
        yield service


def test_e2_starts_in_well_under_a_second() -> None:
    """A new emulator, its import included, must need less than a second to its first answer.

    A second of the processor: what else the machine does is not the emulator's affair.
    """
    script = (
        "import time\n"
        "from cometchat_auth.emulator import Emulator\n"
        "import http.client\n"
        "with Emulator() as service:\n"
        "    connection = http.client.HTTPConnection(service.url.partition('//')[2])\n"
        "    connection.request('GET', '/v3/users/cometchat-uid-1')\n"
        "    status = connection.getresponse().status\n"
        "    connection.close()\n"
        "print(status, time.process_time())\n"
    )
    status, seconds = _run(script).split()
    assert status == "401"
    assert float(seconds) < 1


def test_e2_needs_no_network_and_binds_loopback_only() -> None:
    """Starting, answering and stopping must resolve no foreign name and touch loopback only."""
    script = (
        "import sys\n"
        "seen = set()\n"
        "def watch(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.bind'):\n"
        "        seen.add(arguments[1][0])\n"
        "    if event in ('socket.getaddrinfo', 'socket.gethostbyname'):\n"
        "        seen.add(arguments[0])\n"
        "sys.addaudithook(watch)\n"
        "from cometchat_auth.emulator import Emulator\n"
        "with Emulator() as service:\n"
        "    service.create_auth_token('cometchat-uid-1')\n"
        "print(*seen)\n"
    )
    assert _run(script).split() == ["127.0.0.1"]


def test_e2_keeps_its_users_while_it_is_switched_off(emulator: Emulator) -> None:
    """Stopped and started again, it must listen on the same port and know the same token."""
    url = emulator.url
    token = emulator.create_auth_token("cometchat-uid-1")
    assert ask(emulator, "GET", "/v3/me", authToken=token).status == 200
    emulator.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(emulator, "GET", "/v3/me", authToken=token)
    assert emulator.start().url == url
    assert ask(emulator, "GET", "/v3/me", authToken=token).data["uid"] == "cometchat-uid-1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.1", "example.com"])  # noqa: S104
def test_e3_refuses_to_listen_beyond_loopback(host: str) -> None:
    """A host that other machines could reach must be refused at once."""
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


@pytest.mark.parametrize(
    "path",
    [
        "/v3",
        "/v3/",
        "/users",
        "/v3/users/",
        "/v3/groups",
        "/v3//users",
        "/v3/users//auth_tokens",
        "/v3/users/a/auth_tokens/",
        "/v3/users/../me",
        "/v3/users/..",
        "/v3/users/%2e%2e",
        "/v3/users/..%2fme",
        "/v3/users/a%2Fauth_tokens",
        "/v3/users/a%5Cb",
        "/v3/users/a%00",
        "/v3/users/a%252Fb",
        "/V3/me",
        "/version/me",
        "/favicon.ico",
    ],
)
def test_e3_unknown_paths_are_a_named_error(emulator: Emulator, path: str) -> None:
    """A path that the emulator does not imitate must never be taken for one that it does."""
    answer = ask(emulator, "GET", path, apikey=emulator.rest_api_key)
    assert answer.refusal == (404, "ERR_API_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/v3/users"),
        ("PATCH", "/v3/users/cometchat-uid-1"),
        ("POST", "/v3/users/cometchat-uid-1"),
        ("POST", "/v3/me"),
        ("BREW", "/v3/me"),
    ],
)
def test_e3_wrong_methods_are_a_named_error(emulator: Emulator, method: str, path: str) -> None:
    """A method that a path does not know must be refused as an unknown call."""
    answer = ask(emulator, method, path, apikey=emulator.rest_api_key)
    assert answer.refusal == (404, "ERR_API_NOT_FOUND")


@pytest.mark.parametrize("version", ["v1", "v2.0", "v4", "v3.1", "v30"])
def test_unknown_versions_are_named(emulator: Emulator, version: str) -> None:
    """Another version of the API must be refused by its own code, whatever follows it."""
    for path in (f"/{version}", f"/{version}/me", f"/{version}/nonsense"):
        assert ask(emulator, "GET", path).refusal == (404, "ERR_INVALID_API_VERSION")


@pytest.mark.parametrize("version", ["v3", "v3.0"])
def test_both_versions_answer(emulator: Emulator, version: str) -> None:
    """The documented and the observed version segment must reach the same users."""
    path = f"/{version}/users/cometchat-uid-2"
    assert ask(emulator, "GET", path, apikey=emulator.rest_api_key).data["name"] == "George Alan"


def test_one_connection_serves_many_requests(emulator: Emulator) -> None:
    """A connection must be kept alive, after refusals and unread bodies as well."""
    connection = connect(emulator)
    connection.connect()
    opened = connection.sock
    long = b"x" * 20_000
    for _ in range(3):
        assert ask(emulator, "GET", "/v3/me", on=connection).status == 401
        assert ask(emulator, "PUT", "/nowhere", on=connection, raw=long).status == 404
        assert ask(emulator, "POST", "/v3/users", on=connection, raw=long).status == 401
    assert connection.sock is opened
    connection.close()


def test_chunked_bodies_leave_nothing_behind(emulator: Emulator) -> None:
    """A body in chunks must be read to its end, whatever becomes of the request."""
    connection = connect(emulator)
    for path, status in (("/v3/nowhere", 404), ("/v3/users", 400)):
        chunks = iter([b"x" * 9_000, b"y" * 9_000])
        headers = {"apikey": emulator.rest_api_key}
        connection.request("POST", path, chunks, headers, encode_chunked=True)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_answers_are_sent_without_delay(emulator: Emulator) -> None:
    """The server's end of a connection must have TCP_NODELAY set."""
    connection = connect(emulator)
    ask(emulator, "GET", "/v3/me", on=connection)
    ours = connection.sock.getsockname()
    options = [
        end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for end in gc.get_objects()
        if isinstance(end, socket.socket) and end.fileno() >= 0 and _peer(end) == ours
    ]
    assert len(options) == 1
    assert options[0]
    connection.close()


def test_silent_connections_hold_nobody_up(emulator: Emulator) -> None:
    """Connections that are opened ahead of need must not keep others from being answered."""
    address = ("127.0.0.1", port_of(emulator))
    silent = [socket.create_connection(address, timeout=10) for _ in range(40)]
    began = time.monotonic()
    assert ask(emulator, "GET", "/v3/me").status == 401
    assert time.monotonic() - began < LIMIT
    for end in silent:
        end.close()


def test_stop_is_quick_and_leaves_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """stop() must end idle and half-sent requests, threads and sockets, without a word."""
    assert emulator_threads() == []
    service = Emulator().start()
    names = emulator_threads()
    idle = connect(service)
    ask(service, "GET", "/v3/me", on=idle)
    half = socket.create_connection(("127.0.0.1", port_of(service)), timeout=10)
    half.sendall(b"PUT /v3/me HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
    new = socket.create_connection(("127.0.0.1", port_of(service)), timeout=10)
    began = time.monotonic()
    service.stop()
    assert time.monotonic() - began < LIMIT
    assert names
    assert emulator_threads() == []
    assert _ended(new)
    assert _ended(idle.sock)
    for end in (idle, half, new):
        end.close()
    assert capfd.readouterr() == ("", "")


def test_threads_are_daemons_with_names(emulator: Emulator) -> None:
    """Threads must carry the emulator's name and keep no program from ending."""
    assert emulator.url
    mine = [thread for thread in threading.enumerate() if "emulator" in thread.name]
    assert mine
    assert all(thread.daemon for thread in mine)


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="needs a list of open files")
def test_many_emulators_leak_nothing() -> None:
    """Emulators must leave no open file and no object behind."""
    before = len(os.listdir("/dev/fd"))
    gone = []
    for _ in range(5):
        with Emulator() as service:
            assert ask(service, "GET", "/v3/me").status == 401
        gone.append(weakref.ref(service))
        del service
    gc.collect()
    assert [reference() for reference in gone] == [None] * 5
    assert len(os.listdir("/dev/fd")) == before


def test_start_and_stop_are_idempotent() -> None:
    """Starting twice and stopping twice, or before the start, must be harmless."""
    service = Emulator()
    service.stop()
    with pytest.raises(RuntimeError, match=r"call start\(\)"):
        _ = service.url
    assert service.start() is service.start()
    service.stop()
    service.stop()
    assert emulator_threads() == []


def test_a_taken_port_is_a_clear_error(emulator: Emulator) -> None:
    """A port in use must be named in the error, and the failed start must leave no thread."""
    port = port_of(emulator)
    before = len(emulator_threads())
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1 port {port}.*Choose another"):
        Emulator(port=port).start()
    assert len(emulator_threads()) == before


@pytest.mark.parametrize(("host", "shown"), [("localhost", "127.0.0.1"), ("::1", "[::1]")])
def test_other_names_of_loopback(host: str, shown: str) -> None:
    """Other loopback hosts must work and be shown as a client can use them."""
    try:
        with Emulator(host=host) as service:
            assert service.url.startswith(f"http://{shown}:")
            assert ask(service, "GET", "/v3/me").status == 401
    except OSError:
        pytest.skip(f"this machine has no {host}")


def test_many_threads_share_one_state(emulator: Emulator) -> None:
    """Users made by several threads at once must all exist, and each uid be given out once."""
    codes: list[tuple[str, int]] = []

    def work() -> None:
        connection = connect(emulator)
        for number in range(15):
            body = {"uid": f"user-{number}", "name": "N"}
            made = ask(emulator, "POST", "/v3/users", body, on=connection, apikey=emulator.auth_key)
            codes.append((body["uid"], made.status))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(uid for uid, status in codes if status == 200) == sorted(
        f"user-{number}" for number in range(15)
    )
    assert [status for _, status in codes].count(400) == 45


def test_browsers_of_any_origin_may_call(emulator: Emulator) -> None:
    """A browser's preflight must be allowed without a key, and answers be readable."""
    asked: dict[str, Any] = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Headers": "appid,apikey",
    }
    preflight = ask(emulator, "OPTIONS", "/v3.0/users/a/auth_tokens", **asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "appid,apikey"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert ask(emulator, "PUT", "/v3/me").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
        b"[" * 9_000,
        b'{"name": ' + b"9" * 9_000 + b"}",
        b'{"name": "' + b"x" * 10_300 + b'"}',
    ],
)
def test_unusable_bodies_are_bad_requests(emulator: Emulator, raw: bytes) -> None:
    """A body that is no JSON object, or too long, must be refused by its code."""
    answer = ask(emulator, "POST", "/v3/users", raw=raw, apikey=emulator.auth_key)
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert "details" not in answer.body["error"]


def test_unreadable_requests_are_bad_requests(emulator: Emulator) -> None:
    """A request whose Host makes no sense must be refused in the envelope, or by the server."""
    with socket.create_connection(("127.0.0.1", port_of(emulator)), timeout=10) as raw:
        raw.sendall(b"GET /v3/me HTTP/1.1\r\nHost: a/b c\r\nConnection: close\r\n\r\n")
        with raw.makefile("rb") as answer:
            text = answer.read()
    assert b"HTTP/1.1 40" in text
    assert b'"error"' in text


@pytest.mark.parametrize(
    "head_and_body",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}0\r\n\r\n",
    ],
)
def test_a_body_without_an_end_is_a_bad_request(emulator: Emulator, head_and_body: bytes) -> None:
    """A length or chunks that HTTP does not allow must be 400 by its code, and end the line."""
    with socket.create_connection(("127.0.0.1", port_of(emulator)), timeout=10) as raw:
        raw.sendall(b"POST /v3/users HTTP/1.1\r\nHost: localhost\r\n" + head_and_body)
        with raw.makefile("rb") as answer:
            told = answer.read()
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in told
    assert json.loads(told.partition(b"\r\n\r\n")[2])["error"]["code"] == "ERR_BAD_REQUEST"


def test_internal_failures_keep_the_envelope(caplog: pytest.LogCaptureFixture) -> None:
    """A failure of the emulator itself must be ERR_EXCEPTION, logged with its traceback."""
    settings: dict[str, object] = {}
    with Emulator(settings=settings) as service:
        settings["unanswerable"] = object()
        token = service.create_auth_token("cometchat-uid-1")
        answer = ask(service, "PUT", "/v3/me", authToken=token)
    assert answer.refusal == (500, "ERR_EXCEPTION")
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.name for record in records] == ["cometchat_auth.emulator"]
    assert records[0].exc_info


def test_logs_name_calls_but_no_credentials(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """At DEBUG every call must be logged, without keys or tokens, and nothing be printed."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="cometchat_auth")  # whatever tests before have set
    token = emulator.create_auth_token("cometchat-uid-1")
    path = f"/v3/users/cometchat-uid-1/auth_tokens/{token}"
    ask(emulator, "GET", path, apikey=emulator.rest_api_key)
    ask(emulator, "PUT", "/v3/me", authToken=token, apikey=emulator.auth_key)
    ask(emulator, "GET", f"/v3/nowhere/{token}", apikey=emulator.rest_api_key)
    emulator.stop()
    assert "GET /v3/users/<uid>/auth_tokens/<token> -> 200" in caplog.text
    for secret in (token, emulator.auth_key, emulator.rest_api_key):
        assert secret not in caplog.text
        assert secret not in repr(emulator)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("missing", ["flask", "cheroot"])
def test_missing_packages_say_what_to_install(missing: str) -> None:
    """Without its extra the emulator must say how to install it."""
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "try:\n"
        "    import cometchat_auth.emulator\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert 'pip install "cometchat-auth[emulator]"' in _run(script)


def test_shares_no_code_with_the_client() -> None:
    """Importing the emulator must import nothing of the client."""
    script = (
        "import sys, cometchat_auth.emulator\n"
        "print(*(name for name in sys.modules if name.startswith('cometchat_auth.')))\n"
    )
    foreign = [
        name
        for name in _run(script).split()
        if not name.startswith("cometchat_auth.emulator") and name != "cometchat_auth._version"
    ]
    assert foreign == []


def _run(script: str) -> str:
    """Run a script in a Python of its own and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout


def _ended(end: socket.socket) -> bool:
    """Tell whether the other end closed a connection, or never accepted it."""
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def _peer(end: socket.socket) -> object:
    try:
        return end.getpeername()
    except OSError:
        return None
