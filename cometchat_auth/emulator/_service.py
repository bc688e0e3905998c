"""What a call is made of: the app that answers it, and the request as the handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from werkzeug.datastructures import MultiDict

from ._rate import RateLimit
from ._state import State


@frozen
class Service:
    """One emulated app.

    Attributes:
        app_id: The app's id.
        state: What the app knows.
        settings: What ``PUT /me`` answers as the app's settings, beside the usual ones.
        strict_auth_key: Whether an ``authOnly`` key may do nothing but mint tokens.
        user_quota: How many users there may be before no more can be created, or ``None``.
        rate: The limit of requests in a minute, or ``None``.
    """

    app_id: str
    state: State
    settings: Mapping[str, Any]
    strict_auth_key: bool = False
    user_quota: int | None = None
    rate: RateLimit | None = None


@frozen
class Call:
    """A request that passed the checks of its route and its credential.

    Attributes:
        uid: User named by the path; empty where the path names none.
        token: Auth token named by the path or, for the client API, by the header.
        query: The query string.
        body: The JSON object in the body; empty where there is none.
        host: Host and port that the request was sent to.
        on_behalf_of: User named by the header ``onBehalfOf``; empty where there is none.
    """

    uid: str = ""
    token: str = field(default="", repr=False)
    query: MultiDict[str, str] = field(factory=MultiDict)
    body: Mapping[str, Any] = field(factory=dict, repr=False)
    host: str = ""
    on_behalf_of: str = ""
