"""The values that go in and come out."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Final

import attrs
import pytest

from cometchat_auth import AppSettings, InvalidParameterError, SessionInfo, User
from cometchat_auth._hosts import Hosts
from cometchat_auth._wire import user_from_wire
from cometchat_auth.models import user_to_wire

_FULL: Final[dict[str, Any]] = {
    "uid": "alice",
    "name": "Alice",
    "avatar": "https://x/a.png",
    "link": "https://x/a",
    "role": "default",
    "metadata": {"team": 7, "@private": {"email": "a@x"}},
    "status": "online",
    "statusMessage": "hi",
    "tags": ["vip", "new"],
    "lastActiveAt": 1,
    "createdAt": 2,
    "deactivatedAt": 3,
    "hasBlockedMe": True,
    "blockedByMe": True,
}


def test_every_documented_field_is_read() -> None:
    """Each field of the service's answer arrives under its own name, and none is left over."""
    user = user_from_wire(_FULL)
    assert user == User(
        uid="alice",
        name="Alice",
        avatar="https://x/a.png",
        link="https://x/a",
        role="default",
        metadata={"team": 7, "@private": {"email": "a@x"}},
        status="online",
        status_message="hi",
        tags=("vip", "new"),
        last_active_at=1,
        created_at=2,
        deactivated_at=3,
        has_blocked_me=True,
        blocked_by_me=True,
    )
    assert user.extra == {}


def test_unknown_fields_are_kept_without_credentials() -> None:
    """What this version does not know is kept; what is named like a credential is not."""
    secret = {"authToken": "X", "jwt": "X", "wsChannel": {"a": "X"}, "settings": {"b": "X"}}
    nested = {"conversationId": "c", "more": [{"fcmToken": "X", "ok": 1}], "apiKey": "X"}
    user = user_from_wire({"uid": "a", **secret, **nested})
    assert user.extra == {"conversationId": "c", "more": [{"ok": 1}]}
    assert "X" not in repr(user)


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("name", 5),
        ("metadata", "text"),
        ("metadata", [1]),
        ("tags", "vip"),
        ("tags", [1]),
        ("createdAt", "soon"),
        ("createdAt", 1.5),
        ("createdAt", True),
        ("createdAt", "9" * 21),
        ("hasBlockedMe", 1),
        ("status", []),
    ],
)
def test_a_field_of_a_wrong_type_is_kept_aside(wire: str, value: Any) -> None:
    """A value of an unexpected type is neither lost nor trusted."""
    assert user_from_wire({"uid": "a", wire: value}) == User("a", extra={wire: value})


@pytest.mark.parametrize(
    ("wire", "value", "field", "expected"),
    [
        ("metadata", [], "metadata", {}),
        ("createdAt", "17", "created_at", 17),
        ("deactivatedAt", 0, "deactivated_at", None),
        ("status", "available", "status", "online"),
        ("name", None, "name", None),
        ("tags", None, "tags", ()),
    ],
)
def test_the_services_spellings(wire: str, value: Any, field: str, expected: Any) -> None:
    """Values that the service is known to spell in another way are understood."""
    user = user_from_wire({"uid": "a", wire: value})
    assert (getattr(user, field), user.extra) == (expected, {})


@pytest.mark.parametrize("data", [{}, {"uid": ""}, {"uid": None}, {"uid": 5}, {"uid": ["a"]}])
def test_no_uid_is_no_user(data: dict[str, Any]) -> None:
    """An answer without a uid is not a user."""
    with pytest.raises(ValueError, match="no uid"):
        user_from_wire(data)


def test_what_is_sent() -> None:
    """A user is created with the fields, names and constants of the official SDKs."""
    constants = {"hasBlockedMe": False, "blockedByMe": False, "deactivatedAt": 0}
    assert user_to_wire(User("a", "A")) == {"uid": "a", "name": "A", **constants}
    sent = ("uid", "name", "avatar", "link", "role", "metadata", "statusMessage", "tags")
    expected = {name: _FULL[name] for name in sent}
    assert user_to_wire(user_from_wire({**_FULL, "x": 1})) == {**expected, **constants}


def test_metadata_is_the_users_own() -> None:
    """What is done to the given metadata or tags afterwards does not reach the user."""
    metadata: dict[str, Any] = {"a": {"b": 1}}
    tags = ["x"]
    user = User("a", "A", metadata=metadata, tags=tags)
    metadata["a"]["b"] = object()
    tags.append("y")
    assert (user.metadata, user.tags) == ({"a": {"b": 1}}, ("x",))
    assert user.check() is user


def test_metadata_too_deep() -> None:
    """Metadata that is nested too deeply is refused with our error."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(InvalidParameterError, match="nested too deeply"):
        User("a", "A", metadata=deep)


@pytest.mark.parametrize(
    "fields",
    [
        {"uid": None},
        {"uid": 7},
        {"name": 7},
        {"avatar": b"x"},
        {"metadata": [1]},
        {"metadata": "x"},
        {"tags": "vip"},
        {"tags": [7]},
        {"tags": 7},
        {"created_at": "1"},
        {"last_active_at": True},
        {"has_blocked_me": 1},
        {"extra": 7},
    ],
)
def test_user_of_wrong_types(fields: dict[str, Any]) -> None:
    """A field of a wrong type is a TypeError."""
    with pytest.raises(TypeError):
        User(**{"uid": "a", **fields})


_SETTINGS: Final = AppSettings(region="EU", proxies={"https": "http://me:pw@x"}, cert=("a", "b"))
_USER: Final = user_from_wire({**_FULL, "more": {"a": [1]}})
_INFO: Final = SessionInfo(_USER, True, False, "memory", "memory", "service", "default")


@pytest.mark.parametrize("value", [_USER, _SETTINGS, _INFO])
def test_k3_values_survive(value: Any) -> None:
    """A value survives pickle, copy and deepcopy, equal and with the same hash."""
    copies = [pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)]  # noqa: S301
    for other in copies:
        assert other == value
        assert hash(other) == hash(value)
        assert repr(other) == repr(value)


def test_values_are_frozen_and_differ() -> None:
    """A value cannot be changed, and differs from one with another field."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        _USER.name = "Bob"  # type: ignore[misc]
    assert attrs.evolve(_USER, name="Bob") != _USER
    assert attrs.evolve(_USER, metadata={}) != _USER


def test_settings_show_no_proxy_password() -> None:
    """The proxy's URL, which may hold a password, is not in the settings' text."""
    assert "pw" not in repr(_SETTINGS)


def test_hosts() -> None:
    """Both hosts follow from app id and region unless they are configured, each by itself."""
    assert Hosts.of("app", AppSettings(region="US")) == Hosts(
        "https://app.api-us.cometchat.io/v3.0", "https://app.apiclient-us.cometchat.io/v3.0"
    )
    one = AppSettings(region="in", admin_host="a.example.com")
    assert Hosts.of("app", one) == Hosts(
        "https://a.example.com/v3.0", "https://app.apiclient-in.cometchat.io/v3.0"
    )


def test_for_emulator() -> None:
    """The emulator's URL is both hosts; other settings can be given with it."""
    settings = AppSettings.for_emulator("http://127.0.0.1:8642/", timeout=3)
    assert settings.client_host == settings.admin_host == "http://127.0.0.1:8642/v3.0"
    assert settings.timeout == 3.0
    with pytest.raises(InvalidParameterError):
        AppSettings.for_emulator("http://emulator.example.com")
