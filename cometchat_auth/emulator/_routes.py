"""Which calls there are, and which credential each of them asks for."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from attrs import frozen

from . import _client_api, _keys_rest, _roles_rest, _tokens_rest, _users_rest
from ._service import Call, Service

Handler = Callable[[Service, Call], "dict[str, Any]"]

# CometChat documents v3; the official JavaScript SDK was observed to use v3.0.
VERSIONS: Final = ("v3", "v3.0")


class Credential(Enum):
    """What a call must be made with."""

    FULL_ACCESS_KEY = "a key with the scope fullAccess"
    # CometChat's pages contradict each other on whether an authOnly key may write users.
    ANY_KEY_UNLESS_STRICT = "a key of any scope, unless the app is strict"
    ANY_KEY = "a key of any scope"
    SESSION = "a user's auth token"


@frozen
class Route:
    """One call: its method, its path below the version, what it asks for, what answers it."""

    method: str
    path: str
    credential: Credential
    handler: Handler


_USERS: Final = "/users"
_USER: Final = "/users/<uid>"
_TOKENS: Final = "/users/<uid>/auth_tokens"
_ONE_OF_TOKENS: Final = "/users/<uid>/auth_tokens/<token>"
_KEYS: Final = "/apikeys"
_KEY: Final = "/apikeys/<key>"
_ROLES: Final = "/roles"
_ROLE: Final = "/roles/<role>"
_ME: Final = "/me"

ROUTES: Final = (
    Route("POST", _USERS, Credential.ANY_KEY_UNLESS_STRICT, _users_rest.create_user),
    Route("GET", _USERS, Credential.FULL_ACCESS_KEY, _users_rest.list_users),
    Route("PUT", _USERS, Credential.FULL_ACCESS_KEY, _users_rest.reactivate_users),
    Route("DELETE", _USERS, Credential.FULL_ACCESS_KEY, _users_rest.deactivate_users),
    Route("GET", _USER, Credential.FULL_ACCESS_KEY, _users_rest.get_user),
    Route("PUT", _USER, Credential.ANY_KEY_UNLESS_STRICT, _users_rest.update_user),
    Route("DELETE", _USER, Credential.FULL_ACCESS_KEY, _users_rest.delete_user),
    Route("POST", _TOKENS, Credential.ANY_KEY, _tokens_rest.create_auth_token),
    Route("GET", _TOKENS, Credential.FULL_ACCESS_KEY, _tokens_rest.list_auth_tokens),
    Route("DELETE", _TOKENS, Credential.FULL_ACCESS_KEY, _tokens_rest.flush_auth_tokens),
    Route("GET", _ONE_OF_TOKENS, Credential.FULL_ACCESS_KEY, _tokens_rest.get_auth_token),
    Route("PUT", _ONE_OF_TOKENS, Credential.FULL_ACCESS_KEY, _tokens_rest.update_auth_token),
    Route("DELETE", _ONE_OF_TOKENS, Credential.FULL_ACCESS_KEY, _tokens_rest.delete_auth_token),
    Route("POST", _KEYS, Credential.FULL_ACCESS_KEY, _keys_rest.create_key),
    Route("GET", _KEYS, Credential.FULL_ACCESS_KEY, _keys_rest.list_keys),
    Route("GET", _KEY, Credential.FULL_ACCESS_KEY, _keys_rest.get_key),
    Route("PUT", _KEY, Credential.FULL_ACCESS_KEY, _keys_rest.update_key),
    Route("DELETE", _KEY, Credential.FULL_ACCESS_KEY, _keys_rest.delete_key),
    Route("POST", _ROLES, Credential.FULL_ACCESS_KEY, _roles_rest.create_role),
    Route("GET", _ROLES, Credential.FULL_ACCESS_KEY, _roles_rest.list_roles),
    Route("GET", _ROLE, Credential.FULL_ACCESS_KEY, _roles_rest.get_role),
    Route("PUT", _ROLE, Credential.FULL_ACCESS_KEY, _roles_rest.update_role),
    Route("DELETE", _ROLE, Credential.FULL_ACCESS_KEY, _roles_rest.delete_role),
    Route("GET", _ME, Credential.SESSION, _client_api.get_me),
    Route("PUT", _ME, Credential.SESSION, _client_api.put_me),
    Route("DELETE", _ME, Credential.SESSION, _client_api.delete_me),
)
