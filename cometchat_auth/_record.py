"""What is stored of a session: one line of ASCII JSON, the record.

It carries a format number, so that a later version can tell what it finds, and fields that this
version does not know survive being written again. The auth key is never in it.
"""

from __future__ import annotations

from typing import Any, Final

from . import _checks, _late
from ._secrets import Secret
from ._session import Session
from .errors import CometChatException
from .models import User

FORMAT: Final = 1

# Of the user: what a program shows before it has asked the service.
_CORE: Final = ("name", "avatar", "link", "role")

# Levels of objects and lists in a record; more could be read but perhaps not written back.
_MOST_LEVELS: Final = 20


def encode(session: Session) -> str:
    """Return the record for a session: small, ASCII, without an auth key.

    Fields of the record that this version does not know are written back as they were.
    """
    known = {
        "format": FORMAT,
        "uid": session.user.uid,
        "authToken": session.token.reveal(),
        "minted": session.minted,
        "deviceId": session.device_id,
        **{field: value for field in _CORE if (value := getattr(session.user, field)) is not None},
    }
    return _late.json.dumps({**session.extra, **known}, ensure_ascii=True, separators=(",", ":"))


def decode(record: object) -> Session:
    """Return the session that a record holds.

    Raises:
        ValueError: If it is not a record that this version understands; its text names what is
            wrong without quoting the record.
    """
    fields = _fields(record)
    token, minted, device_id = (
        fields.pop(key, None) for key in ("authToken", "minted", "deviceId")
    )
    try:
        _checks.credential("authToken", token)
        user = User(fields.pop("uid", None), **_core(fields))
    except (TypeError, CometChatException) as problem:
        raise ValueError(f"its fields are unusable: {problem}") from None
    if not user.uid:
        raise ValueError("it names no user")
    return Session(
        user=user,
        token=Secret(str(token)),
        minted=minted is True,
        device_id=device_id if isinstance(device_id, str) else "",
        extra=fields,
    )


def _fields(record: object) -> dict[str, Any]:
    if not isinstance(record, str):
        raise ValueError(f"it is not a text but a {type(record).__name__}")
    try:
        fields = _late.json.loads(record)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    found = fields.pop("format", None)
    if isinstance(found, bool) or found != FORMAT:
        raise ValueError("it has a format that this version does not know")
    if _is_deep(fields, _MOST_LEVELS):
        raise ValueError("it is nested too deeply to be written back")
    return fields


def _is_deep(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return not levels or any(_is_deep(item, levels - 1) for item in items)


def _core(fields: dict[str, Any]) -> dict[str, Any]:
    """Take the core fields out; one of a wrong type stays with the unknown ones."""
    return {field: fields.pop(field) for field in _CORE if isinstance(fields.get(field), str)}
