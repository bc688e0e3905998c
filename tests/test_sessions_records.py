"""Promise S8: whatever is stored, it is a session or no session, and never an exception."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth import CometChat, MemoryStore, User
from cometchat_auth._record import decode, encode
from cometchat_auth._secrets import Secret
from cometchat_auth._session import Session
from cometchat_auth.emulator import Emulator

TOKEN = "cometchat-uid-1_1700000000" + "ab" * 15
# As released in format 1; never to be changed.
FORMAT_1 = (
    '{"format":1,"uid":"cometchat-uid-1","authToken":"' + TOKEN + '","minted":true,'
    '"deviceId":"app_0d1e_1700000000000","name":"Andr\\u00e9","avatar":"https://a.example/1.png",'
    '"link":"https://a.example","role":"default"}'
)
VALID: dict[str, Any] = json.loads(FORMAT_1)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def outcome(record: object) -> Session | None:
    """Return the session in a record, or ``None``; anything else is raised."""
    problem = ""
    try:
        return decode(record)
    except ValueError as error:
        problem = str(error)
    assert TOKEN not in problem
    return None


@given(st.text() | st.binary() | values)
def test_s8_anything(record: object) -> None:
    """Any text, bytes or value at all is no session."""
    assert outcome(record) is None


@given(values)
def test_s8_any_json(value: object) -> None:
    """Any JSON value that is no record is no session."""
    assert outcome(json.dumps(value)) is None


@given(st.dictionaries(st.sampled_from(sorted(VALID)), values), st.sets(st.sampled_from([*VALID])))
def test_s8_dropped_and_retyped(changes: dict[str, Any], dropped: set[str]) -> None:
    """A record with fields missing or of other types is no session, or one that can be written."""
    fields = {**VALID, **changes}
    for field in dropped:
        del fields[field]
    session = outcome(json.dumps(fields))
    if session is not None:
        assert session.user.uid
        assert decode(encode(session)).token == session.token


@given(st.integers(0, len(FORMAT_1) - 1))
def test_s8_truncated(length: int) -> None:
    """The beginning of a record is no session."""
    assert outcome(FORMAT_1[:length]) is None


@given(st.dictionaries(st.text().filter(lambda name: name not in VALID), values, max_size=5))
def test_s8_unknown_fields_survive(unknown: dict[str, Any]) -> None:
    """What a later version has added is written back as it was."""
    session = decode(json.dumps({**VALID, **unknown}))
    written = encode(session)
    assert written.isascii()
    assert repr(json.loads(written)) == repr({**unknown, **VALID})


@given(st.text(max_size=100), st.none() | st.text(), st.booleans())
def test_s8_round_trip(uid: str, name: str | None, minted: bool) -> None:
    """Who is logged in comes out of the record as it went in, whatever the name."""
    session = Session(User(uid or "u", name=name), Secret(TOKEN), minted=minted, device_id="d")
    assert decode(encode(session)) == session


@pytest.mark.parametrize(
    "record",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        FORMAT_1[:-1] + ',"x":' + "[" * 900 + "]" * 900 + "}",
        FORMAT_1.replace('"format":1', '"format":2'),
        FORMAT_1.replace('"format":1', '"format":true'),
        FORMAT_1.replace('"format":1', '"format":"1"'),
        FORMAT_1.replace("cometchat-uid-1", ""),
        FORMAT_1.replace(TOKEN, "two words"),
        FORMAT_1.replace(TOKEN, "line\\nbreak"),
        '{"format":1' + "0" * 5000 + "}",
        "NaN",
    ],
    ids=range(11),
)
def test_s8_nasty(record: str) -> None:
    """Depth, huge numbers, newer formats and tokens that are none make no session."""
    assert outcome(record) is None


def test_s8_format_1() -> None:
    """A session that the first release has stored is still one."""
    session = decode(FORMAT_1)
    assert session.user == User(
        "cometchat-uid-1",
        name="Andr\u00e9",
        avatar="https://a.example/1.png",
        link="https://a.example",
        role="default",
    )
    assert session.token == Secret(TOKEN)
    assert session.minted
    assert session.device_id == "app_0d1e_1700000000000"
    assert encode(session) == FORMAT_1


@pytest.mark.parametrize("record", ["", "[]", "swordfish", '{"format":99}', FORMAT_1[:40]])
def test_s8_logged_and_overwritten(
    record: str,
    chat: CometChat,
    emulator: Emulator,
    store: MemoryStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Garbage is no session, with one warning that does not quote it; a login replaces it."""
    vault = chat._engine.state.vault
    store.save(vault.service_name, vault.profile, record)
    with caplog.at_level(logging.WARNING):
        assert chat.get_logged_in_user() is None
    (entry,) = caplog.records
    assert "no session" in entry.getMessage()
    assert not record or record not in entry.getMessage()
    chat.login("cometchat-uid-1", emulator.auth_key).result()
    assert chat.session_info().user is not None
    assert decode(store.load(vault.service_name, vault.profile)).user.uid == "cometchat-uid-1"


def test_s8_unknown_fields_survive_a_check(
    chat: CometChat, emulator: Emulator, store: MemoryStore
) -> None:
    """A session restored from a later version's record keeps that version's fields."""
    vault = chat._engine.state.vault
    token = emulator.create_auth_token("cometchat-uid-1")
    later = {"format": 1, "uid": "cometchat-uid-1", "authToken": token, "theme": {"dark": [1]}}
    store.save(vault.service_name, vault.profile, json.dumps(later))
    assert chat.check_session().result() is not None
    written = json.loads(store.load(vault.service_name, vault.profile) or "")
    assert written["theme"] == {"dark": [1]}
    assert written["name"]


def test_s8_auth_key_is_never_stored(
    chat: CometChat, emulator: Emulator, store: MemoryStore
) -> None:
    """The record holds the token and not the key."""
    chat.login("cometchat-uid-1", emulator.auth_key).result()
    vault = chat._engine.state.vault
    record = store.load(vault.service_name, vault.profile) or ""
    assert emulator.auth_tokens("cometchat-uid-1")[0] in record
    assert emulator.auth_key not in record
