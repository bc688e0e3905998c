"""What the official SDKs send for users and logins, as a forwarder in between records it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest

from cometchat_auth.emulator import Emulator
from tests import official_sdk
from tests.official_sdk import PREVIOUS_SDK, SDK, OfficialSdk, OfficialSdkError
from tests.real_parts import require
from tests.recording import Exchange, Recorder

UID: Final = "cometchat-uid-1"

# The version that each SDK states; of the older one it is not the package's, which is 3.0.13.
STATED: Final = {SDK: "4.2.0", PREVIOUS_SDK: "3.0.12"}

_TOKENS: Final = f"/v3.0/users/{UID}/auth_tokens"
_ALWAYS: Final = {"resource", "appId", "Accept", "sdk", "Content-Type"}
_FRAMING: Final = {"host", "connection", "content-length"}
_CONSTANTS: Final = {"hasBlockedMe": False, "blockedByMe": False, "deactivatedAt": 0}


@attrs.frozen
class Line:
    """An official SDK with a recorder between it and the emulator."""

    package: str
    sdk: OfficialSdk
    recorder: Recorder
    service: Emulator

    def record(self, call: Callable[[], Any]) -> list[Exchange]:
        """Make a call and return what it sent."""
        self.recorder.clear()
        call()
        return self.recorder.exchanges

    def log_in(self) -> None:
        """Log in."""
        self.sdk.login(UID, self.service.auth_key)


@pytest.fixture(scope="module", params=[SDK, PREVIOUS_SDK])
def node(request: pytest.FixtureRequest) -> Iterator[tuple[str, OfficialSdk]]:
    """Start Node once for each SDK."""
    require(official_sdk.available())
    with OfficialSdk(request.param) as sdk:
        yield request.param, sdk


@pytest.fixture
def line(node: tuple[str, OfficialSdk]) -> Iterator[Line]:
    """Give a new installation; it must not have wanted anything from another host."""
    package, sdk = node
    with Emulator() as service, Recorder(service.url) as recorder:
        sdk.init(service.app_id, recorder.url)
        yield Line(package, sdk, recorder, service)
        assert sdk.blocked() == []


def _calls(exchanges: list[Exchange]) -> list[tuple[str, str, int]]:
    return [(exchange.method, exchange.path, exchange.status) for exchange in exchanges]


def _names(exchange: Exchange) -> set[str]:
    """Return the headers that are there for a reason other than HTTP itself."""
    return {name for name, _ in exchange.headers if name.lower() not in _FRAMING}


def test_e1_wire_start_up(line: Line) -> None:
    """Initialising, restarting and asking who is logged in sends nothing."""
    line.recorder.clear()
    line.sdk.init(line.service.app_id, line.recorder.url)
    line.sdk.get_logged_in_user()
    line.sdk.restart()
    assert line.recorder.exchanges == []


def test_e1_wire_login(line: Line) -> None:
    """A login is a token asked for with the key, then ``PUT /me`` with the token."""
    first, second = line.record(line.log_in)
    assert _calls([first, second]) == [("POST", _TOKENS, 200), ("PUT", "/v3.0/me", 200)]
    assert _names(first) == _ALWAYS | {"apiKey"}
    assert _names(second) == _ALWAYS | {"authToken"}
    assert first.header("apiKey") == line.service.auth_key
    assert [second.header("authToken")] == line.service.auth_tokens(UID)


def test_e1_wire_device(line: Line) -> None:
    """Both requests of a login describe the device and the SDK in the same words."""
    first, second = line.record(line.log_in)
    version = STATED[line.package]
    body = json.loads(first.body)
    unique = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert first.header("sdk") == second.header("sdk") == f"javascript@{version}"
    assert re.fullmatch(
        rf"WEB-{version.replace('.', '_')}-{unique}-\d{{13}}", first.header("resource") or ""
    )
    assert re.fullmatch(rf"emulator-app_{unique}_\d{{13}}", body["deviceId"])
    assert (body["platform"], body["appInfo"]["version"]) == ("WEB", f"v{version}")
    assert body["appInfo"]["apiVersion"] == "v3.0"
    assert json.loads(second.body) == body


def test_e1_wire_login_with_token(line: Line) -> None:
    """A login with a token is ``PUT /me`` alone."""
    token = line.service.create_auth_token(UID)
    sent = line.record(lambda: line.sdk.login(token))
    assert _calls(sent) == [("PUT", "/v3.0/me", 200)]
    assert sent[0].header("authToken") == token


def test_e1_wire_logged_in_already(line: Line) -> None:
    """A login of whoever is logged in sends nothing, not after a restart either."""
    line.log_in()
    assert line.record(line.log_in) == []
    line.sdk.restart()
    assert line.record(line.log_in) == []


@pytest.mark.parametrize(
    ("uid", "key", "status"), [(UID, "0" * 40, 401), ("no-such-user", None, 404)]
)
def test_e1_wire_refused_login(line: Line, uid: str, key: str | None, status: int) -> None:
    """A refused key and a refused uid end the login after one request, never repeated."""

    def log_in() -> None:
        with pytest.raises(OfficialSdkError):
            line.sdk.login(uid, key or line.service.auth_key)

    sent = line.record(log_in)
    assert _calls(sent) == [("POST", f"/v3.0/users/{uid}/auth_tokens", status)]


def test_e1_wire_hosts_after_a_login(node: tuple[str, OfficialSdk]) -> None:
    """After a login calls go to the hosts that the answer's settings name for each kind."""
    _, sdk = node
    hosts = {"ADMIN_API_HOST": "admin.example", "CLIENT_API_HOST": "client.example"}
    with Emulator(settings=hosts) as service:
        sdk.init(service.app_id, service.url)
        sdk.login(UID, service.auth_key)
        with pytest.raises(OfficialSdkError):
            sdk.update_user({"uid": UID, "name": "Else"}, service.auth_key)
        with pytest.raises(OfficialSdkError):
            sdk.update_current_user_details({"name": "Else"})
    assert [entry["url"] for entry in sdk.blocked()] == [
        f"https://admin.example/v3.0/users/{UID}",
        "https://client.example/v3.0/me",
    ]


def test_e1_wire_host_that_the_app_names(line: Line) -> None:
    """An app can name the emulator's host itself, with the port and the version of the API.

    The SDK adds ``https://`` in front of it and nothing behind it.
    """
    host = f"{line.recorder.url.removeprefix('http://')}/v3.0"
    line.sdk.init(line.service.app_id, line.recorder.url, host)
    fields = {"uid": "user1", "name": "Kevin"}
    key = line.service.auth_key
    sent = line.record(lambda: line.sdk.create_user(fields, key))
    sent += line.record(lambda: line.sdk.login("user1", key))
    sent += line.record(lambda: line.sdk.update_user({**fields, "name": "Kev"}, key))
    sent += line.record(lambda: line.sdk.update_current_user_details({"name": "Else"}))
    sent += line.record(line.sdk.logout)
    assert _calls(sent) == [
        ("POST", "/v3.0/users", 200),
        ("POST", "/v3.0/users/user1/auth_tokens", 200),
        ("PUT", "/v3.0/me", 200),
        ("PUT", "/v3.0/users/user1", 200),
        ("PUT", "/v3.0/me", 200),
        ("DELETE", "/v3.0/me", 200),
    ]


def test_e1_wire_create(line: Line) -> None:
    """Creating a user sends the fields given, and three constants that have to be borne."""
    fields = {"uid": "user1", "name": "Kevin", "tags": ["vip"], "metadata": {"a": [1]}}
    (sent,) = line.record(lambda: line.sdk.create_user(fields, line.service.auth_key))
    assert _calls([sent]) == [("POST", "/v3.0/users", 200)]
    assert _names(sent) == _ALWAYS | {"apiKey"}
    assert json.loads(sent.body) == {**_CONSTANTS, **fields}


def test_e1_wire_update(line: Line) -> None:
    """Updating a user sends the uid in the body as well as in the path."""
    fields = {"uid": UID, "name": "Kevin"}
    (sent,) = line.record(lambda: line.sdk.update_user(fields, line.service.auth_key))
    assert _calls([sent]) == [("PUT", f"/v3.0/users/{UID}", 200)]
    assert json.loads(sent.body) == {**_CONSTANTS, **fields}


def test_e1_wire_update_me(line: Line) -> None:
    """A change of one's own profile sends the uid along, and nothing about the device."""
    line.log_in()
    (sent,) = line.record(lambda: line.sdk.update_current_user_details({"name": "Else"}))
    assert _calls([sent]) == [("PUT", "/v3.0/me", 200)]
    assert json.loads(sent.body) == {**_CONSTANTS, "uid": UID, "name": "Else"}


def test_e1_wire_logout(line: Line) -> None:
    """A logout is ``DELETE /me`` with the token, and without a body."""
    line.log_in()
    (sent,) = line.record(line.sdk.logout)
    assert _calls([sent]) == [("DELETE", "/v3.0/me", 200)]
    assert _names(sent) == _ALWAYS | {"authToken"}
    assert sent.body == b""


def test_e1_wire_what_is_not_imitated(line: Line) -> None:
    """Reading another user with a session is not imitated: it fails with a code, and harmlessly."""
    line.log_in()
    line.recorder.clear()
    with pytest.raises(OfficialSdkError) as caught:
        line.sdk.get_user("cometchat-uid-2")
    assert caught.value.code == "AUTH_ERR_EMPTY_APIKEY"
    assert _calls(line.recorder.exchanges) == [("GET", "/v3.0/users/cometchat-uid-2", 401)]
    assert line.sdk.get_logged_in_user() is not None
