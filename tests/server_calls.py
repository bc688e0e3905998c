"""Every method of `CometChatServer`, once, with what it sends and what a good answer to it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from cometchat_auth import AppSettings, User
from cometchat_auth.server import CometChatServer

REST_KEY: Final = "CANARYrestkey4f3e2d1c0b9a"
TOKEN: Final = f"alice_1700000000{0xCA11AB1E5EC4E7:030x}"  # of the service's own form
ALICE: Final = {"uid": "alice", "name": "Alice", "createdAt": 1700000000, "status": "offline"}
ONE_TOKEN: Final = {"uid": "alice", "authToken": TOKEN, "createdAt": 1700000000}
DONE: Final = {"success": True, "message": "Done."}

Call = Callable[[CometChatServer], Any]


@attrs.frozen
class Case:
    """One call.

    Attributes:
        call: How it is made.
        method: The method that it sends.
        path: The path, with the query.
        body: The body, or ``None`` where there is none.
        answer: The ``data`` of a good answer.
        repeatable: Whether it is tried again when an answer is lost.
    """

    call: Call
    method: str
    path: str
    body: Any
    answer: Any
    repeatable: bool = True


_NEW: Final = {"hasBlockedMe": False, "blockedByMe": False, "deactivatedAt": 0}
_TOKEN_PATH: Final = f"/users/alice/auth_tokens/{TOKEN}"

CASES: Final[dict[str, Case]] = {
    "create_user": Case(
        lambda server: server.create_user(User("alice", "Alice", status_message="Hi")),
        "POST",
        "/users",
        {"uid": "alice", "name": "Alice", "statusMessage": "Hi", **_NEW},
        ALICE,
        repeatable=False,
    ),
    "create_user_with_token": Case(
        lambda server: server.create_user(User("alice", "Alice"), with_auth_token=True),
        "POST",
        "/users",
        {"uid": "alice", "name": "Alice", **_NEW, "withAuthToken": True},
        {**ALICE, "authToken": TOKEN},
        repeatable=False,
    ),
    "get_user": Case(
        lambda server: server.get_user("alice", on_behalf_of="bob"),
        "GET",
        "/users/alice",
        None,
        ALICE,
    ),
    "update_user": Case(
        lambda server: server.update_user(
            "alice", name="Al", status_message="Yo", metadata={}, tags=[], unset=["avatar"]
        ),
        "PUT",
        "/users/alice",
        {"name": "Al", "statusMessage": "Yo", "metadata": {}, "tags": [], "unset": ["avatar"]},
        ALICE,
    ),
    "list_users": Case(
        lambda server: list(
            server.list_users(
                search_key="a&b",
                search_in=["name", "uid"],
                status="available",
                roles=["staff", "vip"],
                tags=["x,y", "z"],
                with_tags=True,
                with_deactivated=True,
                only_deactivated=True,
                per_page=7,
            )
        ),
        "GET",
        "/users?searchKey=a%26b&searchIn=name,uid&status=available&roles=staff,vip"
        "&tags=x%2Cy,z&withTags=true&withDeactivated=true&onlyDeactivated=true&perPage=7&page=1",
        None,
        [ALICE],
    ),
    "deactivate_users": Case(
        lambda server: server.deactivate_users(["alice", "Bob"]),
        "DELETE",
        "/users",
        {"uidsToDeactivate": ["alice", "bob"]},
        {"deactivatedUids": ["alice", "bob"]},
        repeatable=False,
    ),
    "reactivate_users": Case(
        lambda server: server.reactivate_users(["alice"]),
        "PUT",
        "/users",
        {"uidsToActivate": ["alice"]},
        {"nonDeactivatedUids": ["alice"]},
        repeatable=False,
    ),
    "delete_user": Case(
        lambda server: server.delete_user("alice", permanent=True),
        "DELETE",
        "/users/alice",
        {"permanent": True},
        DONE,
        repeatable=False,
    ),
    "create_auth_token": Case(
        lambda server: server.create_auth_token("alice", force=True),
        "POST",
        "/users/alice/auth_tokens",
        {"force": True},
        ONE_TOKEN,
    ),
    "list_auth_tokens": Case(
        lambda server: list(server.list_auth_tokens("alice")),
        "GET",
        "/users/alice/auth_tokens?perPage=100&page=1",
        None,
        [ONE_TOKEN],
    ),
    "get_auth_token": Case(
        lambda server: server.get_auth_token("alice", TOKEN), "GET", _TOKEN_PATH, None, ONE_TOKEN
    ),
    "update_auth_token": Case(
        lambda server: server.update_auth_token(
            "alice", TOKEN, platform="WEB", user_agent="x", app_info={"a": 1}
        ),
        "PUT",
        _TOKEN_PATH,
        {"platform": "WEB", "userAgent": "x", "appInfo": {"a": 1}},
        ONE_TOKEN,
    ),
    "delete_auth_token": Case(
        lambda server: server.delete_auth_token("alice", TOKEN),
        "DELETE",
        _TOKEN_PATH,
        {},
        DONE,
        repeatable=False,
    ),
    "flush_auth_tokens": Case(
        lambda server: server.flush_auth_tokens("alice"),
        "DELETE",
        "/users/alice/auth_tokens",
        {},
        DONE,
    ),
}


def server_of(url: str, **settings: Any) -> CometChatServer:
    """Return the server side's way to a server on this machine."""
    return CometChatServer("app", AppSettings.for_emulator(url, **settings), REST_KEY)
