"""What a seed lists: users, roles and keys, each checked as the service checks a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from . import _rules
from ._checks import Reader, device_fields, role_fields, user_fields
from ._records import (
    AUTH_ONLY,
    DEFAULT_ROLE,
    SCOPES,
    KeyRecord,
    RoleRecord,
    TokenRecord,
    UserRecord,
)
from ._state import MAX_TOKENS_PER_USER

_KEY: Final = frozenset({"apiKey", "name", "scope", "createdAt"})
_ROLE: Final = frozenset(
    {"role", "name", "description", "metadata", "settings", "createdAt", "updatedAt"}
)
_TOKEN: Final = frozenset(
    {"authToken", "createdAt", "platform", "deviceId", "userAgent", "appInfo"}
)
_PROFILE: Final = frozenset(
    {"uid", "name", "avatar", "link", "role", "statusMessage", "metadata", "tags"}
)
_TIMES: Final = frozenset({"createdAt", "updatedAt", "deactivatedAt", "deactivated"})
# What else the service tells of a user; of no meaning here, so that its answers can be seeds.
_TOLD: Final = frozenset(
    {"status", "lastActiveAt", "conversationId", "hasBlockedMe", "blockedByMe", "blockedAt"}
)
_USER: Final = _PROFILE | _TIMES | _TOLD | {"authTokens"}


class Items:
    """Takes the lists out of a seed and collects every complaint about them.

    Args:
        document: The JSON object of one app.
        place: Where in the seed it is, with a dot at its end; empty for the whole of it.
        now: Unix time in seconds of whatever is not dated.
        known: The fields that the object may have.
    """

    def __init__(self, document: Any, place: str, now: int, known: Collection[str]) -> None:
        self.complaints: list[str] = []
        self._place = place
        self._now = now
        self._document: dict[str, Any] = document if isinstance(document, dict) else {}
        if not isinstance(document, dict):
            self.complaints.append(f"{place.rstrip('.')}: It must be an object.")
        self._refuse_unknown("", self._document, known)

    def complain(self, place: str, complaint: str) -> None:
        """Note a complaint about something."""
        self.complaints.append(f"{self._place}{place}: {complaint}")

    def flag(self, name: str) -> bool:
        """Return whether the seed switches something on."""
        reader = Reader(self._document)
        value = reader.take(name, _rules.boolean)
        self._note("", reader)
        return bool(value)

    def keys(self) -> list[KeyRecord]:
        """Return the API keys; one that has no value yet is an empty string."""
        keys = []
        for place, item in self._items("apiKeys", _KEY):
            reader = Reader(item)
            key = reader.take("apiKey", _rules.secret) or ""
            name = reader.take("name", _rules.text(_rules.MAX_NAME), required=True)
            scope = reader.take("scope", _rules.choice(SCOPES)) or AUTH_ONLY
            created = self._time(reader, "createdAt")
            if self._note(place, reader):
                keys.append((place, KeyRecord(key, name, scope, created)))
        self._refuse_twins("apiKey", [(place, key.key) for place, key in keys if key.key])
        return [key for _, key in keys]

    def roles(self) -> list[RoleRecord]:
        """Return the roles."""
        roles = []
        for place, item in self._items("roles", _ROLE):
            reader = Reader(item)
            role = reader.take("role", _rules.uid, required=True)
            fields = role_fields(reader, creating=True)
            times = (self._time(reader, "createdAt"), reader.take("updatedAt", _rules.unix_time))
            if self._note(place, reader):
                made = RoleRecord(role.lower(), **fields, created_at=times[0], updated_at=times[1])
                roles.append((place, made))
        self._refuse_twins("role", [(place, role.role) for place, role in roles])
        return [role for _, role in roles]

    def users(
        self, roles: Collection[str], defaults: list[UserRecord]
    ) -> tuple[list[UserRecord], list[TokenRecord]]:
        """Return the users, after those of a new app, and their auth tokens.

        Args:
            roles: The ids that their roles may have.
            defaults: Users that are there before those of the seed.
        """
        users = [("defaultUsers", user) for user in defaults]
        tokens: list[tuple[str, TokenRecord]] = []
        for place, item in self._items("users", _USER):
            user = self._user(place, item, roles)
            if user is not None:
                users.append((place, user))
                tokens.extend(self._tokens(place, item, user))
        self._refuse_twins("uid", [(place, user.uid) for place, user in users])
        self._refuse_twins("", [(place, token.token) for place, token in tokens])
        return [user for _, user in users], [token for _, token in tokens]

    def _user(self, place: str, item: dict[str, Any], roles: Collection[str]) -> UserRecord | None:
        reader = Reader(item)
        uid = reader.take("uid", _rules.uid, required=True)
        fields = {"role": DEFAULT_ROLE, **user_fields(reader, roles, creating=True)}
        created = self._time(reader, "createdAt")
        updated = reader.take("updatedAt", _rules.unix_time)
        # The official SDKs' models have 0 for an active user.
        ended = reader.take("deactivatedAt", _rules.unix_time) or None
        if reader.take("deactivated", _rules.boolean) and ended is None:
            ended = self._now
        if not self._note(place, reader):
            return None
        times = {"created_at": created, "updated_at": updated, "deactivated_at": ended}
        return UserRecord(uid=uid.lower(), **fields, **times)

    def _tokens(
        self, place: str, item: dict[str, Any], user: UserRecord
    ) -> Iterator[tuple[str, TokenRecord]]:
        listed = item.get("authTokens") or []
        if not isinstance(listed, list):
            self.complain(f"{place}.authTokens", "The authTokens must be an array.")
        elif len(listed) > MAX_TOKENS_PER_USER:
            self.complain(
                f"{place}.authTokens", f"A user can have {MAX_TOKENS_PER_USER} auth tokens."
            )
        elif listed and user.deactivated_at is not None:
            self.complain(f"{place}.authTokens", "A deactivated user has no auth tokens.")
        else:
            for number, token in enumerate(listed):
                yield from self._token(f"{place}.authTokens[{number}]", token, user.uid)

    def _token(self, place: str, item: Any, uid: str) -> Iterator[tuple[str, TokenRecord]]:
        """Read one token: its value alone, or an object that tells more of it."""
        body = item if isinstance(item, dict) else {"authToken": item}
        self._refuse_unknown(f"{place}.", body, _TOKEN)
        reader = Reader(body)
        token = reader.take("authToken", _rules.secret, required=True)
        device = device_fields(reader)
        created = self._time(reader, "createdAt")
        if self._note(place, reader):
            yield place, TokenRecord(uid, token, created, device)

    def _items(self, name: str, known: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the objects of a list, each with its place."""
        listed = self._document.get(name)
        if listed is not None and not isinstance(listed, list):
            self.complain(name, f"The {name} must be an array.")
            return
        for number, item in enumerate(listed or []):
            place = f"{name}[{number}]"
            if isinstance(item, dict):
                self._refuse_unknown(f"{place}.", item, known)
                yield place, item
            else:
                self.complain(place, "It must be an object.")

    def _time(self, reader: Reader, name: str) -> int:
        given = reader.take(name, _rules.unix_time)
        return self._now if given is None else int(given)

    def _note(self, place: str, reader: Reader) -> bool:
        """Take over a reader's complaints; tell whether it has none."""
        for field, texts in reader.complaints.items():
            self.complain(f"{place}.{field}".lstrip("."), " ".join(texts))
        return not reader.complaints

    def _refuse_unknown(self, place: str, item: dict[str, Any], known: Collection[str]) -> None:
        for name in sorted(item.keys() - known):
            self.complain(
                f"{place}{name}", f"There is no such field; known: {', '.join(sorted(known))}."
            )

    def _refuse_twins(self, field: str, found: list[tuple[str, str]]) -> None:
        """Complain about values that are there twice, by their places alone: some are secret."""
        first: dict[str, str] = {}
        for place, value in found:
            earlier = first.setdefault(value, place)
            if earlier != place:
                self.complain(f"{place}.{field}".rstrip("."), f"It is that of {earlier} as well.")
