"""Who is logged in, and what may be told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ._secrets import Secret
from .models import User


@attrs.frozen
class Session:
    """Who is logged in, and the credential that proves it.

    Attributes:
        user: As far as known; after a restart only its core fields.
        token: The auth token.
        minted: Whether this client made the token itself, and may therefore revoke it.
        device_id: What the service was told at login.
        extra: Fields of the stored record that this version does not know.
    """

    user: User
    token: Secret
    minted: bool
    device_id: str
    extra: Mapping[str, Any] = attrs.field(factory=dict, hash=False, repr=False)

    def is_for(self, uid: str) -> bool:
        """Return whether it is this uid's; uids compare case-insensitively."""
        return self.user.uid.lower() == uid.lower()


@attrs.frozen
class SessionInfo:
    """What is known about the session; no credential.

    Attributes:
        user: Who is logged in, or ``None``.
        verified: Whether the service has confirmed the session since this client was made.
        persisted: Whether a later process will find it.
        reason: Why it is not persisted, or why the store could not be looked at; ``None`` if all
            is well. One of ``no_keyring``, ``memory``, ``locked``, ``dismissed``, ``timeout``,
            ``denied``, ``not_retained``, ``error``, or ``replaced`` if another process has
            logged in or out; `reload` finds out.
        backend: Name of the keyring's back end or of the store, ``None`` if not known yet.
        service_name: Under which service name the store keeps it.
        profile: Under which user name the store keeps it.
    """

    user: User | None
    verified: bool
    persisted: bool
    reason: str | None
    backend: str | None
    service_name: str
    profile: str
