"""What a server may know of an auth token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from .. import _checks
from .._secrets import without_credentials
from .._wire import sorted_out
from ..models import own_copy


@attrs.frozen
class AuthToken:
    """What logs one user in, and what the device that uses it said about itself.

    Attributes:
        uid: Whose it is.
        auth_token: The credential itself; it stands in no ``repr``.
        created_at: Unix time in seconds.
        platform: The device's word for its kind, e.g. ``"WEB"``, where the service tells it.
        user_agent: The program that uses it, where the service tells it.
        app_info: More about that program, as JSON.
        extra: Whatever else the service sent, under its own names.
    """

    uid: str
    auth_token: str = attrs.field(repr=False)
    created_at: int | None = None
    platform: str | None = None
    user_agent: str | None = None
    app_info: Mapping[str, Any] | None = attrs.field(
        default=None, converter=own_copy, hash=False, repr=False
    )
    extra: Mapping[str, Any] = attrs.field(
        factory=dict, converter=own_copy, hash=False, kw_only=True
    )


_TOKEN_FIELDS: Final[tuple[tuple[str, str, type], ...]] = (
    ("uid", "uid", str),
    ("created_at", "createdAt", int),
    ("platform", "platform", str),
    ("user_agent", "userAgent", str),
    ("app_info", "appInfo", dict),
)


def auth_token_from_wire(data: Mapping[str, Any], uid: str) -> AuthToken:
    """Return the auth token that the service described.

    A field of an unexpected type is kept in ``extra`` rather than lost or trusted.

    Args:
        data: What the service sent.
        uid: Whose token was asked for, should the service not say it again.

    Raises:
        InvalidParameterError: If there is no usable token.
        TypeError: The same.
    """
    token = _checks.credential("authToken", data.get("authToken"))
    known, extra = sorted_out(data, _TOKEN_FIELDS)
    return AuthToken(**{"uid": uid, **known}, auth_token=token, extra=without_credentials(extra))
