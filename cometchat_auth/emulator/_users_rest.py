"""The REST API's users, for whoever holds an API key."""

from __future__ import annotations

from typing import Any

from . import _rules
from ._checks import Reader, user_fields
from ._queries import flag, page_wanted, query_reader, users_wanted
from ._replies import done, listing
from ._service import Call, Service


def create_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /users``."""
    reader = Reader(call.body)
    uid = reader.take("uid", _rules.uid, required=True)
    fields = user_fields(reader, service.roles.ids(), creating=True)
    with_token = reader.take("withAuthToken", _rules.boolean)
    reader.finish()
    if not with_token:
        user = service.state.create_user(uid, fields, quota=service.user_quota)
        return {"data": user.to_wire()}
    user, token = service.state.create_user_with_token(uid, fields, quota=service.user_quota)
    return {"data": {**user.to_wire(), "authToken": token.token}}


def list_users(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users``, in the order of creation.

    What ``count`` changes is not documented: the numbers are in ``meta`` with and without it.
    """
    reader = query_reader(call.query)
    wanted = users_wanted(reader)
    page = page_wanted(reader)
    with_tags = flag(reader, "withTags")
    flag(reader, "count")
    reader.finish()
    users, total = service.state.users(wanted, page)
    return listing([user.to_wire(with_tags=with_tags) for user in users], page, total)


def deactivate_users(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users`` with the uids of those that were active until now."""
    done_now = service.state.deactivate_users(_uids(call, "uidsToDeactivate"))
    return {"data": {"deactivatedUids": done_now}}


def reactivate_users(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /users`` with the uids of those that were deactivated until now."""
    done_now = service.state.reactivate_users(_uids(call, "uidsToActivate"))
    return {"data": {"nonDeactivatedUids": done_now}}


def get_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /users/{uid}``."""
    if call.on_behalf_of:
        service.state.user(call.on_behalf_of)
    return {"data": service.state.user(call.uid).to_wire()}


def update_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /users/{uid}``."""
    reader = Reader(call.body)
    fields = user_fields(reader, service.roles.ids(), creating=False)
    removed = reader.take("unset", _rules.some_of(_rules.UNSETTABLE)) or []
    reader.finish()
    changes = {**fields, **dict.fromkeys(removed)}
    return {"data": service.state.update_user(call.uid, changes).to_wire()}


def delete_user(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /users/{uid}``: deactivate the user, or delete it with ``permanent``."""
    reader = Reader(call.body)
    permanent = bool(reader.take("permanent", _rules.boolean))
    reader.finish()
    user = service.state.delete_user(call.uid, permanent=permanent)
    return done(f"User with {user.uid} has been deleted successfully.")


def _uids(call: Call, field: str) -> list[str]:
    reader = Reader(call.body)
    uids = reader.take(field, _rules.uids, required=True)
    reader.finish()
    return list(uids)
