"""The REST API's API keys, for whoever holds a key with the scope ``fullAccess``."""

from __future__ import annotations

from typing import Any

from . import _admin_errors, _rules
from ._checks import Reader
from ._errors import mask
from ._queries import page_wanted, query_reader
from ._records import AUTH_ONLY, SCOPES
from ._replies import done, listing
from ._service import Call, Service


def create_key(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /apikeys``; without a scope the key is ``authOnly``.

    CometChat's description of the call has the scope as required, and with that default.
    """
    reader = Reader(call.body)
    name = reader.take("name", _rules.text(_rules.MAX_NAME), required=True)
    scope = reader.take("scope", _rules.choice(SCOPES)) or AUTH_ONLY
    reader.finish()
    return {"data": service.keys.create(name, scope).to_wire()}


def list_keys(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /apikeys``, in the order of creation.

    That ``searchKey`` is the beginning of a name, and that there are pages, is assumed: it is so
    for users.
    """
    reader = query_reader(call.query)
    page = page_wanted(reader)
    scope = reader.take("scope", _rules.choice(SCOPES)) or ""
    search = reader.take("searchKey", _rules.text(None)) or ""
    reader.finish()
    keys, total = service.keys.page(page, scope, search)
    return listing([key.to_wire() for key in keys], page, total)


def get_key(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /apikeys/{apiKey}``."""
    return {"data": service.keys.read(call.key).to_wire()}


def update_key(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /apikeys/{apiKey}``."""
    _refuse_self(call)
    reader = Reader(call.body)
    fields = {
        # As of a user, a name may be left out, but not be blank.
        "name": reader.take("name", _rules.text(_rules.MAX_NAME), required="name" in reader.body),
        "scope": reader.take("scope", _rules.choice(SCOPES)),
    }
    reader.finish()
    given = {name: value for name, value in fields.items() if value is not None}
    return {"data": service.keys.change(call.key, given).to_wire()}


def delete_key(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /apikeys/{apiKey}``."""
    _refuse_self(call)
    key = service.keys.delete(call.key)
    return done(f"The Api Key {mask(key.key)} has been deleted successfully.")


def _refuse_self(call: Call) -> None:
    if call.key == call.own_key:
        raise _admin_errors.no_self_action()
