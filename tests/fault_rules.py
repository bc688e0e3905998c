"""What must come of each fault for each call: the promises, as rules, apart from the library.

Nothing here is taken from the library but the names of its exceptions.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

from .fault_places import Fault

CALLS: Final = ("mint", "me", "login_token", "logout", "check_session", "create_user", "warm_up")
LOGINS: Final = {"mint", "me", "login_token"}
WHAT: Final = {
    **dict.fromkeys(LOGINS, "log in"),
    "logout": "log out",
    "check_session": "check the session",
    "create_user": "create the user",
    "warm_up": "connect",
}

# Faults that come before a byte of the request has left.
BEFORE: Final = {"unknown", "unreachable", "untrusted", "barred", "mute"}

TRIES: Final = 3  # CometChat's own advice
GATEWAYS: Final = {502, 503, 504}


@attrs.frozen
class Trouble:
    """An error, as a program sees it."""

    error: str
    code: str
    reason: str | None = None
    status: int | None = None
    retryable: bool = False
    retry_after: float | None = None


@attrs.frozen
class Expected:
    """What must be seen of one cell.

    Attributes:
        trouble: The error, or ``None`` for success.
        requests: How many reach the faulty host.
        user: Who is logged in afterwards; before it was bob.
        events: What listeners hear.
        takes_limit: Whether it takes the whole time limit.
    """

    trouble: Trouble | None
    requests: int
    user: str | None
    events: tuple[str, ...]
    takes_limit: bool


def expected(call: str, fault: Fault, timeout: float) -> Expected:
    """Return what must come of a fault in a call with this time limit."""
    dead = fault.code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND" and call in {"logout", "check_session"}
    trouble = None if dead else _trouble(call, fault)
    if trouble is not None and call == "logout":
        trouble = attrs.evolve(trouble, retryable=False)  # the next one has no token to send
    return Expected(
        trouble,
        _requests(call, fault, timeout),
        _user(call, fault, failed=trouble is not None, dead=dead),
        _events(call, failed=trouble is not None, dead=dead),
        takes_limit=fault.how == "mute" or (fault.how == "silent" and call != "warm_up"),
    )


def _trouble(call: str, fault: Fault) -> Trouble | None:
    """N1, N2, N4, N5: the kind of error."""
    if fault.how == "fine" or (call == "warm_up" and fault.how not in BEFORE):
        return None
    if fault.how == "answer":
        return _answered(call, fault)
    if call == "create_user" and fault.how not in BEFORE:
        return Trouble("OutcomeUnknownError", "OUTCOME_UNKNOWN")
    code, reason, retryable = _WITHOUT_ANSWER[fault.how]
    return Trouble("NoAnswerError", code, reason, retryable=retryable)


_WITHOUT_ANSWER: Final = {
    "unknown": ("FAILED_TO_FETCH", "dns", True),
    "unreachable": ("FAILED_TO_FETCH", "connect", True),
    "untrusted": ("FAILED_TO_FETCH", "tls", False),
    "barred": ("FAILED_TO_FETCH", "proxy", True),
    "mute": ("TIMEOUT", "timeout", True),
    "silent": ("TIMEOUT", "timeout", True),
    "lost": ("FAILED_TO_FETCH", "lost", True),
    "not_http": ("ERROR_JSON_EXCEPTION", "unexpected", False),
}


def _answered(call: str, fault: Fault) -> Trouble | None:
    """N3, N4, X1: an answer of any kind."""
    status = fault.status or 0
    retryable = status in GATEWAYS | {429}
    if fault.code is not None:
        kind = "AuthenticationError" if fault.code.startswith("AUTH_ERR_") else "ServiceError"
        return Trouble(kind, fault.code, None, status, retryable, fault.wait)
    if status == 429:
        return Trouble("RateLimitError", "ERR_TOO_MANY_REQUESTS", None, 429, True, fault.wait)
    if 200 <= status < 300 and _is_good_enough(call, fault.body):
        return None
    if 200 <= status < 300 and fault.body == "other" and call != "create_user":
        return Trouble("NoAnswerError", "ERROR_JSON_EXCEPTION", "unexpected")
    if call == "create_user" and not 300 <= status < 500:
        return Trouble("OutcomeUnknownError", "OUTCOME_UNKNOWN", None, status, False, fault.wait)
    code, reason = _unusable(status, fault.body)
    return Trouble("NoAnswerError", code, reason, status, retryable, fault.wait)


def _is_good_enough(call: str, body: str) -> bool:
    """Return whether the service's envelope holds what the call asked for."""
    if call == "logout":  # the service's confirmation has no form that anybody knows
        return body in {"no user", "other"}
    return body == "other" and call in {"mint", "login_token", "create_user"}


def _unusable(status: int, body: str) -> tuple[str, str]:
    if body == "huge":
        return "ERROR_IO_EXCEPTION", "too_large"
    if 300 <= status < 400:
        return "ERROR_IO_EXCEPTION", "redirect"
    if body == "html" and status < 300:
        return "ERROR_JSON_EXCEPTION", "not_json"
    return "ERROR_JSON_EXCEPTION", "unexpected"


def _requests(call: str, fault: Fault, timeout: float) -> int:
    """N2, N3: what is sent, and how often."""
    if call == "warm_up" or fault.how in BEFORE:
        return 0
    may_repeat = call != "create_user"
    if fault.how == "lost":
        return TRIES if may_repeat else 1
    fits = fault.wait is None or fault.wait < timeout
    if fault.status == 429:  # what is over the limit is not carried out
        return TRIES if fits else 1
    return TRIES if fault.status in GATEWAYS and may_repeat and fits else 1


def _user(call: str, fault: Fault, *, failed: bool, dead: bool) -> str | None:
    """S6, S7, S14: a failure ends no session, a logout always does."""
    if call == "logout" or dead:
        return None
    if call not in LOGINS or failed:
        return "bob"
    return "mallory" if fault.body == "other" and call == "login_token" else "alice"


def _events(call: str, *, failed: bool, dead: bool) -> tuple[str, ...]:
    if call in LOGINS:
        return ("login_failure",) if failed else ("login_success",)
    if call == "logout":
        return ("logout_failure",) if failed else ("logout_success",)
    return ("logout_success",) if dead else ()


def is_as_long(found: float | None, asked: float | None) -> bool:
    """Return whether a ``retry_after`` is what the answer asked for, give or take a minute."""
    if found is None or asked is None:
        return found is asked
    return found > 100_000_000 if asked == math.inf else abs(found - asked) < 300
