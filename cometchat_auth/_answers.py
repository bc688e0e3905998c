"""What comes back, turned into data or an error that a person can act on.

Whatever arrives, with whatever status, leaves here as what the caller reads out of the service's
envelope or as one of the library's exceptions, free of credentials.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from . import _late
from ._secrets import Secret, excerpt, redact_all
from ._waits import Deadline
from .errors import (
    ERROR_IO_EXCEPTION,
    ERROR_JSON_EXCEPTION,
    FAILED_TO_FETCH,
    OUTCOME_UNKNOWN,
    RETRYABLE_STATUSES,
    TIMEOUT,
    TOO_MANY_REQUESTS,
    CometChatException,
    NoAnswerError,
    OutcomeUnknownError,
    service_error,
)

if TYPE_CHECKING:
    from ._transport import Answer, TransportError

T = TypeVar("T")

EXCERPT_LIMIT: Final = 200  # characters of an answer that an error may quote


@attrs.frozen
class Request:
    """One request, as the exchange needs to know it.

    Attributes:
        what: What the user asked for, e.g. ``"log in"``; for error texts.
        base: The host's base URL; the credential goes to no other.
        path: Below the base URL, already quoted; it may hold a token.
        credential: The header that carries the key or token, and the key or token.
        repeatable: Whether carrying it out twice is as good as once.
        hidden: Further credentials in it, e.g. a token in the path.
        remedy: What to do about its failure, where that is not what is usual.
    """

    what: str
    method: str
    base: str
    path: str = attrs.field(repr=False)
    headers: Mapping[str, str]
    credential: tuple[str, Secret]
    body: bytes | None
    repeatable: bool
    hidden: tuple[Secret, ...] = ()
    remedy: str | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return every credential in it, to be masked wherever it is quoted."""
        return (self.credential[1], *self.hidden)

    @property
    def host(self) -> str:
        """Return scheme and host for people."""
        return "/".join(self.base.split("/", 3)[:3])


class Unreadable(Exception):
    """An answer in the service's envelope, but without what was asked for; the text says what."""


def outcome(request: Request, answer: Answer, read: Callable[[Any], T]) -> T:
    """Return what is read out of the envelope, which has ``data`` in it, or raise what it says."""
    if not answer.whole:
        raise _unusable(request, answer, "too_large", "more than the service ever sends")
    if 300 <= answer.status < 400:
        raise _unusable(request, answer, "redirect", "a redirect, which is never followed")
    content = _json(answer.body)
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), str) and error["code"]:
        raise _refusal(request, answer, error)
    if not 200 <= answer.status < 300:
        raise _failure(request, answer)
    if not isinstance(content, dict) or "data" not in content:
        kind = "not_json" if content is _NO_JSON else "unexpected"
        raise _unusable(request, answer, kind, "something that is not the service's")
    try:
        return read(content)
    except Unreadable as problem:
        what = str(problem)
    raise _unusable(request, answer, "unexpected", what)


_NO_JSON: Final = object()  # not None: that is what "null" says


def _json(body: bytes) -> Any:
    try:
        return _late.json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return _NO_JSON


def _refusal(request: Request, answer: Answer, error: dict[str, Any]) -> CometChatException:
    secrets = request.secrets
    code = excerpt(error["code"], secrets, EXCERPT_LIMIT)
    said = error.get("message")
    message = excerpt(said, secrets, EXCERPT_LIMIT) if isinstance(said, str) else ""
    message = message or "The service gave no reason."
    details = error.get("details")
    wait = _retry_after(answer)
    return service_error(
        code,
        f"Could not {request.what} ({request.host}, status {answer.status}): {message}"
        f"{'' if message.endswith(('.', '!', '?')) else '.'}"
        f"{_advice(request, code, answer.status, wait)}",
        http_status=answer.status,
        details=redact_all(details, secrets) if isinstance(details, dict) else None,
        retry_after=wait,
    )


def _failure(request: Request, answer: Answer) -> CometChatException:
    """Return the error for a status of failure without the service's own words."""
    if answer.status == 429:
        wait = _retry_after(answer)
        return service_error(
            TOO_MANY_REQUESTS,
            f"Could not {request.what}: {request.host} had too many requests in this minute "
            f"(status 429).{_advice(request, TOO_MANY_REQUESTS, 429, wait)}",
            http_status=429,
            retry_after=wait,
        )
    return _unusable(request, answer, "unexpected", "something that is not the service's")


def _unusable(request: Request, answer: Answer, reason: str, what: str) -> CometChatException:
    """Return the error for an answer that is none, with its beginning."""
    begin = excerpt(answer.body.decode("utf-8", "replace"), request.secrets, EXCERPT_LIMIT)
    came = (
        f"status {answer.status} and {what}: {begin!r}"
        if begin
        else (f"status {answer.status} and an empty body")
    )
    if not request.repeatable and (answer.status >= 500 or answer.status < 300):
        return _outcome_unknown(request, f"it answered with {came}", answer)
    return NoAnswerError(
        _CODES.get(reason, ERROR_JSON_EXCEPTION),
        f"Could not {request.what}: {request.host} answered with {came}. "
        f"{request.remedy or _SOMETHING_BETWEEN}",
        http_status=answer.status,
        retryable=answer.status in RETRYABLE_STATUSES,
        retry_after=_retry_after(answer),
        reason=reason,
    )


_SOMETHING_BETWEEN: Final = (
    "Is something between this machine and the service, such as a proxy or a sign-in page, "
    "or is the host wrong?"
)


def _outcome_unknown(
    request: Request, why: str, answer: Answer | None = None
) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        OUTCOME_UNKNOWN,
        f"Nobody knows whether {request.host} could {request.what}: {why}. "
        "Look whether it has been done before you try again.",
        http_status=None if answer is None else answer.status,
        retry_after=None if answer is None else _retry_after(answer),
    )


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds that the service asks to wait, from a number or an HTTP date."""
    if answer.status != 429 and answer.status not in RETRYABLE_STATUSES:
        return None
    headers = answer.headers
    if (value := headers.get("Retry-After")) is not None:
        return _seconds(value.strip(), headers)
    reset = headers.get("X-Rate-Limit-Reset") or headers.get("X-RateLimit-Reset") or ""
    if answer.status == 429 and reset.isascii() and reset.isdigit():
        return _bounded(float(reset) - _now(headers))
    return None


def _now(headers: Mapping[str, str]) -> float:
    """Return the time by the clock of whoever answered, since this machine's may be wrong."""
    try:
        return _timestamp(headers["Date"])
    except Exception:  # as below, or there is none
        return time.time()


def _timestamp(date: str) -> float:
    return float(_late.email_utils.parsedate_to_datetime(date).timestamp())


def _seconds(value: str, headers: Mapping[str, str]) -> float | None:
    if value.isascii() and value.isdigit():
        return _bounded(float(value))
    try:
        return _bounded(_timestamp(value) - _now(headers))
    except Exception:  # whatever a parser of dates stumbles over in what strangers send
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_WAIT)


# 31 years: more than anybody waits for, and a number that every clock can still add.
_LONGEST_WAIT: Final = 1_000_000_000.0


def _advice(request: Request, code: str, status: int, wait: float | None) -> str:
    """Return what to do about a refusal, or nothing where only the service could tell."""
    if request.remedy is not None:
        return f" {request.remedy}"
    if status == 429 or code == TOO_MANY_REQUESTS:
        return f" Try again in {'a minute' if wait is None else _span(wait)}."
    default = "Try again later." if status >= 500 else ""
    advice = _ADVICE.get(code, default)
    return f" {advice}" if advice else ""


def _span(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


_WRONG_KEY: Final = "Look the key up in the CometChat dashboard: it is of one app in one region."
_WRONG_KIND: Final = (
    "The key that was given is an Auth Key (scope authOnly). This needs the app's REST API Key "
    "(scope fullAccess), which belongs on a server only."
)
_DEAD_TOKEN: Final = "Was it revoked, or made for another app? Log in with a new one."  # noqa: S105
_WRONG_APP: Final = "Check app id and region in the CometChat dashboard."
_NO_USER: Final = (
    "Is the uid right? A user has to be created first, and a deactivated one reactivated."
)
_PLAN: Final = "Ask whoever runs the app's CometChat account."

_ADVICE: Final = {
    "AUTH_ERR_APIKEY_NOT_FOUND": _WRONG_KEY,
    "AUTH_ERR_EMPTY_APIKEY": _WRONG_KEY,
    "ERR_INVALID_API_KEY": _WRONG_KEY,
    "AUTH_ERR_NO_ACCESS": _WRONG_KIND,
    "AUTH_ERR_AUTH_TOKEN_NOT_FOUND": _DEAD_TOKEN,
    "AUTH_ERR_EMPTY_AUTH_TOKEN": _DEAD_TOKEN,
    "AUTH_ERR_INVALID_APPID": _WRONG_APP,
    "AUTH_ERR_EMPTY_APPID": _WRONG_APP,
    "ERR_UID_NOT_FOUND": _NO_USER,
    "ERR_UID_ALREADY_EXISTS": "Log in as this user, or choose another uid.",
    "ERR_BAD_REQUEST": "The error's details name the fields.",
    "ERR_PLAN_RESTRICTION": _PLAN,
    "ERR_PLAN_QUOTA_RESTRICTION": _PLAN,
    "ERR_SUBSCRIPTION_EXPIRED": _PLAN,
}

_CODES: Final = {
    "redirect": ERROR_IO_EXCEPTION,
    "timeout": TIMEOUT,
    "too_large": ERROR_IO_EXCEPTION,
    "unexpected": ERROR_JSON_EXCEPTION,
}

# For each kind of trouble what happened, and what to do.
_EXPLANATIONS: Final = {
    "dns": ("the host's name was not found", "Is there a network? Are app id and region right?"),
    "connect": (
        "no connection could be made{detail}",
        "Is there a network, and is the host right?",
    ),
    "tls": (
        "no trusted TLS connection could be made{detail}",
        "If a company's proxy inspects the traffic, give the proxy's CA certificate as "
        "AppSettings(verify=...) or REQUESTS_CA_BUNDLE; if not, are the host and this machine's "
        "clock right?",
    ),
    "proxy": (
        "the proxy {proxy} did not let it through{detail}",
        "Check its address, user and password in AppSettings(proxies=...) or the environment's "
        "HTTPS_PROXY, and NO_PROXY.",
    ),
    "lost": ("the connection broke before an answer came", "Try again."),
    "not_http": ("what answers there does not speak HTTP", "Is the host wrong?"),
    "timeout": ("no answer within {seconds:g} s", "Try again, or give a longer timeout."),
}


def no_answer(request: Request, error: TransportError, deadline: Deadline) -> CometChatException:
    """Return the error for a request that got no answer at all."""
    detail = f" ({excerpt(str(error.root), [], EXCERPT_LIMIT)})" if error.root else ""
    proxy = excerpt(error.proxy, [], EXCERPT_LIMIT)
    what, advice = _EXPLANATIONS[error.kind]
    what = what.format(detail=detail, seconds=deadline.seconds, proxy=proxy)
    if error.sent and not request.repeatable:
        return _outcome_unknown(request, what)
    reason = "unexpected" if error.kind == "not_http" else error.kind
    return NoAnswerError(
        _CODES.get(reason, FAILED_TO_FETCH),
        f"Could not {request.what} at {request.host}: {what}. {request.remedy or advice}",
        details={"sent": error.sent},
        retryable=reason not in {"tls", "unexpected"},
        reason=reason,
    )
