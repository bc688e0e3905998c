"""Imports: whatever the service does and wherever it is killed, every user is there once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth import User
from cometchat_auth.server import _bulk
from cometchat_auth.server._journal import Entry, Journal, State
from cometchat_auth.server._outcomes import Outcome

from .bulk_tools import (
    Fate,
    Model,
    away,
    back_off_briefly,
    busy,
    imported,
    importing,
    lost,
    refusal,
)


class Killed(BaseException):
    """The process is gone."""


class Mortal(Journal):
    """A journal that is copied at one step of the import, as a SIGKILL would leave it.

    The import then ends, but what it still writes is not in the copy.
    """

    steps = 0  # how many are left until then
    left: Path

    def take(self, rows: Sequence[tuple[int, str]]) -> list[Entry]:
        """Mark rows, with a step before and a step after."""
        self._step()
        entries = super().take(rows)
        self._step()
        return entries

    def note(self, states: Iterable[tuple[str, State]]) -> None:
        """Note what came, with a step before and a step after."""
        self._step()
        super().note(states)
        self._step()

    @classmethod
    def _step(cls) -> None:
        cls.steps -= 1
        if cls.steps == 0:
            snapshot(cls.left)
            raise Killed


def snapshot(path: Path) -> None:
    """Keep what is on disk now as the journal of the next run."""
    for end in ("", "-wal"):
        file = path.with_name(f"{path.name}{end}")
        if file.exists():
            shutil.copy(file, path.with_name(f"kept{end}"))


def restored(path: Path) -> None:
    """Put the journal back to what was kept."""
    for end in ("", "-wal"):
        file = path.with_name(f"{path.name}{end}")
        file.unlink(missing_ok=True)
        kept = path.with_name(f"kept{end}")
        if kept.exists():
            kept.rename(file)


@attrs.frozen
class Story:
    """What happens to an import.

    Attributes:
        uids: Of the rows, in their order.
        fates: What happens to each user's requests.
        there: Who exists before, under another name.
        gone: Who exists before and is deactivated.
        kills: After how many steps each run is killed.
        closes: After how many outcomes each further run is closed.
    """

    uids: list[str]
    fates: dict[str, list[Fate]]
    there: set[str]
    gone: set[str]
    kills: list[int]
    closes: list[int]


UIDS = [f"u{number}" for number in range(12)]
FATES: list[Callable[[], Fate]] = [
    lambda: "well",
    lambda: "before",
    lambda: "after",
    lambda: busy(),
    lambda: busy(None),
    lambda: refusal("ERR_X", 503, after=0.0),
    lambda: refusal("ERR_X", 502),
    lambda: lost(500),
    lambda: away(),
    lambda: refusal("ERR_BAD_REQUEST"),
]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Make up what happens."""
    some = st.sets(st.sampled_from(UIDS), max_size=2)
    fates = st.lists(st.sampled_from(FATES).map(lambda make: make()), max_size=4)
    there = draw(some)
    return Story(
        uids=draw(st.lists(st.sampled_from([*UIDS, *map(str.upper, UIDS)]), max_size=20)),
        fates=draw(st.dictionaries(st.sampled_from(UIDS), fates)),
        there=there,
        gone=draw(some) - there,
        kills=draw(st.lists(st.integers(1, 12), max_size=3)),
        closes=draw(st.lists(st.integers(0, 10), max_size=2)),
    )


def rows_of(story: Story) -> Iterable[User]:
    """Return the rows."""
    return (User(uid, f"Name of {uid}", metadata={"n": 1}) for uid in story.uids)


def lived_through(story: Story, model: Model, path: Path) -> list[Outcome]:
    """Run the import, have it killed and closed, and return the last run's outcomes."""
    given: dict[str, Any] = {"journal": path, "in_flight": 3}
    for steps in story.kills:
        Mortal.steps, Mortal.left = steps, path
        try:
            imported(model, rows_of(story), **given)
        except Killed:
            restored(path)
    Mortal.steps = 0
    for count in story.closes:
        work = importing(model, rows_of(story), **given)
        for _ in zip(range(count), work, strict=False):
            pass
        work.close()
    return imported(model, rows_of(story), **given)


def expected(story: Story, model: Model, uid: str, earlier: set[str]) -> set[str]:
    """Return the statuses that a row of the last run may have."""
    if uid in earlier:
        return {"refused"}
    # A refusal meets a request for the user (refused), or a look after a lost answer (unknown).
    odd = any(getattr(f, "code", "") == "ERR_BAD_REQUEST" for f in story.fates.get(uid, []))
    if uid in story.there or uid in story.gone:
        return {"exists", "refused", "unknown"} if odd else {"exists"}
    if uid in model.created:
        return {"created", "unknown"} if odd else {"created"}
    return {"refused", "unknown"} if odd else set()


@settings(max_examples=100, deadline=None)
@given(stories())
def test_every_user_once_whatever_happens(story: Story) -> None:
    """Each row must have one outcome, in order, that is true, and no user be there twice."""
    model = Model({uid: list(fates) for uid, fates in story.fates.items()})
    model.users = {uid: User(uid, "Somebody else") for uid in story.there}
    model.deactivated = set(story.gone)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        back_off_briefly(patch)
        patch.setattr(_bulk, "Journal", Mortal)
        outcomes = lived_through(story, model, Path(folder) / "journal")
    assert [(o.number, o.uid) for o in outcomes] == list(enumerate(story.uids, 1))
    assert len(model.created) == len(set(model.created))
    earlier: set[str] = set()
    for outcome in outcomes:
        uid = (outcome.uid or "").lower()
        assert outcome.status in expected(story, model, uid, earlier), outcome
        earlier.add(uid)


def test_the_model_is_killed_in_earnest() -> None:
    """The kills of this module must leave marks without outcomes, or they show nothing."""
    story = Story([*UIDS], {}, set(), set(), [3], [])
    model = Model()
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(_bulk, "Journal", Mortal)
        outcomes = lived_through(story, model, Path(folder) / "journal")
    assert {o.status for o in outcomes} == {"created"}
    assert not any(o.resumed for o in outcomes)
    assert sorted(uid for what, uid in model.asked if what == "look") == sorted(UIDS)
