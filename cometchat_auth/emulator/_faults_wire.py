"""Faults as JSON: each field by its name, and the body as text or as base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, fields

from ._faults import Fault
from ._faults_list import ActiveFault

_BASE64: Final = "body_base64"  # instead of body, for what is no text
_FIELDS: Final = frozenset(attribute.name for attribute in fields(Fault))


def fault_from_wire(value: Any) -> Fault:
    """Return the fault that a JSON object describes.

    A field that is ``null`` counts as left out.

    Raises:
        TypeError: It is no object, or a field has a value of the wrong type.
        ValueError: There is no such field, or a value is out of range.
    """
    if not isinstance(value, Mapping):
        raise TypeError("A fault must be a JSON object.")
    given = {name: item for name, item in value.items() if item is not None}
    if unknown := given.keys() - _FIELDS - {_BASE64}:
        raise ValueError(
            f"A fault has no field {min(unknown)!r}; it has {', '.join(sorted(_FIELDS))} "
            f"and {_BASE64}."
        )
    if _BASE64 in given:
        if "body" in given:
            raise ValueError(f"body and {_BASE64} are the same: give one of them.")
        given["body"] = _decoded(given.pop(_BASE64))
    return Fault(**given)


def fault_to_wire(active: ActiveFault) -> dict[str, Any]:
    """Return a fault as it stands, without the fields that it leaves at their defaults."""
    fault = active.fault
    given = {
        name: value
        for name, value in asdict(fault).items()
        if value != getattr(fields(Fault), name).default
    }
    if "headers" in given:
        given["headers"] = [list(pair) for pair in fault.headers]
    if "body" in given:
        given.update(_encoded(given.pop("body")))
    counts = {"id": active.id, "matched": active.matched, "hits": active.hits}
    return {**counts, "spent": active.spent, **given}


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValueError(f"{_BASE64} is not base64.") from None


def _encoded(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {_BASE64: base64.b64encode(body).decode()}
