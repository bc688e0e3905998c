"""Have callbacks run on the thread of a window, or of an event loop.

Toolkits for windows may be used on one thread only. Each function here returns a ``dispatcher``
for `CometChat`, so that every callback and every login listener runs on that thread::

    chat = CometChat("APP_ID", AppSettings(region="us"), dispatcher=for_tkinter(root))

Call it on the toolkit's own thread, before its main loop or inside it. A toolkit is imported only
by the function made for it. What comes after the window or the loop has ended is dropped: there
is nobody left to be told.

For any other toolkit give whatever schedules a function without arguments on its thread, such as
a queue's ``put``.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .events import Dispatcher

if TYPE_CHECKING:
    import asyncio
    import tkinter

_log = logging.getLogger("cometchat_auth")

_TK_INTERVAL: Final = 20  # milliseconds: one or two pictures of a screen, less than anyone notices


def for_tkinter(widget: tkinter.Misc, *, interval: int = _TK_INTERVAL) -> Dispatcher:
    """Return a dispatcher that runs callbacks in tkinter's main loop.

    tkinter has no call that is safe on another thread, so the main loop looks into a queue.

    Args:
        widget: The window; when it is destroyed, callbacks end.
        interval: Milliseconds between two looks.
    """
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    timer: str | None = None

    def look() -> None:
        nonlocal timer
        timer = widget.after(interval, look)
        # Not until it is empty: callbacks that lead to further ones must not freeze the window.
        for _ in range(waiting.qsize()):
            if timer is None:
                return
            waiting.get()()

    def post(function: Callable[[], None]) -> None:
        if timer is not None:  # or nobody would ever take it out
            waiting.put(function)

    def end(event: tkinter.Event[Any]) -> None:
        nonlocal timer
        if event.widget is widget and timer is not None:
            widget.after_cancel(timer)
            timer = None

    widget.bind("<Destroy>", end, add=True)
    timer = widget.after(interval, look)
    return post


def for_qt(parent: Any) -> Dispatcher:
    """Return a dispatcher that runs callbacks in Qt's event loop, with PySide6 or PyQt6.

    Args:
        parent: A window, the application or any other ``QObject``; when it is destroyed,
            callbacks end.

    Raises:
        TypeError: If it is not a ``QObject``.
    """
    core = _qt_core(parent)
    signal = getattr(core, "Signal", None) or core.pyqtSignal

    class Runner(core.QObject):  # type: ignore[misc, name-defined]
        posted = signal(object)

        def run(self, function: Callable[[], None]) -> None:
            if alive:
                function()

    alive = [True]  # not the parent itself, which must not live on because of this
    # Not the parent's child: Qt would delete it, perhaps while another thread is using it. A bound
    # signal does not keep it alive, the function that is returned does.
    runner = Runner()
    runner.moveToThread(parent.thread())
    runner.posted.connect(runner.run, core.Qt.ConnectionType.QueuedConnection)
    parent.destroyed.connect(alive.clear)
    return _until(RuntimeError, lambda function: runner.posted.emit(function))


def for_wx() -> Dispatcher:
    """Return a dispatcher that runs callbacks in wxPython's main loop."""
    wx = import_module("wx")
    return _until(AssertionError, wx.CallAfter)  # which asserts that there is an application


def for_gtk() -> Dispatcher:
    """Return a dispatcher that runs callbacks in GTK's main loop, of version 3 or 4."""
    glib = import_module("gi.repository.GLib")

    def post(function: Callable[[], None]) -> None:
        # The default priority: idle ones wait for as long as there is anything to be drawn.
        glib.idle_add(_once, function, priority=glib.PRIORITY_DEFAULT)

    return post


def for_asyncio(loop: asyncio.AbstractEventLoop | None = None) -> Dispatcher:
    """Return a dispatcher that runs callbacks in an asyncio event loop.

    Args:
        loop: The loop; by default the one that runs the caller.

    Raises:
        RuntimeError: If no loop was given and none is running.
    """
    if loop is None:
        loop = import_module("asyncio").get_running_loop()
    return _until(RuntimeError, loop.call_soon_threadsafe)  # what a closed loop raises


def _until(ended: type[Exception], schedule: Callable[[Callable[[], None]], object]) -> Dispatcher:
    """Drop what cannot be scheduled any more because its loop has ended."""

    def post(function: Callable[[], None]) -> None:
        try:
            schedule(function)
        except ended as error:
            _log.debug("A callback was dropped: its event loop has ended (%s).", error)

    return post


def _once(function: Callable[[], None]) -> bool:
    function()
    return False  # for GLib: not again


def _qt_core(parent: object) -> Any:
    """Return the ``QtCore`` to which an object belongs."""
    for base in type(parent).__mro__:
        if base.__name__ == "QObject":
            return import_module(base.__module__)
    raise TypeError(f"parent must be a QObject, not {type(parent).__name__}")
