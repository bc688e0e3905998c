"""The REST API's auth tokens, for whoever holds an API key."""

from __future__ import annotations

from typing import Any

from . import _rules
from ._checks import Reader, device_fields
from ._queries import page_wanted, query_reader
from ._replies import done, listing
from ._service import Call, Service


def create_auth_token(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /users/{uid}/auth_tokens`` with a new token, or with one there is.

    Whether the real service returns the latest token again without ``force`` is not known: the
    emulator does so where the app was told to.
    """
    reader = Reader(call.body)
    force = reader.take("force", _rules.boolean)
    fields = device_fields(reader)
    reader.finish()
    reuse = service.reuse_auth_tokens and not force
    token = service.state.mint(call.uid, fields, reuse=reuse)
    return {"data": {"uid": token.uid, "authToken": token.token, "createdAt": token.created_at}}


def list_auth_tokens(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users/{uid}/auth_tokens``."""
    reader = query_reader(call.query)
    page = page_wanted(reader)
    reader.finish()
    tokens, total = service.state.tokens(call.uid, page)
    return listing([token.to_wire() for token in tokens], page, total)


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
    return done(f"One auth token of the user {token.uid} was deleted.")


def flush_auth_tokens(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users/{uid}/auth_tokens``."""
    user = service.state.flush_tokens(call.uid)
    return done(f"Cleared Auth Tokens successfully for uid {user.uid}.")
