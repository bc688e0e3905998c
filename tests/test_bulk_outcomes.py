"""Imports: what comes out of the rows that go in, and in which order."""

from __future__ import annotations

import pickle
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cometchat_auth import CometChatException, InvalidParameterError, User

from .bulk_tools import (
    EXISTS,
    Model,
    imported,
    importing,
    people,
    refusal,
    statuses,
    threads,
    until_it_ends,
)
from .tools import LIMIT


class Held(Model):
    """A service that answers some users only when it is let."""

    def __init__(self, *uids: str) -> None:
        super().__init__()
        self.held = set(uids)
        self.arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.let = threading.Event()

    def send(self, user: User, seconds: float) -> User:
        """Create a user, in time."""
        if user.uid in self.held:
            self.arrived.put(user.uid)
            assert self.let.wait(LIMIT)
        return super().send(user, seconds)


def test_one_outcome_for_each_row_in_order() -> None:
    """Every row must have its outcome, numbered from 1, in the order of the rows."""
    model = Model()
    outcomes = imported(model, people(1_000))
    assert [o.number for o in outcomes] == list(range(1, 1_001))
    assert [o.uid for o in outcomes] == [user.uid for user in people(1_000)]
    assert set(statuses(outcomes)) == {"created"}
    assert all(o.user == model.users[o.uid or ""] for o in outcomes)
    assert sorted(model.created) == sorted(user.uid for user in people(1_000))


def test_no_rows_no_threads() -> None:
    """An import of nothing must end at once, without a thread or a request."""
    model = Model()
    assert imported(model, []) == []
    assert model.asked == []
    assert threads() == []


def test_a_slow_row_does_not_stop_the_others() -> None:
    """While the first row waits, the rest of the window must be carried out, and no row more."""
    model = Held("user-0")
    taken: list[User] = []
    others = threading.Event()

    def rows() -> Iterator[User]:
        for user in people(5_000):
            taken.append(user)
            yield user

    def told(_: Any) -> None:
        if len(model.created) >= 255:
            others.set()
            model.let.set()

    outcomes = importing(model, rows(), in_flight=4, on_progress=told)
    first = next(outcomes)
    assert others.is_set()
    assert first.uid == "user-0"
    assert len(taken) == 256
    assert len(list(outcomes)) == 4_999


@pytest.mark.parametrize("in_flight", [1, 2, 16, 64])
def test_no_more_in_flight_than_allowed(in_flight: int) -> None:
    """The service must never see more requests at once than the caller allows."""
    uids = [user.uid for user in people(in_flight)]
    model = Held(*uids)

    def see() -> None:
        for _ in uids:
            model.arrived.get(timeout=LIMIT)
        names.extend(threads())
        model.let.set()

    names: list[str] = []
    watcher = threading.Thread(target=see)
    watcher.start()
    outcomes = imported(model, people(300), in_flight=in_flight)
    watcher.join(LIMIT)
    assert len(outcomes) == 300
    assert sorted(names) == sorted(f"cometchat-import-{n + 1}" for n in range(in_flight))
    assert model.most <= in_flight
    assert threads() == []


def test_few_rows_need_few_threads() -> None:
    """Two rows must not start sixteen threads."""
    model = Held("user-0", "user-1")
    seen: list[int] = []

    def told(_: Any) -> None:
        seen.append(len(threads()))
        model.let.set()

    assert len(imported(model, people(2), on_progress=told)) == 2
    assert seen[0] == 2


def test_rows_may_be_mappings() -> None:
    """A mapping of a user's fields must do as well as a user."""
    model = Model()
    row = {"uid": "Kevin", "name": "Kevin", "tags": ["a"], "metadata": {"x": 1}}
    (outcome,) = imported(model, [row])
    assert outcome.status == "created"
    assert outcome.uid == "Kevin"
    assert model.users["kevin"].tags == ("a",)


class Broken(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> Any:
        raise OSError("gone")

    def __iter__(self) -> Iterator[str]:
        raise OSError("gone")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("row", "code", "text"),
    [
        ({"uid": "a", "name": "A", "nmae": "B"}, "INVALID_ROW", "unknown field 'nmae'"),
        ({"uid": "a", "name": "A", 7: "B"}, "INVALID_ROW", "unknown field '7'"),
        ({"uid": "a", "name": 7}, "INVALID_ROW", "name must be a str, not int"),
        ({"uid": "a", "name": "A", "tags": 7}, "INVALID_ROW", "cannot be used"),
        ({"uid": 7, "name": "A"}, "INVALID_ROW", "uid must be a str, not int"),
        ({"name": "A"}, "MISSING_PARAMETERS", "uid is required"),
        ({"uid": "a"}, "MISSING_PARAMETERS", "name is required"),
        ({"uid": "a b", "name": "A"}, "INVALID_UID", "a space"),
        ({"uid": "a", "name": "A" * 101}, "ERROR_NAME_EXCEEDED", "100 characters"),
        (User("a"), "MISSING_PARAMETERS", "name is required"),
        (User("a", "A", avatar="x"), "INVALID_AVATAR", "avatar"),
        (Broken(), "INVALID_ROW", "OSError"),
        ("a", "INVALID_ROW", "not str"),
        (None, "INVALID_ROW", "not NoneType"),
        (OSError("x"), "INVALID_ROW", "not OSError"),
    ],
)
def test_a_row_that_cannot_be_sent_is_refused(row: Any, code: str, text: str) -> None:
    """It must come out in its place, say which row and what is wrong, and the others go on."""
    model = Model()
    outcomes = imported(model, [*people(1), row, *people(1, 1)])
    assert statuses(outcomes) == ["created", "refused", "created"]
    error = outcomes[1].error
    assert isinstance(error, InvalidParameterError)
    assert error.code == code
    assert error.message.startswith("Row 2: ")
    assert text in error.message
    assert error.details["row"] == 2
    assert len(model.asked) == 2


def test_a_row_that_could_not_be_read_is_refused_with_its_error() -> None:
    """An exception in place of a row must come out as it is."""
    error = InvalidParameterError("INVALID_ROW", "Line 7 has no closing quote.")
    (outcome,) = imported(Model(), [error])
    assert (outcome.status, outcome.uid, outcome.error) == ("refused", None, error)


def test_duplicate_uids_are_refused() -> None:
    """A uid that an earlier row has, in any case, must be refused with both row numbers."""
    model = Model({"c": [refusal("ERR_BAD_REQUEST")]})
    rows = [{"uid": uid, "name": uid} for uid in ("A", "b", "a", "B", "c", "C", "A")]
    outcomes = imported(model, rows)
    assert statuses(outcomes) == ["created"] * 2 + ["refused"] * 5
    errors = [outcomes[place].error for place in (2, 3, 5, 6)]
    assert [error and (error.code, error.details["row"]) for error in errors] == [
        ("DUPLICATE_UID", first) for first in (1, 2, 5, 1)
    ]
    assert "Row 3 has the uid 'a' of row 1" in str(errors[0])
    assert len(model.asked) == 3


def test_a_duplicate_is_found_however_far_away() -> None:
    """The first row's uid must be known when the last of many comes, in memory that is bounded."""
    model = Model()
    outcomes = imported(model, [*people(3_000), User("USER-0", "again")])
    assert outcomes[-1].status == "refused"
    assert len(model.created) == 3_000


def test_a_row_that_was_not_sent_takes_no_uid() -> None:
    """After a row that is wrong in itself, the right one of the same uid must be sent."""
    outcomes = imported(Model(), [{"uid": "a", "name": ""}, {"uid": "a", "name": "A"}])
    assert statuses(outcomes) == ["refused", "created"]


def test_a_user_who_exists() -> None:
    """The service's word for it must be enough: no error, and no second request."""
    model = Model({"user-0": [refusal(EXISTS)]})
    (outcome,) = imported(model, people(1))
    assert (outcome.status, outcome.user, outcome.error) == ("exists", None, None)
    assert model.of("user-0") == ["send"]


def test_outcomes_can_be_pickled() -> None:
    """Outcomes must survive the way to another process."""
    for outcome in imported(Model(), [*people(1), None]):
        copied = pickle.loads(pickle.dumps(outcome))  # noqa: S301
        assert (copied.number, copied.status) == (outcome.number, outcome.status)
        assert str(copied.error) == str(outcome.error)


@pytest.mark.parametrize("error", [OSError("disk"), CometChatException("X", "x"), MemoryError()])
def test_rows_that_break_off(error: Exception) -> None:
    """What stood before must be carried out and come out; then the error is the caller's."""
    model = Model()

    def rows() -> Iterator[User]:
        yield from people(300)
        raise error

    outcomes, end = until_it_ends(importing(model, rows()))
    assert end is error
    assert statuses(outcomes) == ["created"] * 300
    assert threads() == []


def test_rows_that_come_slowly_are_sent_as_they_come() -> None:
    """A row must not wait for a batch to be full if the next one is slow."""
    model = Held("user-0")
    model.let.set()

    def rows() -> Iterator[User]:
        yield from people(1)
        model.arrived.get(timeout=LIMIT)  # it is under way although there is no second row yet
        yield from people(1, 1)

    import cometchat_auth.server._bulk as bulk

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_LONGEST_PULL", 0.0)
        assert statuses(imported(model, rows())) == ["created", "created"]


def test_progress_counts_what_came_out() -> None:
    """The last report must have all figures, and none may run ahead of the outcomes."""
    model = Model({"user-1": [refusal(EXISTS)], "user-2": [refusal("ERR_BAD_REQUEST")]})
    reports: list[Any] = []
    outcomes = imported(model, people(10), on_progress=reports.append)
    last = reports[-1]
    assert (last.rows, last.created, last.exists, last.refused, last.unknown, last.resumed) == (
        (10, 8, 1, 1, 0, 0)
    )
    assert last.seconds > 0
    assert (last.waiting, last.reason) == (0.0, None)
    assert len(outcomes) == 10


@pytest.mark.parametrize(
    "given",
    [
        {"rows": "abc"},
        {"rows": b"abc"},
        {"rows": {"uid": "a"}},
        {"rows": User("a", "A")},
        {"rows": None},
        {"journal": 7},
        {"journal": b"x"},
        {"in_flight": "16"},
        {"in_flight": True},
        {"in_flight": 1.5},
        {"per_minute": "500"},
        {"per_minute": True},
        {"patience": None},
        {"timeout": "30"},
        {"on_progress": 7},
    ],
)
def test_wrong_types_are_told_at_the_call(given: dict[str, Any]) -> None:
    """A wrong type must be a TypeError before the first outcome is asked for."""
    rows = given.pop("rows", [])
    with pytest.raises(TypeError, match="must be"):
        importing(Model(), rows, **given)


@pytest.mark.parametrize(
    "given",
    [
        {"in_flight": 0},
        {"in_flight": 65},
        {"per_minute": 0},
        {"per_minute": -1},
        {"per_minute": float("nan")},
        {"per_minute": float("inf")},
        {"patience": 0},
        {"timeout": -1},
        {"journal": ""},
        {"journal": "a\0b"},
    ],
)
def test_unusable_values_are_told_at_the_call(given: dict[str, Any]) -> None:
    """A value that cannot be used must be named before the first outcome is asked for."""
    with pytest.raises(InvalidParameterError, match=next(iter(given))):
        importing(Model(), [], **given)
