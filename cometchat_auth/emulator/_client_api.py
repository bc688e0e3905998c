"""The client API: ``/me``, for whoever holds a user's auth token."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any, Final

from ._checks import Reader, device_fields, user_fields
from ._records import UserRecord
from ._service import Call, Service


def get_me(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /me`` with the user that the token logs in."""
    return {"data": service.state.session(call.token).to_wire()}


def put_me(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /me``: the official SDKs' login, and their change of one's own profile."""
    # The official SDKs offer no change of one's own role.
    reader = Reader({name: value for name, value in call.body.items() if name != "role"})
    fields = user_fields(reader, (), creating=False)
    device = device_fields(reader)
    reader.finish()
    user, token = service.state.update_session(call.token, fields, device)
    session = {
        "authToken": token.token,
        "wsChannel": {"identity": f"{service.app_id}_{user.uid}", "secret": secrets.token_hex(20)},
        "jwt": _jwt(service.app_id, user),
        "settings": {**_settings(call.host), **service.settings},
    }
    return {"data": {**user.to_wire(), **session}}


def delete_me(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /me``: the token is dead, the user's other tokens live on."""
    token = service.state.end_session(call.token)
    return {"data": {"success": True, "message": f"The user {token.uid} was logged out."}}


def _settings(host: str) -> dict[str, Any]:
    """Return the settings of which the official SDK needs all or none.

    It sends what comes next to the hosts that they name: here to where this request went.
    """
    return {
        "ADMIN_API_HOST": host,
        "CLIENT_API_HOST": host,
        "CHAT_API_VERSION": "v3.0",
        "MODE": "DEFAULT",
        "REGION": "us",
        "APP_VERSION": "3",
    }


def _jwt(app_id: str, user: UserRecord) -> str:
    """Return something of the shape of a JWT: clients carry it, and nothing here reads it."""
    claims = {"sub": user.uid, "appId": app_id, "iat": int(time.time())}
    return f"{_JWT_HEAD}.{_encoded(claims)}.{secrets.token_urlsafe(32)}"


def _encoded(value: dict[str, Any]) -> str:
    written = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


_JWT_HEAD: Final = _encoded({"typ": "JWT", "alg": "HS256"})
