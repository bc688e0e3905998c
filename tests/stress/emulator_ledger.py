"""What an emulator has to know after it was killed, by what it had answered before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from .emulator_process import Caller

ABSENT: Final = "absent"
ACTIVE: Final = "active"
DEACTIVATED: Final = "deactivated"


@attrs.frozen
class Known:
    """A user as one client knows them.

    Attributes:
        standing: Whether there is such a user.
        mark: What the name, the status message and the metadata hold, all written at once.
        tokens: Their live auth tokens.
        minted: How many tokens there are besides, of which the answer did not arrive.
    """

    standing: str = ABSENT
    mark: int = 0
    tokens: frozenset[str] = frozenset()
    minted: int = 0

    def admits(self, found: Known) -> bool:
        """Return whether this may be what was found."""
        more = found.tokens - self.tokens
        return (
            (found.standing, found.mark) == (self.standing, self.mark)
            and found.tokens >= self.tokens
            and len(more) == self.minted
        )


@attrs.define
class Ledger:
    """What one client has been answered.

    Attributes:
        users: By uid, as the last answer left them.
        doubtful: The uid that a call was under way for, and what the call would have made of it.
        answers: How many calls were answered.
    """

    users: dict[str, Known] = attrs.Factory(dict)
    doubtful: tuple[str, Known] | None = None
    answers: int = 0

    def make(self, uid: str, call: Callable[[], Any], after: Known) -> Any:
        """Make a call that turns a user into something, and note that it was answered.

        Args:
            uid: The user.
            call: The call.
            after: What it makes of the user, as far as that is known beforehand.
        """
        self.doubtful = (uid, after)
        answer = call()
        self.doubtful = None
        self.users[uid] = after
        self.answers += 1
        return answer

    def compare(self, found: dict[str, Known]) -> list[str]:
        """Return in what the emulator differs, and take over what it has made of the doubt."""
        problems = []
        for uid in (
            self.users.keys() | found.keys() | ({self.doubtful[0]} if self.doubtful else set())
        ):
            seen = found.get(uid, Known())
            allowed = [self.users.get(uid, Known())]
            if self.doubtful is not None and self.doubtful[0] == uid:
                allowed.append(self.doubtful[1])
            if not any(known.admits(seen) for known in allowed):
                problems.append(f"{uid} is {_told(seen)}, not {' or '.join(map(_told, allowed))}")
            self.users[uid] = seen
        self.users = {uid: known for uid, known in self.users.items() if known.standing != ABSENT}
        self.doubtful = None
        return problems


def _told(known: Known) -> str:
    return f"{known.standing}, {known.mark}, {len(known.tokens) + known.minted} tokens"


def look(caller: Caller, prefix: str) -> tuple[dict[str, Known], list[str]]:
    """Return all users whose uids begin so, and which of them are torn."""
    found, torn, number, pages = {}, [], 1, 1
    while number <= pages:
        query = f"searchKey={prefix}&searchIn=uid&withDeactivated=true&page={number}"
        answer = caller.call("GET", f"/users?{query}")
        pages, number = answer["meta"]["pagination"]["total_pages"], number + 1
        for user in answer["data"]:
            uid, mark = user["uid"], user["metadata"]["mark"]
            if [user["name"], user["statusMessage"]] != [f"mark {mark}", str(mark)]:
                torn.append(f"{uid} is torn: {user}")
            gone = "deactivatedAt" in user
            tokens = frozenset() if gone else _tokens(caller, uid)
            found[uid] = Known(DEACTIVATED if gone else ACTIVE, mark, tokens)
    return found, torn


def _tokens(caller: Caller, uid: str) -> frozenset[str]:
    listed = caller.call("GET", f"/users/{uid}/auth_tokens")["data"]
    return frozenset(token["authToken"] for token in listed)
