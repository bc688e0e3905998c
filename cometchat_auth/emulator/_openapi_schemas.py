"""The JSON that goes in and out of the emulated app, in the words of OpenAPI 3.0.

Written by hand beside the code that checks and answers, so that a test can hold one against the
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import _checks, _records, _rules

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
OBJECT: Final[Schema] = {"type": "object"}
HEADER: Final[Schema] = {"type": "string", "pattern": "^[ -~]*$"}
SECONDS: Final[Schema] = {"type": "integer", "description": "Unix time in seconds."}

_BLANK: Final[Schema] = {
    "type": "string",
    "nullable": True,
    "pattern": r"^\s*$",
    "description": "Null and blank texts count as absent.",
}


def ref(name: str) -> Schema:
    """Return a reference to one of ``SCHEMAS``."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, **more}


def record(
    properties: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None
) -> Schema:
    """Return the schema of an answer's object: these properties and no others."""
    required = {"required": list(properties)} if properties else {}
    return {
        "type": "object",
        **required,
        "properties": {**properties, **(optional or {})},
        "additionalProperties": False,
    }


def fields(
    optional: Mapping[str, Schema] | None = None, *, required: Mapping[str, Schema] | None = None
) -> Schema:
    """Return the schema of a request's object; fields that it does not name are ignored."""
    needed = dict(required or {})
    free = {name: {"anyOf": [schema, ref("Blank")]} for name, schema in (optional or {}).items()}
    listed = {"required": list(needed)} if needed else {}
    return {"type": "object", **listed, "properties": {**needed, **free}}


def parameter(schema: Schema) -> Schema:
    """Return the schema of a parameter in a query string, or in its list, that may be blank."""
    if schema.get("type") == "array":
        return {**schema, "items": parameter(schema["items"])}
    if schema["type"] == "string" and "enum" not in schema:
        return schema  # of any text, blank ones too
    return {"anyOf": [schema, {"type": "string", "pattern": r"^\s*$"}]}


def changes(optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of a change; its name may be left out, but not be null or blank."""
    schema = fields(optional)
    return {**schema, "properties": {"name": NAME, **schema["properties"]}}


def data(schema: Schema) -> Schema:
    """Return the schema of an answer that holds one thing."""
    return record({"data": schema})


def page(items: Schema) -> Schema:
    """Return the schema of an answer that holds one page of a list."""
    return record({"data": array(items), "meta": record({"pagination": ref("Pagination")})})


def error(codes: Iterable[str]) -> Schema:
    """Return the schema of a refusal with one of these codes."""
    code = {"properties": {"error": {"properties": {"code": {"enum": sorted(codes)}}}}}
    return {"allOf": [ref("Error"), code]}


_UID: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "maxLength": _rules.MAX_UID,
    "pattern": "^[A-Za-z0-9_-]+$",
    "description": "Kept and compared in lower case.",
}
NAME: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "maxLength": _rules.MAX_NAME,
    "pattern": r"[^\s]",
}
SCOPE: Final[Schema] = {"type": "string", "enum": [*_records.SCOPES]}
_URL: Final[Schema] = {
    "type": "string",
    "format": "uri",
    "maxLength": _rules.MAX_URL,
    "pattern": "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]",
}
_TAG: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": _rules.MAX_TAG}

_COMPACT: Final[Schema] = {
    "type": "object",
    "description": f"At most {_rules.MAX_METADATA} bytes of compact JSON.",
}
_PROFILE: Final = {
    "avatar": _URL,
    "link": _URL,
    "role": {"type": "string", "description": "Id of a role that exists."},
    "statusMessage": TEXT,
    "metadata": _COMPACT,
    "tags": array({**_TAG, "pattern": r"[^\s]"}, maxItems=_rules.MAX_TAGS),
}
_WITHOUT_ROLE: Final = {name: field for name, field in _PROFILE.items() if name != "role"}
_UNSETTABLE: Final[Schema] = {"type": "string", "enum": [*_rules.UNSETTABLE]}
_DEVICE: Final = {
    "platform": TEXT,
    "deviceId": TEXT,
    "userAgent": TEXT,
    "appInfo": OBJECT,
}
_ROLE: Final = {
    "description": {"type": "string", "maxLength": _rules.MAX_DESCRIPTION},
    "metadata": _COMPACT,
    "settings": _COMPACT,
}
_UIDS: Final = array(TEXT, minItems=1)

# What a user is answered as: absent values are left out, never null.
_USER: Final = {
    "uid": TEXT,
    "name": TEXT,
    "status": {"type": "string", "enum": ["offline"]},
    "role": TEXT,
    "createdAt": SECONDS,
}
_USER_OPTIONAL: Final = {
    "avatar": TEXT,
    "link": TEXT,
    "statusMessage": TEXT,
    "metadata": OBJECT,
    "tags": array(_TAG),
    "updatedAt": SECONDS,
    "deactivatedAt": SECONDS,
}
_TOKEN: Final = {"uid": TEXT, "authToken": TEXT, "createdAt": SECONDS}

SCHEMAS: Final[dict[str, Schema]] = {
    "Blank": _BLANK,
    "Uid": _UID,
    "User": record(_USER, _USER_OPTIONAL),
    "CreatedUser": record(_USER, {**_USER_OPTIONAL, "authToken": TEXT}),
    "Me": record(
        {**_USER, "authToken": TEXT, "wsChannel": OBJECT, "jwt": TEXT, "settings": OBJECT},
        _USER_OPTIONAL,
    ),
    "NewUser": fields(
        {**_PROFILE, "withAuthToken": BOOLEAN}, required={"uid": ref("Uid"), "name": NAME}
    ),
    "UserChanges": changes({**_PROFILE, "unset": array(_UNSETTABLE)}),
    "MyChanges": changes({**_WITHOUT_ROLE, **_DEVICE}),
    "Deletion": fields({"permanent": BOOLEAN}),
    "Deactivation": fields(required={"uidsToDeactivate": _UIDS}),
    "Reactivation": fields(required={"uidsToActivate": _UIDS}),
    "NewAuthToken": fields({"force": BOOLEAN, **_DEVICE}),
    "Device": fields(_DEVICE),
    "MintedAuthToken": record(_TOKEN),
    "AuthToken": record(_TOKEN, _DEVICE),
    "NewApiKey": fields({"scope": SCOPE}, required={"name": NAME}),
    "ApiKeyChanges": changes({"scope": SCOPE}),
    "ApiKey": record({"apiKey": TEXT, "name": TEXT, "scope": SCOPE, "createdAt": SECONDS}),
    "NewRole": fields(_ROLE, required={"role": ref("Uid"), "name": NAME}),
    "RoleChanges": changes(_ROLE),
    "Role": record(
        {"role": TEXT, "name": TEXT, "createdAt": SECONDS},
        {"description": TEXT, "metadata": OBJECT, "settings": OBJECT, "updatedAt": SECONDS},
    ),
    "Done": record({"success": {"type": "boolean", "enum": [True]}, "message": TEXT}),
    "Pagination": record(
        dict.fromkeys(("total", "count", "per_page", "current_page", "total_pages"), NUMBER)
    ),
    "Error": record(
        {
            "error": record(
                {"code": TEXT, "message": TEXT, "devMessage": TEXT, "source": TEXT},
                {
                    "details": {
                        "type": "object",
                        "description": "For each refused field its sentences.",
                        "additionalProperties": array(TEXT, minItems=1),
                    }
                },
            )
        }
    ),
}
BODY_LIMIT: Final = _checks.MAX_BODY
