"""The REST API's roles, for whoever holds a key with the scope ``fullAccess``.

Fields and limits are those of CometChat's documentation. What a role's settings would restrict,
and the permissions of a role, are not imitated.
"""

from __future__ import annotations

from typing import Any

from . import _rules
from ._checks import Reader, role_fields
from ._queries import page_wanted, query_reader
from ._replies import done, listing
from ._service import Call, Service


def create_role(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``POST /roles``."""
    reader = Reader(call.body)
    role = reader.take("role", _rules.uid, required=True)
    fields = role_fields(reader, creating=True)
    reader.finish()
    return {"data": service.roles.create(role, fields).to_wire()}


def list_roles(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /roles``, in the order of creation."""
    reader = query_reader(call.query)
    page = page_wanted(reader)
    reader.finish()
    roles, total = service.roles.page(page)
    return listing([role.to_wire() for role in roles], page, total)


def get_role(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``GET /roles/{role}``."""
    return {"data": service.roles.read(call.role).to_wire()}


def update_role(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``PUT /roles/{role}``."""
    reader = Reader(call.body)
    fields = role_fields(reader, creating=False)
    reader.finish()
    return {"data": service.roles.change(call.role, fields).to_wire()}


def delete_role(service: Service, call: Call) -> dict[str, Any]:
    """Answer ``DELETE /roles/{role}``."""
    role = service.roles.delete(call.role)
    return done(f"The role {role.role} was deleted.")
