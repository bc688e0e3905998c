"""The control API: faults, log and data over HTTP, and whom it answers."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import json
import socket
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cometchat_auth
from cometchat_auth.emulator import Emulator, Fault, Faults
from cometchat_auth.emulator._control import build_control
from cometchat_auth.emulator._faults_match import CALLS
from cometchat_auth.emulator._faults_wire import fault_from_wire, fault_to_wire

from .test_emulator_http import ask
from .tools import LIMIT


def test_the_status_tells_what_runs(emulator: Emulator) -> None:
    """The status must name version, URL and apps, and no key."""
    emulator.add_app("other")
    answer = ask(emulator, "GET", "/_emulator/status")
    assert answer.body == {
        "version": cometchat_auth.__version__,
        "url": emulator.url,
        "apps": [{"app_id": emulator.app_id}, {"app_id": "other"}],
        "faults": 0,
        "requests": 0,
    }


def test_the_status_is_told_where_nothing_is_installed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a frozen program, which has no metadata, the status must be answered all the same."""
    monkeypatch.setattr(importlib.metadata, "version", _not_found)
    assert ask(emulator, "GET", "/_emulator/status").body["version"] == "unknown"


def test_e4_faults_are_switched_from_outside(emulator: Emulator) -> None:
    """A fault added over HTTP must be met, told, and gone once it is removed."""
    wanted = {"call": "get_me", "status": 503, "body": {"a": 1}, "headers": {"X-A": "b"}}
    added = ask(emulator, "POST", "/_emulator/faults", wanted).body["fault"]
    answer = ask(emulator, "GET", "/v3/me")
    assert (answer.status, answer.body, answer.headers["x-a"]) == (503, {"a": 1}, "b")
    told = ask(emulator, "GET", "/_emulator/faults").body
    assert told == {"faults": [{**added, "matched": 1, "hits": 1}]}
    assert told["faults"][0]["headers"] == [["X-A", "b"]]
    path = f"/_emulator/faults/{added['id']}"
    assert ask(emulator, "GET", path).body == {"fault": told["faults"][0]}
    assert ask(emulator, "DELETE", path).body == {"removed": 1}
    assert ask(emulator, "DELETE", path).status == 404
    assert ask(emulator, "GET", path).status == 404
    assert ask(emulator, "GET", "/v3/me").status == 401


def test_e4_all_faults_go_at_once(emulator: Emulator) -> None:
    """One call must remove all faults, whoever added them."""
    emulator.faults.add(Fault(status=500))
    ask(emulator, "POST", "/_emulator/faults", {"cut": "before"})
    assert ask(emulator, "DELETE", "/_emulator/faults").body == {"removed": 2}
    assert list(emulator.faults) == []


def test_e4_bytes_travel_as_base64(emulator: Emulator) -> None:
    """A body that is no text must be given and told in base64, and sent as it is."""
    wanted = {"status": 500, "body_base64": "//4A"}
    added = ask(emulator, "POST", "/_emulator/faults", wanted).body["fault"]
    assert added["body_base64"] == "//4A"
    (active,) = emulator.faults
    assert active.fault.body == b"\xff\xfe\x00"


REFUSED: Final[list[tuple[object, str]]] = [
    ([], "A fault must be a JSON object."),
    ({}, "A fault has to do something"),
    ({"latency": -1}, "latency must be from 0 to 3600, not -1."),
    ({"latency": 3601}, "latency must be from 0 to 3600, not 3601."),
    ({"latency": "1"}, "latency must be a number, not str."),
    ({"latency": True}, "latency must be a number, not bool."),
    ({"latency": float("nan")}, "latency must be from 0 to 3600, not nan."),
    ({"jitter": float("inf")}, "jitter must be from 0 to 3600, not inf."),
    ({"cut": "during"}, "cut must be one of before, after, body, not 'during'."),
    ({"hang": []}, "hang must be one of before, after, not []."),
    ({"drip": 0}, "drip must be from 0.0001 to 3600, not 0."),
    ({"drip": 1, "drip_from": "tail"}, "drip_from must be one of headers, body, not 'tail'."),
    ({"status": 99}, "status must be from 200 to 599, not 99."),
    ({"status": 500.5}, "status must be a whole number, not float."),
    ({"status": 500, "headers": {"A\r\n": "b"}}, "headers has a name or value that HTTP"),
    ({"status": 500, "headers": {"A": "b\r\nC: d"}}, "headers has a name or value that HTTP"),
    ({"status": 500, "headers": {"Content-Length": "5"}}, "headers may not have Content-Length"),
    ({"status": 500, "headers": [["A"]]}, "headers must be a mapping, or pairs"),
    ({"status": 500, "headers": 5}, "headers must be a mapping, or pairs"),
    ({"status": 500, "headers": {"A": 1}}, "headers must have strings"),
    ({"status": 500, "body_base64": "!"}, "body_base64 is not base64."),
    ({"status": 500, "body_base64": 5}, "body_base64 is not base64."),
    ({"status": 500, "body": "", "body_base64": ""}, "body and body_base64 are the same"),
    ({"status": 500, "body": "\ud800"}, "body has a lone surrogate"),
    ({"rate_limit": -1}, "rate_limit must be from 0 to"),
    ({"status": 500, "times": 0}, "times must be from 1 to"),
    ({"status": 500, "skip": -1}, "skip must be from 0 to"),
    ({"status": 500, "probability": 0}, "probability must be from 1e-09 to 1, not 0."),
    ({"status": 500, "probability": 1.1}, "probability must be from 1e-09 to 1, not 1.1."),
    ({"status": 500, "seed": "a"}, "seed must be a whole number, not str."),
    ({"status": 500, "call": "fly"}, "call must be one of create_"),
    ({"status": 500, "path": "users"}, "path must begin with a slash"),
    ({"status": 500, "uid": ""}, "uid is empty"),
    ({"status": 500, "method": 5}, "method must be a string, not int."),
    ({"status": 500, "reset": True}, "reset says how the connection is cut"),
    ({"cut": "before", "reset": "yes"}, "reset must be true or false, not str."),
    ({"status": 500, "rate_limit": 1}, "rate_limit is an answer, and status another"),
    ({"hang": "before", "cut": "before"}, "hang leaves the connection open, and cut ends it"),
    ({"hang": "before", "status": 500}, "status and rate_limit are answers, but with hang"),
    ({"cut": "after", "rate_limit": 5}, "status and rate_limit are answers, but with hang"),
    ({"cut": "body", "drip": 1}, "drip is for a whole answer"),
    ({"latency": 1, "headers": {"A": "b"}}, "headers are those of an answer"),
    ({"latency": 1, "body": "b"}, "body is that of an answer"),
    ({"latency": 1, "carried_out": True}, "carried_out goes with status or rate_limit"),
    ({"status": 500, "colour": 1}, "A fault has no field 'colour'; it has app_id, body,"),
]


@pytest.mark.parametrize(("wanted", "sentence"), REFUSED, ids=str)
def test_e4_a_wrong_fault_is_refused_by_its_field(
    emulator: Emulator, wanted: object, sentence: str
) -> None:
    """What cannot be a fault must be 400 with a sentence that names the field, and add nothing."""
    answer = ask(emulator, "POST", "/_emulator/faults", raw=json.dumps(wanted).encode())
    assert answer.refusal == (400, "bad_request")
    assert sentence in answer.body["error"]["message"]
    assert list(emulator.faults) == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000, b"nul"])
def test_a_body_that_is_no_json_is_refused(emulator: Emulator, raw: bytes) -> None:
    """Bytes that cannot be read must be 400, and the connection be fit for the next request."""
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=10)
    answer = ask(emulator, "POST", "/_emulator/faults", raw=raw, on=connection)
    assert answer.refusal == (400, "bad_request")
    assert ask(emulator, "GET", "/_emulator/status", on=connection).status == 200
    connection.close()


def test_a_python_fault_is_refused_by_its_field_too() -> None:
    """The same sentences must meet whoever makes a fault in Python."""
    with pytest.raises(ValueError, match="latency must be from 0 to 3600, not -1"):
        Fault(latency=-1)
    with pytest.raises(TypeError, match="fault must be a Fault, not dict"):
        Emulator().faults.add({"status": 500})  # type: ignore[arg-type]


NAMES: Final = [attribute.name for attribute in attrs.fields(Fault)]
ODD: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["before", "after", "body", "headers", "GET", "/users/{uid}", *CALLS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
ALMOST: Final = st.dictionaries(st.sampled_from([*NAMES, "body_base64", "odd"]), ODD, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wanted=ALMOST | ODD)
def test_e4_any_description_is_taken_or_refused(emulator: Emulator, wanted: Any) -> None:
    """Whatever JSON comes, the answer must be 200 or 400, and the list of faults stay readable."""
    answer = ask(emulator, "POST", "/_emulator/faults", raw=json.dumps(wanted).encode())
    assert answer.status in {200, 400}
    told = ask(emulator, "GET", "/_emulator/faults")
    assert len(told.body["faults"]) == (answer.status == 200)
    ask(emulator, "DELETE", "/_emulator/faults")


LATIN: Final = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
FAULTS: Final = st.builds(
    Fault,
    call=st.none() | st.sampled_from(CALLS),
    method=st.none() | st.sampled_from(["get", "POST"]),
    path=st.none() | st.text(max_size=20).map(lambda text: f"/{text}"),
    uid=st.none() | st.text(min_size=1, max_size=20),
    latency=st.floats(0, 3600),
    jitter=st.floats(0, 3600),
    status=st.integers(200, 599),
    headers=st.lists(st.tuples(st.just("X-Any"), LATIN), max_size=3),
    body=st.binary(max_size=50),
    carried_out=st.booleans(),
    times=st.none() | st.integers(1, 10**9),
    probability=st.floats(0.001, 1),
    seed=st.none() | st.integers(-(2**63), 2**63),
    skip=st.integers(0, 10**9),
)


@given(FAULTS)
def test_e4_a_fault_survives_being_told(fault: Fault) -> None:
    """What the control API tells of a fault must make the same fault again."""
    faults = Faults()
    faults.add(fault)
    (active,) = faults
    told = json.loads(json.dumps(fault_to_wire(active)))
    counts = ("id", "matched", "hits", "spent")
    assert fault_from_wire({k: v for k, v in told.items() if k not in counts}) == fault


def test_requests_are_polled_by_number(emulator: Emulator) -> None:
    """The log must be readable from a number on, and say where to go on."""
    for _ in range(3):
        ask(emulator, "GET", "/v3/me")
    everything = ask(emulator, "GET", "/_emulator/requests").body
    assert [entry["number"] for entry in everything["requests"]] == [1, 2, 3]
    assert everything["last"] == 3
    assert everything["requests"][0]["code"] == "AUTH_ERR_EMPTY_AUTH_TOKEN"
    newer = ask(emulator, "GET", "/_emulator/requests?since=2").body
    assert [entry["number"] for entry in newer["requests"]] == [3]
    assert ask(emulator, "DELETE", "/_emulator/requests").body == {"removed": 3}
    assert ask(emulator, "GET", "/_emulator/requests").body == {"requests": [], "last": 3}


@pytest.mark.parametrize("since", ["-1", "x", "", "9" * 19, "1.5", "٣"])
def test_a_wrong_number_is_refused(emulator: Emulator, since: str) -> None:
    """What is no number must be 400."""
    quoted = "".join(f"%{byte:02x}" for byte in since.encode())
    answer = ask(emulator, "GET", f"/_emulator/requests?since={quoted}")
    assert answer.refusal == (400, "bad_request")


def test_a_reset_over_http_is_the_emulators(emulator: Emulator) -> None:
    """After a reset there must be the first users, no faults and an empty log."""
    emulator.create_user("dora", "Dora")
    emulator.faults.add(Fault(status=500))
    ask(emulator, "GET", "/v3/me")
    assert ask(emulator, "POST", "/_emulator/reset").body == {"reset": True}
    assert len(emulator.users()) == 5
    assert (len(emulator.faults), len(emulator.requests)) == (0, 0)


def test_an_export_is_the_emulators(emulator: Emulator) -> None:
    """An export must be what Python gets, with secrets only if they are asked for."""
    emulator.create_auth_token("cometchat-uid-1")
    answer = ask(emulator, "GET", "/_emulator/export")
    assert answer.body == json.loads(json.dumps(emulator.export()))
    assert emulator.rest_api_key not in answer.text
    secret = ask(emulator, "GET", "/_emulator/export?secrets=true")
    assert secret.body == json.loads(json.dumps(emulator.export(secrets=True)))
    assert emulator.rest_api_key in secret.text
    assert ask(emulator, "GET", "/_emulator/export?secrets=1").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_emulator", 404),
        ("GET", "/_emulator/", 404),
        ("GET", "/_emulator/users", 404),
        ("GET", "/_emulator/faults/x", 404),
        ("GET", "/_emulator/faults/0", 404),
        ("GET", f"/_emulator/faults/{'9' * 30}", 404),
        ("GET", "/_emulator/reset", 405),
        ("PUT", "/_emulator/faults", 405),
        ("OPTIONS", "/_emulator/faults", 405),
    ],
)
def test_what_there_is_not_is_a_named_error(
    emulator: Emulator, method: str, path: str, status: int
) -> None:
    """Unknown paths and methods must be errors in the form of all others."""
    answer = ask(emulator, method, path)
    assert answer.status == status
    message = answer.body["error"]["message"]
    assert message == f"The control API has no {method} {path}." or "no fault of the id" in message


def test_the_service_is_not_below_the_control_apis_name(emulator: Emulator) -> None:
    """A path that only begins like the control API's must be the service's."""
    assert ask(emulator, "GET", "/_emulatorx/status").refusal == (404, "ERR_API_NOT_FOUND")


def raw(service: Emulator, *lines: str) -> bytes:
    """Send the lines of a head, and return what comes until the connection ends."""
    where = urlsplit(service.url)
    with socket.create_connection((where.hostname, where.port), 10) as line:
        line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        found = b""
        while chunk := line.recv(65536):
            found += chunk
    return found


WRITES: Final = [
    ("POST", "/_emulator/reset"),
    ("DELETE", "/_emulator/faults"),
    ("DELETE", "/_emulator/requests"),
]
READS: Final = [("GET", "/_emulator/status"), ("GET", "/_emulator/export?secrets=true")]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", ""])
@pytest.mark.parametrize(("method", "path"), [*READS, *WRITES])
def test_a_foreign_host_is_refused(emulator: Emulator, method: str, path: str, host: str) -> None:
    """A page whose name was made to point here must neither read nor change anything."""
    emulator.faults.add(Fault(status=500))
    answer = raw(emulator, f"{method} {path} HTTP/1.1", f"Host: {host}")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert emulator.auth_key.encode() not in answer
    assert len(emulator.faults) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:9", "127.1.2.3"])
def test_a_loopback_host_is_answered(emulator: Emulator, host: str) -> None:
    """Whatever name of this machine is used, the answer must be the same."""
    answer = raw(emulator, "GET /_emulator/status HTTP/1.1", f"Host: {host}")
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("peer", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.7", 403), ("", 403)],
)
def test_another_machine_is_refused(emulator: Emulator, peer: str, status: int) -> None:
    """Whoever comes from another machine must not be answered, whatever host they name."""
    client = build_control(emulator).test_client()
    answer = client.get(
        "/_emulator/status",
        headers={"Host": "127.0.0.1"},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1:1",
        "Origin: http://localhost",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_another_origin_changes_nothing(
    emulator: Emulator, method: str, path: str, header: str
) -> None:
    """A page of another origin, be it on this machine, must not change anything."""
    emulator.faults.add(Fault(status=500))
    host = urlsplit(emulator.url).netloc
    answer = raw(emulator, f"{method} {path} HTTP/1.1", f"Host: {host}", header)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert len(emulator.faults) == 1


def test_the_own_origin_may_change_things(emulator: Emulator) -> None:
    """A page of the emulator itself must be let through."""
    emulator.faults.add(Fault(status=500))
    host = urlsplit(emulator.url).netloc
    own = (f"Origin: {emulator.url}", "Sec-Fetch-Site: same-origin")
    answer = raw(emulator, "DELETE /_emulator/faults HTTP/1.1", f"Host: {host}", *own)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(emulator.faults) == 0


@pytest.mark.parametrize(("method", "path"), [*READS, *WRITES, ("OPTIONS", "/_emulator/faults")])
def test_no_page_of_another_origin_may_read(emulator: Emulator, method: str, path: str) -> None:
    """No answer, a refusal neither, may have a header that lets other origins read it."""
    answer = ask(emulator, method, path, Origin="https://evil.example")
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def _not_found(name: str) -> str:
    raise importlib.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("size", [1, 300_000])
def test_a_refused_body_is_not_taken_for_the_next_request(emulator: Emulator, size: int) -> None:
    """A connection must stay usable after a body, sent in chunks, that nobody looked at."""
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=LIMIT)
    with contextlib.closing(connection):
        evil = {"Origin": "http://evil.example"}
        chunks = iter([b"x" * 1000] * (size // 1000 + 1))
        connection.request("POST", "/_emulator/faults", chunks, evil, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["code"]) == (403, "forbidden")
        connection.request("GET", "/_emulator/status")
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["faults"]) == (200, 0)
