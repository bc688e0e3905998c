"""What an app knows and what lists are asked for, as values, and their form on the wire."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from attrs import field, frozen

AUTH_ONLY: Final = "authOnly"
FULL_ACCESS: Final = "fullAccess"
SCOPES: Final = (AUTH_ONLY, FULL_ACCESS)
DEFAULT_ROLE: Final = "default"


@frozen
class AppRecord:
    """One app.

    Attributes:
        app_id: The app's id.
        auth_key: The key of the scope ``authOnly`` that it began with.
        rest_api_key: The key of the scope ``fullAccess`` that it began with.
    """

    app_id: str
    auth_key: str = field(repr=False)
    rest_api_key: str = field(repr=False)


@frozen
class KeyRecord:
    """One API key.

    Attributes:
        key: The secret itself.
        name: Name to show.
        scope: What it may do: ``authOnly`` or ``fullAccess``.
        created_at: Unix time in seconds.
    """

    key: str = field(repr=False)
    name: str
    scope: str
    created_at: int

    def to_wire(self) -> dict[str, Any]:
        """Return the key as the service answers it."""
        return {
            "apiKey": self.key,
            "name": self.name,
            "scope": self.scope,
            "createdAt": self.created_at,
        }


@frozen
class RoleRecord:
    """One role.

    Attributes:
        role: Lower-case id, fixed for ever.
        name: Name to show.
        description: Free text, or ``None``.
        metadata: Any JSON object, or ``None``.
        settings: Any JSON object, or ``None``; what it would restrict is not imitated.
        created_at: Unix time in seconds.
        updated_at: Unix time in seconds of the last change, or ``None``.
    """

    role: str
    name: str
    description: str | None = None
    metadata: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    created_at: int = 0
    updated_at: int | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the role as the service answers it: absent values are left out, never null."""
        fields = {
            "role": self.role,
            "name": self.name,
            "description": self.description,
            "metadata": self.metadata,
            "settings": self.settings,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        }
        return {key: value for key, value in fields.items() if value is not None}


@frozen
class UserRecord:
    """One user.

    Attributes:
        uid: Lower-case id, fixed for ever.
        name: Name to show.
        role: Id of the user's role.
        avatar: URL of a picture, or ``None``.
        link: URL of a profile page, or ``None``.
        status_message: Free text, or ``None``.
        metadata: Any JSON object, or ``None``.
        tags: Labels, in the order given.
        created_at: Unix time in seconds.
        updated_at: Unix time in seconds of the last change, or ``None``.
        deactivated_at: Unix time in seconds, or ``None`` while the user is active.
    """

    uid: str
    name: str
    role: str
    avatar: str | None = None
    link: str | None = None
    status_message: str | None = None
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    created_at: int = 0
    updated_at: int | None = None
    deactivated_at: int | None = None

    def to_wire(self, *, with_tags: bool = True) -> dict[str, Any]:
        """Return the user as the service answers it: absent values are left out, never null."""
        fields = {
            "uid": self.uid,
            "name": self.name,
            "link": self.link,
            "avatar": self.avatar,
            "metadata": self.metadata,
            # Presence is a matter of the realtime connection, which is not imitated.
            "status": "offline",
            "statusMessage": self.status_message,
            "role": self.role,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "deactivatedAt": self.deactivated_at,
            "tags": list(self.tags) if with_tags else None,
        }
        return {key: value for key, value in fields.items() if value is not None}


@frozen
class TokenRecord:
    """One auth token.

    Attributes:
        uid: The user that it logs in.
        token: The secret itself.
        created_at: Unix time in seconds.
        device: What the device that uses it said about itself.
    """

    uid: str
    token: str = field(repr=False)
    created_at: int
    device: dict[str, Any] = field(factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Return the token as the service answers it, with what a device said about itself.

        Whether the real service shows the latter is not known; it is left out where nothing was
        said.
        """
        wire = {"uid": self.uid, "authToken": self.token, "createdAt": self.created_at}
        return {**wire, **self.device}


@frozen
class Page:
    """Which part of a list is asked for: the page's number, from 1, and the items on each."""

    number: int
    size: int

    @property
    def skipped(self) -> int:
        """Return how many items are on the pages before this one."""
        return (self.number - 1) * self.size


class Standing(Enum):
    """Which users a list may hold."""

    ACTIVE = "those that are not deactivated"
    DEACTIVATED = "those that are"
    ANY = "both"


@frozen
class UserFilter:
    """Which users a list is asked for; what is empty excludes nobody.

    Attributes:
        search: What the name or the uid begins with, in any case.
        search_in: Which of ``name`` and ``uid`` to look at.
        roles: Ids of roles, one of which the user has.
        tags: Tags, one of which the user has.
        standing: Whether active users are wanted, deactivated ones, or both.
        online: Whether users must be connected at the moment.
    """

    search: str = ""
    search_in: tuple[str, ...] = ("name", "uid")
    roles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    standing: Standing = Standing.ACTIVE
    online: bool = False
