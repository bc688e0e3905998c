"""The REST API: users and their auth tokens, for whoever holds an API key."""

from __future__ import annotations

from typing import Any

from . import _rules
from ._checks import Reader, page_of, user_fields
from ._service import Call, Service


def create_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /users``."""
    reader = Reader(call.body)
    uid = reader.take("uid", _rules.uid, required=True)
    fields = user_fields(reader, service.state.roles(), creating=True)
    with_token = reader.take("withAuthToken", _rules.boolean)
    reader.finish()
    data = service.state.create_user(uid, fields).to_wire()
    if with_token:
        data["authToken"] = service.state.mint(uid).token
    return {"data": data}


def get_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users/{uid}``."""
    return {"data": service.state.user(call.uid).to_wire()}


def update_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /users/{uid}``."""
    reader = Reader(call.body)
    fields = user_fields(reader, service.state.roles(), creating=False)
    removed = reader.take("unset", _rules.unset) or []
    reader.finish()
    changes = {**fields, **dict.fromkeys(removed)}
    return {"data": service.state.update_user(call.uid, changes).to_wire()}


def delete_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users/{uid}``: deactivate the user, or delete it with ``permanent``."""
    reader = Reader(call.body)
    permanent = bool(reader.take("permanent", _rules.boolean))
    reader.finish()
    user = service.state.delete_user(call.uid, permanent=permanent)
    return _done(f"The user {user.uid} was {'deleted' if permanent else 'deactivated'}.")


def create_auth_token(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /users/{uid}/auth_tokens`` with a new token, whatever ``force`` says.

    Whether the real service would return an existing token without ``force`` is not known.
    """
    reader = Reader(call.body)
    reader.take("force", _rules.boolean)
    fields = device_fields(reader)
    reader.finish()
    token = service.state.mint(call.uid, fields)
    return {"data": {"uid": token.uid, "authToken": token.token, "createdAt": token.created_at}}


def list_auth_tokens(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users/{uid}/auth_tokens``."""
    page = page_of(call.query)
    tokens, total = service.state.tokens(call.uid, page)
    pagination = {
        "total": total,
        "count": len(tokens),
        "per_page": page.size,
        "current_page": page.number,
        "total_pages": -(-total // page.size),
    }
    return {"data": [token.to_wire() for token in tokens], "meta": {"pagination": pagination}}


def get_auth_token(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users/{uid}/auth_tokens/{token}``."""
    return {"data": service.state.token(call.uid, call.token).to_wire()}


def update_auth_token(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /users/{uid}/auth_tokens/{token}``."""
    reader = Reader(call.body)
    fields = device_fields(reader)
    reader.finish()
    return {"data": service.state.describe_device(call.uid, call.token, fields).to_wire()}


def delete_auth_token(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users/{uid}/auth_tokens/{token}``."""
    token = service.state.delete_token(call.uid, call.token)
    return _done(f"One auth token of the user {token.uid} was deleted.")


def flush_auth_tokens(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users/{uid}/auth_tokens``."""
    user = service.state.flush_tokens(call.uid)
    return _done(f"All auth tokens of the user {user.uid} were deleted.")


def device_fields(reader: Reader) -> dict[str, Any]:
    """Return what the body says about the device that will use a token."""
    fields = {
        "platform": reader.take("platform", _rules.text(None)),
        "deviceId": reader.take("deviceId", _rules.text(None)),
        "userAgent": reader.take("userAgent", _rules.text(None)),
        "appInfo": reader.take("appInfo", _rules.json_object),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _done(message: str) -> dict[str, Any]:
    return {"data": {"success": True, "message": message}}
