"""A program with the main loop of a toolkit, whose window is closed while callbacks pour in.

    python -m tests.desktop.programs TOOLKIT URL APP_ID AUTH_KEY

It prints one line of JSON with what has happened, for a test to look at.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import attrs

from cometchat_auth import AppSettings, CometChat, LoginListener, MemoryStore, dispatchers
from cometchat_auth.events import Dispatcher

LIMIT: Final = 20.0  # seconds
STORM: Final = 2000  # functions from each of two threads before the window is closed
IN_ADVANCE: Final = 50  # functions that a thread may be ahead of the window


@attrs.frozen
class Loop:
    """A toolkit's main loop.

    Attributes:
        dispatcher: The way onto its thread.
        run: Runs it until it is ended.
        end: Closes its window, which ends it; to be called on its thread.
        forget: Takes down what is left of it.
    """

    dispatcher: Dispatcher
    run: Callable[[], object]
    end: Callable[[], object]
    forget: Callable[[], object] = lambda: None


def tkinter() -> Loop:
    """Return tkinter's."""
    root = import_module("tkinter").Tk()
    return Loop(dispatchers.for_tkinter(root), root.mainloop, root.destroy)


def qt(binding: str) -> Loop:
    """Return Qt's; the window is deleted when it is closed."""
    core, widgets = import_module(f"{binding}.QtCore"), import_module(f"{binding}.QtWidgets")
    app, window = widgets.QApplication([]), widgets.QWidget()
    window.setAttribute(core.Qt.WidgetAttribute.WA_DeleteOnClose)
    window.show()
    return Loop(dispatchers.for_qt(window), app.exec, window.close, app.processEvents)


def wx() -> Loop:
    """Return wxPython's."""
    module: Any = import_module("wx")
    app, window = module.App(), module.Frame(None)
    window.Show()
    return Loop(dispatchers.for_wx(), app.MainLoop, window.Destroy, app.Destroy)


def gtk(version: str) -> Loop:
    """Return GTK's."""
    import_module("gi").require_version("Gtk", version)
    toolkit, glib = import_module("gi.repository.Gtk"), import_module("gi.repository.GLib")
    loop = glib.MainLoop()
    if version == "4.0":
        toolkit.init()
        window = toolkit.Window()
        window.connect("close-request", lambda _: loop.quit())
        window.present()
    else:
        toolkit.init([])
        window = toolkit.Window()
        window.connect("delete-event", lambda *_: loop.quit())
        window.show_all()
    return Loop(dispatchers.for_gtk(), loop.run, window.close)


def event_loop() -> Loop:
    """Return asyncio's."""
    loop = asyncio.new_event_loop()
    return Loop(dispatchers.for_asyncio(loop), loop.run_forever, loop.stop, loop.close)


TOOLKITS: Final[dict[str, Callable[[], Loop]]] = {
    "tkinter": tkinter,
    "PySide6": lambda: qt("PySide6"),
    "PyQt6": lambda: qt("PyQt6"),
    "wx": wx,
    "gtk3": lambda: gtk("3.0"),
    "gtk4": lambda: gtk("4.0"),
    "asyncio": event_loop,
}


class Storm:
    """Two threads that post numbers, and what has come of them."""

    def __init__(self, loop: Loop) -> None:
        self.seen: list[tuple[int, int]] = []
        self.elsewhere = 0  # what ran on another thread than the loop's
        self.over = threading.Event()
        self._loop = loop
        self._threads = [threading.Thread(target=self._post, args=(n,)) for n in range(2)]

    def start(self) -> None:
        """Let it begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let it end."""
        self.over.set()
        for thread in self._threads:
            thread.join(LIMIT)

    def in_order(self) -> bool:
        """Return whether what a thread had posted came in that order, without a gap."""
        each = [[number for who, number in self.seen if who == thread] for thread in range(2)]
        return all(numbers == list(range(len(numbers))) for numbers in each)

    def _post(self, who: int) -> None:
        room = threading.Semaphore(IN_ADVANCE)
        for number in itertools.count():
            if self.over.is_set():
                return
            room.acquire(timeout=0.01)  # nobody makes room any more once the loop has ended
            self._loop.dispatcher(lambda number=number: self._run(who, number, room))  # type: ignore[misc]

    def _run(self, who: int, number: int, room: threading.Semaphore) -> None:
        room.release()
        self.elsewhere += threading.current_thread() is not threading.main_thread()
        self.seen.append((who, number))
        if number == STORM and who == 0:
            self._loop.end()


def main(toolkit: str, url: str, app_id: str, auth_key: str) -> None:
    """Log in and out, close the window in the middle of a storm, and call once more."""
    loop = TOOLKITS[toolkit]()
    storm = Storm(loop)
    told: list[str] = []
    elsewhere: list[str] = []

    def note(name: str, then: Callable[[], object] = lambda: None) -> Callable[..., None]:
        def write(*_: object) -> None:
            if threading.current_thread() is not threading.main_thread():
                elsewhere.append(name)
            told.append(name)
            then()

        return write

    settings = AppSettings.for_emulator(url)
    chat = CometChat(app_id, settings, session_store=MemoryStore(), dispatcher=loop.dispatcher)
    chat.add_login_listener(
        "program",
        LoginListener(login_success=note("login_success"), logout_success=note("logout_success")),
    )
    chat.login(
        "cometchat-uid-1",
        auth_key,
        on_success=note("on_login", lambda: chat.logout(on_success=note("on_logout", storm.start))),
    )
    loop.run()
    loop.forget()
    late = chat.login("cometchat-uid-1", auth_key, on_success=note("late")).result(LIMIT)
    chat.close()
    storm.stop()
    facts = {
        "told": told,
        "elsewhere": elsewhere,
        "storm": len(storm.seen) > STORM and not storm.elsewhere and storm.in_order(),
        "late": late.uid,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
