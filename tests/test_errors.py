"""The exceptions: one tree, a code for each, fit to travel."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Final

import pytest

from cometchat_auth import errors
from cometchat_auth.errors import (
    AuthenticationError,
    CometChatException,
    RateLimitError,
    ServiceError,
    service_error,
)

_ALL: Final[list[type[CometChatException]]] = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, CometChatException)
]


@pytest.mark.parametrize("kind", _ALL)
def test_k3_exceptions_survive(kind: type[CometChatException]) -> None:
    """Every exception survives pickle and copy, with every field."""
    fields: dict[str, Any] = {
        "details": {"uid": ["no"]},
        "http_status": 400,
        "retryable": True,
        "retry_after": 1.5,
        "reason": "lost",
    }
    error = kind("ERR_X", "What happened.", **fields)
    error.__cause__ = OSError("CANARY")
    copies = [pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)]  # noqa: S301
    for other in copies:
        assert type(other) is kind
        assert other._fields() == error._fields()
        assert str(other) == str(error) == "[ERR_X] What happened."
        assert repr(other) == repr(error)
    assert b"CANARY" not in pickle.dumps(error)


@pytest.mark.parametrize("kind", _ALL)
def test_one_tree(kind: type[CometChatException]) -> None:
    """Every exception is documented in the tree at the top, and its name is its code."""
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind("ERR_X", "m").name == "ERR_X"


@pytest.mark.parametrize(
    ("code", "status", "kind", "retryable"),
    [
        ("ERR_UID_NOT_FOUND", 404, ServiceError, False),
        ("ERR_NEVER_HEARD_OF", 418, ServiceError, False),
        ("ERR_MISSION_FAILED", 500, ServiceError, False),
        ("ERR_EXCEPTION", 503, ServiceError, True),
        ("AUTH_ERR_APIKEY_NOT_FOUND", 401, AuthenticationError, False),
        ("AUTH_ERR_NO_ACCESS", 403, AuthenticationError, False),
        ("ERR_UNAUTHORIZED", 401, AuthenticationError, False),
        ("ERR_TOO_MANY_REQUESTS", 429, RateLimitError, True),
        ("TOO_MANY_REQUEST", 400, RateLimitError, True),
        ("AUTH_ERR_X", 429, RateLimitError, True),
    ],
)
def test_code_to_class(
    code: str, status: int, kind: type[CometChatException], retryable: bool
) -> None:
    """The class says what kind of trouble it is; the code stays the service's own."""
    error = service_error(code, "m", http_status=status)
    assert (type(error), error.code, error.retryable) == (kind, code, retryable)


def test_details_are_a_copy() -> None:
    """What is done to the given details afterwards does not reach the error."""
    details = {"a": 1}
    error = CometChatException("X", "m", details=details)
    details["b"] = 2
    assert error.details == {"a": 1}
