"""The REST API of the emulator: users and their auth tokens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from .test_emulator_http import Answer, ask

FULL = {
    "name": "Kevin",
    "link": "https://example.com/kevin",
    "avatar": "https://example.com/kevin.png",
    "metadata": {"@private": {"email": "kevin@example.com"}, "deep": [1, {"two": None}]},
    "statusMessage": "Gone fishing",
    "role": "default",
    "tags": ["one", "two"],
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator(roles=["Teacher"]) as service:
        yield service


def rest(service: Emulator, method: str, path: str, body: object = None) -> Answer:
    """Make a call with the REST API key."""
    return ask(service, method, f"/v3{path}", body, apikey=service.rest_api_key)


def create(service: Emulator, uid: str, **fields: Any) -> Any:
    """Create a user with the auth key, as the official SDKs do."""
    body = {"uid": uid, "name": "N", **fields}
    return ask(service, "POST", "/v3.0/users", body, apiKey=service.auth_key).data


def test_e2_is_seeded_with_five_users(emulator: Emulator) -> None:
    """The users that every new app has must be there, with names."""
    for number in range(1, 6):
        user = rest(emulator, "GET", f"/users/cometchat-uid-{number}").data
        assert user["uid"] == f"cometchat-uid-{number}"
        assert user["name"]
    assert rest(emulator, "GET", "/users/cometchat-uid-6").status == 404


def test_e2_is_stateful(emulator: Emulator) -> None:
    """What one call writes, the next must read, until it is deleted."""
    created = create(emulator, "kevin", **FULL)
    assert rest(emulator, "GET", "/users/kevin").data == created
    rest(emulator, "DELETE", "/users/kevin", {"permanent": True})
    assert rest(emulator, "GET", "/users/kevin").refusal == (404, "ERR_UID_NOT_FOUND")


def test_create_answers_every_field(emulator: Emulator) -> None:
    """A new user must come back with all it was given, offline, in the documented order."""
    before = int(time.time())
    user = create(emulator, "kevin", **FULL)
    assert before <= user.pop("createdAt") <= time.time()
    assert user == {"uid": "kevin", "status": "offline", **FULL}
    assert list(user) == [
        *("uid", "name", "link", "avatar", "metadata", "status", "statusMessage", "role", "tags")
    ]


def test_absent_values_are_left_out(emulator: Emulator) -> None:
    """Optional values that nobody gave must be left out, not null."""
    user = create(emulator, "kevin", avatar=None, link="")
    assert list(user) == ["uid", "name", "status", "role", "createdAt", "tags"]
    assert (user["role"], user["tags"]) == ("default", [])


def test_create_with_a_token(emulator: Emulator) -> None:
    """With withAuthToken the answer must carry a token that logs the new user in."""
    user = create(emulator, "kevin", withAuthToken=True)
    assert list(user)[-1] == "authToken"
    assert ask(emulator, "GET", "/v3/me", authToken=user["authToken"]).data["uid"] == "kevin"
    assert "authToken" not in create(emulator, "other", withAuthToken=False)


def test_uids_have_no_case(emulator: Emulator) -> None:
    """Uids must be kept in lower case and found, and be taken, in any."""
    assert create(emulator, "KeVin")["uid"] == "kevin"
    assert rest(emulator, "GET", "/users/KEVIN").data["uid"] == "kevin"
    assert rest(emulator, "PUT", "/users/Kevin", {"name": "K"}).data["name"] == "K"
    token = rest(emulator, "POST", "/users/KEVIN/auth_tokens").data
    assert token["uid"] == "kevin"
    path = f"/users/kEVIN/auth_tokens/{token['authToken']}"
    assert rest(emulator, "GET", path).data["uid"] == "kevin"
    again = rest(emulator, "POST", "/users", {"uid": "KEVIN", "name": "K"})
    assert again.refusal == (400, "ERR_UID_ALREADY_EXISTS")
    assert rest(emulator, "DELETE", "/users/KEVIN").status == 200


def test_roles_must_exist(emulator: Emulator) -> None:
    """A role that the app has must be taken, in any case; another one is a validation error."""
    assert create(emulator, "kevin", role="TEACHER")["role"] == "teacher"
    answer = rest(emulator, "PUT", "/users/kevin", {"role": "admin"})
    assert answer.refusal == (400, "ERR_BAD_REQUEST")


def test_update_changes_what_it_names(emulator: Emulator) -> None:
    """An update must change the fields it names, keep the others, and tell when it was."""
    created = create(emulator, "kevin", **FULL)
    changed = rest(emulator, "PUT", "/users/kevin", {"name": "New", "tags": [], "uid": "x"}).data
    assert changed.pop("updatedAt") >= created["createdAt"]
    assert changed == {**created, "name": "New", "tags": []}


def test_update_unsets(emulator: Emulator) -> None:
    """An update must be able to take avatar, link and metadata away."""
    create(emulator, "kevin", **FULL)
    changed = rest(emulator, "PUT", "/users/kevin", {"unset": ["avatar", "link", "metadata"]}).data
    assert not {"avatar", "link", "metadata"} & set(changed)
    assert changed["statusMessage"] == "Gone fishing"


def test_update_without_a_body(emulator: Emulator) -> None:
    """An update that says nothing must be taken and change nothing but its time."""
    before = rest(emulator, "GET", "/users/cometchat-uid-1").data
    after = rest(emulator, "PUT", "/users/cometchat-uid-1").data
    after.pop("updatedAt")
    assert after == before


@pytest.mark.parametrize("body", [None, {}, {"permanent": False}])
def test_delete_deactivates(emulator: Emulator, body: object) -> None:
    """A deletion that is not permanent must hide the user, end its tokens and keep its uid."""
    token = emulator.create_auth_token("cometchat-uid-1")
    done = rest(emulator, "DELETE", "/users/cometchat-uid-1", body).data
    assert done["success"] is True
    assert done["message"] == "User with cometchat-uid-1 has been deleted successfully."
    for method, path in [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/auth_tokens"),
        ("GET", "/auth_tokens"),
        ("DELETE", "/auth_tokens"),
        ("GET", f"/auth_tokens/{token}"),
    ]:
        answer = rest(emulator, method, f"/users/cometchat-uid-1{path}")
        assert answer.refusal == (404, "ERR_UID_NOT_FOUND")
    dead = ask(emulator, "PUT", "/v3/me", authToken=token)
    assert dead.refusal == (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")
    taken = rest(emulator, "POST", "/users", {"uid": "cometchat-uid-1", "name": "N"})
    assert taken.refusal == (400, "ERR_UID_ALREADY_EXISTS")


def test_permanent_deletion_frees_the_uid(emulator: Emulator) -> None:
    """A permanent deletion must end the tokens, and a new user of that uid not revive them."""
    token = emulator.create_auth_token("cometchat-uid-1")
    rest(emulator, "DELETE", "/users/cometchat-uid-1", {"permanent": True})
    create(emulator, "cometchat-uid-1")
    dead = ask(emulator, "GET", "/v3/me", authToken=token)
    assert dead.refusal == (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")
    assert emulator.auth_tokens("cometchat-uid-1") == []


@pytest.mark.parametrize("body", [None, {}, {"force": True}, {"force": False}])
def test_every_mint_is_a_new_token(emulator: Emulator, body: object) -> None:
    """Minting must make a new token of the service's shape, and leave the earlier one alive."""
    first = rest(emulator, "POST", "/users/cometchat-uid-1/auth_tokens", body).data
    second = rest(emulator, "POST", "/users/cometchat-uid-1/auth_tokens", body).data
    assert list(first) == ["uid", "authToken", "createdAt"]
    assert first["authToken"] != second["authToken"]
    seconds = first["createdAt"]
    assert re.fullmatch(f"cometchat-uid-1_{seconds}[0-9a-f]{{30}}", first["authToken"])
    assert emulator.auth_tokens("cometchat-uid-1") == [first["authToken"], second["authToken"]]


def test_the_hundred_and_first_token_ends_the_oldest(emulator: Emulator) -> None:
    """A user must have at most 100 tokens, the most recent ones; other users' do not count."""
    other = emulator.create_auth_token("cometchat-uid-2")
    minted = [emulator.create_auth_token("cometchat-uid-1") for _ in range(100)]
    assert ask(emulator, "GET", "/v3/me", authToken=minted[0]).status == 200
    newest = rest(emulator, "POST", "/users/cometchat-uid-1/auth_tokens").data["authToken"]
    assert ask(emulator, "GET", "/v3/me", authToken=minted[0]).status == 401
    assert emulator.auth_tokens("cometchat-uid-1") == [*minted[1:], newest]
    assert emulator.auth_tokens("cometchat-uid-2") == [other]


def test_tokens_are_listed_by_pages(emulator: Emulator) -> None:
    """The list must hold all tokens, a hundred to a page unless told otherwise, and say so."""
    tokens = [emulator.create_auth_token("cometchat-uid-1") for _ in range(3)]
    answer = rest(emulator, "GET", "/users/cometchat-uid-1/auth_tokens")
    assert [item["authToken"] for item in answer.data] == tokens
    assert answer.body["meta"]["pagination"] == {
        "total": 3,
        "count": 3,
        "per_page": 100,
        "current_page": 1,
        "total_pages": 1,
    }
    second = rest(emulator, "GET", "/users/cometchat-uid-1/auth_tokens?perPage=2&page=2")
    assert [item["authToken"] for item in second.data] == tokens[2:]
    assert second.body["meta"]["pagination"]["total_pages"] == 2


def test_one_token_can_be_read_described_and_deleted(emulator: Emulator) -> None:
    """A token must be found by user and value, remember its device, and die alone, once."""
    kept, gone = (emulator.create_auth_token("cometchat-uid-1") for _ in range(2))
    path = f"/users/cometchat-uid-1/auth_tokens/{gone}"
    assert rest(emulator, "GET", path).data["authToken"] == gone
    device = {"platform": "PYTHON", "userAgent": "test", "appInfo": {"version": 1}}
    changed = rest(emulator, "PUT", path, device).data
    assert changed.items() >= device.items()
    assert rest(emulator, "GET", path).data == changed
    assert rest(emulator, "DELETE", path).data["success"] is True
    for method in ("GET", "PUT", "DELETE"):
        assert rest(emulator, method, path).refusal == (404, "ERR_AUTH_TOKEN_NOT_FOUND")
    assert emulator.auth_tokens("cometchat-uid-1") == [kept]


def test_foreign_tokens_are_not_found(emulator: Emulator) -> None:
    """A token must not be found under another user, nor under one that does not exist."""
    token = emulator.create_auth_token("cometchat-uid-1")
    foreign = rest(emulator, "DELETE", f"/users/cometchat-uid-2/auth_tokens/{token}")
    assert foreign.refusal == (404, "ERR_AUTH_TOKEN_NOT_FOUND")
    nobody = rest(emulator, "DELETE", f"/users/nobody/auth_tokens/{token}")
    assert nobody.refusal == (404, "ERR_UID_NOT_FOUND")
    assert emulator.auth_tokens("cometchat-uid-1") == [token]


def test_flush_ends_all_tokens_of_one_user(emulator: Emulator) -> None:
    """A flush must end every token of the user, and nobody else's."""
    tokens = [emulator.create_auth_token("cometchat-uid-1") for _ in range(3)]
    other = emulator.create_auth_token("cometchat-uid-2")
    done = rest(emulator, "DELETE", "/users/cometchat-uid-1/auth_tokens").data
    message = "Cleared Auth Tokens successfully for uid cometchat-uid-1."
    assert done == {"success": True, "message": message}
    assert [ask(emulator, "GET", "/v3/me", authToken=token).status for token in tokens] == [401] * 3
    assert emulator.auth_tokens("cometchat-uid-2") == [other]


@pytest.mark.parametrize("uid", ["nobody", "%20", "a.b", "%F0%9F%99%82", "%FF"])
def test_unknown_uids_are_not_found(emulator: Emulator, uid: str) -> None:
    """A uid that nobody has must be 404 by its code, however it is written."""
    for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/auth_tokens")]:
        answer = rest(emulator, method, f"/users/{uid}{path}")
        assert answer.refusal == (404, "ERR_UID_NOT_FOUND")


def test_given_keys_are_used() -> None:
    """Keys may be chosen; made-up ones are 40 hex digits and differ."""
    with Emulator(auth_key="one", rest_api_key="two", app_id="mine") as service:
        assert (service.auth_key, service.rest_api_key, service.app_id) == ("one", "two", "mine")
        answer = ask(service, "GET", "/v3/users/cometchat-uid-1", apikey="two", appId="mine")
        assert answer.status == 200
    made = Emulator()
    assert re.fullmatch("[0-9a-f]{40}", made.auth_key)
    assert re.fullmatch("[0-9a-f]{40}", made.rest_api_key)
    assert made.auth_key != made.rest_api_key
    with pytest.raises(ValueError, match="two different"):
        Emulator(auth_key="same", rest_api_key="same")


def test_every_call_mints_unless_told_otherwise(emulator: Emulator) -> None:
    """With force, without, and without a body, a new token must come by default."""
    path = "/users/cometchat-uid-1/auth_tokens"
    bodies: list[Any] = [None, {"force": False}, {"force": True}]
    tokens = {rest(emulator, "POST", path, body).data["authToken"] for body in bodies}
    assert len(tokens) == 3


def test_the_latest_token_comes_again_where_told() -> None:
    """With the switch the latest token must come again and learn of the device, unless forced."""
    path = "/users/cometchat-uid-1/auth_tokens"
    with Emulator(reuse_auth_tokens=True) as service:
        first = rest(service, "POST", path).data
        assert rest(service, "POST", path, {"force": False, "platform": "X"}).data == first
        second = rest(service, "POST", path, {"force": True}).data
        assert second["authToken"] != first["authToken"]
        assert rest(service, "POST", path).data == second
        listed = rest(service, "GET", path).data
        assert listed == [{**first, "platform": "X"}, second]
        service.revoke_auth_token(second["authToken"])
        assert rest(service, "POST", path).data == first
        assert rest(service, "POST", "/users/nobody/auth_tokens").status == 404


def test_a_user_and_its_token_are_made_together(emulator: Emulator) -> None:
    """A creation that is refused must leave neither the user nor a token."""
    body = {"uid": "kevin", "name": "K", "withAuthToken": True}
    made = rest(emulator, "POST", "/users", body).data
    assert emulator.auth_tokens("kevin") == [made["authToken"]]
    assert rest(emulator, "POST", "/users", body).refusal == (400, "ERR_UID_ALREADY_EXISTS")
    assert emulator.auth_tokens("kevin") == [made["authToken"]]
