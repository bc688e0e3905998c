"""The REST API's API keys: made, listed, changed and deleted by other keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth.emulator import Emulator

from .test_emulator_http import Answer, ask

ABSENT = (404, "ERR_APIKEY_NOT_FOUND")
REFUSED = (400, "ERR_BAD_REQUEST")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator() as service:
        yield service


def call(service: Emulator, method: str, path: str = "", body: object = None) -> Answer:
    """Make a call below /apikeys with the REST API key."""
    return ask(service, method, f"/v3/apikeys{path}", body, apikey=service.rest_api_key)


def create(service: Emulator, name: str = "N", **fields: Any) -> Any:
    """Make a key."""
    return call(service, "POST", body={"name": name, **fields}).data


def names(answer: Answer) -> list[str]:
    """Return the names in a list of keys."""
    return [key["name"] for key in answer.data]


def test_an_app_begins_with_two_keys(emulator: Emulator) -> None:
    """The two keys of every new app must be listed with their names and scopes."""
    answer = call(emulator, "GET")
    assert [(key["apiKey"], key["name"], key["scope"]) for key in answer.data] == [
        (emulator.auth_key, "Auth Key", "authOnly"),
        (emulator.rest_api_key, "Rest API Key", "fullAccess"),
    ]
    assert answer.body["meta"]["pagination"] == {
        "total": 2,
        "count": 2,
        "per_page": 100,
        "current_page": 1,
        "total_pages": 1,
    }


@pytest.mark.parametrize("scope", ["authOnly", "fullAccess"])
def test_a_new_key_works_at_once(emulator: Emulator, scope: str) -> None:
    """A key must be 40 hex digits, dated, and good for what its scope allows."""
    made = create(emulator, "Night job", scope=scope)
    assert re.fullmatch(r"[0-9a-f]{40}", made["apiKey"])
    assert (made["name"], made["scope"]) == ("Night job", scope)
    assert isinstance(made["createdAt"], int)
    assert call(emulator, "GET", f"/{made['apiKey']}").data == made
    listed = ask(emulator, "GET", "/v3/users", apikey=made["apiKey"])
    assert listed.status == (200 if scope == "fullAccess" else 403)
    path = "/v3/users/cometchat-uid-1/auth_tokens"
    assert ask(emulator, "POST", path, apikey=made["apiKey"]).status == 200


def test_a_key_without_a_scope_is_for_logins(emulator: Emulator) -> None:
    """CometChat's default scope must be taken where none is given."""
    assert create(emulator)["scope"] == "authOnly"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"name": "N", "scope": "everything"}, "scope"),
        ({"name": "N", "scope": ["authOnly"]}, "scope"),
    ],
)
def test_unusable_fields_are_named(emulator: Emulator, body: object, field: str) -> None:
    """What a key cannot have must be refused by its field, in creation and change."""
    refused = call(emulator, "POST", body=body)
    assert refused.refusal == REFUSED
    assert list(refused.body["error"]["details"]) == [field]
    if body != {}:
        refused = call(emulator, "PUT", f"/{emulator.auth_key}", body)
        assert refused.refusal == REFUSED
    assert len(call(emulator, "GET").data) == 2


def test_keys_are_found_by_scope_and_name(emulator: Emulator) -> None:
    """The list must hold those of the scope and the beginning of a name, in any case."""
    for number in range(3):
        create(emulator, f"Job {number}", scope="fullAccess")
    create(emulator, "job %")
    assert names(call(emulator, "GET", "?scope=authOnly")) == ["Auth Key", "job %"]
    assert names(call(emulator, "GET", "?searchKey=JOB")) == ["Job 0", "Job 1", "Job 2", "job %"]
    assert names(call(emulator, "GET", "?searchKey=job%20%25")) == ["job %"]
    assert names(call(emulator, "GET", "?searchKey=job&scope=fullAccess&perPage=2&page=2")) == [
        "Job 2"
    ]
    assert call(emulator, "GET", "?scope=none").refusal == REFUSED
    assert call(emulator, "GET", "?perPage=0").refusal == REFUSED


def test_a_key_can_be_changed(emulator: Emulator) -> None:
    """Name and scope must change one by one, and the new scope count at once."""
    made = create(emulator)
    path = f"/{made['apiKey']}"
    assert call(emulator, "PUT", path, {"name": "M"}).data == {**made, "name": "M"}
    changed = call(emulator, "PUT", path, {"scope": "fullAccess"}).data
    assert changed == {**made, "name": "M", "scope": "fullAccess"}
    assert call(emulator, "GET", path).data == changed
    assert ask(emulator, "GET", "/v3/users", apikey=made["apiKey"]).status == 200
    assert call(emulator, "PUT", path, {}).data == changed


def test_a_deleted_key_is_dead_at_once(emulator: Emulator) -> None:
    """After its deletion a key must be unknown, also as the initial one, and be told masked."""
    answer = call(emulator, "DELETE", f"/{emulator.auth_key}")
    masked = f"{emulator.auth_key[:5]}{'*' * 30}{emulator.auth_key[-5:]}"
    message = f"The Api Key {masked} has been deleted successfully."
    assert answer.data == {"success": True, "message": message}
    path = "/v3/users/cometchat-uid-1/auth_tokens"
    dead = ask(emulator, "POST", path, apikey=emulator.auth_key)
    assert dead.refusal == (401, "AUTH_ERR_APIKEY_NOT_FOUND")
    assert call(emulator, "DELETE", f"/{emulator.auth_key}").refusal == ABSENT


def test_unknown_keys_are_told_masked(emulator: Emulator) -> None:
    """A key in the path that is not there, or another app's, must be 404 without its value."""
    other = emulator.add_app("second").auth_key
    for key in ("f" * 40, other):
        for method in ("GET", "PUT", "DELETE"):
            refused = call(emulator, method, f"/{key}", {"name": "N"})
            assert refused.refusal == ABSENT
            assert key not in refused.text
    second = ask(emulator, "GET", f"/v3/apikeys/{other}", apikey=emulator.rest_api_key)
    assert second.refusal == ABSENT


def test_a_key_cannot_act_on_itself(emulator: Emulator) -> None:
    """A key must be able to look at itself, but neither to change nor to delete itself."""
    own = f"/{emulator.rest_api_key}"
    assert call(emulator, "GET", own).status == 200
    for method in ("PUT", "DELETE"):
        refused = call(emulator, method, own, {"name": "N"})
        assert refused.refusal == (403, "ERR_APIKEY_NO_SELF_ACTION")
    assert call(emulator, "GET", own).data["name"] == "Rest API Key"


def test_an_app_has_25_keys_at_most(emulator: Emulator) -> None:
    """The 26th key must be refused by its code, until one is deleted."""
    made = [create(emulator, f"{number}") for number in range(23)]
    refused = call(emulator, "POST", body={"name": "N"})
    assert refused.refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
    assert "25 API keys" in refused.body["error"]["message"]
    assert call(emulator, "DELETE", f"/{made[0]['apiKey']}").status == 200
    create(emulator)


def test_keys_can_be_rotated(emulator: Emulator) -> None:
    """A new full key must be able to take the place of the old one, as the documentation has it."""
    fresh = create(emulator, "Rest API Key", scope="fullAccess")["apiKey"]
    old = emulator.rest_api_key
    assert ask(emulator, "DELETE", f"/v3/apikeys/{old}", apikey=fresh).status == 200
    assert ask(emulator, "GET", "/v3/users", apikey=old).status == 401
    assert ask(emulator, "GET", "/v3/users", apikey=fresh).status == 200


NAMES = st.text(st.characters(codec="utf-8"), max_size=102)


@settings(max_examples=60, deadline=None)
@given(name=NAMES, search=st.text("aA%_ßÉé", max_size=2))
def test_any_name_is_kept_or_refused(name: str, search: str) -> None:
    """A name must come back as it was sent, or be refused; a search must find by its beginning."""
    with Emulator() as service:
        answer = call(service, "POST", body={"name": name})
        if not name.strip() or len(name) > 100:
            assert answer.refusal == REFUSED
            return
        assert answer.data["name"] == name
        assert names(call(service, "GET"))[2:] == [name]
        found = call(service, "GET", f"?searchKey={quote(search)}&scope=authOnly")
        wanted = [key for key in ("Auth Key", name) if key.casefold().startswith(search.casefold())]
        assert names(found) == wanted
