"""What this client sends, beside what the official SDK sends for the same call."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore, User
from cometchat_auth.emulator import Emulator
from tests import official_sdk
from tests.official_sdk import OfficialSdk
from tests.real_parts import require
from tests.recording import Exchange, Recorder
from tests.tools import LIMIT

UID = "cometchat-uid-1"
FULL = {
    "uid": "kevin",
    "name": "Kevin",
    "avatar": "https://example.org/a.png",
    "link": "https://example.org/kevin",
    "role": "default",
    "metadata": {"team": 7},
    "statusMessage": "hello",
    "tags": ["vip"],
}

# What HTTP itself needs, and what a browser or a library adds of its own.
_FRAMING = {"host", "connection", "content-length", "user-agent", "accept-encoding"}


@attrs.frozen
class Both:
    """Both clients behind one recorder."""

    official: OfficialSdk
    ours: CometChat
    recorder: Recorder
    service: Emulator

    def record(self, call: Callable[[], Any]) -> list[Exchange]:
        """Make a call and return what it sent."""
        self.recorder.clear()
        call()
        return list(self.recorder.exchanges)


@pytest.fixture(scope="module")
def node() -> Iterator[OfficialSdk]:
    """Start Node once."""
    require(official_sdk.available())
    with OfficialSdk() as sdk:
        yield sdk


@pytest.fixture
def both(node: OfficialSdk) -> Iterator[Both]:
    """Give two new installations of one app."""
    with Emulator() as service, Recorder(service.url) as recorder:
        node.init(service.app_id, recorder.url)
        with CometChat(
            service.app_id, AppSettings.for_emulator(recorder.url), session_store=MemoryStore()
        ) as ours:
            yield Both(node, ours, recorder, service)


def _shape(exchange: Exchange) -> dict[str, Any]:
    """Return everything about a request that has to agree."""
    names = [name for name, _ in exchange.headers if name.lower() not in _FRAMING]
    body = json.loads(exchange.body or b"{}")
    return {
        "method": exchange.method,
        "path": exchange.path,
        "headers": sorted(names),  # in their exact spelling
        "body": sorted(body),
        "appInfo": sorted(body.get("appInfo", ())),
        "status": exchange.status,
    }


def _same(official: list[Exchange], ours: list[Exchange]) -> None:
    assert [_shape(exchange) for exchange in ours] == [_shape(exchange) for exchange in official]
    assert official


def test_wire_login_with_auth_key(both: Both) -> None:
    """A login with uid and auth key is the same two requests."""
    key = both.service.auth_key
    official = both.record(lambda: both.official.login(UID, key))
    ours = both.record(lambda: both.ours.login(UID, key).result(LIMIT))
    _same(official, ours)


def test_wire_login_with_auth_token(both: Both) -> None:
    """A login with an auth token is the same one request."""
    official = both.record(lambda: both.official.login(both.service.create_auth_token(UID)))
    token = both.service.create_auth_token(UID)
    _same(official, both.record(lambda: both.ours.login(token).result(LIMIT)))


def test_wire_logout(both: Both) -> None:
    """A logout is the same one request."""
    both.official.login(UID, both.service.auth_key)
    both.ours.login(UID, both.service.auth_key).result(LIMIT)
    official = both.record(both.official.logout)
    _same(official, both.record(lambda: both.ours.logout().result(LIMIT)))


def test_wire_create_user(both: Both) -> None:
    """Creating a user is the same one request with the same values."""
    key = both.service.auth_key
    official = both.record(lambda: both.official.create_user(FULL, key))
    user = User(
        uid="kevin2",
        name=str(FULL["name"]),
        avatar="https://example.org/a.png",
        link="https://example.org/kevin",
        role="default",
        metadata={"team": 7},
        status_message="hello",
        tags=["vip"],
    )
    ours = both.record(lambda: both.ours.create_user(user, key).result(LIMIT))
    _same(official, ours)
    sent = [json.loads(exchanges[0].body) for exchanges in (official, ours)]
    assert {**sent[0], "uid": "kevin2"} == sent[1]


def test_wire_create_smallest_user(both: Both) -> None:
    """Of a user with nothing but uid and name the same fields are sent."""
    key = both.service.auth_key
    official = both.record(lambda: both.official.create_user({"uid": "a", "name": "A"}, key))
    ours = both.record(lambda: both.ours.create_user(User("b", "B"), key).result(LIMIT))
    _same(official, ours)


def test_wire_start_up_sends_nothing(both: Both) -> None:
    """Asking who is logged in is no request, in either."""
    assert both.record(both.official.get_logged_in_user) == []
    assert both.record(both.ours.get_logged_in_user) == []
    assert both.record(both.ours.session_info) == []


def test_wire_values_have_the_official_forms(both: Both) -> None:
    """Ids have the official SDK's forms; resource, device and credential go with each request."""
    login = both.record(lambda: both.ours.login(UID, both.service.auth_key).result(LIMIT))
    logout = both.record(lambda: both.ours.logout().result(LIMIT))
    first, second, third = login + logout
    bodies = [json.loads(exchange.body) for exchange in login]
    uuid_and_milliseconds = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    version = first.header("sdk").removeprefix("python@")  # type: ignore[union-attr]
    assert bodies[0] == bodies[1]
    assert bodies[0]["platform"] == "PYTHON"
    _match(rf"emulator-app_{uuid_and_milliseconds}_\d{{13}}", bodies[0]["deviceId"])
    _match(
        rf"PYTHON-{version.replace('.', '_')}-{uuid_and_milliseconds}-\d{{13}}",
        first.header("resource"),
    )
    assert bodies[0]["appInfo"]["version"] == f"v{version}"
    assert bodies[0]["appInfo"]["apiVersion"] == "v3.0"
    assert first.header("apiKey") == both.service.auth_key
    assert first.header("authToken") is None
    assert second.header("apiKey") is None
    assert second.header("authToken") == third.header("authToken")
    assert first.header("resource") == second.header("resource") == third.header("resource")
    assert all(exchange.header("appId") == "emulator-app" for exchange in (first, second, third))


def _match(pattern: str, text: str | None) -> None:
    assert re.fullmatch(pattern, text or ""), text


def test_wire_platform_is_a_setting(both: Both) -> None:
    """`AppSettings(platform=...)` is what the service is told."""
    settings = AppSettings.for_emulator(both.recorder.url, platform="WEB")
    with CometChat(both.service.app_id, settings, session_store=MemoryStore()) as chat:
        (request, _) = both.record(lambda: chat.login(UID, both.service.auth_key).result(LIMIT))
    assert json.loads(request.body)["platform"] == "WEB"
    assert (request.header("resource") or "").startswith("WEB-")
