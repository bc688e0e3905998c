"""Lists of users, users on behalf of others, and many users deactivated at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth.emulator import Emulator, _user_rows
from cometchat_auth.emulator._database import Database
from cometchat_auth.emulator._records import Page, Standing, UserFilter

from .test_emulator_http import Answer, ask, connect

INDEXES = {
    Standing.ACTIVE: "active_users",
    Standing.DEACTIVATED: "deactivated_users",
    Standing.ANY: "users_in_order",
}
SEEDED = [f"cometchat-uid-{number}" for number in range(1, 6)]


def rest(service: Emulator, method: str, path: str, body: object = None) -> Answer:
    """Make a call with the REST API key."""
    return ask(service, method, f"/v3{path}", body, apikey=service.rest_api_key)


def on_behalf_of(service: Emulator, uid: str) -> Answer:
    """Read the user `ada` on behalf of another one."""
    return ask(service, "GET", "/v3/users/ada", apikey=service.rest_api_key, onBehalfOf=uid)


def listed(service: Emulator, query: str = "") -> list[str]:
    """Return the uids that a list holds."""
    return [user["uid"] for user in rest(service, "GET", f"/users?{query}").data]


@pytest.fixture
def crowd() -> Iterator[Emulator]:
    """Run an emulator with users to look for."""
    with Emulator(roles=["Teacher", "Pupil"]) as service:
        service.create_user("ada", "Ada Byron", role="teacher", tags=["math", "first"])
        service.create_user("bob", "adam 100%", role="pupil", tags=["math"])
        service.create_user("a_c", "Ångström", tags=["Physics, applied", "first"])
        service.create_user("abc", "ZOË_1", role="pupil", tags=["math2"])
        yield service


def test_lists_the_active_users_in_the_order_of_creation(crowd: Emulator) -> None:
    """Without any wish the list must hold all active users, the oldest first, and say so."""
    crowd.deactivate_user("bob")
    answer = rest(crowd, "GET", "/users")
    assert [user["uid"] for user in answer.data] == [*SEEDED, "ada", "a_c", "abc"]
    assert list(answer.body) == ["data", "meta"]
    assert answer.body["meta"] == {
        "pagination": {
            "total": 8,
            "count": 8,
            "per_page": 100,
            "current_page": 1,
            "total_pages": 1,
        }
    }


def test_the_order_outlives_changes(crowd: Emulator) -> None:
    """A change, a deactivation and its end must not move a user in the list."""
    before = listed(crowd)
    rest(crowd, "PUT", "/users/ada", {"name": "Lovelace"})
    crowd.deactivate_user("bob")
    crowd.reactivate_user("bob")
    assert listed(crowd) == before


def test_items_are_the_users_without_tags(crowd: Emulator) -> None:
    """An item must be what GET /users/{uid} answers; the tags are there if asked for."""
    whole = rest(crowd, "GET", "/users/ada").data
    (item,) = rest(crowd, "GET", "/users?searchKey=ada&searchIn=uid&withTags=false").data
    assert item == {key: value for key, value in whole.items() if key != "tags"}
    for yes in ("true", "1"):
        path = f"/users?searchKey=ada&searchIn=uid&withTags={yes}"
        assert rest(crowd, "GET", path).data == [whole]


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ("searchKey=ada", ["ada", "bob"]),
        ("searchKey=ADA", ["ada", "bob"]),
        ("searchKey=ada%20b", ["ada"]),
        ("searchKey=Byron", []),
        ("searchKey=a", ["cometchat-uid-1", "ada", "bob", "a_c", "abc"]),
        ("searchKey=a&searchIn=uid", ["ada", "a_c", "abc"]),
        ("searchKey=ada&searchIn=name", ["ada", "bob"]),
        ("searchKey=bob&searchIn=name", []),
        ("searchKey=ada&searchIn=name,uid", ["ada", "bob"]),
        ("searchKey=bob&searchIn=name&searchIn=uid", ["bob"]),
        ("searchKey=bob&searchIn[]=name&searchIn%5B%5D=uid", ["bob"]),
        ("searchKey=%C3%A5NG", ["a_c"]),
        ("searchKey=zo%C3%8b", ["abc"]),
        # What is a wildcard to the database is a character to people.
        ("searchKey=a_", ["a_c"]),
        ("searchKey=%25", []),
        ("searchKey=adam%20100%25", ["bob"]),
        ("searchKey='", []),
        ("searchKey=%00", []),
        ("searchKey=%FF", []),
        ("searchKey=", [*SEEDED, "ada", "bob", "a_c", "abc"]),
        ("searchIn=uid", [*SEEDED, "ada", "bob", "a_c", "abc"]),
        ("role=teacher", ["ada"]),
        ("role=TEACHER", ["ada"]),
        ("roles=teacher,pupil", ["ada", "bob", "abc"]),
        ("roles=teacher&roles=pupil", ["ada", "bob", "abc"]),
        ("roles[]=pupil", ["bob", "abc"]),
        ("roles=pupil&role=teacher", ["ada", "bob", "abc"]),
        ("role=unheard-of", []),
        ("tags=math", ["ada", "bob"]),
        ("tags=math,first", ["ada", "bob", "a_c"]),
        ("tags[]=math&tags[]=first", ["ada", "bob", "a_c"]),
        ("tags=%20first%20,,", ["ada", "a_c"]),
        ("tags=%22math%22", []),
        ("tags=mat", []),
        ("tags=", [*SEEDED, "ada", "bob", "a_c", "abc"]),
        ("tags=math&role=pupil&searchKey=a", ["bob"]),
        ("status=offline&role=pupil", ["bob", "abc"]),
        ("status=available", []),
        ("inventedHere=1&role=teacher", ["ada"]),
        ("count=true&role=teacher", ["ada"]),
    ],
)
def test_lists_hold_what_is_asked_for(crowd: Emulator, query: str, uids: list[str]) -> None:
    """Each wish must leave those whom it means, in order, and be counted in the totals."""
    answer = rest(crowd, "GET", f"/users?{query}")
    assert [user["uid"] for user in answer.data] == uids
    pagination = answer.body["meta"]["pagination"]
    assert (pagination["total"], pagination["count"]) == (len(uids), len(uids))


def test_deactivated_users_are_listed_when_asked_for(crowd: Emulator) -> None:
    """Deactivated users must be listed by wish only, with the time; nobody else has one."""
    rest(crowd, "DELETE", "/users", {"uidsToDeactivate": ["ada", "abc"]})
    only = rest(crowd, "GET", "/users?onlyDeactivated=true").data
    assert [user["uid"] for user in only] == ["ada", "abc"]
    assert all(user["deactivatedAt"] >= user["createdAt"] for user in only)
    everyone = rest(crowd, "GET", "/users?withDeactivated=true").data
    assert [user["uid"] for user in everyone] == [*SEEDED, "ada", "bob", "a_c", "abc"]
    assert [user for user in everyone if "deactivatedAt" in user] == only
    assert listed(crowd, "withDeactivated=true&onlyDeactivated=true") == ["ada", "abc"]
    assert listed(crowd, "withDeactivated=0&onlyDeactivated=false") == [*SEEDED, "bob", "a_c"]


def test_users_are_found_by_the_name_they_have_now(crowd: Emulator) -> None:
    """After a change of name the new one must be found, in any case, and the old one not."""
    rest(crowd, "PUT", "/users/ada", {"name": "Straße"})
    assert listed(crowd, "searchKey=STRASSE") == ["ada"]
    assert listed(crowd, "searchKey=ada%20b") == []


def test_lists_come_in_pages(crowd: Emulator) -> None:
    """Pages must be of the size asked for, the last one shorter, those beyond it empty."""
    sizes = []
    for page in (1, 2, 3, 4, 1_000_000):
        answer = rest(crowd, "GET", f"/users?perPage=4&page={page}")
        pagination = answer.body["meta"]["pagination"]
        sizes.append(pagination.pop("count"))
        assert len(answer.data) == sizes[-1]
        assert pagination == {"total": 9, "per_page": 4, "current_page": page, "total_pages": 3}
    assert sizes == [4, 4, 1, 0, 0]
    assert rest(crowd, "GET", "/users?searchKey=nobody").body["meta"]["pagination"] == {
        "total": 0,
        "count": 0,
        "per_page": 100,
        "current_page": 1,
        "total_pages": 0,
    }


def test_complaints_about_a_query_come_together(crowd: Emulator) -> None:
    """Everything wrong with a query must be told at once, each field with its sentence."""
    answer = rest(crowd, "GET", "/users?perPage=0&status=online&searchIn=tags&withTags=maybe")
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert answer.body["error"]["details"] == {
        "searchIn": ["The searchIn must be an array of any of name, uid."],
        "status": ["The status must be one of available, offline."],
        "perPage": ["The perPage must be a whole number from 1 to 1000."],
        "withTags": ["The withTags must be true or false."],
    }


def test_very_many_users_are_paged_through() -> None:
    """Every one of very many users must come exactly once, in order, on full pages."""
    with Emulator() as service:
        uids = [f"user-{number}" for number in range(10_000)]
        for uid in uids:
            service.create_user(uid, "N")
        connection = connect(service)
        seen: list[str] = []
        for page in range(1, 12):
            path = f"/v3/users?perPage=1000&page={page}"
            answer = ask(service, "GET", path, on=connection, apikey=service.rest_api_key)
            seen += [user["uid"] for user in answer.data]
            assert answer.body["meta"]["pagination"]["total"] == 10_005
        connection.close()
    assert seen == [*SEEDED, *uids]


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("wishes", [{}, {"search": "a"}, {"roles": ("r",)}, {"tags": ("t",)}])
def test_no_list_is_sorted_anew_for_each_page(standing: Standing, wishes: dict[str, Any]) -> None:
    """A page must be read along an index: sorting 100,000 users for each would take too long."""
    database = Database()
    statements: list[str] = []
    with database.of("app").reading() as tables:
        tables.connection.set_trace_callback(statements.append)
        _user_rows.list_page(tables, UserFilter(standing=standing, **wishes), Page(9, 100))
        tables.connection.set_trace_callback(None)
        _, page = statements
        plan = " ".join(row[3] for row in tables.connection.execute(f"EXPLAIN QUERY PLAN {page}"))
    database.close()
    assert f"users USING INDEX {INDEXES[standing]}" in plan
    assert "TEMP B-TREE" not in plan


# Few letters, so that prefixes meet; with case, accents, wildcards and separators.
LETTERS = "aAbBéÉ%_,' "
NAMES = st.text(LETTERS, min_size=1, max_size=4).filter(str.strip)
TAGS = st.lists(st.text("xyX'", min_size=1, max_size=2), max_size=3, unique=True)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "uid": st.text("ab_-", min_size=1, max_size=4),
            "name": NAMES,
            "role": st.sampled_from(["default", "one", "two"]),
            "tags": TAGS,
            "active": st.booleans(),
        }
    ),
    max_size=12,
    unique_by=lambda person: person["uid"],
)
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "searchKey": st.text(LETTERS, max_size=3),
        "searchIn": st.lists(st.sampled_from(["name", "uid"]), max_size=2),
        "roles": st.lists(st.sampled_from(["one", "two", "three"]), max_size=2),
        "tags": TAGS,
        "withDeactivated": st.booleans(),
        "onlyDeactivated": st.booleans(),
    },
)


def matches(person: dict[str, Any], query: dict[str, Any]) -> bool:
    """Tell, in the plainest of ways, whether a query means a person."""
    key = query.get("searchKey", "").casefold()
    searched = query.get("searchIn") or ["name", "uid"]
    if query.get("onlyDeactivated"):
        shown = not person["active"]
    else:
        shown = person["active"] or query.get("withDeactivated", False)
    return (
        shown
        and (not key.strip() or any(person[name].casefold().startswith(key) for name in searched))
        and (not query.get("roles") or person["role"] in query["roles"])
        and (not query.get("tags") or not {*query["tags"]}.isdisjoint(person["tags"]))
    )


def spelled(query: dict[str, Any]) -> str:
    """Return a query as a query string."""
    words = {True: "true", False: "false"}
    return urlencode(
        {
            name: ",".join(value) if isinstance(value, list) else words.get(value, value)
            for name, value in query.items()
        }
    )


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, query=QUERY, size=st.integers(1, 5))
def test_any_list_is_what_a_plain_filter_gives(
    people: list[dict[str, Any]], query: dict[str, Any], size: int
) -> None:
    """For any users and wishes, the pages together must be the users meant, each one once."""
    service = Emulator(roles=["one", "two"])
    for uid in SEEDED:
        service.delete_user(uid)
    for person in people:
        fields = {name: person[name] for name in ("uid", "name", "role", "tags")}
        service.create_user(**fields)
        if not person["active"]:
            service.deactivate_user(person["uid"])
    expected = [person["uid"] for person in people if matches(person, query)]
    seen: list[str] = []
    with service:
        connection = connect(service)
        for page in itertools.count(1):
            path = f"/v3/users?{spelled(query)}&perPage={size}&page={page}"
            answer = ask(service, "GET", path, on=connection, apikey=service.rest_api_key)
            seen += [user["uid"] for user in answer.data]
            if page >= answer.body["meta"]["pagination"]["total_pages"]:
                break
        connection.close()
    assert seen == expected


def test_many_are_deactivated_at_once(crowd: Emulator) -> None:
    """Those it deactivated must be named, in lower case, each once; their tokens are dead."""
    tokens = {uid: crowd.create_auth_token(uid) for uid in ("ada", "bob", "abc")}
    crowd.deactivate_user("a_c")
    body = {"uidsToDeactivate": ["BOB", "nobody", "ada", "a_c", "bob", "not a uid", ""]}
    answer = rest(crowd, "DELETE", "/users", body)
    assert answer.body == {"data": {"deactivatedUids": ["bob", "ada"]}}
    alive = {
        uid: ask(crowd, "GET", "/v3/me", authToken=token).status for uid, token in tokens.items()
    }
    assert alive == {"ada": 401, "bob": 401, "abc": 200}
    assert rest(crowd, "GET", "/users/ada").refusal == (404, "ERR_UID_NOT_FOUND")
    assert rest(crowd, "GET", "/users/abc").status == 200


def test_many_are_reactivated_at_once(crowd: Emulator) -> None:
    """Those it reactivated must be named and be as before, but for the tokens."""
    before = crowd.user("ada")
    token = crowd.create_auth_token("ada")
    rest(crowd, "DELETE", "/users", {"uidsToDeactivate": ["ada", "bob"]})
    answer = rest(crowd, "PUT", "/users", {"uidsToActivate": ["abc", "ADA", "nobody", "ada"]})
    assert answer.body == {"data": {"nonDeactivatedUids": ["ada"]}}
    assert rest(crowd, "GET", "/users/ada").data == before
    assert ask(crowd, "GET", "/v3/me", authToken=token).status == 401
    assert listed(crowd, "onlyDeactivated=true") == ["bob"]


@pytest.mark.parametrize(
    ("method", "field", "told"),
    [
        ("DELETE", "uidsToDeactivate", "deactivatedUids"),
        ("PUT", "uidsToActivate", "nonDeactivatedUids"),
    ],
)
def test_nobody_to_act_on_is_no_error(crowd: Emulator, method: str, field: str, told: str) -> None:
    """A bulk call that finds nobody must succeed and name nobody."""
    answer = rest(crowd, method, "/users", {field: ["nobody"]})
    assert answer.body == {"data": {told: []}}


def test_a_refused_bulk_call_changes_nobody(crowd: Emulator) -> None:
    """A list with something in it that is no string must leave everybody as they are."""
    before = listed(crowd)
    answer = rest(crowd, "DELETE", "/users", {"uidsToDeactivate": ["ada", None]})
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert listed(crowd) == before


def test_users_can_be_read_on_behalf_of_others(crowd: Emulator) -> None:
    """GET of a user must be answered on behalf of anybody who exists, in any case."""
    plain = rest(crowd, "GET", "/users/ada").data
    for uid in ("bob", "ADA", ""):
        assert on_behalf_of(crowd, uid).data == plain


def _deactivate(service: Emulator) -> str:
    service.deactivate_user("bob")
    return "bob"


@pytest.mark.parametrize("prepare", [lambda _: "nobody", _deactivate], ids=["unknown", "gone"])
def test_nobody_acts_on_behalf_of_nobody(
    crowd: Emulator, prepare: Callable[[Emulator], str]
) -> None:
    """On behalf of a user who does not exist, or is deactivated, nobody must be found."""
    uid = prepare(crowd)
    answer = on_behalf_of(crowd, uid)
    assert answer.refusal == (404, "ERR_UID_NOT_FOUND")
    assert f"The UID {uid} does not exist" in answer.body["error"]["message"]
