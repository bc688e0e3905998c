"""What each call takes and answers, by the name of its handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from ._openapi_schemas import SCOPE, TEXT, Schema, array, data, page, record, ref

_UNKNOWN_USER: Final = {404: ("ERR_UID_NOT_FOUND",)}
_UNKNOWN_TOKEN: Final = {404: ("ERR_UID_NOT_FOUND", "ERR_AUTH_TOKEN_NOT_FOUND")}

_UNKNOWN_KEY: Final = {404: ("ERR_APIKEY_NOT_FOUND",)}
_OTHER_KEY: Final = {**_UNKNOWN_KEY, 403: ("ERR_APIKEY_NO_SELF_ACTION",)}
_UNKNOWN_ROLE: Final = {404: ("ERR_ROLE_NOT_FOUND",)}
_TOO_MANY: Final = {402: ("ERR_PLAN_QUOTA_RESTRICTION",)}

_FLAG: Final = {"type": "string", "enum": ["true", "false", "1", "0"]}
_PAGE: Final[Mapping[str, Schema]] = {
    "page": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1},
    "perPage": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
}
_USER_FILTER: Final[Mapping[str, Schema]] = {
    "searchKey": {**TEXT, "description": "What the name or the uid begins with, in any case."},
    "searchIn": array({"type": "string", "enum": ["name", "uid"]}),
    "status": {"type": "string", "enum": ["available", "offline"]},
    "role": TEXT,
    "roles": array(TEXT),
    "tags": array(TEXT),
    "withTags": _FLAG,
    "withDeactivated": _FLAG,
    "onlyDeactivated": _FLAG,
    "count": _FLAG,
}
_DONE: Final = data(ref("Done"))


@frozen
class Operation:
    """What there is to say of a call beyond its route.

    Attributes:
        summary: What the call does, in a few words.
        answer: Schema of the answer with status 200.
        body: Name of the schema of the body; empty where its content makes no difference.
        body_required: Whether the body must be there.
        query: Schemas of the parameters in the query string.
        on_behalf_of: Whether the header ``onBehalfOf`` is read.
        errors: The codes of refusals of this call, by their status, besides those that its
            credential and its body bring.
    """

    summary: str
    answer: Schema
    body: str = ""
    body_required: bool = False
    query: Mapping[str, Schema] = field(factory=dict)
    on_behalf_of: bool = False
    errors: Mapping[int, tuple[str, ...]] = field(factory=dict)


_USERS: Final[Mapping[str, Operation]] = {
    "create_user": Operation(
        "Create a user.",
        data(ref("CreatedUser")),
        body="NewUser",
        body_required=True,
        errors={400: ("ERR_UID_ALREADY_EXISTS",), **_TOO_MANY},
    ),
    "list_users": Operation(
        "List users, in the order of their creation.",
        page(ref("User")),
        query={**_USER_FILTER, **_PAGE},
    ),
    "deactivate_users": Operation(
        "Deactivate users.",
        data(record({"deactivatedUids": array(TEXT)})),
        body="Deactivation",
        body_required=True,
    ),
    "reactivate_users": Operation(
        "Reactivate users.",
        data(record({"nonDeactivatedUids": array(TEXT)})),
        body="Reactivation",
        body_required=True,
    ),
    "get_user": Operation(
        "Read a user.", data(ref("User")), on_behalf_of=True, errors=_UNKNOWN_USER
    ),
    "update_user": Operation(
        "Change a user.", data(ref("User")), body="UserChanges", errors=_UNKNOWN_USER
    ),
    "delete_user": Operation(
        "Deactivate a user, or delete it for good.", _DONE, body="Deletion", errors=_UNKNOWN_USER
    ),
}

_TOKENS: Final[Mapping[str, Operation]] = {
    "create_auth_token": Operation(
        "Mint an auth token.",
        data(ref("MintedAuthToken")),
        body="NewAuthToken",
        errors=_UNKNOWN_USER,
    ),
    "list_auth_tokens": Operation(
        "List the live auth tokens of a user, oldest first.",
        page(ref("AuthToken")),
        query=_PAGE,
        errors=_UNKNOWN_USER,
    ),
    "flush_auth_tokens": Operation(
        "Revoke all auth tokens of a user.", _DONE, errors=_UNKNOWN_USER
    ),
    "get_auth_token": Operation(
        "Read an auth token.", data(ref("AuthToken")), errors=_UNKNOWN_TOKEN
    ),
    "update_auth_token": Operation(
        "Note which device uses an auth token.",
        data(ref("AuthToken")),
        body="Device",
        errors=_UNKNOWN_TOKEN,
    ),
    "delete_auth_token": Operation("Revoke an auth token.", _DONE, errors=_UNKNOWN_TOKEN),
}

_KEYS: Final[Mapping[str, Operation]] = {
    "create_key": Operation(
        "Make an API key.",
        data(ref("ApiKey")),
        body="NewApiKey",
        body_required=True,
        errors=_TOO_MANY,
    ),
    "list_keys": Operation(
        "List the API keys, in the order of their creation.",
        page(ref("ApiKey")),
        query={
            "scope": SCOPE,
            "searchKey": {**TEXT, "description": "What the name begins with, in any case."},
            **_PAGE,
        },
    ),
    "get_key": Operation("Read an API key.", data(ref("ApiKey")), errors=_UNKNOWN_KEY),
    "update_key": Operation(
        "Change another API key.", data(ref("ApiKey")), body="ApiKeyChanges", errors=_OTHER_KEY
    ),
    "delete_key": Operation("Delete another API key.", _DONE, errors=_OTHER_KEY),
}

_ROLES: Final[Mapping[str, Operation]] = {
    "create_role": Operation(
        "Make a role.",
        data(ref("Role")),
        body="NewRole",
        body_required=True,
        errors=_TOO_MANY,
    ),
    "list_roles": Operation(
        "List the roles, in the order of their creation.", page(ref("Role")), query=_PAGE
    ),
    "get_role": Operation("Read a role.", data(ref("Role")), errors=_UNKNOWN_ROLE),
    "update_role": Operation(
        "Change a role.", data(ref("Role")), body="RoleChanges", errors=_UNKNOWN_ROLE
    ),
    "delete_role": Operation(
        "Delete a role that no user has.",
        _DONE,
        errors={**_UNKNOWN_ROLE, 403: ("ERR_ROLE_DELETE_DENIED",)},
    ),
}

_ME: Final[Mapping[str, Operation]] = {
    "get_me": Operation("Read the user that the auth token logs in.", data(ref("User"))),
    "put_me": Operation("Log in, or change one's own profile.", data(ref("Me")), body="MyChanges"),
    "delete_me": Operation("Log out: revoke the auth token.", _DONE),
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    **_USERS,
    **_TOKENS,
    **_KEYS,
    **_ROLES,
    **_ME,
}
