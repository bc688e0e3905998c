"""The emulator's methods: acting on users and tokens from Python, on the same state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cometchat_auth.emulator import Emulator

from .test_emulator_http import ask


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator(roles=["teacher"]) as service:
        yield service


def test_users_made_in_python_are_served(emulator: Emulator) -> None:
    """A user made by a method must be the one that HTTP answers."""
    made = emulator.create_user(
        "Kevin",
        "Kevin K",
        avatar="https://example.com/a.png",
        link="https://example.com",
        role="teacher",
        status_message="Hi",
        metadata={"a": 1},
        tags=["t"],
    )
    read = ask(emulator, "GET", "/v3/users/kevin", apikey=emulator.rest_api_key).data
    assert read == made
    assert made["statusMessage"] == "Hi"


def test_methods_work_before_the_start() -> None:
    """Users and tokens may be prepared before anything listens."""
    service = Emulator()
    service.create_user("kevin", "Kevin")
    token = service.create_auth_token("kevin")
    with service:
        assert ask(service, "GET", "/v3/me", authToken=token).data["uid"] == "kevin"


def test_tags_may_be_a_tuple(emulator: Emulator) -> None:
    """Tags must be taken as the client's User has them, too."""
    assert emulator.create_user("kevin", "Kevin", tags=("vip", "5b"))["tags"] == ["vip", "5b"]


def test_unusable_users_are_value_errors(emulator: Emulator) -> None:
    """What the service would refuse must be a ValueError that says why."""
    with pytest.raises(ValueError, match="uid may only contain"):
        emulator.create_user("with space", "N")
    with pytest.raises(ValueError, match="name field is required"):
        emulator.create_user("kevin", "")
    with pytest.raises(ValueError, match="already"):
        emulator.create_user("COMETCHAT-uid-1", "N")
    with pytest.raises(TypeError, match="no field nickname"):
        emulator.create_user("kevin", "N", nickname="K")


def test_tokens_can_be_revoked_from_python(emulator: Emulator) -> None:
    """A revoked token must be dead for clients; the others must live until the flush."""
    first, second, third = (emulator.create_auth_token("cometchat-uid-1") for _ in range(3))
    emulator.revoke_auth_token(second)
    assert ask(emulator, "GET", "/v3/me", authToken=second).status == 401
    assert emulator.auth_tokens("Cometchat-UID-1") == [first, third]
    emulator.flush_auth_tokens("cometchat-uid-1")
    assert emulator.auth_tokens("cometchat-uid-1") == []


@pytest.mark.parametrize("permanent", [True, False])
def test_users_can_be_deleted_from_python(emulator: Emulator, permanent: bool) -> None:
    """A deleted user must be gone with its tokens; its uid is free after a permanent one."""
    token = emulator.create_auth_token("cometchat-uid-1")
    emulator.delete_user("COMETCHAT-UID-1", permanent=permanent)
    assert ask(emulator, "GET", "/v3/me", authToken=token).status == 401
    if permanent:
        assert emulator.create_user("cometchat-uid-1", "Again")["name"] == "Again"
    else:
        with pytest.raises(ValueError, match="already"):
            emulator.create_user("cometchat-uid-1", "Again")


def test_what_is_not_there_is_a_lookup_error(emulator: Emulator) -> None:
    """Methods must say so where the user or the token does not exist, without the token."""
    for act in (
        emulator.create_auth_token,
        emulator.auth_tokens,
        emulator.flush_auth_tokens,
        emulator.delete_user,
        emulator.user,
        emulator.deactivate_user,
    ):
        with pytest.raises(LookupError, match="nobody does not exist"):
            act("nobody")
    with pytest.raises(LookupError) as caught:
        emulator.revoke_auth_token("nobody_0123456789")
    assert "nobody_0123456789" not in str(caught.value)


def test_users_can_be_read_from_python(emulator: Emulator) -> None:
    """A user, and all of them in the order of creation, must be as HTTP answers them."""
    for number in range(150):
        emulator.create_user(f"user-{number}", "N")
    made = emulator.create_user("kevin", "Kevin", tags=["t"])
    assert emulator.user("KEVIN") == made
    listed = emulator.users()
    assert [user["uid"] for user in listed[:6]] == [
        *(f"cometchat-uid-{number}" for number in range(1, 6)),
        "user-0",
    ]
    assert (len(listed), listed[-1]) == (156, made)


def test_users_can_be_deactivated_and_reactivated_from_python(emulator: Emulator) -> None:
    """A deactivated user must be out of reach until it is active again; its tokens stay dead."""
    token = emulator.create_auth_token("cometchat-uid-1")
    before = emulator.user("cometchat-uid-1")
    emulator.deactivate_user("Cometchat-UID-1")
    for act in (emulator.user, emulator.deactivate_user, emulator.create_auth_token):
        with pytest.raises(LookupError, match="cometchat-uid-1 does not exist"):
            act("cometchat-uid-1")
    (hidden,) = emulator.users(deactivated=True)
    assert hidden.pop("deactivatedAt") >= before["createdAt"]
    assert hidden == before
    assert before not in emulator.users()
    emulator.reactivate_user("Cometchat-UID-1")
    assert emulator.user("cometchat-uid-1") == before
    assert ask(emulator, "GET", "/v3/me", authToken=token).status == 401


@pytest.mark.parametrize("uid", ["nobody", "cometchat-uid-1"])
def test_only_deactivated_users_can_be_reactivated(emulator: Emulator, uid: str) -> None:
    """Reactivating somebody who is active, or does not exist, must be a LookupError."""
    with pytest.raises(LookupError, match=f"no deactivated user of the uid {uid}"):
        emulator.reactivate_user(uid)
