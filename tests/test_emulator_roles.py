"""The REST API's roles, as far as users need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from .test_emulator_http import Answer, ask

ABSENT = (404, "ERR_ROLE_NOT_FOUND")
REFUSED = (400, "ERR_BAD_REQUEST")
DENIED = (403, "ERR_ROLE_DELETE_DENIED")

FULL = {
    "role": "teacher",
    "name": "Teacher",
    "description": "Teaches",
    "metadata": {"email": "t@example.com"},
    "settings": {"listUsers": "all", "sendMessagesTo": "friendsOnly"},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator at a certain time."""
    with Emulator(clock=lambda: 1_700_000_000.0) as service:
        yield service


def call(service: Emulator, method: str, path: str = "", body: object = None) -> Answer:
    """Make a call below /roles with the REST API key."""
    return ask(service, method, f"/v3/roles{path}", body, apikey=service.rest_api_key)


def create_user(service: Emulator, uid: str, **fields: Any) -> Answer:
    """Create a user."""
    body = {"uid": uid, "name": "N", **fields}
    return ask(service, "POST", "/v3/users", body, apikey=service.rest_api_key)


def test_an_app_begins_with_the_default_role(emulator: Emulator) -> None:
    """The role of new users must be there."""
    answer = call(emulator, "GET")
    assert [role["role"] for role in answer.data] == ["default"]
    assert answer.body["meta"]["pagination"]["total"] == 1


def test_a_role_is_kept_as_it_was_made(emulator: Emulator) -> None:
    """Every field must come back, and those that were not given must be left out."""
    made = call(emulator, "POST", body=FULL).data
    assert made == {**FULL, "createdAt": 1_700_000_000}
    assert call(emulator, "GET", "/teacher").data == made
    bare = call(emulator, "POST", body={"role": "pupil", "name": "P"}).data
    assert bare == {"role": "pupil", "name": "P", "createdAt": 1_700_000_000}
    assert [role["role"] for role in call(emulator, "GET").data] == ["default", "teacher", "pupil"]
    assert [role["role"] for role in call(emulator, "GET", "?perPage=1&page=2").data] == ["teacher"]


def test_ids_are_in_lower_case(emulator: Emulator) -> None:
    """A role's id must be kept in lower case, and found in any."""
    assert call(emulator, "POST", body={"role": "TeaCher", "name": "T"}).data["role"] == "teacher"
    assert call(emulator, "GET", "/TEACHER").data["role"] == "teacher"
    assert create_user(emulator, "kevin", role="Teacher").data["role"] == "teacher"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"role": None}, "role"),
        ({"role": "no role"}, "role"),
        ({"role": "r" * 101}, "role"),
        ({"role": "default"}, "role"),
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"description": "d" * 256}, "description"),
        ({"description": 7}, "description"),
        ({"metadata": []}, "metadata"),
        ({"settings": "all"}, "settings"),
    ],
)
def test_unusable_fields_are_named(emulator: Emulator, fields: dict[str, Any], field: str) -> None:
    """What a role cannot have must be refused by its field."""
    refused = call(emulator, "POST", body={**FULL, **fields})
    assert refused.refusal == REFUSED
    assert list(refused.body["error"]["details"]) == [field]
    assert len(call(emulator, "GET").data) == 1


def test_a_role_can_be_changed(emulator: Emulator) -> None:
    """The given fields must change, the others stay, and the id for ever."""
    made = call(emulator, "POST", body=FULL).data
    changed = call(emulator, "PUT", "/teacher", {"name": "T", "role": "other"}).data
    assert changed == {**made, "name": "T", "updatedAt": 1_700_000_000}
    assert call(emulator, "PUT", "/teacher", {"name": " "}).refusal == REFUSED
    assert call(emulator, "GET", "/teacher").data == changed
    assert call(emulator, "PUT", "/default", {"description": "All"}).status == 200


def test_a_role_can_be_deleted(emulator: Emulator) -> None:
    """A deleted role must be gone, for new users as well."""
    call(emulator, "POST", body=FULL)
    assert call(emulator, "DELETE", "/teacher").data["success"] is True
    assert create_user(emulator, "kevin", role="teacher").refusal == REFUSED
    for method in ("GET", "PUT", "DELETE"):
        assert call(emulator, method, "/teacher", {}).refusal == ABSENT


def test_the_default_role_cannot_be_deleted(emulator: Emulator) -> None:
    """New users need a role: that one must stay."""
    assert call(emulator, "DELETE", "/Default").refusal == DENIED
    assert create_user(emulator, "kevin").status == 200


@pytest.mark.parametrize("deactivated", [False, True])
def test_a_role_in_use_cannot_be_deleted(emulator: Emulator, deactivated: bool) -> None:
    """While a user has the role, deactivated or not, it must stay; then it can go."""
    call(emulator, "POST", body=FULL)
    create_user(emulator, "kevin", role="teacher")
    if deactivated:
        emulator.deactivate_user("kevin")
    assert call(emulator, "DELETE", "/teacher").refusal == DENIED
    if deactivated:
        emulator.reactivate_user("kevin")
    emulator.delete_user("kevin")
    assert call(emulator, "DELETE", "/teacher").status == 200


def test_an_app_has_25_roles_at_most(emulator: Emulator) -> None:
    """The 26th role must be refused by its code."""
    for number in range(24):
        assert call(emulator, "POST", body={"role": f"r{number}", "name": "R"}).status == 200
    refused = call(emulator, "POST", body={"role": "one-more", "name": "R"})
    assert refused.refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
    assert "25 roles" in refused.body["error"]["message"]


def test_unknown_parts_of_the_api_are_named() -> None:
    """What is not imitated must answer that there is no such API, even with a good key."""
    with Emulator() as service:
        for path in ("/groups", "/messages", "/users/cometchat-uid-1/friends", "/roles/a/b"):
            answer = ask(service, "GET", f"/v3{path}", apikey=service.rest_api_key)
            assert answer.refusal == (404, "ERR_API_NOT_FOUND")
        for path in ("/roles", "/apikeys"):
            answer = ask(service, "PATCH", f"/v3{path}", apikey=service.rest_api_key)
            assert answer.refusal == (404, "ERR_API_NOT_FOUND")
