"""What goes in: a user, and the settings; frozen, and free of I/O."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from . import _checks
from ._settings import AppSettings as AppSettings


def _tuple(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError("tags must be a sequence of texts, not one text")
    return tuple(value)


def _texts(_: object, attribute: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
    for item in value:
        if not isinstance(item, str):
            raise TypeError(f"{attribute.name} must hold texts, not {type(item).__name__}")


def _object(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{attribute.name} must be a mapping, not {type(value).__name__}")


def _text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    _checks.types(**{attribute.name: value})


def _uid_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be a str, not {type(value).__name__}")


def _whole_number(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{attribute.name} must be an int, not {type(value).__name__}")


def _bool(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name} must be a bool, not {type(value).__name__}")


def own_copy(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a copy that nobody else can change; what is no mapping is for a validator."""
    if not isinstance(value, Mapping):
        return value
    try:
        return copy.deepcopy(dict(value))
    except RecursionError:
        raise _checks.invalid("metadata", "is nested too deeply.") from None


@attrs.frozen
class User:
    """A user of the app.

    To create one, ``uid`` and ``name`` are needed; what only the service can know (status and
    times) is ignored then.

    Attributes:
        uid: At most 100 of ``a-z``, ``0-9``, ``-``, ``_``; the service writes it in lower case.
        name: At most 100 characters.
        avatar: URL of a picture, at most 3,000 characters.
        link: URL of a profile page, at most 3,000 characters.
        role: Id of a role that exists in the app; the service's default is ``"default"``.
        metadata: Anything that JSON can hold, at most 5 KB.
        status: ``"online"`` or ``"offline"``.
        status_message: The user's own words.
        tags: At most 25 of at most 100 characters each.
        last_active_at: Unix time in seconds.
        created_at: Unix time in seconds.
        deactivated_at: Unix time in seconds, or ``None`` for an active user.
        has_blocked_me: Whether this user blocked the one who is logged in.
        blocked_by_me: Whether the one who is logged in blocked this user.
        extra: Whatever else the service sent, under its own names. Never a credential.

    Raises:
        TypeError: If a field is not of its type.
        InvalidParameterError: If the metadata is nested too deeply to be copied.
    """

    uid: str = attrs.field(validator=_uid_text)
    name: str | None = attrs.field(default=None, validator=_text)
    avatar: str | None = attrs.field(default=None, validator=_text)
    link: str | None = attrs.field(default=None, validator=_text)
    role: str | None = attrs.field(default=None, validator=_text)
    metadata: Mapping[str, Any] | None = attrs.field(
        default=None, converter=own_copy, validator=_object, hash=False
    )
    status: str | None = attrs.field(default=None, validator=_text)
    status_message: str | None = attrs.field(default=None, validator=_text)
    tags: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_texts)
    last_active_at: int | None = attrs.field(default=None, validator=_whole_number)
    created_at: int | None = attrs.field(default=None, validator=_whole_number)
    deactivated_at: int | None = attrs.field(default=None, validator=_whole_number)
    has_blocked_me: bool = attrs.field(default=False, validator=_bool)
    blocked_by_me: bool = attrs.field(default=False, validator=_bool)
    extra: Mapping[str, Any] = attrs.field(
        factory=dict, converter=own_copy, validator=_object, hash=False, kw_only=True
    )

    def check(self) -> User:
        """Return this user if the service would take it as a new one.

        Raises:
            InvalidParameterError: For the first field that breaks one of the service's limits.
        """
        _checks.uid(self.uid)
        _checks.name(self.name)
        return self.check_changes()

    def check_changes(self) -> User:
        """Return this user if the service would take what is set of it as a change of one.

        Raises:
            InvalidParameterError: For the first field that breaks one of the service's limits.
        """
        if self.name is not None:
            _checks.name(self.name)
        for field in ("avatar", "link"):
            if getattr(self, field) is not None:
                _checks.url(field, getattr(self, field))
        if self.role is not None:
            _checks.role(self.role)
        if self.status_message is not None:
            _checks.unicode("status_message", self.status_message)
        if self.metadata is not None:
            _checks.metadata(self.metadata)
        _checks.tags(self.tags)
        size = len(_checks.json_bytes("user", user_to_wire(self)))
        if size > _checks.BODY_LIMIT:
            raise _checks.exceeded("user", _checks.BODY_LIMIT, "bytes of JSON", size)
        return self


# Our name, the service's name, the type on the wire.
FIELDS: Final[tuple[tuple[str, str, type], ...]] = (
    ("uid", "uid", str),
    ("name", "name", str),
    ("avatar", "avatar", str),
    ("link", "link", str),
    ("role", "role", str),
    ("metadata", "metadata", dict),
    ("status", "status", str),
    ("status_message", "statusMessage", str),
    ("tags", "tags", list),
    ("last_active_at", "lastActiveAt", int),
    ("created_at", "createdAt", int),
    ("deactivated_at", "deactivatedAt", int),
    ("has_blocked_me", "hasBlockedMe", bool),
    ("blocked_by_me", "blockedByMe", bool),
)
_SENT: Final = ("uid", "name", "avatar", "link", "role", "metadata", "status_message", "tags")


def user_to_wire(user: User) -> dict[str, Any]:
    """Return the body with which the official SDKs create this user.

    They send three constants with it; so do we, since what they send is known to be accepted.
    """
    body = {
        wire: list(value) if ours == "tags" else value
        for ours, wire, _ in FIELDS
        if ours in _SENT and (value := getattr(user, ours)) not in (None, ())
    }
    return {**body, "hasBlockedMe": False, "blockedByMe": False, "deactivatedAt": 0}


def wire_names(fields: Iterable[str]) -> list[tuple[str, str]]:
    """Return fields of a user by our name and the service's."""
    return [(ours, wire) for ours, wire, _ in FIELDS if ours in fields]
