"""Credentials that do not print themselves, and text freed of credentials."""

from __future__ import annotations

import copy
import json
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometchat_auth._secrets import MASK, Secret, excerpt, redact, redact_all, without_credentials

from .tools import LIMIT


def test_x2_a_secret_does_not_print_itself() -> None:
    """No way of writing it shows it, and it can be neither pickled nor copied."""
    secret = Secret("CANARY")
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>30}",
        str([secret]),
    ]
    assert "CANARY" not in "".join(shown)
    assert secret.reveal() == "CANARY"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(secret)


def test_x2_secrets_compare() -> None:
    """Two of the same text are equal, and nothing else is."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "cometchat-uid-1_1699999999" + "ab12" * 7 + "ff",
        "a_b_1699999999abcdef",
        "eyJhbGciOi.eyJzdWIi.c2lnbmF0",
        "0123456789abcdef" * 2 + "01234567",
        '"authToken":"s3cr3t"',
        '"authToken" : "s3cr3t',
        "apiKey=s3cr3t&x=y",
        "apikey: s3cr3t",
        "{'auth_token': 's3cr3t'}",
        '"jwt": "s3cr3t"',
    ],
)
def test_x2_what_looks_like_a_credential(text: str) -> None:
    """A credential of somebody else's, or one that was just made, is masked by its looks."""
    shown = redact(f"before {text} after")
    assert shown.startswith("before ")
    assert MASK in shown
    assert "s3cr3t" not in shown
    assert "abcdef" not in shown
    assert "ab12" not in shown
    assert "c2lnb" not in shown


@pytest.mark.parametrize(
    "text", ["The UID alice_1 does not exist.", "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"]
)
def test_x2_other_text_stays(text: str) -> None:
    """What is no credential is left as it is."""
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["a/b+c=d", 'q"u\\o', "a&b<c>d", "per%cent"])
def test_x2_spellings(secret: str) -> None:
    """A credential is masked in JSON, PHP's JSON, URLs and HTML as well."""
    import html
    from urllib.parse import quote

    as_json = json.dumps(secret)[1:-1]
    for spelling in (secret, as_json, as_json.replace("/", "\\/"), quote(secret, safe="")):
        assert redact(f"<{spelling}>", [Secret(secret)]) == f"<{MASK}>"
    assert redact(html.escape(secret), [Secret(secret)]) == MASK


def test_x2_the_services_own_mask_of_a_short_credential() -> None:
    """The service shows five characters at either end, which of a short one is most of it."""
    for length in range(11, 41):
        secret = ("ghijklmnop0123456789" * 2)[:length]
        masked = f"{secret[:5]}{'*' * (length - 10)}{secret[-5:]}"
        shown = redact(f"The key {masked} is wrong.", [Secret(secret)])
        assert (secret[:5] in shown) == (length >= 20), length


@given(
    before=st.text(max_size=900),
    secret=st.text("abcXYZ019_-", min_size=8),
    times=st.integers(1, 200),
)
def test_x2_an_excerpt_holds_no_half_of_a_credential(before: str, secret: str, times: int) -> None:
    """However long the text and wherever it is cut, not even half a credential is left."""
    shown = excerpt(before + secret * times, [Secret(secret)], 200)
    assert len(shown) <= 200
    assert secret not in shown
    assert not shown.endswith(secret[:-1])


def test_x2_a_cut_unsent_credential_is_not_shown() -> None:
    """A credential that was not sent and that the cut goes through is not shown by half."""
    key = "0123456789abcdef" * 2 + "01234567"
    for padding in range(800, 860):
        shown = excerpt(f"{key} " * 18 + " " * (padding - 800) + f"{key} tail " * 9, [], 200)
        assert "0123456789" not in shown


@pytest.mark.parametrize("char", ["a", "_", "1", "f", "eyJ", "a_1234567890", '"', "apikey="])
def test_x2_long_texts_take_no_time(char: str) -> None:
    """Megabytes of what nearly looks like a credential are searched in linear time."""
    began = time.monotonic()
    redact(char * (1_000_000 // len(char)))
    excerpt(char * (8_000_000 // len(char)), [Secret("CANARY")], 200)
    assert time.monotonic() - began < LIMIT


def test_x2_values_are_redacted_and_bounded() -> None:
    """Details of any depth and size are freed of credentials and cut."""
    deep: Any = "CANARY"
    for _ in range(500):
        deep = {"CANARY": [deep]}
    value = {"a": deep, "CANARY": "CANARY", "token": "x", "n": 5, "l": ["CANARY" * 999] * 999}
    shown = redact_all(value, [Secret("CANARY")])
    assert "CANARY" not in json.dumps(shown)
    assert (shown["n"], shown["token"], len(shown["l"])) == (5, MASK, 100)


def test_without_credentials() -> None:
    """Fields that are named like a credential are left out, at any depth; all else stays."""
    value = {"a": [{"authToken": 1, "b": 2}], "Password": 3, "c": {"client_secret": 4}}
    assert without_credentials(value) == {"a": [{"b": 2}], "c": {}}
