"""Seeds and exports: what apps begin with, as a file or a mapping says it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth.emulator import Emulator

from .test_emulator_http import ask

DEFAULTS = [f"cometchat-uid-{number}" for number in range(1, 6)]

FULL: dict[str, Any] = {
    "roles": [
        {"role": "teacher", "name": "Teacher", "description": "D", "createdAt": 1_600_000_000}
    ],
    "apiKeys": [{"apiKey": "k" * 40, "name": "Night job", "scope": "fullAccess"}],
    "users": [
        {
            "uid": "Kevin",
            "name": "Kevin K",
            "role": "TEACHER",
            "avatar": "https://example.com/a.png",
            "link": "https://example.com",
            "statusMessage": "Hi",
            "metadata": {"@private": {"email": "k@example.com"}},
            "tags": ["a", "b"],
            "createdAt": 1_600_000_001,
            "updatedAt": 1_600_000_002,
            "authTokens": [
                "kevin-token",
                {"authToken": "kevin-phone", "platform": "PYTHON", "createdAt": 1_600_000_003},
            ],
        },
        {"uid": "gone", "name": "Gone", "deactivated": True},
    ],
}


def uids(service: Any) -> list[str]:
    """Return the uids of the active users."""
    return [user["uid"] for user in service.users()]


def write(folder: Path, document: object) -> Path:
    """Write a seed to a file."""
    path = folder / "seed.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize("kind", ["mapping", "path", "text"])
def test_e2_an_app_begins_with_its_seed(tmp_path: Path, kind: str) -> None:
    """Users, tokens, roles and keys of a seed must be there, with chosen uids, and no others."""
    path = write(tmp_path, FULL)
    seed: Any = {"mapping": FULL, "path": path, "text": str(path)}[kind]
    with Emulator(seed=seed, clock=lambda: 1_700_000_000.0) as service:
        assert uids(service) == ["kevin"]
        assert ask(service, "GET", "/v3/users/kevin", apikey="k" * 40).data == {
            **{name: value for name, value in FULL["users"][0].items() if name != "authTokens"},
            "uid": "kevin",
            "role": "teacher",
            "status": "offline",
        }
        for token in ("kevin-token", "kevin-phone"):
            assert ask(service, "GET", "/v3/me", authToken=token).data["uid"] == "kevin"
        (gone,) = service.users(deactivated=True)
        assert (gone["uid"], gone["createdAt"]) == ("gone", 1_700_000_000)
        role = ask(service, "GET", "/v3/roles/teacher", apikey="k" * 40).data
        assert role == FULL["roles"][0]


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (None, DEFAULTS),
        ({}, []),
        ({"users": []}, []),
        ({"defaultUsers": True}, DEFAULTS),
        ({"defaultUsers": True, "users": [{"uid": "k", "name": "K"}]}, [*DEFAULTS, "k"]),
        ({"defaultUsers": False}, []),
    ],
)
def test_the_five_users_come_when_asked_for(seed: Any, expected: list[str]) -> None:
    """The users of a new app must be there without a seed, or if the seed wants them."""
    assert uids(Emulator(seed=seed)) == expected


def test_the_order_of_a_seed_is_the_order_of_the_list() -> None:
    """Users must be listed by their times of creation, and as they stand in the seed."""
    seed = {
        "users": [
            {"uid": "c", "name": "C"},
            {"uid": "a", "name": "A"},
            {"uid": "old", "name": "O", "createdAt": 5},
        ]
    }
    assert uids(Emulator(seed=seed)) == ["old", "c", "a"]


def test_a_seed_may_name_its_apps() -> None:
    """Each app of a seed must begin with its part, and the first one be the emulator."""
    seed = {
        "apps": {
            "one": {"users": [{"uid": "a", "name": "A"}]},
            "two": {"users": [{"uid": "b", "name": "B"}]},
        }
    }
    service = Emulator(seed=seed)
    assert {app_id: uids(app) for app_id, app in service.apps.items()} == {
        "one": ["a"],
        "two": ["b"],
    }
    assert service.app_id == "one"
    assert list(Emulator(seed=seed, app_id="two").apps) == ["two", "one"]
    assert uids(Emulator().add_app("two", seed=seed)) == ["b"]
    with pytest.raises(ValueError, match="has no app three: it has one, two"):
        Emulator(seed=seed, app_id="three")
    with pytest.raises(ValueError, match="has no app three"):
        Emulator().add_app("three", seed=seed)


def test_keys_of_a_seed_are_the_apps_keys() -> None:
    """The first key of each scope must be the app's, unless others are given."""
    keys = [
        {"apiKey": "r" * 40, "name": "R", "scope": "fullAccess"},
        {"apiKey": "a" * 40, "name": "A"},
    ]
    service = Emulator(seed={"apiKeys": keys})
    assert (service.auth_key, service.rest_api_key) == ("a" * 40, "r" * 40)
    with Emulator(seed={"apiKeys": keys}, auth_key="b" * 40) as service:
        assert service.auth_key == "b" * 40
        listed = ask(service, "GET", "/v3/apikeys", apikey="r" * 40).data
        assert [key["name"] for key in listed] == ["Auth Key", "R", "A"]
    nameless = [{"name": "Mine", "scope": "fullAccess"}, {"name": "More", "scope": "fullAccess"}]
    with Emulator(seed={"apiKeys": nameless}, rest_api_key="c" * 40) as service:
        listed = ask(service, "GET", "/v3/apikeys", apikey="c" * 40).data
        assert [key["name"] for key in listed] == ["Auth Key", "Mine", "More"]
        assert listed[1]["apiKey"] == "c" * 40
        assert len({key["apiKey"] for key in listed}) == 3
    with pytest.raises(ValueError, match="has another scope in the seed") as caught:
        Emulator(seed={"apiKeys": keys}, auth_key="r" * 40)
    assert "r" * 40 not in str(caught.value)


def test_a_seed_may_be_what_the_service_answers() -> None:
    """Users as the service lists them must be usable as they are."""
    with Emulator() as source:
        listed = ask(source, "GET", "/v3/users?withTags=1", apikey=source.rest_api_key).data
    listed[0].update(hasBlockedMe=False, blockedByMe=False, deactivatedAt=0, lastActiveAt=5)
    copy = Emulator(seed={"users": listed})
    assert copy.users() == [
        {name: value for name, value in user.items() if name in copy.user(user["uid"])}
        for user in listed
    ]
    assert uids(copy) == DEFAULTS


BAD: list[tuple[Any, str]] = [
    ({"users": {}}, r"users: The users must be an array\."),
    ({"users": ["kevin"]}, r"users\[0\]: It must be an object\."),
    ({"users": [{"name": "N"}]}, r"users\[0\]\.uid: The uid field is required\."),
    (
        {"users": [{"uid": "a", "name": "A"}, {"uid": "b c", "name": "B"}]},
        r"users\[1\]\.uid: The uid may only contain",
    ),
    ({"users": [{"uid": "a", "name": "n" * 101}]}, r"users\[0\]\.name: .*longer than 100"),
    ({"users": [{"uid": "a", "name": "A", "role": "none"}]}, r"users\[0\]\.role: .*not exist"),
    ({"users": [{"uid": "a", "name": "A", "link": "x"}]}, r"users\[0\]\.link: .*valid URL"),
    ({"users": [{"uid": "a", "name": "A", "tags": "t"}]}, r"users\[0\]\.tags: .*an array"),
    ({"users": [{"uid": "a", "name": "A", "createdAt": "now"}]}, r"users\[0\]\.createdAt: "),
    ({"users": [{"uid": "a", "name": "A", "createdAt": True}]}, r"users\[0\]\.createdAt: "),
    ({"users": [{"uid": "a", "name": "A", "updatedAt": -1}]}, r"users\[0\]\.updatedAt: "),
    ({"users": [{"uid": "a", "name": "A", "deactivated": 1}]}, r"users\[0\]\.deactivated: "),
    ({"users": [{"uid": "a", "name": "A", "nmae": "B"}]}, r"users\[0\]\.nmae: There is no such"),
    (
        {"users": [{"uid": "a", "name": "A"}, {"uid": "A", "name": "B"}]},
        r"users\[1\]\.uid: It is that of users\[0\] as well\.",
    ),
    (
        {"defaultUsers": True, "users": [{"uid": "cometchat-uid-1", "name": "A"}]},
        r"users\[0\]\.uid: It is that of defaultUsers as well\.",
    ),
    ({"users": [{"uid": "a", "name": "A", "authTokens": "t"}]}, r"users\[0\]\.authTokens: "),
    (
        {"users": [{"uid": "a", "name": "A", "authTokens": ["t", "a b"]}]},
        r"users\[0\]\.authTokens\[1\]\.authToken: ",
    ),
    (
        {"users": [{"uid": "a", "name": "A", "authTokens": [{"token": "t"}]}]},
        r"users\[0\]\.authTokens\[0\]\.token: There is no such field",
    ),
    (
        {"users": [{"uid": "a", "name": "A", "authTokens": ["t", "t"]}]},
        r"users\[0\]\.authTokens\[1\]: It is that of users\[0\]\.authTokens\[0\] as well\.",
    ),
    (
        {"users": [{"uid": "a", "name": "A", "authTokens": [f"t{n}" for n in range(101)]}]},
        r"users\[0\]\.authTokens: A user can have 100 auth tokens\.",
    ),
    (
        {"users": [{"uid": "a", "name": "A", "deactivated": True, "authTokens": ["t"]}]},
        r"users\[0\]\.authTokens: A deactivated user has no auth tokens\.",
    ),
    ({"roles": [{"role": "r"}]}, r"roles\[0\]\.name: The name field is required\."),
    (
        {"roles": [{"role": "r", "name": "R"}, {"role": "R", "name": "R"}]},
        r"roles\[1\]\.role: It is that of roles\[0\] as well\.",
    ),
    (
        {"roles": [{"role": f"r{n}", "name": "R"} for n in range(25)]},
        r"roles: An app can have 25, and these would be 26\.",
    ),
    ({"apiKeys": [{"name": "K", "scope": "all"}]}, r"apiKeys\[0\]\.scope: "),
    ({"apiKeys": [{"name": "K", "apiKey": "a b"}]}, r"apiKeys\[0\]\.apiKey: "),
    (
        {"apiKeys": [{"name": "K", "apiKey": "k"}, {"name": "L", "apiKey": "k"}]},
        r"apiKeys\[1\]\.apiKey: It is that of apiKeys\[0\] as well\.",
    ),
    ({"apiKeys": [{"name": "K"}] * 25}, r"apiKeys: An app can have 25, and these would be 26\."),
    ({"user": []}, r"user: There is no such field; known: apiKeys, defaultUsers, roles, users\."),
    ({"defaultUsers": "yes"}, r"defaultUsers: The defaultUsers must be true or false\."),
    ({"apps": {"one": {"users": [{}]}}}, r"apps\.one\.users\[0\]\.uid: The uid field is required"),
    ({"apps": {"one": []}}, r"apps\.one: It must be an object\."),
    ({"apps": {}}, r'has "apps", which must be its only field'),
    ({"apps": {"one": {}}, "users": []}, r'has "apps", which must be its only field'),
    ([], r"is not a JSON object"),
]


@pytest.mark.parametrize(("seed", "match"), BAD)
def test_unusable_seeds_name_file_place_and_reason(tmp_path: Path, seed: Any, match: str) -> None:
    """What a seed cannot have must be a ValueError that says in which file, where and why."""
    path = write(tmp_path, seed)
    with pytest.raises(ValueError, match=match) as caught:
        Emulator(seed=path)
    assert str(path) in str(caught.value)
    if isinstance(seed, dict):
        with pytest.raises(ValueError, match=match):
            Emulator(seed=seed)


def test_complaints_come_together() -> None:
    """All that is wrong must be told at once; from the eleventh complaint on it is counted."""
    with pytest.raises(ValueError, match="and 20 more") as caught:
        Emulator(seed={"users": [{"uid": "a b"}] * 15})
    assert str(caught.value).count("\n") == 11


def test_complaints_tell_no_secrets() -> None:
    """A key or a token of a seed must not be in what is said about it."""
    secret = "very secret \u00e9"
    seed = {
        "apiKeys": [{"name": "K", "apiKey": secret}],
        "users": [{"uid": "a", "name": "A", "authTokens": [secret, {"authToken": secret}]}],
    }
    with pytest.raises(ValueError, match="visible ASCII") as caught:
        Emulator(seed=seed)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b'{"users": [\n  {"uid": "a" "b"}\n]}', "is not JSON: line 2, column 15"),
        (b"", "is not JSON: line 1, column 1"),
        (b"\xff\xfe", "is not encoded in UTF-8"),
        (b'{"users": [{"uid": "a", "name": "\\ud800"}]}', "what JSON cannot hold"),
        (b'{"users": NaN}', "what JSON cannot hold"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_unreadable_seeds_are_named(tmp_path: Path, content: bytes, match: str) -> None:
    """A file that is no JSON must be a ValueError that names the file, and the line if it can."""
    path = tmp_path / "seed.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match) as caught:
        Emulator(seed=path)
    assert str(path) in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        Emulator(seed=tmp_path / "absent.json")


def test_seeds_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    """A file as some editors save it must be read."""
    path = tmp_path / "seed.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"users": [{"uid": "a", "name": "Ä"}]}'.encode())
    assert Emulator(seed=path).user("a")["name"] == "Ä"


def test_a_mapping_is_copied() -> None:
    """What happens to a mapping afterwards must not change what a reset restores."""
    seed: dict[str, Any] = {"users": [{"uid": "a", "name": "A", "tags": ("t",)}]}
    service = Emulator(seed=seed)
    seed["users"].clear()
    service.reset()
    assert service.user("a")["tags"] == ["t"]


def test_an_export_without_secrets_has_none(tmp_path: Path) -> None:
    """Keys and tokens must be in an export only if they are asked for."""
    service = Emulator(seed=FULL, auth_key="a" * 40)
    token = service.create_auth_token("kevin")
    secret = [token, "kevin-token", "a" * 40, "k" * 40]
    assert not any(value in json.dumps(service.export()) for value in secret)
    service.export_to(tmp_path / "plain.json")
    service.export_to(tmp_path / "all.json", secrets=True)
    assert not any(value in (tmp_path / "plain.json").read_text() for value in secret)
    assert all(value in (tmp_path / "all.json").read_text() for value in secret)
    names = [key["name"] for key in service.export()["apps"]["emulator-app"]["apiKeys"]]
    assert names == ["Auth Key", "Night job"]


def test_an_export_can_be_a_seed(tmp_path: Path) -> None:
    """An emulator seeded with an export must be the same, and without secrets but for those."""
    source = Emulator(seed=FULL, app_id="mine")
    source.add_app("other").create_auth_token("cometchat-uid-3")
    source.deactivate_user("kevin")
    path = tmp_path / "export.json"
    source.export_to(path, secrets=True)
    copy = Emulator(seed=path)
    assert copy.export(secrets=True) == source.export(secrets=True)
    assert (copy.auth_key, copy.rest_api_key) == (source.auth_key, source.rest_api_key)
    source.export_to(path)
    stranger = Emulator(seed=path)
    assert stranger.export() == source.export()
    assert stranger.auth_key != source.auth_key


def test_an_export_file_is_whole_and_private(tmp_path: Path) -> None:
    """An export must take the place of an older file at once, and be its owner's alone."""
    path = tmp_path / "export.json"
    path.write_text("old")
    path.chmod(0o644)
    service = Emulator()
    service.export_to(path)
    assert json.loads(path.read_text("utf-8")) == service.export()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileNotFoundError) as caught:
        service.export_to(tmp_path / "nowhere" / "export.json")
    assert caught.value.filename == str(tmp_path / "nowhere" / "export.json")
    with pytest.raises(IsADirectoryError):
        service.export_to(tmp_path)
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["export.json"]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
UID = st.text("abcDEF012_-", min_size=1, max_size=12)
SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
TIME = st.integers(0, 2_000_000_000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
TOKEN = st.fixed_dictionaries(
    {"authToken": SECRET},
    optional={"createdAt": TIME, "platform": TEXT, "deviceId": TEXT, "appInfo": OBJECT},
)
ROLE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"role": UID.filter(lambda role: role.lower() != "default"), "name": TEXT},
    optional={"description": TEXT, "metadata": OBJECT, "settings": OBJECT, "updatedAt": TIME},
)
KEY = st.fixed_dictionaries(
    {"name": TEXT},
    optional={"apiKey": SECRET, "scope": st.sampled_from(["authOnly", "fullAccess"])},
)


@st.composite
def seeds(draw: st.DrawFn) -> dict[str, Any]:
    """Return a seed that can be used."""
    roles = draw(st.lists(ROLE, max_size=3, unique_by=lambda role: role["role"].lower()))
    user: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {"uid": UID, "name": TEXT},
        optional={
            "role": st.sampled_from(["default", *(role["role"] for role in roles)]),
            "statusMessage": TEXT,
            "metadata": OBJECT,
            "tags": st.lists(TEXT, max_size=3),
            "createdAt": TIME,
            "updatedAt": TIME,
            "deactivated": st.booleans(),
        },
    )
    users = draw(st.lists(user, max_size=4, unique_by=lambda user: user["uid"].lower()))
    tokens = draw(st.lists(TOKEN, max_size=4, unique_by=lambda token: token["authToken"]))
    active = [user for user in users if not user.get("deactivated")]
    for token in tokens if active else ():
        draw(st.sampled_from(active)).setdefault("authTokens", []).append(token)
    keys = draw(st.lists(KEY, max_size=3, unique_by=lambda key: key.get("apiKey", key["name"])))
    return {"roles": roles, "users": users, "apiKeys": keys}


@settings(max_examples=150, deadline=None)
@given(seed=seeds())
def test_any_export_can_be_a_seed(seed: dict[str, Any]) -> None:
    """Whatever an app knows, an export and a seed must carry it over to another emulator."""
    source = Emulator(seed=seed)
    export = source.export(secrets=True)
    copy = Emulator(seed=export, clock=lambda: 0)
    assert copy.export(secrets=True) == export
    assert copy.users() == source.users()
    assert (copy.auth_key, copy.rest_api_key) == (source.auth_key, source.rest_api_key)
    assert Emulator(seed=source.export()).export() == source.export()


@settings(max_examples=150, deadline=None)
@given(
    document=st.dictionaries(
        st.sampled_from(["users", "roles", "apiKeys", "defaultUsers", "apps", "x"]),
        JSON
        | st.lists(st.fixed_dictionaries({}, optional={"uid": JSON, "name": JSON, "role": JSON}))
        | st.lists(
            st.fixed_dictionaries(
                {"uid": UID, "name": TEXT}, optional={"authTokens": JSON, "createdAt": JSON}
            )
        ),
        max_size=3,
    )
)
def test_any_document_is_used_or_refused(document: dict[str, Any]) -> None:
    """Whatever JSON comes as a seed, it must be used or be a ValueError, never another error."""
    try:
        service = Emulator(seed=document)
    except ValueError:
        return
    assert service.export()["apps"]
