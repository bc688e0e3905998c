"""What the service sends, made into models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ._secrets import without_credentials
from .models import FIELDS, User

# Answers about the session carry these beside the user's fields; they are not the user's.
_SESSION_FIELDS: Final = frozenset({"authToken", "jwt", "wsChannel", "settings"})


def user_from_wire(data: Mapping[str, Any]) -> User:
    """Return the user that the service described.

    A field of an unexpected type is kept in ``extra`` rather than lost or trusted.

    Raises:
        ValueError: If there is no uid.
    """
    if not isinstance(data.get("uid"), str) or not data["uid"]:
        raise ValueError("no uid in the answer")
    known, extra = sorted_out(data, FIELDS)
    if known.get("status") == "available":  # the REST API's word for it
        known["status"] = "online"
    if known.get("deactivated_at") == 0:  # the SDKs' "active"
        del known["deactivated_at"]
    return User(**known, extra=without_credentials(extra))


def sorted_out(
    data: Mapping[str, Any], fields: tuple[tuple[str, str, type], ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that are as expected, by our names, and everything else.

    Args:
        data: What the service sent.
        fields: Our name, the service's name and the type of each field that is expected.
    """
    known: dict[str, Any] = {}
    extra = {key: value for key, value in data.items() if key not in _SESSION_FIELDS}
    for ours, wire, kind in fields:
        if extra.get(wire) is None:
            extra.pop(wire, None)
        elif _fits(value := _mended(extra[wire], kind), kind):
            known[ours] = value
            del extra[wire]
    return known, extra


def _mended(value: Any, kind: type) -> Any:
    # PHP writes an empty object as an empty list; numbers may come as texts.
    if kind is dict and value == []:
        return {}
    if kind is int and isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value):
        return int(value)
    return value


def _fits(value: Any, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
