"""The exceptions of this library: one tree.

::

    CometChatException              every error of this library; ``code`` says exactly which
    |-- InvalidParameterError       an argument cannot be used; nothing was sent
    |-- ServiceError                the service refused the request
    |   |-- AuthenticationError     a key or token is wrong, dead, or may not do this
    |   `-- RateLimitError          too many requests; ``retry_after`` says how long to wait
    |-- NoAnswerError               no usable answer came; ``reason`` says what stood in the way
    |-- OutcomeUnknownError         the request may or may not have been carried out
    |-- SessionStoreError           the session store could not be read or written
    |-- LoginInProgressError        another login of this client is under way
    |-- CallCancelledError          the call was cancelled before it began
    `-- ClientClosedError           the client was closed

The class says what kind of trouble it is, the code exactly which. Codes that come from the
service, or that the official CometChat SDKs use for the same situation, are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Codes that the official JavaScript SDK documents for its own, client-side errors.
MISSING_PARAMETERS: Final = "MISSING_PARAMETERS"
LOGIN_IN_PROGRESS: Final = "LOGIN_IN_PROGRESS"
FAILED_TO_FETCH: Final = "FAILED_TO_FETCH"
ERROR_IO_EXCEPTION: Final = "ERROR_IO_EXCEPTION"
ERROR_JSON_EXCEPTION: Final = "ERROR_JSON_EXCEPTION"

# Codes of the service that this library acts upon.
AUTH_TOKEN_NOT_FOUND: Final = "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
TOO_MANY_REQUESTS: Final = "ERR_TOO_MANY_REQUESTS"

# Codes for situations that the official SDKs have no code for.
TIMEOUT: Final = "TIMEOUT"
OUTCOME_UNKNOWN: Final = "OUTCOME_UNKNOWN"
SESSION_STORE: Final = "SESSION_STORE_ERROR"
CLIENT_CLOSED: Final = "CLIENT_CLOSED"
CANCELLED: Final = "CANCELLED"
WOULD_BLOCK_FOREVER: Final = "WOULD_BLOCK_FOREVER"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"


class CometChatException(Exception):
    """Base class of every error of this library.

    Attributes:
        code: What exactly happened, e.g. ``"ERR_UID_NOT_FOUND"``; to be compared with.
        message: What happened, to what, and what to do next; for people.
        details: More about it, e.g. for each refused field the service's sentences; may be empty.
        http_status: Status of the answer, or ``None`` where there was none.
        retryable: Whether the same call may succeed later without any change.
        retry_after: Seconds to wait before trying again, or ``None`` if nobody said.
        reason: One word that narrows the code where the class documents one, or ``None``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        http_status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.details: dict[str, Any] = dict(details or {})
        self.http_status = http_status
        self.retryable = retryable
        self.retry_after = retry_after
        self.reason = reason

    @property
    def name(self) -> str:
        """Return the code, which the official SDKs' exceptions carry under this name as well."""
        return self.code

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={self.code!r}, message={self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Only these fields travel: whatever else hangs on an exception may hold a credential.
        return _rebuild, (type(self), self._fields())

    def _fields(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "http_status": self.http_status,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "reason": self.reason,
        }


class InvalidParameterError(CometChatException):
    """An argument cannot be used; nothing was sent and nothing was stored.

    ``MISSING_PARAMETERS`` for an empty or absent value, otherwise ``INVALID_<FIELD>`` or
    ``ERROR_<FIELD>_EXCEEDED``.
    """


class ServiceError(CometChatException):
    """The service refused the request; ``code`` is the service's own."""


class AuthenticationError(ServiceError):
    """A key or token is wrong, dead, or lacks the scope (the service's ``AUTH_ERR_...``)."""


class RateLimitError(ServiceError):
    """Too many requests in this minute; ``retry_after`` is what the service asked for."""


class NoAnswerError(CometChatException):
    """No usable answer came.

    ``reason`` is ``dns``, ``connect``, ``tls``, ``proxy``, ``lost`` (the connection broke),
    ``timeout``, ``too_large``, ``redirect``, ``not_json`` or ``unexpected`` (an answer, but not
    one of this service).
    """


class OutcomeUnknownError(CometChatException):
    """The request may have reached the service, and no answer says whether it was carried out."""


class SessionStoreError(CometChatException):
    """The session store could not be read or written.

    ``reason`` is ``locked``, ``dismissed``, ``timeout``, ``denied``, ``no_keyring``,
    ``not_retained`` or ``error``. What is stored was left as it was.
    """


class LoginInProgressError(CometChatException):
    """A login with other arguments is under way in this client."""


class CallCancelledError(CometChatException):
    """The call was cancelled before it began; nothing was sent."""


class ClientClosedError(CometChatException):
    """The client was closed, or the interpreter is shutting down."""


def service_error(
    code: str,
    message: str,
    *,
    http_status: int,
    details: Mapping[str, Any] | None = None,
    retry_after: float | None = None,
) -> ServiceError:
    """Return the exception for an error that the service answered with.

    Args:
        code: The service's error code; one that this library has never heard of is kept as it is.
        message: The service's sentence, free of credentials.
        http_status: Status of the answer.
        details: The service's sentences for each field, if any.
        retry_after: Seconds that the service asked to wait, if it did.

    Returns:
        An instance of the class that fits the code or, failing that, the status.
    """
    kind: type[ServiceError] = ServiceError
    if http_status == 429 or code in {TOO_MANY_REQUESTS, "TOO_MANY_REQUEST"}:
        kind = RateLimitError
    elif code.startswith("AUTH_ERR_") or code in _AUTHENTICATION_CODES:
        kind = AuthenticationError
    return kind(
        code,
        message,
        details=details,
        http_status=http_status,
        retryable=kind is RateLimitError or http_status in RETRYABLE_STATUSES,
        retry_after=retry_after,
    )


# A gateway's or an overloaded server's answers: the request was most likely not carried out,
# and a later one may be.
RETRYABLE_STATUSES: Final = frozenset({502, 503, 504})

# Listed by CometChat's error guides beside the AUTH_ERR_ family, for the same kind of trouble.
_AUTHENTICATION_CODES: Final = frozenset(
    {
        "ERR_INVALID_API_KEY",
        "ERR_AUTHTOKEN_UNAVAILABLE",
        "ERR_AUTHTOKEN_NOT_ACCESSIBLE",
        "ERR_UNAUTHORIZED",
        "USER_NOT_AUTHORISED",
    }
)


def _rebuild(kind: type[CometChatException], fields: dict[str, Any]) -> CometChatException:
    return kind(**fields)
