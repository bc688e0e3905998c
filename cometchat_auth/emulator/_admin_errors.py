"""What the service refuses about API keys and roles.

The sentences are the emulator's own; the codes are CometChat's, unless a docstring says that one
is assumed.
"""

from __future__ import annotations

from ._errors import ServiceError, mask


def key_not_found(key: str) -> ServiceError:
    """Return the refusal of a key in the path that the app does not have."""
    return ServiceError(
        404,
        "ERR_APIKEY_NOT_FOUND",
        f"The app has no API key {mask(key)}: GET /apikeys lists those that it has.",
        "Key in the path unknown, or of another app.",
    )


def no_self_action() -> ServiceError:
    """Return the refusal of a key's change or deletion of itself."""
    return ServiceError(
        403,
        "ERR_APIKEY_NO_SELF_ACTION",
        "A key can neither change nor delete itself: make the call with another key.",
        "The key in the apikey header is the one in the path.",
    )


def role_not_found(role: str) -> ServiceError:
    """Return the refusal of a role in the path that does not exist."""
    return ServiceError(
        404,
        "ERR_ROLE_NOT_FOUND",
        f"The role {role} does not exist: GET /roles lists those that do.",
        "No role with this id.",
    )


def role_delete_denied(role: str, why: str) -> ServiceError:
    """Return the refusal to delete a role.

    The code is in CometChat's own UI kit; its status, and that a role in use falls under it, are
    assumed.
    """
    return ServiceError(
        403, "ERR_ROLE_DELETE_DENIED", f"The role {role} cannot be deleted: {why}", "See message."
    )


def too_many(things: str, limit: int) -> ServiceError:
    """Return the refusal of one more than an app can have.

    The limits are documented, the code is not: this one, of a plan's quotas, is assumed.
    """
    return ServiceError(
        402,
        "ERR_PLAN_QUOTA_RESTRICTION",
        f"An app can have {limit} {things}, and there are that many: delete one first.",
        "The limit is that of CometChat's documentation.",
    )


def operation_failed() -> ServiceError:
    """Return the answer to a request on which the database failed."""
    return ServiceError(
        500,
        "ERR_OPERATION_FAILED",
        "The emulator's database failed on this request; the emulator's log says how.",
        "See the logger cometchat_auth.emulator.",
    )
