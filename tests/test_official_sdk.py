"""Promise E1: the official CometChat SDKs, unmodified, work against the emulator.

Every test here runs with the current SDK and with the one of the previous generation.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
import requests

from cometchat_auth.emulator import Emulator
from tests import official_sdk
from tests.official_sdk import PREVIOUS_SDK, SDK, OfficialSdk, OfficialSdkError
from tests.real_parts import require

SEED_UIDS = [f"cometchat-uid-{number}" for number in range(1, 6)]
UID = SEED_UIDS[0]
WRONG_KEY = "0" * 40


@attrs.frozen
class App:
    """A fresh installation of an official SDK, and the emulator it talks to."""

    sdk: OfficialSdk
    service: Emulator

    def log_in(self, uid: str = UID) -> str:
        """Log in, forget the events of that, and return the auth token."""
        user = self.sdk.login(uid, self.service.auth_key)
        self.sdk.events()
        return str(user["authToken"])

    def events(self) -> list[str]:
        """Return the names of the listener's callbacks since the last call."""
        return [name for name, _ in self.sdk.events()]


@pytest.fixture(scope="module", params=[SDK, PREVIOUS_SDK])
def node(request: pytest.FixtureRequest) -> Iterator[OfficialSdk]:
    """Start Node once for all tests of an SDK: that is what takes the time."""
    require(official_sdk.available())
    with OfficialSdk(request.param) as sdk:
        yield sdk


@pytest.fixture
def app(node: OfficialSdk) -> Iterator[App]:
    """Give a new emulator and a new installation of the SDK that uses it.

    Whatever the test does, the SDK must not have wanted anything from another host.
    """
    with Emulator() as service:
        node.init(service.app_id, service.url)
        yield App(node, service)
        assert node.blocked() == []


def test_e1_nobody_is_logged_in_at_first(app: App) -> None:
    """In a new installation nobody is logged in."""
    assert app.sdk.get_logged_in_user() is None


def test_e1_unknown_uid(app: App) -> None:
    """A login with a uid that does not exist fails with the service's code, and says so."""
    with pytest.raises(OfficialSdkError, match="no-such-user") as caught:
        app.sdk.login("no-such-user", app.service.auth_key)
    assert caught.value.code == "ERR_UID_NOT_FOUND"
    assert app.events() == ["loginFailure"]
    assert app.sdk.get_logged_in_user() is None


def test_e1_wrong_key(app: App) -> None:
    """A login with an unknown auth key fails with the service's code."""
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.login(UID, WRONG_KEY)
    assert caught.value.code == "AUTH_ERR_APIKEY_NOT_FOUND"
    assert app.events() == ["loginFailure"]


def test_e1_unknown_token(app: App) -> None:
    """A login with a token that was never given out fails with the service's code."""
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.login(f"{UID}_1700000000{'0' * 30}")
    assert caught.value.code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
    assert app.sdk.get_logged_in_user() is None


def test_e1_create(app: App) -> None:
    """A user is created with all fields, and can log in."""
    fields = {
        "uid": "user1",
        "name": "Kevin",
        "avatar": "https://example.org/kevin.png",
        "link": "https://example.org/kevin",
        "statusMessage": "Hello",
        "metadata": {"city": "Denver", "@private": {"email": "kevin@example.org"}},
        "tags": ["vip", "tag2"],
    }
    created = app.sdk.create_user(fields, app.service.auth_key)
    assert created.items() >= fields.items()
    assert created["role"] == "default"
    user = app.sdk.login("user1", app.service.auth_key)
    assert (user["uid"], user["name"], user["tags"]) == ("user1", "Kevin", ["vip", "tag2"])


def test_e1_create_twice(app: App) -> None:
    """The second user of the same uid is refused with the service's code."""
    fields = {"uid": "user1", "name": "Kevin"}
    app.sdk.create_user(fields, app.service.auth_key)
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.create_user(fields, app.service.auth_key)
    assert caught.value.code == "ERR_UID_ALREADY_EXISTS"


def test_e1_create_with_unknown_role(app: App) -> None:
    """A user with a role that was never created is refused as a validation error."""
    fields = {"uid": "user1", "name": "Kevin", "role": "no-such-role"}
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.create_user(fields, app.service.auth_key)
    assert caught.value.code == "ERR_BAD_REQUEST"
    assert "role" in caught.value.details


def test_e1_update_user(app: App) -> None:
    """A user is updated with the auth key, and the next login sees it."""
    app.sdk.create_user({"uid": "user1", "name": "Kevin"}, app.service.auth_key)
    updated = app.sdk.update_user({"uid": "user1", "name": "Kev"}, app.service.auth_key)
    assert updated["name"] == "Kev"
    assert app.sdk.login("user1", app.service.auth_key)["name"] == "Kev"


def test_e1_update_all_fields(app: App) -> None:
    """Whatever an update sets comes back, and what it leaves out stays."""
    key = app.service.auth_key
    app.sdk.create_user({"uid": "user1", "name": "Kevin", "tags": ["vip"]}, key)
    fields = {
        "uid": "user1",
        "name": "Kev",
        "avatar": "https://example.org/kev.png",
        "link": "https://example.org/kev",
        "role": "default",
        "statusMessage": "Away",
        "metadata": {"city": "Bergen"},
    }
    updated = app.sdk.update_user(fields, key)
    assert updated.items() >= {**fields, "tags": ["vip"]}.items()
    stored = app.service.user("user1")
    assert {name: stored[name] for name in fields} == fields


def test_e1_update_unknown_uid(app: App) -> None:
    """An update of nobody fails with the service's code."""
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.update_user({"uid": "no-such-user", "name": "Kev"}, app.service.auth_key)
    assert caught.value.code == "ERR_UID_NOT_FOUND"


def test_e1_update_with_wrong_key(app: App) -> None:
    """An update with an unknown auth key fails with the service's code, and changes nothing."""
    before = app.service.user(UID)
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.update_user({"uid": UID, "name": "Kev"}, WRONG_KEY)
    assert caught.value.code == "AUTH_ERR_APIKEY_NOT_FOUND"
    assert app.service.user(UID) == before


def test_e1_deactivated_user(app: App) -> None:
    """A deactivated user cannot log in; reactivated, they can."""
    app.service.deactivate_user(UID)
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.login(UID, app.service.auth_key)
    assert caught.value.code == "ERR_UID_NOT_FOUND"
    app.service.reactivate_user(UID)
    assert app.sdk.login(UID, app.service.auth_key)["uid"] == UID


def test_e1_revoked_while_logged_in(app: App) -> None:
    """The next call of a session that was revoked meanwhile fails, and logs the user out."""
    app.log_in()
    app.service.flush_auth_tokens(UID)
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.update_current_user_details({"name": "Else"})
    assert caught.value.code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
    assert app.sdk.get_logged_in_user() is None
    assert app.events() == ["logoutSuccess"]


def test_e1_login(app: App) -> None:
    """A login returns the user with an auth token, stores it, and tells the listener."""
    user = app.sdk.login(UID, app.service.auth_key)
    assert user["uid"] == UID
    assert user["authToken"].startswith(f"{UID}_")
    stored = app.sdk.get_logged_in_user()
    assert stored is not None
    assert (stored["uid"], stored["authToken"]) == (UID, user["authToken"])
    assert app.events() == ["loginSuccess"]


def test_e1_login_with_upper_case_uid(app: App) -> None:
    """Uids are not case-sensitive: the user is found and has the uid in lower case."""
    assert app.sdk.login(UID.upper(), app.service.auth_key)["uid"] == UID


def test_e1_login_with_token(app: App) -> None:
    """A login with an auth token that was made over REST returns that user and that token."""
    answer = requests.post(
        f"{app.service.url}/v3/users/{UID}/auth_tokens",
        headers={"apikey": app.service.rest_api_key},
        timeout=10,
    )
    token = answer.json()["data"]["authToken"]
    user = app.sdk.login(token)
    assert (user["uid"], user["authToken"]) == (UID, token)
    assert app.events() == ["loginSuccess"]


def test_e1_restored_after_restart(app: App) -> None:
    """After a restart the user is still logged in, and the session still works."""
    token = app.log_in()
    app.sdk.restart()
    user = app.sdk.get_logged_in_user()
    assert user is not None
    assert (user["uid"], user["authToken"]) == (UID, token)
    assert app.sdk.update_current_user_details({"name": "Still here"})["name"] == "Still here"


def test_e1_update_me(app: App) -> None:
    """Whoever is logged in changes their own name, tags and metadata."""
    app.log_in()
    fields = {"name": "Other Name", "tags": ["t"], "metadata": {"a": [1]}}
    assert app.sdk.update_current_user_details(fields).items() >= fields.items()
    app.sdk.logout()
    assert app.sdk.login(UID, app.service.auth_key)["name"] == "Other Name"


def test_e1_logout(app: App) -> None:
    """After a logout nobody is logged in, not after a restart either; the listener is told."""
    app.log_in()
    app.sdk.logout()
    assert app.sdk.get_logged_in_user() is None
    assert app.events() == ["logoutSuccess"]
    app.sdk.restart()
    assert app.sdk.get_logged_in_user() is None


def test_e1_token_died_with_the_logout(app: App) -> None:
    """The token of a session that was logged out is worth nothing."""
    token = app.log_in()
    app.sdk.logout()
    with pytest.raises(OfficialSdkError) as caught:
        app.sdk.login(token)
    assert caught.value.code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"


@pytest.mark.parametrize("uid", SEED_UIDS)
def test_e1_seed_users_in_and_out(app: App, uid: str) -> None:
    """Each of the users that a new CometChat app comes with logs in and out."""
    assert app.sdk.login(uid, app.service.auth_key)["uid"] == uid
    app.sdk.logout()
    assert app.sdk.get_logged_in_user() is None
