"""A service in this process for imports, and short ways to run one against it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final

import attrs
import pytest

from cometchat_auth import CometChatException, User
from cometchat_auth.errors import (
    FAILED_TO_FETCH,
    OUTCOME_UNKNOWN,
    TOO_MANY_REQUESTS,
    NoAnswerError,
    OutcomeUnknownError,
    service_error,
)
from cometchat_auth.server import _bulk, _pace
from cometchat_auth.server._outcomes import Outcome

from .tools import LIMIT

APP: Final = {"app_id": "app", "host": "host"}
EXISTS: Final = "ERR_UID_ALREADY_EXISTS"
MISSING: Final = "ERR_UID_NOT_FOUND"

# What happens to one request instead of being answered well; see `Model`.
Fate = str | CometChatException


def refusal(code: str, status: int = 400, *, after: float | None = None) -> CometChatException:
    """Return what the service refuses with."""
    return service_error(code, "The service says no.", http_status=status, retry_after=after)


def busy(after: float | None = 0.0) -> CometChatException:
    """Return the refusal of one request too many."""
    return refusal(TOO_MANY_REQUESTS, 429, after=after)


def away(reason: str = "connect", **fields: Any) -> NoAnswerError:
    """Return the error for a service that is not there."""
    given = {"retryable": True, "details": {"sent": False}, **fields}
    return NoAnswerError(FAILED_TO_FETCH, "Nobody answers.", reason=reason, **given)


def lost(status: int | None = None) -> OutcomeUnknownError:
    """Return the error for a connection that broke, or an answer that says nothing."""
    return OutcomeUnknownError(OUTCOME_UNKNOWN, "The connection broke.", http_status=status)


class Model:
    """The service: users that exist once, and a fate for each request if one is set.

    A fate is an error that is raised and nothing is carried out, or one of these:
    ``"before"``: the connection breaks before the request is carried out; ``"after"``: it breaks
    afterwards; ``"well"``.

    Args:
        fates: For each uid the fates of its requests, in their order.
    """

    def __init__(self, fates: dict[str, list[Fate]] | None = None) -> None:
        self.users: dict[str, User] = {}
        self.deactivated: set[str] = set()
        self.fates = fates or {}
        self.asked: list[tuple[str, str]] = []
        self.created: list[str] = []
        self.most = 0
        self._under_way = 0
        self._lock = threading.Lock()

    def send(self, user: User, seconds: float) -> User:
        """Create a user."""
        assert seconds > 0
        return self._answer("send", user.uid.lower(), lambda: self._create(user))

    def look(self, uid: str, seconds: float) -> User:
        """Look a user up."""
        assert seconds > 0
        return self._answer("look", uid.lower(), lambda: self._find(uid.lower()))

    def of(self, uid: str) -> list[str]:
        """Return what was asked about a user, in order."""
        return [what for what, whom in self.asked if whom == uid]

    def _answer(self, what: str, uid: str, act: Callable[[], User]) -> User:
        with self._lock:
            self.asked.append((what, uid))
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            return self._meet(uid, what, act)
        finally:
            with self._lock:
                self._under_way -= 1

    def _meet(self, uid: str, what: str, act: Callable[[], User]) -> User:
        fates = self.fates.get(uid)
        fate = fates.pop(0) if fates else "well"
        if isinstance(fate, CometChatException):
            raise fate
        if fate == "well":
            return act()
        if fate == "after":
            act()
        raise lost() if what == "send" else away("lost", details={"sent": True})

    def _create(self, user: User) -> User:
        with self._lock:
            uid = user.uid.lower()
            if uid in self.users or uid in self.deactivated:
                raise refusal(EXISTS)
            self.users[uid] = attrs.evolve(user, uid=uid, created_at=1)
            self.created.append(uid)
            return self.users[uid]

    def _find(self, uid: str) -> User:
        with self._lock:
            if uid not in self.users:
                raise refusal(MISSING, 404)
            return self.users[uid]


def people(count: int, start: int = 0) -> Iterable[User]:
    """Yield so many users."""
    return (User(f"user-{number}", f"Name {number}") for number in range(start, start + count))


def importing(model: Any, rows: Iterable[Any], **given: Any) -> Generator[Outcome, None, None]:
    """Return the import, not begun yet."""
    return _bulk.create(rows, model.send, model.look, **{**APP, "timeout": LIMIT, **given})


def imported(model: Any, rows: Iterable[Any], **given: Any) -> list[Outcome]:
    """Run an import to its end."""
    return list(importing(model, rows, **given))


def until_it_ends(
    work: Generator[Outcome, None, None],
) -> tuple[list[Outcome], BaseException | None]:
    """Return what an import yields, and what it ends with."""
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(work)
    except Exception as error:
        return outcomes, error
    return outcomes, None


def statuses(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the statuses alone."""
    return [outcome.status for outcome in outcomes]


def back_off_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let imports back off for a moment only."""
    monkeypatch.setattr(_pace, "FIRST_BACK_OFF", 0.001)


def threads() -> list[str]:
    """Return the names of the imports' threads that live."""
    return [t.name for t in threading.enumerate() if t.name.startswith("cometchat-import")]
