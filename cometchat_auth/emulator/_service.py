"""What a call is made of: the app that answers it, and the request as the handlers see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from werkzeug.datastructures import MultiDict

from ._database import AppDatabase
from ._keys import Keys
from ._rate import RateLimit
from ._roles import Roles
from ._state import State


@frozen
class Options:
    """How an app behaves.

    Attributes:
        settings: What ``PUT /me`` answers as the app's settings, beside the usual ones.
        strict_auth_key: Whether an ``authOnly`` key may do nothing but mint tokens.
        user_quota: How many users there may be before no more can be created, or ``None``.
        requests_per_minute: How many requests are carried out in a minute, or ``None``.
        other_rate_limit_headers: Whether the headers have the spelling of the REST API's page.
        reuse_auth_tokens: Whether minting without ``force`` returns the latest token again.
    """

    settings: Mapping[str, Any] = field(factory=dict)
    strict_auth_key: bool = False
    user_quota: int | None = None
    requests_per_minute: int | None = None
    other_rate_limit_headers: bool = False
    reuse_auth_tokens: bool = False


@frozen
class Service:
    """One emulated app.

    Attributes:
        app_id: The app's id.
        state: The app's users and auth tokens.
        keys: The app's API keys.
        roles: The app's roles.
        settings: What ``PUT /me`` answers as the app's settings, beside the usual ones.
        strict_auth_key: Whether an ``authOnly`` key may do nothing but mint tokens.
        user_quota: How many users there may be before no more can be created, or ``None``.
        rate: The limit of requests in a minute, or ``None``.
        reuse_auth_tokens: Whether minting without ``force`` returns the latest token again.
    """

    app_id: str
    state: State
    keys: Keys
    roles: Roles
    settings: Mapping[str, Any] = field(factory=dict)
    strict_auth_key: bool = False
    user_quota: int | None = None
    rate: RateLimit | None = None
    reuse_auth_tokens: bool = False


def make_service(database: AppDatabase, options: Options, clock: Callable[[], float]) -> Service:
    """Return the app that a part of a database is about.

    Args:
        database: What the app knows.
        options: How it behaves.
        clock: Returns the unix time in seconds.
    """
    rate = None
    if options.requests_per_minute is not None:
        rate = RateLimit(
            options.requests_per_minute, clock, other_names=options.other_rate_limit_headers
        )
    return Service(
        app_id=database.app_id,
        state=State(database, clock),
        keys=Keys(database, clock),
        roles=Roles(database, clock),
        settings=options.settings,
        strict_auth_key=options.strict_auth_key,
        user_quota=options.user_quota,
        rate=rate,
        reuse_auth_tokens=options.reuse_auth_tokens,
    )


@frozen
class Call:
    """A request that passed the checks of its route and its credential.

    Attributes:
        uid: User named by the path; empty where the path names none.
        role: Role named by the path; empty where the path names none.
        key: API key named by the path; empty where the path names none.
        own_key: API key that the call is made with; empty for the client API.
        token: Auth token named by the path or, for the client API, by the header.
        query: The query string.
        body: The JSON object in the body; empty where there is none.
        host: Host and port that the request was sent to.
        on_behalf_of: User named by the header ``onBehalfOf``; empty where there is none.
    """

    uid: str = ""
    role: str = ""
    key: str = field(default="", repr=False)
    own_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    query: MultiDict[str, str] = field(factory=MultiDict)
    body: Mapping[str, Any] = field(factory=dict, repr=False)
    host: str = ""
    on_behalf_of: str = ""
