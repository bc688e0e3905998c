"""The service's endpoints, as plain functions: arguments in, models out.

What is sent is what the official JavaScript SDK 4.2.0 sends for the same call (paths, header
names, body fields), under this library's own name.
"""

from __future__ import annotations

import platform as machine
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs

from . import _checks, _late
from ._answers import Request, Unreadable
from ._hosts import DOMAINS, Hosts
from ._http import Http
from ._secrets import Secret
from ._version import __version__
from ._waits import Deadline, Flow
from ._wire import user_from_wire
from .errors import CometChatException
from .models import User, user_to_wire

_SDK: Final = f"python@{__version__}"
_USER_AGENT: Final = f"cometchat-auth/{__version__}"


@attrs.frozen
class Api:
    """What every request of one client has in common.

    Attributes:
        http: The way there.
        app_id: Sent as a header with every request.
        resource: This client's name for the service: platform, version, a random part, and Unix
            time in milliseconds.
        platform: The service's word for what kind of client this is.
    """

    http: Http
    app_id: str
    resource: str
    platform: str

    @classmethod
    def of(cls, http: Http, app_id: str, platform: str) -> Api:
        """Return an `Api` with a resource of its own."""
        resource = f"{platform}-{__version__.replace('.', '_')}-{_unique('-')}"
        return cls(http, app_id, resource, platform)

    def new_device_id(self) -> str:
        """Return a device id as the official SDKs make it: app, random part, milliseconds."""
        return f"{self.app_id}_{_unique('_')}"

    def request(
        self,
        what: str,
        method: str,
        base: str,
        path: str,
        credential: tuple[str, Secret],
        body: Mapping[str, Any] | None,
        *,
        repeatable: bool = True,
        headers: Mapping[str, str] | None = None,
        hidden: tuple[Secret, ...] = (),
        remedy: str | None = None,
    ) -> Request:
        """Return the request with the headers that the official SDKs send.

        Raises:
            InvalidParameterError: If the body cannot be written as JSON.
        """
        common = {
            "appId": self.app_id,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "sdk": _SDK,
            "resource": self.resource,
            "User-Agent": _USER_AGENT,
            **(headers or {}),
        }
        written = None if body is None else _checks.json_bytes("body", body)
        return Request(
            what, method, base, path, common, credential, written, repeatable, hidden, remedy
        )

    def device(self, device_id: str) -> dict[str, Any]:
        """Return the body of both login requests."""
        return {
            "platform": self.platform,
            "deviceId": device_id,
            "appInfo": {
                "version": f"v{__version__}",
                "apiVersion": _checks.API_VERSION,
                "userAgent": f"{_USER_AGENT} Python/{machine.python_version()} "
                f"{machine.system()}/{machine.release()}",
            },
        }


@attrs.frozen
class Me:
    """What the service says about a session.

    Attributes:
        user: Whose it is.
        token: The token to use from now on.
        settings: The app's settings, which may name other hosts.
    """

    user: User
    token: Secret
    settings: Mapping[str, Any] = attrs.field(repr=False)


def mint_token(
    api: Api, base: str, uid: str, auth_key: Secret, device_id: str, deadline: Deadline
) -> Flow[Secret]:
    """Have the service make an auth token for a user; needs an auth key."""
    request = api.request(
        "log in",
        "POST",
        base,
        f"/users/{_late.urllib_parse.quote(uid, safe='')}/auth_tokens",
        ("apiKey", auth_key),
        api.device(device_id),
    )
    return (
        yield from api.http.exchange(request, deadline, lambda content: _token(content["data"]))
    )


def put_me(
    api: Api, base: str, token: Secret, device_id: str, deadline: Deadline, *, what: str = "log in"
) -> Flow[Me]:
    """Ask whose session a token is, and announce this device with it."""
    request = api.request(what, "PUT", base, "/me", ("authToken", token), api.device(device_id))
    return (
        yield from api.http.exchange(request, deadline, lambda content: _me(content["data"], token))
    )


# The token is forgotten here by then, so that nothing of this client's can end it any more.
_END_ELSEWHERE: Final = "Have your server end the user's tokens: flush_auth_tokens."


def delete_me(api: Api, base: str, token: Secret, deadline: Deadline) -> Flow[None]:
    """End the session of a token."""
    credential = ("authToken", token)
    request = api.request("log out", "DELETE", base, "/me", credential, {}, remedy=_END_ELSEWHERE)
    yield from api.http.exchange(request, deadline, confirmed)


def create_user(
    api: Api, base: str, user: User, auth_key: Secret, deadline: Deadline
) -> Flow[User]:
    """Create a user; never repeated once a byte of it may have arrived."""
    request = api.request(
        "create the user",
        "POST",
        base,
        "/users",
        ("apiKey", auth_key),
        user_to_wire(user),
        repeatable=False,
    )
    return (yield from api.http.exchange(request, deadline, read_user))


def followed(hosts: Hosts, settings: Mapping[str, Any], *, admin: bool, client: bool) -> Hosts:
    """Return the hosts that the service's settings name, where they may be followed.

    Args:
        hosts: Those in use.
        settings: What the service said at login.
        admin: Whether the admin host may be replaced: not if it was configured.
        client: The same for the client host.

    Returns:
        The hosts; a name outside the service's own domains is not followed, since keys and
        tokens would go there.
    """
    version = settings.get("CHAT_API_VERSION")
    return Hosts(
        admin=(admin and _named(settings.get("ADMIN_API_HOST"), version)) or hosts.admin,
        client=(client and _named(settings.get("CLIENT_API_HOST"), version)) or hosts.client,
    )


def _named(host: object, version: object) -> str | None:
    if not isinstance(host, str) or not host:
        return None
    path = version if isinstance(version, str) and version in {"v3", "v3.0"} else "v3.0"
    try:
        base = _checks.base_url("host", host.removesuffix("/"))
    except CometChatException:
        return None
    name = base.split("/")[2]
    if not base.startswith("https://") or not name.endswith(tuple(f".{d}" for d in DOMAINS)):
        return None
    return f"https://{name}/{path}"


def _me(data: Any, token: Secret) -> Me:
    user = user_of(data)
    settings = data.get("settings")
    renewed = _token(data) if data.get("authToken") else token
    return Me(user, renewed, settings if isinstance(settings, dict) else {})


def read_user(content: dict[str, Any]) -> User:
    """Return the user that an answer is about.

    Raises:
        Unreadable: If it is about none.
    """
    return user_of(content["data"])


def user_of(data: Any) -> User:
    """Return the user that a part of an answer describes.

    Raises:
        Unreadable: If it describes none.
    """
    try:
        return user_from_wire(data if isinstance(data, dict) else {})
    except (ValueError, TypeError, RecursionError):
        raise Unreadable("no user") from None


def _token(data: Any) -> Secret:
    try:
        return Secret(
            _checks.credential(
                "authToken", data.get("authToken") if isinstance(data, dict) else None
            )
        )
    except (CometChatException, TypeError):
        raise Unreadable("no usable auth token") from None


def confirmed(content: dict[str, Any]) -> None:
    """Take an answer for a yes.

    Raises:
        Unreadable: If it says otherwise.
    """
    data = content["data"]
    if isinstance(data, dict) and data.get("success") is False:
        raise Unreadable("'success' being false")


def _unique(separator: str) -> str:
    return f"{_late.uuid.uuid4()}{separator}{time.time_ns() // 1_000_000}"
