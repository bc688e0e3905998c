"""The ways in which a script can end, and what can be under way when it does."""

from __future__ import annotations

import signal
import textwrap
from typing import Final

import attrs

UID: Final = "cometchat-uid-1"
MANY: Final = 60  # calls

# Seconds, at least and at most. The drain limit is 5 s, a call's own time 30 s, a store's 60 s.
Span = tuple[float, float]
SOON: Final = (0.0, 4.9)
LATER: Final = (0.5, 4.9)
LOOKED: Final = (2.0, 8.0)  # a look at a store that hangs is given up after 3 s
STUCK: Final = (4.5, 15.0)

PRELUDE: Final = f"""\
import atexit, contextlib, os, pathlib, queue, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
from cometchat_auth import AppSettings, CometChat, LoginListener, User
from tests.stress.stores import FileStore

url, app_id, key, folder = sys.argv[1:]
uid, said, begun = {UID!r}, os.dup(1), threading.Event()

def say(word):
    os.write(said, word.encode() + b"\\n")

def mark():
    with open(os.path.join(folder, "marks"), "a") as marks:
        print(time.monotonic(), file=marks)

def tell(user):
    print("told", user.uid)

def log_out(user):
    chat.logout(on_success=lambda _: print("out"), on_error=lambda error: print(error.code))

def never(*_):
    begun.set()
    threading.Event().wait()

class StuckInSave(FileStore):
    save = never

class StuckInLoad(FileStore):
    load = never

def client(store=FileStore, **more):
    kept = store(pathlib.Path(folder, "kept"))
    return CometChat(app_id, AppSettings.for_emulator(url), session_store=kept, **more)

"""

_CTRL_C: Final = """\
{body}try:
    say("ready")
    {waits}
except KeyboardInterrupt:
    mark()
    say("heard")
    raise
"""
# Python is kept from switching threads by itself: "ready" comes when the main thread waits.
_READY_AT_EXIT: Final = """\
at_exit = threading.Event()
threading.Thread(target=lambda: (at_exit.wait(), say('ready')), daemon=True).start()
atexit.register(lambda: (sys.setswitchinterval(60), at_exit.set()))
"""

_TRACEBACK: Final = r"Traceback \(most recent call last\):\n(?:(?:  .*)?\n)+"

# Python ends with 1 in place of the signal if anything is evaluated after the Ctrl-C, as any
# `namedtuple` is: that is, if modules are still being imported for the call under way.
_INTERRUPTED: Final = (-signal.SIGINT, 1)


@attrs.frozen
class Ending:
    """A way for a script to end.

    Attributes:
        script: Its text; ``{body}`` is what it has done before, ``{waits}`` what it waits in.
        status: Its exit status: any of these.
        error: What it writes to stderr, as a regular expression.
        interrupted: Whether Ctrl-C is pressed when it is ready.
        closes: Whether it closes its client.
    """

    script: str
    status: tuple[int, ...] = (0,)
    error: str = ""
    interrupted: bool = False
    closes: bool = False


AT_EXIT: Final = "Ctrl-C at exit"
ENDINGS: Final[dict[str, Ending]] = {
    "falls off its end": Ending("{body}mark()"),
    "sys.exit(3)": Ending("{body}mark()\nsys.exit(3)", (3,)),
    "exception": Ending(
        "{body}mark()\nraise ValueError('x')", (1,), f"{_TRACEBACK}ValueError: x\n"
    ),
    "Ctrl-C": Ending(_CTRL_C, _INTERRUPTED, f"{_TRACEBACK}KeyboardInterrupt\n", True),
    AT_EXIT: Ending(_READY_AT_EXIT + "{body}mark()", interrupted=True),
    "close() first": Ending("{body}mark()\nchat.close()\nmark()", closes=True),
    "with block": Ending("with chat:\n{indented}    mark()\nmark()", closes=True),
}


@attrs.frozen
class Situation:
    """What is under way when a script ends.

    Attributes:
        body: What the script has done.
        out: What is printed in the end.
        stored: Whose session is stored in the end.
        takes: Seconds until nothing is under way any more, or is given up.
        client: How the script has made its client.
        server: Which server it talks to.
        waits: What it waits in until Ctrl-C.
        closed: What is printed and stored instead if the client was closed.
        cold: Whether the call has yet to import what it needs, which takes most of its time.
    """

    body: str
    out: str = ""
    stored: str | None = None
    takes: Span = SOON
    client: str = "client()"
    server: str = "good"
    waits: str = "threading.Event().wait()"
    closed: tuple[str, str | None] | None = None
    cold: bool = False


_RESULT: Final = "future.result()"
_TOLD: Final = f"told {UID}\n"
_TELLS: Final = "future = chat.login(uid, key, on_success=tell)\n"
_CALLS_ON: Final = "future = chat.login(uid, key, on_success=log_out)\n"
_RAISES: Final = "chat.login(uid, key, on_success=lambda _: 1 / 0)\n"
_REPORTS: Final = "client(on_callback_error=lambda error: print('raised', error))"
_CALLBACK: Final = "chat.login(uid, key, on_success=never)\nbegun.wait()\n"
_LISTENER: Final = (
    "chat.add_login_listener('id', LoginListener(login_success=never))\n"
    "chat.login(uid, key, on_success=tell)\nbegun.wait()\n"
)
_CREATES: Final = f"""\
for number in range({MANY}):
    user = User(f"{{pathlib.Path(folder).name}}-{{number}}", "Name")
    chat.create_user(user, key, on_success=lambda _: print("created"))
"""
_QUEUE: Final = "client(dispatcher=queue.SimpleQueue().put)"
_THREAD: Final = "threading.Thread(target=lambda: tell(future.result())).start()\n"
_THREAD_FAILS: Final = """\
future = chat.login(uid, key, timeout=2)
threading.Thread(target=lambda: print(future.exception().code)).start()
"""

HEAVY: Final = f"{MANY} calls"
SITUATIONS: Final[dict[str, Situation]] = {
    "client never used": Situation("pass\n"),
    "idle client": Situation("chat.login(uid, key).result()\n", "", UID),
    "login under way": Situation(_TELLS, _TOLD, UID),
    "first login under way": Situation(_TELLS, _TOLD, UID, cold=True),
    "slow server": Situation(_TELLS, _TOLD, UID, LATER, server="slow", waits=_RESULT),
    "callback calls on": Situation(
        _CALLS_ON, "out\n", None, LATER, server="slow", closed=("CLIENT_CLOSED\n", UID)
    ),
    HEAVY: Situation(_CREATES, "created\n" * MANY),
    "hung server": Situation(_TELLS, "", None, STUCK, server="hung", waits=_RESULT),
    "callback raises": Situation(_RAISES, "raised division by zero\n", UID, client=_REPORTS),
    "callback never returns": Situation(_CALLBACK, "", UID, STUCK),
    "listener never returns": Situation(_LISTENER, "", UID, STUCK),
    "store hangs in save": Situation(
        f"{_TELLS}begun.wait()\n", "", None, STUCK, "client(StuckInSave)", waits=_RESULT
    ),
    "store hangs in load": Situation(
        _TELLS, _TOLD, None, LOOKED, "client(StuckInLoad)", waits=_RESULT
    ),
    "queue never emptied": Situation(_TELLS, "", UID, client=_QUEUE),
    "own thread waits": Situation(
        f"future = chat.login(uid, key)\n{_THREAD}", _TOLD, UID, LATER, server="slow"
    ),
    "own thread, hung server": Situation(_THREAD_FAILS, "TIMEOUT\n", None, LATER, server="hung"),
    "stdout closed": Situation(f"sys.stdout.close()\n{_TELLS}", "", UID),
}


@attrs.frozen
class Cell:
    """A situation and an ending, by their names."""

    situation: str
    ending: str

    def script(self) -> str:
        """Return the script."""
        situation, ending = SITUATIONS[self.situation], ENDINGS[self.ending]
        indented = textwrap.indent(situation.body, " " * 4)
        text = ending.script.format(body=situation.body, indented=indented, waits=situation.waits)
        ahead = "" if situation.cold else "import requests\n"
        return f"{PRELUDE}{ahead}chat = {situation.client}\n{text}\n"


CELLS: Final = [
    Cell(situation, ending)
    for situation, what in SITUATIONS.items()
    for ending in ENDINGS
    if ending != AT_EXIT or what.takes == STUCK  # otherwise there is no time to press it
]
