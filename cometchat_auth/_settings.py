"""How the app is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from . import _checks
from .errors import MISSING_PARAMETERS, InvalidParameterError


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
        proxies: ``{"https": "http://proxy:3128"}`` as for ``requests``; by default the
            environment's.
        verify: ``True``, or the path of a file or folder of CA certificates. By default the
            environment's ``REQUESTS_CA_BUNDLE`` or the certificates that come with ``requests``.
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
