"""The service's endpoints for whoever holds the REST API key, as plain functions.

Paths, field names and their odd spellings are those of CometChat's OpenAPI description of the
Chat APIs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

from .._answers import Request, Unreadable
from .._api import confirmed, read_user, user_of
from .._secrets import Secret
from .._waits import Deadline, Flow
from ..errors import CometChatException
from ..models import User, user_to_wire
from ._admin import PAGE_SIZE, Admin, Page, page_reader, paged
from ._auth_token import AuthToken, auth_token_from_wire

T = TypeVar("T")


# -- users --------------------------------------------------------------------------------------


def create_user(admin: Admin, user: User, deadline: Deadline) -> Flow[User]:
    """Create a user; never repeated once a byte of it may have arrived."""
    request = _create_request(admin, user, {})
    return (yield from admin.exchange(request, deadline, read_user))


def create_user_with_token(
    admin: Admin, user: User, deadline: Deadline
) -> Flow[tuple[User, AuthToken]]:
    """Create a user and its first auth token."""

    def read(content: Any) -> tuple[User, AuthToken]:
        created = read_user(content)
        token = _auth_token({"createdAt": created.created_at, **_token_of(content)}, created.uid)
        return created, token

    request = _create_request(admin, user, {"withAuthToken": True})
    return (yield from admin.exchange(request, deadline, read))


def get_user(
    admin: Admin, uid: str, deadline: Deadline, on_behalf_of: str | None = None
) -> Flow[User]:
    """Return an active user, as another one would see it if ``on_behalf_of`` names one."""
    headers = {} if on_behalf_of is None else {"onBehalfOf": on_behalf_of}
    request = admin.request(f"get the user {uid!r}", "GET", _user_path(uid), headers=headers)
    return (yield from admin.exchange(request, deadline, read_user))


def update_user(
    admin: Admin, uid: str, changes: Mapping[str, Any], deadline: Deadline
) -> Flow[User]:
    """Change a user; ``changes`` bear the service's names."""
    request = admin.request(f"update the user {uid!r}", "PUT", _user_path(uid), changes)
    return (yield from admin.exchange(request, deadline, read_user))


def list_users(
    admin: Admin, query: Mapping[str, str], number: int, size: int, deadline: Deadline
) -> Flow[Page]:
    """Return one page of the users that a query selects."""
    request = admin.request("list the users", "GET", f"/users?{paged(query, number, size)}")
    return (yield from admin.exchange(request, deadline, page_reader(user_of, number, size)))


def deactivate_users(admin: Admin, uids: Sequence[str], deadline: Deadline) -> Flow[list[str]]:
    """Deactivate users; return those that the service says it deactivated."""
    return (yield from _switch(admin, "DELETE", *_DEACTIVATE, uids, deadline))


def reactivate_users(admin: Admin, uids: Sequence[str], deadline: Deadline) -> Flow[list[str]]:
    """Reactivate users; return those that the service says it reactivated."""
    return (yield from _switch(admin, "PUT", *_REACTIVATE, uids, deadline))


def delete_user(admin: Admin, uid: str, deadline: Deadline, *, permanent: bool) -> Flow[None]:
    """Delete a user; without ``permanent`` this deactivates it."""
    what = f"delete the user {uid!r}"
    body = {"permanent": permanent}
    request = admin.request(what, "DELETE", _user_path(uid), body, repeatable=False)
    yield from admin.exchange(request, deadline, confirmed)


# -- auth tokens --------------------------------------------------------------------------------


def create_auth_token(
    admin: Admin, uid: str, force: bool | None, deadline: Deadline
) -> Flow[AuthToken]:
    """Have the service make an auth token for a user."""
    body = {} if force is None else {"force": force}
    what = f"create an auth token for the user {uid!r}"
    request = admin.request(what, "POST", _tokens_path(uid), body)
    return (yield from admin.exchange(request, deadline, _token_reader(uid)))


def list_auth_tokens(admin: Admin, uid: str, number: int, deadline: Deadline) -> Flow[Page]:
    """Return one page of a user's auth tokens."""
    path = f"{_tokens_path(uid)}?{paged({}, number, PAGE_SIZE)}"
    request = admin.request(f"list the auth tokens of the user {uid!r}", "GET", path)
    read = page_reader(lambda item: _auth_token(item, uid), number, PAGE_SIZE)
    return (yield from admin.exchange(request, deadline, read))


def get_auth_token(admin: Admin, uid: str, token: Secret, deadline: Deadline) -> Flow[AuthToken]:
    """Return what the service knows about an auth token."""
    request = _token_request(admin, "get", "GET", uid, token)
    return (yield from admin.exchange(request, deadline, _token_reader(uid)))


def update_auth_token(
    admin: Admin, uid: str, token: Secret, changes: Mapping[str, Any], deadline: Deadline
) -> Flow[AuthToken]:
    """Say more about the device that uses an auth token."""
    request = _token_request(admin, "update", "PUT", uid, token, changes)
    return (yield from admin.exchange(request, deadline, _token_reader(uid)))


def delete_auth_token(admin: Admin, uid: str, token: Secret, deadline: Deadline) -> Flow[None]:
    """End one session of a user."""
    request = _token_request(admin, "delete", "DELETE", uid, token, {}, repeatable=False)
    yield from admin.exchange(request, deadline, confirmed)


def flush_auth_tokens(admin: Admin, uid: str, deadline: Deadline) -> Flow[None]:
    """End every session of a user."""
    what = f"flush the auth tokens of the user {uid!r}"
    request = admin.request(what, "DELETE", _tokens_path(uid), {})
    yield from admin.exchange(request, deadline, confirmed)


# -- requests and answers -----------------------------------------------------------------------

# The field of the request and that of the answer.
_DEACTIVATE: Final = ("deactivate", "uidsToDeactivate", "deactivatedUids")
_REACTIVATE: Final = ("reactivate", "uidsToActivate", "nonDeactivatedUids")


def _create_request(admin: Admin, user: User, more: Mapping[str, Any]) -> Request:
    body = {**user_to_wire(user), **more}
    what = f"create the user {user.uid!r}"
    return admin.request(what, "POST", "/users", body, repeatable=False)


def _switch(
    admin: Admin,
    method: str,
    what: str,
    sent: str,
    told: str,
    uids: Sequence[str],
    deadline: Deadline,
) -> Flow[list[str]]:
    def read(content: Any) -> list[str]:
        data = content["data"]
        acted_on = data.get(told) if isinstance(data, dict) else None
        if not isinstance(acted_on, list) or not all(isinstance(uid, str) for uid in acted_on):
            raise Unreadable(f"no list of uids in {told!r}")
        return acted_on

    # A second time the service might name none: they would be what was asked for already.
    request = admin.request(f"{what} users", method, "/users", {sent: list(uids)}, repeatable=False)
    return (yield from admin.exchange(request, deadline, read))


def _token_request(
    admin: Admin,
    verb: str,
    method: str,
    uid: str,
    token: Secret,
    body: Mapping[str, Any] | None = None,
    *,
    repeatable: bool = True,
) -> Request:
    path = f"{_tokens_path(uid)}/{quote(token.reveal(), safe='')}"
    what = f"{verb} an auth token of the user {uid!r}"
    return admin.request(what, method, path, body, repeatable=repeatable, hidden=(token,))


def _user_path(uid: str) -> str:
    return f"/users/{quote(uid, safe='')}"


def _tokens_path(uid: str) -> str:
    return f"{_user_path(uid)}/auth_tokens"


def _token_reader(uid: str) -> Callable[[Any], AuthToken]:
    return lambda content: _auth_token(content["data"], uid)


def _token_of(content: Any) -> dict[str, Any]:
    return {"authToken": content["data"].get("authToken")}


def _auth_token(data: Any, uid: str) -> AuthToken:
    try:
        return auth_token_from_wire(data if isinstance(data, dict) else {}, uid)
    except (CometChatException, TypeError):
        raise Unreadable("no usable auth token") from None
