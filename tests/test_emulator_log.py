"""The request log: what is in it, what never is, and who may read it when."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator, Entry, Fault, Faults, RequestLog
from cometchat_auth.emulator._faults_wsgi import FaultyService
from cometchat_auth.emulator._log import Facts
from cometchat_auth.emulator._log_masks import credentials, masked_body, masked_path

from .test_emulator_http import ask
from .tools import LIMIT

AUTH_KEY = "canary-auth-key-0123456789"
REST_KEY = "canary-rest-key-9876543210"


FACTS = Facts(
    time=1.0,
    method="GET",
    path="/v3/me",
    query="",
    app_id="app",
    call="get_me",
    uid=None,
    sent=(),
    request_body=b"",
    status=200,
    response_body=b"",
    milliseconds=1.0,
    fault=None,
)


@pytest.fixture
def service() -> Iterator[Emulator]:
    """Run an emulator whose keys do not look like CometChat's."""
    with Emulator(auth_key=AUTH_KEY, rest_api_key=REST_KEY) as service:
        yield service


def test_an_entry_says_what_was_asked_and_answered(service: Emulator) -> None:
    """An entry must name the call, the user and the app, and show both bodies."""
    body = {"uid": "Dora", "name": "Dora"}
    ask(service, "POST", "/v3/users?a=b", body, apikey=AUTH_KEY)
    (entry,) = service.requests
    assert (entry.number, entry.method, entry.path) == (1, "POST", "/v3/users?a=b")
    assert (entry.call, entry.uid, entry.app_id) == ("create_user", "dora", service.app_id)
    assert (entry.status, entry.code, entry.fault) == (200, None, None)
    assert json.loads(entry.request_body) == body
    assert json.loads(entry.response_body)["data"]["uid"] == "dora"
    assert entry.milliseconds > 0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        entry.status = 500  # type: ignore[misc]


def test_a_refusal_shows_its_code(service: Emulator) -> None:
    """The error code must be told, and an unknown path be no call."""
    ask(service, "GET", "/v3/users/nobody", apikey=REST_KEY)
    ask(service, "GET", "/v3/groups")
    first, second = service.requests
    assert (first.status, first.code) == (404, "ERR_UID_NOT_FOUND")
    assert (second.status, second.code, second.call) == (404, "ERR_API_NOT_FOUND", None)


def test_the_time_is_the_emulators_own() -> None:
    """An emulator with a clock of its own must date requests by it."""
    with Emulator(clock=lambda: 1_700_000_000.25) as service:
        ask(service, "GET", "/v3/me")
        assert service.requests[0].time == 1_700_000_000.25


def test_an_app_is_named_by_what_the_request_carries() -> None:
    """A request must be logged for the app that its key, its token or its header is of."""
    with Emulator() as service:
        other = service.add_app("other")
        token = other.create_auth_token("cometchat-uid-1")
        ask(service, "GET", "/v3/users", apikey=other.rest_api_key)
        ask(service, "GET", "/v3/me", authToken=token)
        ask(service, "GET", "/v3/me", appId="other")
        ask(service, "GET", "/v3/me")
        assert [entry.app_id for entry in service.requests] == [*["other"] * 3, service.app_id]


def test_a_request_of_nobody_knows_whom_is_the_services_to_answer() -> None:
    """Where its app cannot be told, a request must still be answered and be in the log."""

    def trouble(_: object) -> str:
        raise OSError("the data file is gone")

    log = RequestLog()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("503 Service Unavailable", [])
        return [environ["wsgi.input"].read()]

    service = FaultyService(application, Faults(), log, trouble, list, lambda: 1.0)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v3/me",
        "wsgi.input": io.BytesIO(b"body"),
    }
    said: list[str] = []
    assert service(environ, lambda status, _: said.append(status)) == [b"body"]
    assert said == ["503 Service Unavailable"]
    assert [(entry.app_id, entry.status) for entry in log] == [("", 503)]


def test_the_log_holds_the_last_thousand() -> None:
    """Older requests must be forgotten, and their numbers never be used again."""
    log = RequestLog()
    for _ in range(1500):
        log.add(FACTS)
    assert [entry.number for entry in log] == list(range(501, 1501))
    assert (len(log), log.last_number, log[-1].number) == (1000, 1500, 1500)
    assert [entry.number for entry in log[:2]] == [501, 502]


def test_an_entry_is_the_same_whenever_it_is_read() -> None:
    """Reading must give one object for each request, and keep few that the log has forgotten."""
    log = RequestLog()
    for _ in range(4000):
        log.add(FACTS)
        assert log[-1] is log[-1:][0]
    assert [entry.number for entry in log] == list(range(3001, 4001))
    assert len(log._written) <= 2000


def test_since_gives_what_is_new() -> None:
    """Whoever remembers the last number must get what came after it, and after a clearing too."""
    log = RequestLog()
    for _ in range(5):
        log.add(FACTS)
    assert [entry.number for entry in log.since(3)] == [4, 5]
    assert [entry.number for entry in log.since(0)] == [1, 2, 3, 4, 5]
    assert log.since(5) == log.since(99) == []
    log.clear()
    assert (log.since(0), log.last_number) == ([], 5)
    log.add(FACTS)
    assert [entry.number for entry in log.since(5)] == [6]


def test_waiting_ends_with_the_request_that_is_waited_for() -> None:
    """A thread that waits must have the entries as soon as there are enough."""
    log = RequestLog()
    found: list[Entry] = []
    waiter = threading.Thread(target=lambda: found.extend(log.wait(2, 3 * LIMIT)))
    waiter.start()
    log.add(FACTS)
    log.add(FACTS)
    waiter.join(LIMIT)
    assert [entry.number for entry in found] == [1, 2]


def test_waiting_in_vain_says_for_what() -> None:
    """Too few requests must be a TimeoutError, and more than the log holds a ValueError."""
    log = RequestLog()
    with pytest.raises(TimeoutError, match="fewer than 2 requests"):
        log.wait(2, 0.01)
    with pytest.raises(ValueError, match="from 1 to 1000"):
        log.wait(1001)


def test_many_threads_write_and_read_at_once() -> None:
    """Each request must have a number of its own, however many are written and read at once."""
    log = RequestLog()

    def write() -> None:
        for _ in range(200):
            log.add(FACTS)
            assert log.since(0)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert [entry.number for entry in log] == list(range(1, 801))


def test_an_answer_in_hand_is_in_the_log(service: Emulator) -> None:
    """Once a client has its answer, the log must have the request, without any waiting."""
    for count in range(1, 30):
        ask(service, "GET", "/v3/me")
        assert len(service.requests) == count


def test_neither_dashboard_nor_control_api_is_logged(service: Emulator) -> None:
    """The log must be of the service alone: whoever looks at it must not fill it."""
    ask(service, "GET", "/_emulator/requests")
    ask(service, "GET", "/dashboard/users")
    ask(service, "GET", "/")
    assert len(service.requests) == 0


def test_x2_no_credential_is_in_the_log(
    service: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys and tokens must be readable nowhere in the log, wherever they were sent or answered."""
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", logger="cometchat_auth")  # whatever tests before have set
    made = ask(
        service,
        "POST",
        "/v3/users",
        {"uid": "dora", "name": "D", "withAuthToken": True, "metadata": {"note": AUTH_KEY}},
        apikey=AUTH_KEY,
    ).data
    token = made["authToken"]
    path = f"/v3/users/dora/auth_tokens/{token}"
    stray = "canary-of-another-app-55555"
    ask(service, "POST", "/v3/users", {"uid": "x", "name": stray}, apikey=stray)
    secrets = [AUTH_KEY, REST_KEY, token, stray]
    secrets.append(ask(service, "GET", path, apikey=REST_KEY).data["authToken"])
    session = ask(service, "PUT", "/v3.0/me", {}, authToken=token).data
    secrets += [session["jwt"], session["wsChannel"]["secret"]]
    key = ask(service, "POST", "/v3/apikeys", {"name": "K", "scope": "fullAccess"}, apikey=REST_KEY)
    secrets.append(key.data["apiKey"])
    ask(service, "GET", "/v3/users/dora/auth_tokens", apikey=REST_KEY)
    ask(service, "GET", "/v3/apikeys", apikey=REST_KEY)
    ask(service, "DELETE", f"/v3/apikeys/{key.data['apiKey']}", apikey=REST_KEY)
    ask(service, "GET", f"/v3/users/{token}?authToken={token}&q={token}", apikey=REST_KEY)
    ask(service, "POST", "/v3/users", {"uid": token, "name": token}, apikey=AUTH_KEY)
    ask(service, "GET", "/v3/me", appId=token, authToken=token)
    service.faults.add(Fault(status=500, body={"you": token, "apikey": REST_KEY}))
    ask(service, "GET", f"/v3/anything/{token}", authToken=token, apikey=REST_KEY)
    shown = [f"{entry!r} {entry.to_wire()}" for entry in service.requests]
    shown += [repr(service.requests), repr(list(service.faults))]
    shown += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert len(shown) > 15
    for secret in secrets:
        assert [text for text in shown if secret in text] == []


def test_a_masked_credential_is_told_by_its_ends(service: Emulator) -> None:
    """Credentials must be masked as the service masks them, so that people tell them apart."""
    token = service.create_auth_token("cometchat-uid-1")
    ask(service, "GET", f"/v3/users/cometchat-uid-1/auth_tokens/{token}", apikey=REST_KEY)
    (entry,) = service.requests
    masked = f"{token[:5]}{'*' * (len(token) - 10)}{token[-5:]}"
    assert entry.path == f"/v3/users/cometchat-uid-1/auth_tokens/{masked}"
    assert json.loads(entry.response_body)["data"]["authToken"] == masked


def test_a_long_body_is_cut(service: Emulator) -> None:
    """Of a body of any size at most 2,000 characters may be kept."""
    ask(service, "POST", "/v3/users", {"uid": "dora", "name": "x" * 9000}, apikey=AUTH_KEY)
    ask(service, "POST", "/v3/users", raw=b"y" * 100_000, apikey=AUTH_KEY)
    for entry in service.requests:
        assert 1000 < len(entry.request_body) <= 2000


def test_e1_the_clients_login_is_two_requests(chat: CometChat, emulator: Emulator) -> None:
    """A login with the auth key must be logged as the two calls that it is, for one user."""
    chat.login("cometchat-uid-2", emulator.auth_key).result(LIMIT)
    calls = [(entry.call, entry.uid, entry.status) for entry in emulator.requests.wait(2)]
    assert calls == [
        ("create_auth_token", "cometchat-uid-2", 200),
        ("put_me", "cometchat-uid-2", 200),
    ]


@pytest.mark.parametrize("before", range(1970, 2001, 5))
def test_x2_half_a_credential_is_not_shown(before: int) -> None:
    """Where the part of a body that is looked at ends in a credential, its half must not show."""
    shown = masked_body((before * "ü" + AUTH_KEY + 9000 * "x").encode(), {AUTH_KEY})
    assert AUTH_KEY[:6] not in shown
    assert len(shown) >= 900


def test_x2_a_credential_within_another_leaves_none_of_it() -> None:
    """Where one credential begins like another, none of the longer one must be left over."""
    shown = masked_body(
        b"canary-key-with-a-long-tail", {"canary-key", "canary-key-with-a-long-tail"}
    )
    assert shown == f"canar{'*' * 17}-tail"


KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=60)
TOKENS = st.builds(
    lambda uid, tail: f"{uid}_{tail}",
    st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True),
    st.from_regex(r"[0-9]{10}[0-9a-f]{30}", fullmatch=True),
)


@given(KEYS, st.text(max_size=6000), st.text(max_size=100), st.sampled_from(["plain", "json"]))
def test_x2_what_was_sent_is_masked_wherever_it_stands(
    key: str, before: str, after: str, form: str
) -> None:
    """A credential from a header must not survive in a body, not even at the edge of the cut."""
    sent = credentials([key], "/")
    text = f"{before}{key}{after}" if form == "plain" else json.dumps([before, key, after])
    shown = masked_body(text.encode(), sent)
    if key not in before + after:
        assert key not in shown
    assert len(shown) <= 2000


@given(TOKENS, st.text(max_size=3000))
def test_x2_what_looks_like_a_token_is_masked(token: str, before: str) -> None:
    """A token that nobody sent must be masked by its looks, in bodies and in paths."""
    assert token not in masked_body(f"{before} {token}".encode(), ())
    assert token not in masked_body(json.dumps({"a": [token]}).encode(), ())
    assert token not in masked_path(f"/v3/{token}", f"q={token}", ())


@given(st.sampled_from(["authToken", "apiKey", "jwt", "APIKEY", "secretWord"]), KEYS)
def test_x2_what_is_named_like_a_credential_is_masked(name: str, value: str) -> None:
    """A field that is named like a credential must be masked, whatever is in it."""
    written = json.dumps({"a": {name: value}, "b": 1})
    shown = json.loads(masked_body(written.encode(), ()))
    assert value not in shown["a"][name]
    assert shown["b"] == 1


@given(st.binary(max_size=9000), st.text(max_size=300), st.text(max_size=300))
def test_any_bytes_can_be_shown(body: bytes, path: str, query: str) -> None:
    """No body, path or query may make the log fail, or be shown at greater length."""
    sent = credentials((), path)
    assert len(masked_body(body, sent)) <= 2000
    assert len(masked_path(path, query, sent)) <= 2000
