"""Call everything at random, from everywhere at once, and see whether the promises on calls hold.

Run it from the project's folder::

    python -m tests.stress.races --seconds 60 [--seed N]

Exit status 1 says that a promise was broken.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import logging
import queue
import random
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Final

import attrs

from cometchat_auth import (
    AppSettings,
    CallCancelledError,
    CometChat,
    CometChatException,
    LoginListener,
    MemoryStore,
    User,
    _threads,
)
from cometchat_auth._record import decode
from cometchat_auth.emulator import Emulator

from ..tools import settle

LIMIT: Final = 20.0  # seconds after which something that must happen has not happened
THREADS: Final = 4
STEPS: Final = 25  # of each thread in one epoch
FROM_CALLBACKS: Final = 60  # further steps that callbacks may make in one epoch
UIDS: Final = ("cometchat-uid-1", "cometchat-uid-2")
DEAD: Final = "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"


class SlowStore(MemoryStore):
    """A store that is served on the storage thread; `MemoryStore` itself is not."""


@attrs.define(eq=False)
class Asked:
    """One call, and what has come of it."""

    what: str
    uid: str | None
    short: bool
    began: float
    future: Future[Any] | None = None
    cancelled: bool = False
    told: list[tuple[str, Any]] = attrs.Factory(list)
    done: int = 0
    ended: float | None = None


class Member:
    """One client, and what its listener was told."""

    def __init__(self, chat: CometChat, hook: list[BaseException], known: bool) -> None:
        self.chat = chat
        self.hook = hook
        self.raised = 0
        self.calls: list[Asked] = []
        self.events: list[tuple[str, Any]] = []
        self.closing = False
        self.closed = threading.Event()
        if known:
            chat.get_logged_in_user()
        self.known = known
        chat.add_login_listener("diary", self._listener())

    def _listener(self) -> LoginListener:
        def note(name: str) -> Callable[..., None]:
            return lambda *args: self.events.append((name, args[0] if args else None))

        names = ("login_success", "login_failure", "logout_success", "logout_failure")
        return LoginListener(**{name: note(name) for name in names})

    def who(self) -> str | None:
        """Return who is logged in as memory has it."""
        session = self.chat._engine.state.session
        return session.user.uid if session else None

    def problems(self) -> list[str]:
        """Return what does not fit together."""
        found = [problem for asked in self.calls for problem in self._of_call(asked)]
        found += self._of_events()
        if not self.chat._engine.outbox.under_way.is_over() or self.chat._engine.desk._lane:
            found.append("something is still under way after everything was over")
        if self.raised != len(self.hook):
            found.append(f"{self.raised} callbacks raised, {len(self.hook)} were reported")
        return found

    def _of_call(self, asked: Asked) -> list[str]:
        if asked.future is None or not asked.future.done():
            return [f"{asked}: no outcome"]
        if len(asked.told) != 1 or asked.done != 1:
            return [f"{asked}: not exactly one callback"]
        kind, value = asked.told[0]
        try:
            fits = asked.future.result(0) is value and kind == "success"
            return [] if fits and self._expected(asked, value) else [f"{asked}: unexpected value"]
        except CancelledError:
            fits = asked.cancelled and isinstance(value, CallCancelledError)
        except CometChatException as error:
            fits = kind == "error" and value is error and self._admits(asked, error)
        return [] if fits else [f"{asked}: unexpected error"]

    def _expected(self, asked: Asked, value: Any) -> bool:
        if asked.what == "login" and value is not None:
            return bool(value.uid == asked.uid)
        return value is None if asked.what in {"logout", "warm_up"} else asked.what != "login"

    def _admits(self, asked: Asked, error: CometChatException) -> bool:
        return (
            (error.code == "LOGIN_IN_PROGRESS" and asked.what == "login")
            or (error.code == DEAD and asked.what == "login")
            or (error.code == "ERR_UID_ALREADY_EXISTS" and asked.what == "create_user")
            or (error.code == "OUTCOME_UNKNOWN" and asked.what == "create_user" and asked.short)
            or (error.code == "TIMEOUT" and asked.short)
            or (error.code == "CLIENT_CLOSED" and self.closing)
        )

    def _of_events(self) -> list[str]:
        who: Any = self.who() if not self.events else ...
        if self.known and not self.events and who is not None:
            return [f"{who} is logged in, and nobody was told"]
        for name, value in self.events:
            if name == "login_success":
                who = value.uid
            elif name == "logout_success" and who is None:
                return [f"a logout although nobody was logged in: {self.events}"]
            elif name == "logout_success" or (
                name == "logout_failure" and value.details.get("not_achieved")
            ):
                who = None
        if who is not ... and who != self.who():
            return [f"{self.who()} is logged in, by the events it is {who}: {self.events[-6:]}"]
        return []


class Epoch:
    """A few clients that share a store, and threads that use them."""

    def __init__(self, emulator: Emulator, seed: str, counts: Counter[str]) -> None:
        self._emulator = emulator
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311
        self._callback_chance = random.Random(f"{seed} callbacks")  # noqa: S311
        self._left = itertools.count(FROM_CALLBACKS, -1)
        self._pump: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._pumping = threading.Thread(target=self._deliver, daemon=True)
        self._pumping.start()
        self.counts = counts
        self.longest = 0.0
        self.broken: list[str] = []
        self._tokens = [emulator.create_auth_token(uid) for uid in UIDS]
        self._store = self._chance.choice([MemoryStore, SlowStore])()
        self.members = [self._member() for _ in range(self._chance.choice([1, 1, 2, 3]))]

    def _member(self) -> Member:
        hook: list[BaseException] = []
        dispatchers: list[Any] = [None, None, None, self._pump.put, lambda function: function()]
        chat = CometChat(
            self._emulator.app_id,
            AppSettings.for_emulator(self._emulator.url),
            session_store=self._store,
            dispatcher=self._chance.choice(dispatchers),
            on_callback_error=hook.append,
        )
        return Member(chat, hook, self._chance.random() < 0.5)

    def _deliver(self) -> None:
        while (function := self._pump.get()) is not None:
            function()

    def run(self) -> list[str]:
        """Run it to its end; return what was broken."""
        threads = [
            threading.Thread(target=self._steps, args=(f"{self._seed} {number}",), daemon=True)
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 3 * LIMIT
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            faulthandler.dump_traceback()
            return [*self.broken, "a thread has not come back"]
        self._settle()
        self.broken += [problem for member in self.members for problem in member.problems()]
        self.broken += self._of_store()
        self._count()
        if not _threads.wait_for_all(0):
            self.broken.append("something is under way although all is over")
        return [f"{problem} (epoch {self._seed})" for problem in self.broken]

    def _steps(self, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311
        for _ in range(STEPS):
            try:
                self._step(chance, in_callback=False)
            except BaseException as error:
                self.broken.append(f"a step raised {error!r}")

    def _step(self, chance: random.Random, *, in_callback: bool) -> None:
        member = chance.choice(self.members)
        what = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        self.counts[what] += 1
        if what in _ASKING:
            self._ask(member, what, chance)
        elif what == "listeners":
            member.chat.add_login_listener("x", LoginListener())
            member.chat.remove_login_listener("x")
        elif what == "look":
            self._look(member)
        elif what == "kill":
            self._emulator.flush_auth_tokens(chance.choice(UIDS))
        elif what == "close":
            self._close(member, in_callback=in_callback)
        elif member.calls:
            self._meddle(chance.choice(member.calls), what)

    def _ask(self, member: Member, what: str, chance: random.Random) -> None:
        uid = chance.choice(UIDS) if what in {"login", "token"} else None
        short = what != "reload" and chance.random() < 0.1
        asked = Asked("login" if what == "token" else what, uid, short, time.monotonic())
        keywords: dict[str, Any] = {"timeout": chance.uniform(0.0002, 0.01)} if short else {}
        for kind in ("success", "error"):
            keywords[f"on_{kind}"] = self._callback(member, asked, kind)
        asking = getattr(member.chat, asked.what)
        member.calls.append(asked)
        if what == "login":
            asked.future = asking(uid, self._emulator.auth_key, **keywords)
        elif what == "token":
            asked.future = asking(self._tokens[UIDS.index(str(uid))], **keywords)
        elif what == "create_user":
            asked.future = asking(User(UIDS[0], "Again"), self._emulator.auth_key, **keywords)
        else:
            asked.future = asking(**keywords)
        assert asked.future is not None
        asked.future.add_done_callback(partial(self._done, asked))
        if member.closed.is_set() and not asked.future.done():
            self.broken.append(f"{asked} goes on although close() has returned")
        if chance.random() < 0.15:
            self._meddle(asked, "cancel")

    def _callback(self, member: Member, asked: Asked, kind: str) -> Callable[[Any], None]:
        def tell(value: Any) -> None:
            asked.told.append((kind, value))
            asked.ended = time.monotonic()
            if self._callback_chance.random() < 0.4 and next(self._left) > 0:
                self._step(self._callback_chance, in_callback=True)
            if self._callback_chance.random() < 0.05:
                member.raised += 1
                raise ValueError("a callback of the application that raises")

        return tell

    def _done(self, asked: Asked, future: Future[Any]) -> None:
        asked.done += 1 if future.done() else 2

    def _look(self, member: Member) -> None:
        try:
            member.chat.get_logged_in_user()
            member.chat.session_info()
        except CometChatException as error:
            if error.code != "CLIENT_CLOSED" or not member.closing:
                self.broken.append(f"a look raised {error!r}")

    def _close(self, member: Member, *, in_callback: bool) -> None:
        if member.closing or self._chance.random() < 0.85:
            return
        member.closing = True
        before = list(member.calls)
        member.chat.close(LIMIT)
        if not in_callback:
            member.closed.set()
            late = [asked for asked in before if asked.future and not asked.future.done()]
            self.broken += [f"{asked} was not over when close() returned" for asked in late]

    def _meddle(self, asked: Asked, what: str) -> None:
        if (future := asked.future) is None:
            return
        if what == "cancel":
            asked.cancelled |= future.cancel()
            return
        try:
            future.exception(LIMIT)
        except CancelledError:
            pass
        except CometChatException as error:  # on a worker, where the dispatcher runs callbacks
            if error.code != "WOULD_BLOCK_FOREVER":
                raise

    def _settle(self) -> None:
        """Wait until nothing more comes: of calls, of callbacks that call on, of late logouts."""
        end = time.monotonic() + 3 * LIMIT
        before = -1
        while time.monotonic() < end:
            calls = [asked for member in self.members for asked in list(member.calls)]
            if len(calls) == before and all(x.future and x.future.done() for x in calls):
                return
            before = len(calls)
            for member in self.members:
                member.chat._engine.outbox.under_way.wait(LIMIT)
                settle(member.chat)

    def _of_store(self) -> list[str]:
        for member in self.members * 2:
            if not member.closing:
                member.chat.reload().result(LIMIT)
        records = [decode(record) for record in self._store._records.values()]
        stored = records[0].token if records else None
        found = []
        for member in self.members:
            settle(member.chat)
            session = member.chat._engine.state.session
            if not member.closing and (session.token if session else None) != stored:
                found.append(f"memory has {session}, the store {records}")
            found += member._of_events()
        return found

    def _count(self) -> None:
        self._pump.put(None)
        self._pumping.join(LIMIT)
        for member in self.members:
            member.chat.close(LIMIT)
            self.counts["calls"] += len(member.calls)
            self.counts["outcomes"] += sum(len(asked.told) for asked in member.calls)
            self.counts["events"] += len(member.events)
            waits = [asked.ended - asked.began for asked in member.calls if asked.ended]
            self.longest = max([self.longest, *waits])


_ASKING: Final = ("login", "token", "logout", "check_session", "reload", "create_user", "warm_up")
_WEIGHTS: Final = dict(zip(_ASKING, (5, 5, 5, 3, 3, 1, 1), strict=True)) | {
    "listeners": 1,
    "look": 2,
    "kill": 1,
    "close": 1,
    "cancel": 3,
    "wait": 3,
}


def explore(seconds: float, seed: int) -> tuple[Counter[str], list[str], float]:
    """Run epochs for that long; return what was counted, what was broken, and the longest wait."""
    counts: Counter[str] = Counter()
    broken: list[str] = []
    longest = 0.0
    defects = Defects()
    logging.getLogger("cometchat_auth").addHandler(defects)
    _threads.REQUESTS._size = 1 + seed % _threads.REQUEST_WORKERS
    end = time.monotonic() + seconds
    with Emulator() as emulator:
        while time.monotonic() < end and len(broken) < 20:
            counts["epochs"] += 1
            sys.setswitchinterval(10.0 ** -(3 + counts["epochs"] % 4))
            epoch = Epoch(emulator, f"{seed}/{counts['epochs']}", counts)
            broken += epoch.run()
            longest = max(longest, epoch.longest)
    return counts, broken + defects.found, longest


class Defects(logging.Handler):
    """Collect what the library has logged of its own defects."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, unless it is about a callback that was meant to raise."""
        if "defect" in record.getMessage():
            self.found.append(self.format(record))


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.races")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    chosen = parser.parse_args()
    counts, broken, longest = explore(chosen.seconds, chosen.seed)
    for problem in broken:
        sys.stdout.write(f"BROKEN: {problem}\n")
    names = ("epochs", "calls", "outcomes", "events")
    figures = ", ".join(f"{counts[name]} {name}" for name in names)
    broken_and_wait = f"{len(broken)} broken, longest wait {longest:.2f} s"
    sys.stdout.write(f"seed {chosen.seed}: {figures}, {broken_and_wait}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
