"""One row of an import, tried until it is known what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import attrs

from ..errors import (
    AuthenticationError,
    CometChatException,
    NoAnswerError,
    OutcomeUnknownError,
    RateLimitError,
)
from ..models import User
from ._bulk_rows import Row
from ._journal import State
from ._outcomes import Outcome
from ._pace import Gate, Ticket

UID_NOT_FOUND: Final = "ERR_UID_NOT_FOUND"
UID_ALREADY_EXISTS: Final = "ERR_UID_ALREADY_EXISTS"

# How often one row may fail while others are answered: a fault that hits every third request at
# random gives a row up once in 60,000.
TRIES: Final = 10

# What every following row would be answered as well.
_FATAL_CODES: Final = frozenset(
    {
        "ERR_PLAN_RESTRICTION",
        "ERR_PLAN_QUOTA_RESTRICTION",
        "ERR_SUBSCRIPTION_EXPIRED",
        "ERR_API_NOT_FOUND",
        "ERR_INVALID_API_VERSION",
    }
)
_FATAL_REASONS: Final = frozenset({"tls", "redirect", "proxy"})


@attrs.frozen
class Way:
    """How users are created and looked up: one request each, which nobody repeats.

    Attributes:
        send: Creates the user within so many seconds, and returns it as the service has it.
        look: Returns the active user of this uid within so many seconds.
        timeout: Those seconds.
    """

    send: Callable[[User, float], User]
    look: Callable[[str, float], User]
    timeout: float


@attrs.frozen
class Result:
    """What came of a row.

    Attributes:
        row: The row.
        outcome: For the caller; ``None`` if the import ended before there was one.
        state: For the journal; ``None`` if what it says stays true.
        ending: Why the import has to end, or ``None``.
    """

    row: Row
    outcome: Outcome | None
    state: State | None
    ending: BaseException | None = None


class Attempt:
    """The tries for one row.

    Nothing is created twice, since the service refuses a uid that exists. What has to be found
    out is who created it: where the answer to a request was lost, by looking.
    """

    def __init__(self, row: Row, user: User, way: Way, gate: Gate) -> None:
        self._row = row
        self._user = user
        self._way = way
        self._gate = gate
        self._doubtful = row.doubtful  # a request whose answer nobody saw may have arrived
        self._looking = row.doubtful
        self._exists = False  # the service says so
        self._error: CometChatException | None = None
        self._failures = 0
        self._answers = gate.answers

    def run(self) -> Result:
        """Try until it is known, or until nobody may try any more."""
        while (ticket := self._gate.enter()) is not None:
            if (result := self._try(ticket)) is not None:
                return result
        return self._stopped()

    def _try(self, ticket: Ticket) -> Result | None:
        try:
            if self._looking:
                user = self._way.look(self._user.uid, self._way.timeout)
            else:
                user = self._way.send(self._user, self._way.timeout)
        except CometChatException as error:
            self._error = error
            if is_fatal(error):
                return self._stopped(error)
            return self._again(ticket, error) if is_transient(error) else self._told(ticket, error)
        self._gate.answered(ticket)
        if self._looking and not is_as_sent(self._user, user):
            return self._known("exists", user)
        return self._known("created", user)

    def _again(self, ticket: Ticket, error: CometChatException) -> Result | None:
        """Let the next try come later, unless there have been too many."""
        if not self._looking and may_have_arrived(error):
            self._doubtful = True
            self._looking = isinstance(error, OutcomeUnknownError)
        if self._gate.close(ticket, error):
            return self._stopped(error)
        if error.retry_after is None and self._answers != self._gate.answers:
            self._answers = self._gate.answers
            self._failures += 1
        return self._given_up(error) if self._failures >= TRIES else None

    def _told(self, ticket: Ticket, error: CometChatException) -> Result | None:
        """Act on a refusal: of the user, or of the question."""
        self._gate.answered(ticket)
        if self._looking:
            if error.code != UID_NOT_FOUND:
                return self._given_up(error)
            if self._exists:  # deactivated: not to be found, and not to be created
                return self._known("exists")
            self._looking = False
            return None
        if error.code != UID_ALREADY_EXISTS:
            return Result(self._row, self._row.result("refused", error=error), "again")
        if not self._doubtful:
            return self._known("exists")
        self._looking = self._exists = True
        return None

    def _known(self, status: Any, user: User | None = None) -> Result:
        return Result(self._row, self._row.result(status, user=user), status)

    def _given_up(self, error: CometChatException) -> Result:
        if self._doubtful:
            return Result(self._row, self._row.result("unknown", error=error), None)
        return Result(self._row, self._row.result("refused", error=error), "again")

    def _stopped(self, ending: CometChatException | None = None) -> Result:
        """Return what can be said of a row that may not be tried again."""
        if not self._doubtful:
            return Result(self._row, None, "again", ending)
        if self._error is None:  # an earlier run sent it; this one asked nothing
            return Result(self._row, None, None, ending)
        return Result(self._row, self._row.result("unknown", error=self._error), None, ending)


def is_fatal(error: CometChatException) -> bool:
    """Return whether every following row would end the same way."""
    if isinstance(error, AuthenticationError) or error.code in _FATAL_CODES:
        return True
    return isinstance(error, NoAnswerError) and (
        error.reason in _FATAL_REASONS or not is_transient(error)
    )


def is_transient(error: CometChatException) -> bool:
    """Return whether the same request may be answered later."""
    if error.retryable or isinstance(error, OutcomeUnknownError):
        return True
    return isinstance(error, NoAnswerError) and (error.http_status or 0) >= 500


def may_have_arrived(error: CometChatException) -> bool:
    """Return whether a request that failed so may have been carried out all the same."""
    if isinstance(error, RateLimitError):
        return False
    return error.http_status is not None or error.details.get("sent", True) is not False


def is_as_sent(sent: User, found: User) -> bool:
    """Return whether a user that was found may be the one that was sent.

    Fields that the service does not tell of every user say nothing where they are missing.
    """
    for field in ("name", "avatar", "link"):
        given = getattr(sent, field)
        if given is not None and given != getattr(found, field):
            return False
    if sent.role is not None and sent.role.lower() != (found.role or "").lower():
        return False
    return (
        found.status_message in (None, sent.status_message or found.status_message)
        and (not sent.tags or not found.tags or sorted(sent.tags) == sorted(found.tags))
        and (sent.metadata is None or not found.metadata or _same_json(sent, found))
    )


def _same_json(sent: User, found: User) -> bool:
    return _json(sent) == _json(found)


def _json(user: User) -> str:
    return json.dumps(user.metadata, sort_keys=True)
