"""What the service refuses, and how it says so: codes, statuses, sentences, and the envelope.

Sentences marked *observed* are the real service's, which clients show to people; the others are
the emulator's own, because the service's were never seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

# Observed: a masked secret keeps this many characters at either end, and its length.
_SHOWN: Final = 5

# Observed in an answer of October 2026.
_SOURCE: Final = "chat-api"


class ServiceError(Exception):
    """The service refuses the request.

    Args:
        status: HTTP status of the answer.
        code: The service's error code.
        message: Sentence for the person at the other end, free of secrets.
        dev_message: Sentence for the developer, free of secrets.
        details: For each refused field its sentences; for validation errors only.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        dev_message: str,
        details: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.dev_message = dev_message
        self.details = details

    def envelope(self) -> dict[str, Any]:
        """Return the body of the answer, its keys in the order that was observed."""
        error: dict[str, Any] = {
            "message": self.message,
            "devMessage": self.dev_message,
            "source": _SOURCE,
            "code": self.code,
        }
        if self.details is not None:
            error["details"] = {field: list(texts) for field, texts in self.details.items()}
        return {"error": error}


def mask(secret: str) -> str:
    """Return ``secret`` with its middle starred out; all of it if it is short.

    Observed for 20 characters and more; that up to 10 are starred altogether is assumed.
    """
    hidden = len(secret) - 2 * _SHOWN
    if hidden <= 0:
        return "*" * len(secret)
    return secret[:_SHOWN] + "*" * hidden + secret[-_SHOWN:]


def api_not_found() -> ServiceError:
    """Return the refusal of an unknown path, or of a method that the path does not know."""
    return ServiceError(
        404,
        "ERR_API_NOT_FOUND",
        "There is no such API: check the path and the method of the request.",
        "No route of this emulator matches the method and the path.",
    )


def invalid_api_version(version: str) -> ServiceError:
    """Return the refusal of a path that names another version of the API."""
    return ServiceError(
        404,
        "ERR_INVALID_API_VERSION",
        f"The API version {version} does not exist: use v3.",
        "Known versions are v3 and v3.0.",
    )


def empty_app_id() -> ServiceError:
    """Return the refusal of an ``appId`` header without a value."""
    return ServiceError(
        401,
        "AUTH_ERR_EMPTY_APPID",
        "The appId header is empty: send the app's id, or leave the header out.",
        "appId header present, value empty.",
    )


def invalid_app_id(app_id: str) -> ServiceError:
    """Return the refusal of an ``appId`` header that names another app."""
    return ServiceError(
        401,
        "AUTH_ERR_INVALID_APPID",
        f"The app {app_id} does not exist here: check the app's id and its region.",
        "appId header names an app that this emulator does not run.",
    )


def empty_api_key() -> ServiceError:
    """Return the refusal of a request without a key."""
    return ServiceError(
        401,
        "AUTH_ERR_EMPTY_APIKEY",
        "This call needs a key: send it in the apikey header.",
        "apikey header absent or empty.",
    )


def api_key_not_found(key: str) -> ServiceError:
    """Return the refusal of an unknown key (status and both sentences observed)."""
    return ServiceError(
        401,
        "AUTH_ERR_APIKEY_NOT_FOUND",
        f"The key {mask(key)} does not exist. Please use correct apiKey.",
        f"The {mask(key)} key doesn't work. Please use correct apiKey.",
    )


def no_access() -> ServiceError:
    """Return the refusal of a key whose scope does not allow the call."""
    return ServiceError(
        403,
        "AUTH_ERR_NO_ACCESS",
        "This key may not make this call: it needs a key with the scope fullAccess.",
        "The scope of the key is authOnly.",
    )


def empty_auth_token() -> ServiceError:
    """Return the refusal of a client API call without an auth token."""
    return ServiceError(
        401,
        "AUTH_ERR_EMPTY_AUTH_TOKEN",
        "This call needs a user's auth token: send it in the authToken header.",
        "authToken header absent or empty.",
    )


def session_not_found(token: str) -> ServiceError:
    """Return the refusal of an unknown token in the ``authToken`` header (message observed)."""
    return ServiceError(
        401,
        "AUTH_ERR_AUTH_TOKEN_NOT_FOUND",
        f"The auth token {mask(token)} does not exist. "
        "Please make sure you are logged in and have a valid auth token or try login again.",
        f"No active auth token {mask(token)}.",
    )


def auth_token_not_found(uid: str, token: str) -> ServiceError:
    """Return the refusal of a token in the path that the user does not have."""
    return ServiceError(
        404,
        "ERR_AUTH_TOKEN_NOT_FOUND",
        f"The user {uid} has no auth token {mask(token)}.",
        "Token unknown, or of another user.",
    )


def uid_not_found(uid: str) -> ServiceError:
    """Return the refusal of a uid that does not exist or is deactivated (message observed)."""
    return ServiceError(
        404,
        "ERR_UID_NOT_FOUND",
        f"The UID {uid} does not exist, "
        f"so please make sure you have created a user with UID {uid}.",
        "No active user with this uid.",
    )


def uid_already_exists(uid: str) -> ServiceError:
    """Return the refusal to create a user whose uid is taken."""
    return ServiceError(
        400,
        "ERR_UID_ALREADY_EXISTS",
        f"There is a user with the uid {uid} already.",
        "Uids are compared in lower case; deactivated users keep theirs.",
    )


def too_many_requests(wait: int) -> ServiceError:
    """Return the refusal of a request beyond the rate limit (status documented)."""
    return ServiceError(
        429,
        "ERR_TOO_MANY_REQUESTS",
        "Too many requests in this minute.",
        f"The request was not carried out; the next minute begins in {wait} seconds.",
    )


def quota_reached(quota: int) -> ServiceError:
    """Return the refusal to create one user more than the plan allows (status observed)."""
    return ServiceError(
        402,
        "ERR_PLAN_QUOTA_RESTRICTION",
        f"The plan of this app allows {quota} users, and there are that many: "
        "delete some, or raise the quota.",
        "Deactivated users count too.",
    )


def bad_request(details: Mapping[str, Sequence[str]]) -> ServiceError:
    """Return the refusal of fields that cannot be used (message and shape observed)."""
    return ServiceError(
        400,
        "ERR_BAD_REQUEST",
        "Failed to validate the data sent with the request.",
        f"Refused: {', '.join(details)}.",
        details,
    )


def unusable_body(why: str) -> ServiceError:
    """Return the refusal of a body that cannot be read at all."""
    return ServiceError(400, "ERR_BAD_REQUEST", why, "The body was not looked at any further.")


def exception() -> ServiceError:
    """Return the answer to a request that made the emulator itself fail."""
    return ServiceError(
        500,
        "ERR_EXCEPTION",
        "The emulator failed on this request; its log says where.",
        "See the logger cometchat_auth.emulator.",
    )
