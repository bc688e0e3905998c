"""The values that go in and come out: frozen, and free of I/O."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from . import _checks
from ._secrets import Secret, without_credentials
from .errors import MISSING_PARAMETERS, InvalidParameterError

# From the network allow-list in CometChat's documentation.
DOMAINS: Final = ("cometchat.io", "cc-cluster-2.io", "cc-edge-2.io")


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


def _own_copy(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
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
        default=None, converter=_own_copy, validator=_object, hash=False
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
        factory=dict, converter=_own_copy, validator=_object, hash=False, kw_only=True
    )

    def check(self) -> User:
        """Return this user if the service would take it as a new one.

        Raises:
            InvalidParameterError: For the first field that breaks one of the service's limits.
        """
        _checks.uid(self.uid)
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
_FIELDS: Final[tuple[tuple[str, str, type], ...]] = (
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

# Answers about the session carry these beside the user's fields; they are not the user's.
_SESSION_FIELDS: Final = frozenset({"authToken", "jwt", "wsChannel", "settings"})


def user_to_wire(user: User) -> dict[str, Any]:
    """Return the body with which the official SDKs create this user.

    They send three constants with it; so do we, since what they send is known to be accepted.
    """
    body = {
        wire: list(value) if ours == "tags" else value
        for ours, wire, _ in _FIELDS
        if ours in _SENT and (value := getattr(user, ours)) not in (None, ())
    }
    return {**body, "hasBlockedMe": False, "blockedByMe": False, "deactivatedAt": 0}


def user_from_wire(data: Mapping[str, Any]) -> User:
    """Return the user that the service described.

    A field of an unexpected type is kept in ``extra`` rather than lost or trusted.

    Raises:
        ValueError: If there is no uid.
    """
    if not isinstance(data.get("uid"), str) or not data["uid"]:
        raise ValueError("no uid in the answer")
    known: dict[str, Any] = {}
    extra = {key: value for key, value in data.items() if key not in _SESSION_FIELDS}
    for ours, wire, kind in _FIELDS:
        if extra.get(wire) is None:
            extra.pop(wire, None)
        elif _fits(value := _mended(extra[wire], kind), kind):
            known[ours] = value
            del extra[wire]
    if known.get("status") == "available":  # the REST API's word for it
        known["status"] = "online"
    if known.get("deactivated_at") == 0:  # the SDKs' "active"
        del known["deactivated_at"]
    return User(**known, extra=without_credentials(extra))


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


def _region(value: object) -> str | None:
    return None if value is None else _checks.region(value)


def _client_host(value: object) -> str | None:
    return None if value is None else _checks.base_url("client_host", value)


def _admin_host(value: object) -> str | None:
    return None if value is None else _checks.base_url("admin_host", value)


def _timeout(value: object) -> float:
    return _checks.seconds("timeout", value)


def _read_timeout(value: object) -> float:
    return _checks.seconds("keyring_read_timeout", value)


def _write_timeout(value: object) -> float:
    return _checks.seconds("keyring_write_timeout", value)


def _proxies(value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"proxies must be a mapping, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"proxies must be named by texts, not by {type(key).__name__}")
    _checks.types(**{f"proxies[{key!r}]": item for key, item in value.items()})
    return dict(value)


def _verify(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise TypeError(f"verify must be True, False or a path, not {type(value).__name__}")
    return _checks.text("verify", value)


def _cert(value: object) -> str | tuple[str, str] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _checks.text("cert", value)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        certificate, key = value
        return _checks.text("cert", certificate), _checks.text("cert", key)
    raise TypeError("cert must be a path, or a pair of paths (certificate, key)")


@attrs.frozen(kw_only=True)
class AppSettings:
    """How to reach the app, and how long to wait.

    Attributes:
        region: ``"us"``, ``"eu"`` or ``"in"``: where the app was created.
        client_host: Host or URL for logins, for a deployment of your own. ``https`` is assumed,
            and ``/v3.0`` where no path is given. Never replaced by what the service says.
        admin_host: The same for minting tokens and creating users.
        timeout: Seconds for a whole call: waiting for a worker, connecting, retries.
        keyring_read_timeout: Seconds after which reading the session store is given up.
        keyring_write_timeout: The same for writing; a person may be typing a password.
        proxies: ``{"https": "http://proxy:3128"}`` as for `requests`; by default the
            environment's.
        verify: ``True``, or the path of a file or folder of CA certificates. By default the
            environment's ``REQUESTS_CA_BUNDLE`` or the certificates that come with `requests`.
        cert: Path of a client certificate, or a pair of paths (certificate, key).
        platform: What the service is told in the place where the official SDKs say ``"WEB"``.
            Whether the service minds an unknown one is unverified.

    Raises:
        TypeError: If a value is not of its type.
        InvalidParameterError: If a value cannot be used, or neither a region nor both hosts are
            given.
    """

    region: str | None = attrs.field(default=None, converter=_region)
    client_host: str | None = attrs.field(default=None, converter=_client_host)
    admin_host: str | None = attrs.field(default=None, converter=_admin_host)
    timeout: float = attrs.field(default=30.0, converter=_timeout)
    keyring_read_timeout: float = attrs.field(default=3.0, converter=_read_timeout)
    keyring_write_timeout: float = attrs.field(default=60.0, converter=_write_timeout)
    proxies: Mapping[str, str] | None = attrs.field(
        default=None, converter=_proxies, repr=False, hash=False
    )
    verify: bool | str = attrs.field(default=True, converter=_verify)
    cert: str | tuple[str, str] | None = attrs.field(default=None, converter=_cert)
    platform: str = attrs.field(default="PYTHON", converter=_checks.platform)

    def __attrs_post_init__(self) -> None:
        if self.region is None and (self.client_host is None or self.admin_host is None):
            raise InvalidParameterError(
                MISSING_PARAMETERS,
                "region is required (one of us, eu, in), "
                "unless client_host and admin_host are both given.",
            )

    @classmethod
    def for_emulator(cls, url: str, **changes: Any) -> AppSettings:
        """Return settings for the emulator at this URL.

        Args:
            url: What ``Emulator.url`` says, e.g. ``"http://127.0.0.1:8642"``.
            **changes: Any other setting.

        Raises:
            InvalidParameterError: If it is no URL, or one of another machine without ``https``.
        """
        base = f"{_checks.text('url', url).rstrip('/')}/{_checks.API_VERSION}"
        return cls(client_host=base, admin_host=base, **changes)


@attrs.frozen
class Hosts:
    """Where the two halves of the service are: base URLs without a trailing slash."""

    admin: str
    client: str

    @classmethod
    def of(cls, app_id: str, settings: AppSettings) -> Hosts:
        """Return the configured hosts, or those that follow from app id and region."""
        family = f"{settings.region}.{DOMAINS[0]}/{_checks.API_VERSION}"
        return cls(
            admin=settings.admin_host or f"https://{app_id}.api-{family}",
            client=settings.client_host or f"https://{app_id}.apiclient-{family}",
        )


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
