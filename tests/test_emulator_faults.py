"""E4: what goes wrong on purpose, as a bare socket and as the library's own client meet it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs
import pytest

from cometchat_auth import (
    CometChat,
    NoAnswerError,
    OutcomeUnknownError,
    RateLimitError,
    User,
    _http,
)
from cometchat_auth.emulator import Emulator, Fault, Faults
from cometchat_auth.emulator._faults_match import Sighting

from .test_emulator_http import ask, emulator_threads, port_of
from .tools import LIMIT, error_of

DORA: Final = {"uid": "dora", "name": "Dora"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client back off for a moment only."""
    monkeypatch.setattr(_http, "BACK_OFF", 0.001)


@attrs.frozen
class Heard:
    """What a bare socket heard until the connection ended.

    Attributes:
        data: The bytes that came.
        reset: Whether the connection ended by a reset.
    """

    data: bytes
    reset: bool

    @property
    def status(self) -> int:
        """Return the status of the answer."""
        return int(self.data.split(b" ")[1])

    @property
    def head(self) -> list[str]:
        """Return the answer's headers."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]

    @property
    def body(self) -> bytes:
        """Return the answer's body."""
        return self.data.partition(b"\r\n\r\n")[2]


@contextmanager
def creating(service: Emulator) -> Iterator[socket.socket]:
    """Ask for the creation of a user, and hand out the socket to hear the answer on."""
    body = json.dumps(DORA).encode()
    lines = (
        "POST /v3/users HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        f"apikey: {service.auth_key}",
        f"Content-Length: {len(body)}",
        "\r\n",
    )
    with socket.create_connection(("127.0.0.1", port_of(service)), LIMIT) as line:
        line.sendall("\r\n".join(lines).encode() + body)
        yield line


def heard(line: socket.socket) -> Heard:
    """Listen until the connection ends."""
    data = b""
    try:
        while chunk := line.recv(65536):
            data += chunk
    except ConnectionResetError:
        return Heard(data, reset=True)
    return Heard(data, reset=False)


def create(service: Emulator) -> Heard:
    """Create a user over a bare socket."""
    with creating(service) as line:
        return heard(line)


def is_there(service: Emulator) -> bool:
    """Return whether the user was created."""
    return "dora" in {user["uid"] for user in service.users()}


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that tells nobody, such as the end of a thread."""
    deadline = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@pytest.mark.parametrize("reset", [True, False])
def test_e4_a_cut_before_commit_leaves_nothing(emulator: Emulator, reset: bool) -> None:
    """The connection must end as told before any byte, and nobody be created."""
    emulator.faults.add(Fault(cut="before", reset=reset))
    assert create(emulator) == Heard(b"", reset)
    assert not is_there(emulator)


@pytest.mark.parametrize("reset", [True, False])
def test_e4_a_cut_after_commit_leaves_a_user(emulator: Emulator, reset: bool) -> None:
    """The connection must end as told before any byte, but the user be there."""
    emulator.faults.add(Fault(cut="after", reset=reset))
    assert create(emulator) == Heard(b"", reset)
    assert is_there(emulator)


def test_e4_a_cut_in_the_body_sends_half_of_it(emulator: Emulator) -> None:
    """The head must announce the whole body, and half of it come."""
    emulator.faults.add(Fault(cut="body"))
    answer = create(emulator)
    (announced,) = (line for line in answer.head if line.startswith("Content-Length"))
    assert len(answer.body) == int(announced.split()[1]) // 2 > 0
    assert is_there(emulator)


def test_e4_a_cut_in_no_body_cuts_the_head(emulator: Emulator) -> None:
    """An answer without a body must not arrive whole by mistake."""
    emulator.faults.add(Fault(cut="body", status=204))
    answer = create(emulator)
    assert answer.data.startswith(b"HTTP/1.1 204")
    assert b"\r\n\r\n" not in answer.data


@pytest.mark.parametrize(("hang", "there"), [("before", False), ("after", True)])
def test_e4_a_hang_never_answers(emulator: Emulator, hang: str, there: bool) -> None:
    """No byte may come, whether the request was carried out or not."""
    emulator.faults.add(Fault(hang=hang))
    with creating(emulator) as line:
        (entry,) = emulator.requests.wait(1)
        assert (entry.status, entry.fault) == (None, 1)
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        assert is_there(emulator) is there


def test_e4_latency_is_waited_and_the_answer_is_the_usual_one(emulator: Emulator) -> None:
    """A delayed request must be carried out and answered, no sooner than it is told."""
    emulator.faults.add(Fault(latency=0.05))
    assert create(emulator).status == 200
    (entry,) = emulator.requests
    assert entry.milliseconds >= 50
    assert is_there(emulator)


def test_e4_a_client_that_leaves_during_the_latency_was_never_there(emulator: Emulator) -> None:
    """A request whose client gave up before its time must not be carried out later."""
    emulator.faults.add(Fault(latency=3600))
    with creating(emulator):
        pass
    (entry,) = emulator.requests.wait(1)
    assert (entry.status, entry.fault) == (None, 1)
    assert not is_there(emulator)


def test_e4_the_next_request_of_an_impatient_client_is_answered(emulator: Emulator) -> None:
    """What a client sends before its delayed answer came must not be lost, nor end the delay."""
    before = len(emulator_threads())
    emulator.faults.add(Fault(latency=0.5, times=1))
    head = f"GET /v3/users/cometchat-uid-1 HTTP/1.1\r\nHost: a\r\napikey: {emulator.rest_api_key}"
    with socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT) as line:
        line.sendall(f"{head}\r\n\r\n".encode())
        until(lambda: len(emulator_threads()) > before)  # another thread stands in: it waits
        line.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        assert heard(line).data.count(b"HTTP/1.1 200 OK") == 2
    first, second = emulator.requests
    assert (first.fault, second.fault) == (1, None)
    assert first.milliseconds >= 500


@pytest.mark.parametrize("drip_from", ["headers", "body"])
def test_e4_a_drip_is_the_usual_answer_in_the_end(emulator: Emulator, drip_from: str) -> None:
    """Whoever waits long enough must have the whole answer."""
    emulator.faults.add(Fault(drip=0.0005, drip_from=drip_from))
    answer = create(emulator)
    assert answer.status == 200
    assert json.loads(answer.body)["data"]["uid"] == "dora"
    assert "Connection: close" in answer.head


def test_e4_a_dripping_body_comes_after_the_head(emulator: Emulator) -> None:
    """The head must come at once, and the first byte of the body in its own time."""
    emulator.faults.add(Fault(drip=3600))
    with creating(emulator) as line:
        data = b""
        while b"\r\n\r\n" not in data:
            data += line.recv(65536)
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
    assert data.endswith(b"\r\n\r\n")


def test_e4_dripping_headers_come_one_by_one(emulator: Emulator) -> None:
    """Not even the first byte may come before its time."""
    emulator.faults.add(Fault(drip=3600, drip_from="headers"))
    with creating(emulator) as line:
        emulator.requests.wait(1)
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)


@pytest.mark.parametrize("status", [200, 204, 302, 304, 401, 418, 451, 500, 503, 599])
def test_e4_any_status_and_body(emulator: Emulator, status: int) -> None:
    """The status, the headers and the body must be the fault's, and nothing be carried out."""
    headers = [("X-Why", "because"), ("X-Why", "of that")]
    emulator.faults.add(Fault(status=status, headers=headers, body="<h1>Gateway</h1>"))
    answer = create(emulator)
    assert answer.status == status
    assert answer.body == (b"" if status in {204, 304} else b"<h1>Gateway</h1>")
    assert [line for line in answer.head if line.startswith("X-Why")] == [
        "X-Why: because",
        "X-Why: of that",
    ]
    assert "Access-Control-Allow-Origin: *" in answer.head
    assert not is_there(emulator)


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ("<p>Sorry", b"<p>Sorry", "text/html; charset=utf-8"),
        ("Sorry: ü", "Sorry: ü".encode(), "text/plain; charset=utf-8"),
        (b"\xff\x00", b"\xff\x00", "text/plain; charset=utf-8"),
        ({"a": [1, None]}, b'{"a": [1, null]}', "application/json"),
        ('["b"]', b'["b"]', "application/json"),
    ],
)
def test_e4_a_body_is_sent_as_it_is(emulator: Emulator, body: Any, sent: bytes, kind: str) -> None:
    """Text, bytes and JSON must arrive unchanged, under the type that they begin like."""
    emulator.faults.add(Fault(status=500, body=body))
    answer = create(emulator)
    assert answer.body == sent
    assert f"Content-Type: {kind}" in answer.head


def test_e4_a_head_request_gets_no_body(emulator: Emulator) -> None:
    """A body after the answer to HEAD would be taken for the next answer."""
    emulator.faults.add(Fault(status=500, body="text"))
    with socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT) as line:
        line.sendall(b"HEAD /v3/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = heard(line)
    assert answer.body == b""
    assert "Content-Length: 4" in answer.head


def test_e4_an_error_after_commit(emulator: Emulator) -> None:
    """With `carried_out` the answer must be the fault's, and the user be there."""
    emulator.faults.add(Fault(status=502, carried_out=True))
    assert create(emulator).status == 502
    assert is_there(emulator)


def test_e4_too_many_requests(emulator: Emulator) -> None:
    """The rate limit must be 429 with its code and its header, and carry nothing out."""
    emulator.faults.add(Fault(rate_limit=7))
    answer = create(emulator)
    assert answer.status == 429
    assert "Retry-After: 7" in answer.head
    assert json.loads(answer.body)["error"]["code"] == "ERR_TOO_MANY_REQUESTS"
    assert not is_there(emulator)


MATCHES: Final[list[tuple[dict[str, Any], bool]]] = [
    ({"call": "update_user"}, True),
    ({"call": "get_user"}, False),
    ({"method": "put"}, True),
    ({"method": "GET"}, False),
    ({"path": "/users/{uid}"}, True),
    ({"path": "/users/{anything}"}, True),
    ({"path": "/users/cometchat-uid-1"}, True),
    ({"path": "/users/*"}, True),
    ({"path": "/*"}, True),
    ({"path": "/users"}, False),
    ({"path": "/users/{uid}/auth_tokens"}, False),
    ({"path": "/v3/users/{uid}"}, False),
    ({"uid": "COMETCHAT-uid-1"}, True),
    ({"uid": "cometchat-uid-2"}, False),
    ({"app_id": "emulator-app"}, True),
    ({"app_id": "another"}, False),
    ({"call": "update_user", "uid": "cometchat-uid-1", "method": "PUT"}, True),
    ({"call": "update_user", "uid": "cometchat-uid-2", "method": "PUT"}, False),
]


@pytest.mark.parametrize("version", ["v3", "v3.0"])
@pytest.mark.parametrize(("match", "met"), MATCHES)
def test_e4_only_chosen_calls_go_wrong(
    emulator: Emulator, match: dict[str, Any], met: bool, version: str
) -> None:
    """A request meets a fault only if it is all that the fault asks for."""
    emulator.faults.add(Fault(status=599, **match))
    path = f"/{version}/users/cometchat-uid-1"
    answer = ask(emulator, "PUT", path, {"name": "New"}, apikey=emulator.rest_api_key)
    assert answer.status == (599 if met else 200)


def test_e4_a_user_is_known_by_path_body_and_token(emulator: Emulator) -> None:
    """A fault for one user must meet its creation, what its path names, and its sessions."""
    token = emulator.create_auth_token("cometchat-uid-1")
    emulator.create_user("dora", "Dora")
    dora = emulator.create_auth_token("dora")
    emulator.faults.add(Fault(status=599, uid="dora"))
    key = emulator.rest_api_key
    asked = [
        ask(emulator, "POST", "/v3/users", {"uid": "DORA", "name": "D"}, apikey=key),
        ask(emulator, "POST", "/v3/users/dora/auth_tokens", apikey=key),
        ask(emulator, "GET", "/v3/me", authToken=dora),
        ask(emulator, "GET", "/v3/me", authToken=token),
        ask(emulator, "GET", "/v3/users", apikey=key),
        ask(emulator, "POST", "/v3/users", raw=b"[", apikey=key),
    ]
    assert [answer.status for answer in asked] == [599, 599, 599, 200, 200, 400]


def test_e4_one_app_of_several_can_go_wrong(emulator: Emulator) -> None:
    """A fault for one app must leave the others alone, whatever tells them apart."""
    other = emulator.add_app("other")
    emulator.faults.add(Fault(status=599, app_id="other"))
    path = "/v3/users/cometchat-uid-1"
    assert ask(emulator, "GET", path, apikey=other.rest_api_key).status == 599
    assert ask(emulator, "GET", path, apikey=emulator.rest_api_key).status == 200
    assert ask(emulator, "GET", path, appId="other").status == 599


def test_e4_unknown_paths_can_go_wrong_too(emulator: Emulator) -> None:
    """What the service does not know must meet a fault for every request, or for its path."""
    emulator.faults.add(Fault(status=598, path="/users"))
    emulator.faults.add(Fault(status=597, path="/v2/groups"))
    emulator.faults.add(Fault(status=599))
    assert ask(emulator, "GET", "/v2/groups").status == 597
    assert ask(emulator, "GET", "/v3/groups").status == 599
    assert ask(emulator, "GET", "/v2/users").status == 599


def test_e4_a_preflight_goes_well_unless_named(emulator: Emulator) -> None:
    """A browser's preflight must not use up the fault that is meant for its request."""
    emulator.faults.add(Fault(status=599, times=1))
    assert ask(emulator, "OPTIONS", "/v3/me").status == 204
    assert ask(emulator, "GET", "/v3/me").status == 599
    emulator.faults.add(Fault(status=598, method="OPTIONS"))
    assert ask(emulator, "OPTIONS", "/v3/me").status == 598


def statuses(service: Emulator, count: int) -> list[int]:
    """Return the statuses of so many requests in a row."""
    return [ask(service, "GET", "/v3/me").status for _ in range(count)]


def test_e4_times_and_skip(emulator: Emulator) -> None:
    """A fault must let the first ones pass, fail as often as told, and count all of it."""
    number = emulator.faults.add(Fault(status=599, skip=2, times=3))
    assert statuses(emulator, 7) == [401, 401, 599, 599, 599, 401, 401]
    active = emulator.faults.get(number)
    assert (active.matched, active.hits, active.spent) == (5, 3, True)


def test_e4_the_first_fault_that_wants_a_request_has_it(emulator: Emulator) -> None:
    """Faults must be tried in the order of adding; a spent or skipping one stands back."""
    emulator.faults.add(Fault(status=591, times=1))
    emulator.faults.add(Fault(status=592, skip=1, times=1))
    emulator.faults.add(Fault(status=593))
    assert statuses(emulator, 4) == [591, 593, 592, 593]


def test_e4_the_same_seed_is_the_same_sequence() -> None:
    """Chance must repeat itself by the seed, and only by it."""
    runs = []
    for seed in (7, 7, 8):
        with Emulator() as service:
            service.faults.add(Fault(status=599, probability=0.5, seed=seed))
            runs.append(statuses(service, 40))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {401, 599}


def test_e4_the_same_seed_is_the_same_jitter() -> None:
    """Delays must repeat themselves by the seed, within what they are told to be."""
    seen = Sighting("GET", "/me", "app")
    waits = []
    for seed in (7, 7, 8):
        faults = Faults()
        faults.add(Fault(latency=1, jitter=0.5, probability=0.5, seed=seed))
        met = [faults.choose(seen) for _ in range(40)]
        waits.append([None if chosen is None else chosen.wait for chosen in met])
    assert waits[0] == waits[1] != waits[2]
    assert all(wait is None or 1 <= wait <= 1.5 for wait in waits[0])
    assert len(set(waits[0])) > 10


def test_e4_probability_is_about_kept(emulator: Emulator) -> None:
    """Of many requests about the told part must fail; the seed makes this repeatable."""
    emulator.faults.add(Fault(status=599, probability=0.1, seed=1))
    assert 10 <= statuses(emulator, 200).count(599) <= 35


def test_e4_faults_come_and_go(emulator: Emulator) -> None:
    """A removed fault must be met no more, and its id never be used again."""
    faults = emulator.faults
    first, second = faults.add(Fault(status=591)), faults.add(Fault(status=592))
    assert statuses(emulator, 1) == [591]
    faults.remove(first)
    assert statuses(emulator, 1) == [592]
    assert [active.id for active in faults] == [second]
    with pytest.raises(LookupError, match=str(first)):
        faults.remove(first)
    faults.clear()
    assert statuses(emulator, 1) == [401]
    assert (len(faults), list(faults)) == (0, [])
    assert faults.add(Fault(status=593)) > second


def test_e4_what_hangs_holds_up_nobody_and_ends_with_the_emulator(emulator: Emulator) -> None:
    """With 64 hanging clients others must be answered, and stopping must end them all."""
    emulator.faults.add(Fault(hang="before", path="/me"))
    lines = []
    for _ in range(64):
        line = socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT)
        line.sendall(b"GET /v3/me HTTP/1.1\r\nHost: a\r\n\r\n")
        lines.append(line)
    emulator.requests.wait(64)
    assert ask(emulator, "GET", "/v3/users").status == 401
    emulator.stop()
    assert emulator_threads() == []
    for line in lines:
        with line:
            assert heard(line).data == b""


def test_stopping_does_not_wait_for_what_waits_behind_slow_clients(emulator: Emulator) -> None:
    """Requests that no thread has begun with must be cut when the emulator stops."""
    assert emulator._server is not None
    workers: Any = emulator._server._http.requests
    lines = []
    for _ in range(15):
        line = socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT)
        line.sendall(b"POST /v3/users HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        lines.append(line)
    until(lambda: workers._queue.qsize() == 5)
    stopping = threading.Thread(target=emulator.stop)
    stopping.start()
    stopping.join(LIMIT)
    assert emulator_threads() == []
    for line in lines:
        line.close()


def test_e4_threads_go_when_hanging_clients_go(emulator: Emulator) -> None:
    """The threads that stood in for hanging requests must end once those have ended."""
    before = len(emulator_threads())
    emulator.faults.add(Fault(hang="before", times=30))
    started = threading.Barrier(30)

    def hang() -> None:
        with socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT) as line:
            line.sendall(b"GET /v3/me HTTP/1.1\r\nHost: a\r\n\r\n")
            started.wait(LIMIT)
            emulator.requests.wait(30)

    clients = [threading.Thread(target=hang) for _ in range(30)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(LIMIT)
    until(lambda: len(emulator_threads()) <= before)
    assert statuses(emulator, 1) == [401]


@contextmanager
def securely(service: Emulator) -> Iterator[ssl.SSLSocket]:
    """Ask for a user over TLS, and hand out the socket to hear the answer on."""
    context = ssl.create_default_context(cadata=service.ca_pem.decode())
    path = "GET /v3/users/cometchat-uid-1 HTTP/1.1"
    lines = (path, "Host: a", "Connection: close", f"apikey: {service.rest_api_key}", "\r\n")
    plain = socket.create_connection(("127.0.0.1", port_of(service)), LIMIT)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
        line.sendall("\r\n".join(lines).encode())
        yield line


def test_e4_faults_are_the_same_over_tls() -> None:
    """Every kind of fault must do over TLS what it does without."""
    with Emulator(tls=True) as service:
        for fault, begin, end in (
            (Fault(cut="before"), b"", b""),
            (Fault(cut="before", reset=True), b"", b""),  # Python's ssl shows it as any other end
            (Fault(cut="body"), b"HTTP/1.1 200 OK", b""),
            (Fault(drip=0.0005), b"HTTP/1.1 200 OK", b"}}"),
            (Fault(drip=0.0005, drip_from="headers"), b"HTTP/1.1 200 OK", b"}}"),
            (Fault(latency=0.05), b"HTTP/1.1 200 OK", b"}}"),
        ):
            service.faults.add(fault)
            with securely(service) as line:
                data = heard(line).data
            assert data[: len(begin) or None] == begin
            assert data[-2:] == b"}}" if end else not data.endswith(b"}}")
            service.faults.clear()


def test_e4_a_hang_over_tls_ends_with_its_client() -> None:
    """A client that leaves over TLS must be noticed, so that its thread does not wait on."""
    with Emulator(tls=True) as service:
        before = len(emulator_threads())
        service.faults.add(Fault(hang="before", times=20))
        for count in range(1, 21):
            with securely(service):
                service.requests.wait(count)
        until(lambda: len(emulator_threads()) <= before)


def test_e4_one_waiting_request_too_many_is_cut(emulator: Emulator) -> None:
    """Beyond 256 waiting requests the next must be cut, and others still be answered."""
    emulator.faults.add(Fault(hang="before", path="/me"))
    lines = []
    for _ in range(257):
        line = socket.create_connection(("127.0.0.1", port_of(emulator)), LIMIT)
        line.sendall(b"GET /v3/me HTTP/1.1\r\nHost: a\r\n\r\n")
        lines.append(line)
    emulator.requests.wait(257)
    assert ask(emulator, "GET", "/v3/users").status == 401
    emulator.stop()
    for line in lines:
        line.close()


Use = Callable[[CometChat, Emulator], Any]


def by_login(chat: CometChat, service: Emulator) -> Any:
    """Log in with the auth key."""
    return chat.login("cometchat-uid-1", service.auth_key)


def by_creation(chat: CometChat, service: Emulator) -> Any:
    """Create a user."""
    return chat.create_user(User(uid="dora", name="Dora"), service.auth_key)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut="before", times=1),
        Fault(cut="before", reset=True, times=1),
        Fault(cut="after", times=1),
        Fault(cut="body", times=1),
        Fault(status=503, body="<h1>Busy</h1>", times=1),
        Fault(status=502, carried_out=True, times=1),
        Fault(rate_limit=0, times=1),
        Fault(latency=0.01, jitter=0.01),
        Fault(drip=0.0005),
        Fault(drip=0.0005, drip_from="headers"),
    ],
)
def test_e4_a_login_gets_over_what_passes(
    chat: CometChat, emulator: Emulator, fault: Fault
) -> None:
    """The library's client must log in where trying again or waiting helps."""
    emulator.faults.add(fault)
    assert by_login(chat, emulator).result(LIMIT).uid == "cometchat-uid-1"
    assert [active.hits for active in emulator.faults] != [0]


@pytest.mark.parametrize(
    ("fault", "use", "kind"),
    [
        (Fault(cut="before"), by_creation, OutcomeUnknownError),
        (Fault(cut="after", reset=True), by_creation, OutcomeUnknownError),
        (Fault(cut="body"), by_creation, OutcomeUnknownError),
        (Fault(hang="after"), by_creation, OutcomeUnknownError),
        (Fault(hang="before"), by_login, NoAnswerError),
        (Fault(latency=3600), by_login, NoAnswerError),
        (Fault(drip=0.3), by_login, NoAnswerError),
        (Fault(drip=0.3, drip_from="headers"), by_login, NoAnswerError),
        (Fault(status=302, headers={"Location": "/"}), by_login, NoAnswerError),
        (Fault(status=200, body="<h1>Portal</h1>"), by_login, NoAnswerError),
        (Fault(rate_limit=3600), by_login, RateLimitError),
    ],
)
def test_e4_the_client_says_what_it_met(
    chat: CometChat, emulator: Emulator, fault: Fault, use: Use, kind: type[Exception]
) -> None:
    """The library's client must have the error that its user would have."""
    emulator.faults.add(fault)
    future = use(chat, emulator) if fault.cut else _hasty(chat, emulator, use)
    error = error_of(future)
    assert type(error) is kind
    if fault.rate_limit is not None:
        assert error.retry_after == fault.rate_limit


def _hasty(chat: CometChat, service: Emulator, use: Use) -> Any:
    """Make a call that has no time."""
    if use is by_login:
        return chat.login("cometchat-uid-1", service.auth_key, timeout=1)
    return chat.create_user(User(uid="dora", name="Dora"), service.auth_key, timeout=1)
