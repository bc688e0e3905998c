"""The client API of the emulator: /me, as the official SDKs use it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from .test_emulator_http import ask

DEVICE = {
    "platform": "WEB",
    "deviceId": "app_0000_1",
    "appInfo": {"version": "v4.2.0", "apiVersion": "v3.0", "userAgent": "test"},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator() as service:
        yield service


def test_the_official_sdks_login_works(emulator: Emulator) -> None:
    """Minting and PUT /me, with the SDK's headers and bodies, must yield user and session."""
    common: dict[str, Any] = {
        "appId": emulator.app_id,
        "sdk": "javascript@4.2.0",
        "resource": "WEB-4_2_0-0-1",
    }
    path = "/v3.0/users/cometchat-uid-1/auth_tokens"
    minted = ask(emulator, "POST", path, DEVICE, apiKey=emulator.auth_key, **common)
    token = minted.data["authToken"]
    me = ask(emulator, "PUT", "/v3.0/me", DEVICE, authToken=token, **common).data
    assert (me["uid"], me["name"]) == ("cometchat-uid-1", "Andrew Joseph")
    assert me["authToken"] == token
    assert isinstance(me["wsChannel"], dict)
    assert isinstance(me["settings"], dict)
    assert "updatedAt" not in me


def test_the_jwt_has_its_shape(emulator: Emulator) -> None:
    """The jwt must be three base64url parts, the first two of them JSON objects."""
    token = emulator.create_auth_token("cometchat-uid-1")
    jwt = ask(emulator, "PUT", "/v3/me", authToken=token).data["jwt"]
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in jwt.split(".")]
    assert len(parts) == 3
    assert json.loads(parts[0])["typ"] == "JWT"
    assert json.loads(parts[1])["sub"] == "cometchat-uid-1"


@pytest.mark.parametrize("given", [None, {"ADMIN_API_HOST": "example.com", "EXTRA": "yes"}])
def test_settings_name_this_emulator_or_what_was_given(given: dict[str, Any] | None) -> None:
    """Settings must keep a client on this emulator, except for what the emulator was told."""
    with Emulator(settings=given) as service:
        token = service.create_auth_token("cometchat-uid-1")
        answered = ask(service, "PUT", "/v3/me", authToken=token).data["settings"]
        here = service.url.removeprefix("http://")
    hosts = {"ADMIN_API_HOST": here, "CLIENT_API_HOST": here, "CHAT_API_VERSION": "v3.0"}
    assert {**answered, **hosts, **(given or {})} == answered


def test_put_me_changes_the_user(emulator: Emulator) -> None:
    """Profile fields in PUT /me must change the user; a role must not."""
    token = emulator.create_auth_token("cometchat-uid-1")
    fields = {
        "name": "New",
        "avatar": "https://example.com/a.png",
        "link": "https://example.com",
        "metadata": {"a": 1},
        "statusMessage": "Hi",
        "tags": ["t"],
    }
    me = ask(emulator, "PUT", "/v3/me", {**fields, "role": "king"}, authToken=token).data
    assert me.items() >= fields.items()
    assert me["role"] == "default"
    assert "updatedAt" in me
    read = ask(emulator, "GET", "/v3/users/cometchat-uid-1", apikey=emulator.rest_api_key).data
    assert read.items() >= fields.items()


def test_put_me_refuses_bad_fields(emulator: Emulator) -> None:
    """A field that cannot be used must be refused and nothing be changed."""
    token = emulator.create_auth_token("cometchat-uid-1")
    body = {"name": "New", "avatar": "no url", "platform": 7}
    answer = ask(emulator, "PUT", "/v3/me", body, authToken=token)
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert list(answer.body["error"]["details"]) == ["avatar", "platform"]
    assert ask(emulator, "GET", "/v3/me", authToken=token).data["name"] == "Andrew Joseph"


def test_put_me_describes_the_device(emulator: Emulator) -> None:
    """What a device says about itself must be kept with its token, later words on top."""
    token = emulator.create_auth_token("cometchat-uid-1")
    ask(emulator, "PUT", "/v3/me", DEVICE, authToken=token)
    ask(emulator, "PUT", "/v3/me", {"platform": "PYTHON"}, authToken=token)
    path = f"/v3/users/cometchat-uid-1/auth_tokens/{token}"
    read = ask(emulator, "GET", path, apikey=emulator.rest_api_key).data
    assert read.items() >= {**DEVICE, "platform": "PYTHON"}.items()


def test_get_me_answers_the_user(emulator: Emulator) -> None:
    """GET /me must answer the user, and make no session."""
    token = emulator.create_auth_token("cometchat-uid-3")
    me = ask(emulator, "GET", "/v3/me", authToken=token).data
    assert me["name"] == "Nancy Grace"
    assert "jwt" not in me


@pytest.mark.parametrize("body", [None, {}])
def test_delete_me_ends_one_session(emulator: Emulator, body: object) -> None:
    """A logout must end its own token, once, and leave the user's others alive."""
    token, other = (emulator.create_auth_token("cometchat-uid-1") for _ in range(2))
    done = ask(emulator, "DELETE", "/v3/me", body, authToken=token).data
    assert done["success"] is True
    assert done["message"]
    for method in ("DELETE", "GET", "PUT"):
        again = ask(emulator, method, "/v3/me", authToken=token)
        assert again.refusal == (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")
    assert emulator.auth_tokens("cometchat-uid-1") == [other]
