"""One exchange with the service: retried where that is safe, and turned into data or an error.

Whatever arrives, with whatever status, leaves here as the ``data`` of the service's envelope or
as one of the library's exceptions, free of credentials.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from . import _threads
from ._secrets import Secret, redact, redact_all
from ._waits import Deadline, Flow, Pause
from .errors import (
    ERROR_IO_EXCEPTION,
    ERROR_JSON_EXCEPTION,
    FAILED_TO_FETCH,
    OUTCOME_UNKNOWN,
    TIMEOUT,
    TOO_MANY_REQUESTS,
    CometChatException,
    NoAnswerError,
    OutcomeUnknownError,
    RateLimitError,
    service_error,
)

if TYPE_CHECKING:
    from ._transport import Answer, Line, TransportError
    from .models import AppSettings

_log = logging.getLogger("cometchat_auth")

ATTEMPTS: Final = 3  # CometChat's rate-limit page advises three tries
BACK_OFF: Final = 0.5  # seconds before the second try; doubled for the third
EXCERPT_LIMIT: Final = 200  # characters of an answer that an error may quote

# Statuses of gateways and overloaded servers: worth another try where repeating is harmless.
_TRANSIENT: Final = frozenset({502, 503, 504})


@attrs.frozen
class Request:
    """One request, as the exchange needs to know it.

    Attributes:
        what: What the user asked for, e.g. ``"log in"``; for error texts.
        base: The host's base URL; the credential goes to no other.
        path: Below the base URL, already quoted.
        credential: The header that carries the key or token, and the key or token.
        repeatable: Whether carrying it out twice is as good as once.
    """

    what: str
    method: str
    base: str
    path: str
    headers: Mapping[str, str]
    credential: tuple[str, Secret]
    body: bytes | None
    repeatable: bool

    @property
    def host(self) -> str:
        """Return scheme and host for people."""
        return "/".join(self.base.split("/", 3)[:3])


class Http:
    """The way to the service with one client's settings; connections are shared by all."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._lines: dict[str, Line] = {}

    def exchange(self, request: Request, deadline: Deadline) -> Flow[Any]:
        """Return the ``data`` of the service's answer.

        Raises:
            CometChatException: Whatever else comes of it.
        """
        for pause in _back_offs():
            try:
                return self._attempt(request, deadline)
            except CometChatException as error:
                wait = _wait_before_retry(request, error, pause)
                if wait is None or wait >= deadline.remaining():
                    raise
                _log.debug("%s: %s; trying again in %.2f s", request.what, error.code, wait)
            yield Pause(wait)
        raise AssertionError  # pragma: no cover - the last back-off is None, which raises above

    def connect(self, base: str, deadline: Deadline) -> None:
        """Open a connection to a host for later, unless an idle one is there.

        Raises:
            NoAnswerError: If it cannot be opened.
        """
        from . import _transport

        try:
            _transport.connect(base, line=self._line(base), deadline=deadline)
        except _transport.TransportError as error:
            request = Request("connect", "GET", base, "", {}, ("", Secret("")), None, True)
            raise _no_answer(request, error, deadline) from error.root

    def connect_ahead(self, base: str, deadline: Deadline) -> None:
        """Open a connection on another worker, if one is free; a failure shows with the request."""

        def open_quietly() -> None:
            try:
                self.connect(base, deadline)
            except CometChatException as error:
                _log.debug("connecting ahead to %s: %s", base, error.code)

        _threads.REQUESTS.submit_if_free(open_quietly)

    def _attempt(self, request: Request, deadline: Deadline) -> Any:
        from . import _transport

        name, secret = request.credential
        try:
            answer = _transport.send(
                request.method,
                request.base + request.path,
                {**request.headers, name: secret.reveal()},
                request.body,
                line=self._line(request.base),
                deadline=deadline,
            )
        except _transport.TransportError as error:
            raise _no_answer(request, error, deadline) from error.root
        return _data(request, answer)

    def _line(self, base: str) -> Line:
        # Reading proxies and CAs from the environment takes a quarter of a request's time.
        if (line := self._lines.get(base)) is None:
            from . import _transport

            line = self._lines[base] = _transport.line_to(
                base, self._settings.proxies, self._settings.verify, self._settings.cert
            )
        return line


def _back_offs() -> Iterator[float | None]:
    for attempt in range(ATTEMPTS - 1):
        yield BACK_OFF * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets
    yield None


def _wait_before_retry(
    request: Request, error: CometChatException, back_off: float | None
) -> float | None:
    """Return the seconds to wait before the next try, or ``None`` if there must be none."""
    if back_off is None or not (error.retryable and _is_transient(error)):
        return None
    never_arrived = isinstance(error, RateLimitError) or error.details.get("sent") is False
    if not (request.repeatable or never_arrived):
        return None
    return back_off if error.retry_after is None else error.retry_after


def _is_transient(error: CometChatException) -> bool:
    if error.http_status is not None:
        return error.http_status == 429 or error.http_status in _TRANSIENT
    return error.reason in {"connect", "lost"}


def _data(request: Request, answer: Answer) -> Any:
    """Return what the envelope holds, or raise what it says."""
    content = _json(answer.body)
    if 300 <= answer.status < 400:
        raise _unusable(request, answer, "redirect", "a redirect, which is never followed")
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), str) and error["code"]:
        raise _refusal(request, answer, error)
    if not 200 <= answer.status < 300:
        raise _failure(request, answer)
    if not isinstance(content, dict) or "data" not in content:
        kind = "not_json" if content is None else "unexpected"
        raise _unusable(request, answer, kind, "something that is not the service's")
    return content["data"]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _refusal(request: Request, answer: Answer, error: dict[str, Any]) -> CometChatException:
    secrets = [request.credential[1]]
    said = error.get("message")
    message = redact(said, secrets) if isinstance(said, str) and said else "(no message)"
    details = error.get("details")
    return service_error(
        redact(error["code"], secrets)[:EXCERPT_LIMIT],
        f"Could not {request.what}: {message}",
        http_status=answer.status,
        details=redact_all(details, secrets) if isinstance(details, dict) else None,
        retry_after=_retry_after(answer.headers),
    )


def _failure(request: Request, answer: Answer) -> CometChatException:
    """Return the error for a status of failure without the service's own words."""
    if answer.status == 429:
        return service_error(
            TOO_MANY_REQUESTS,
            f"Could not {request.what}: too many requests in this minute. Try again later.",
            http_status=429,
            retry_after=_retry_after(answer.headers),
        )
    return _unusable(request, answer, "unexpected", "not the service's answer")


def _unusable(request: Request, answer: Answer, reason: str, what: str) -> CometChatException:
    text = answer.body[: 4 * EXCERPT_LIMIT].decode("utf-8", "replace")
    excerpt = redact(text, [request.credential[1]])[:EXCERPT_LIMIT]
    if not request.repeatable and (answer.status >= 500 or answer.status < 300):
        why = f"it answered with status {answer.status} and {what}: {excerpt!r}"
        return _outcome_unknown(request, why, answer.status)
    return NoAnswerError(
        ERROR_IO_EXCEPTION if reason == "redirect" else ERROR_JSON_EXCEPTION,
        f"Could not {request.what}: {request.host} answered with status {answer.status} and "
        f"{what}: {excerpt!r}. Is something between this machine and the service, "
        "such as a proxy or a sign-in page, or is the host wrong?",
        http_status=answer.status,
        retryable=answer.status in _TRANSIENT,
        retry_after=_retry_after(answer.headers) if answer.status in _TRANSIENT else None,
        reason=reason,
    )


def _outcome_unknown(request: Request, why: str, status: int | None = None) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        OUTCOME_UNKNOWN,
        f"Nobody knows whether {request.host} could {request.what}: {why}. "
        "Look whether it has been done before you try again.",
        http_status=status,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the service asks to wait, from a number or an HTTP date."""
    if (value := headers.get("Retry-After")) is not None:
        from urllib3.exceptions import InvalidHeader
        from urllib3.util import Retry

        try:
            return Retry().parse_retry_after(value)
        except (InvalidHeader, OverflowError, ValueError):
            return None
    reset = headers.get("X-Rate-Limit-Reset") or headers.get("X-RateLimit-Reset") or ""
    if headers.get("X-Rate-Limit-Remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, int(reset[:12]) - time.time())
    return None


_EXPLANATIONS: Final = {
    "dns": "the host's name was not found. Is there a network? Are app id and region right?",
    "connect": "no connection could be made. Is there a network, and is the host right?",
    "tls": "its certificate was not accepted. If a company's proxy inspects the traffic, give "
    "the proxy's CA certificate as AppSettings(verify=...) or REQUESTS_CA_BUNDLE.",
    "proxy": "the proxy did not let it through. Check AppSettings(proxies=...) or HTTPS_PROXY.",
    "lost": "the connection broke before an answer came. Try again.",
    "too_large": "its answer was larger than any answer of the service.",
}


def _no_answer(request: Request, error: TransportError, deadline: Deadline) -> CometChatException:
    if error.kind == "timeout":
        why = f"no answer within {deadline.seconds:g} s. Try again, or give a longer timeout."
    else:
        why = _EXPLANATIONS[error.kind]
    if error.sent and not request.repeatable:
        return _outcome_unknown(request, why.rstrip("."))
    codes = {"timeout": TIMEOUT, "too_large": ERROR_IO_EXCEPTION}
    return NoAnswerError(
        codes.get(error.kind, FAILED_TO_FETCH),
        f"Could not {request.what} at {request.host}: {why}",
        details={"sent": error.sent},
        retryable=error.kind not in {"tls", "too_large"},
        reason=error.kind,
    )
