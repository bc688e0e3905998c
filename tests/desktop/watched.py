"""Run a desktop program as it stands, and say what its windows show whenever that changes.

    python -m tests.desktop.watched FILE ARGUMENT...

What is said is one line of JSON each time: a list of everything that can be seen, with its kind,
text, place on the screen, and whether it can be used; an empty one when the window has been
closed. A field shows how many characters it holds, not which. The program's own loop is what
looks, so nothing is touched from another thread.
"""

from __future__ import annotations

import json
import runpy
import sys
import tkinter
from collections.abc import Iterator
from importlib import import_module
from tkinter import ttk
from typing import Any, Final

INTERVAL: Final = 25  # milliseconds between two looks

Part = dict[str, Any]


def main() -> None:
    """Run the program that was named."""
    del sys.argv[0]
    _watch_tkinter()
    if "pyside6" in sys.argv[0]:
        _watch_qt()
    runpy.run_path(sys.argv[0], run_name="__main__")


class Teller:
    """Says what can be seen, if that has changed."""

    def __init__(self) -> None:
        self._last: list[Part] | None = None

    def tell(self, seen: list[Part]) -> None:
        """Say it."""
        if seen != self._last:
            self._last = seen
            print(json.dumps(seen), flush=True)  # noqa: T201 - that is what it is for


def _part(kind: str, text: str, box: tuple[int, int, int, int], usable: bool = True) -> Part:
    x, y, width, height = box
    return {"kind": kind, "text": text, "x": x + width // 2, "y": y + height // 2, "usable": usable}


def _watch_tkinter() -> None:
    run = tkinter.Misc.mainloop

    def mainloop(root: Any, n: int = 0) -> None:
        teller = Teller()

        def look() -> None:
            teller.tell(list(_tk_parts(root)))
            root.after(INTERVAL, look)

        look()
        run(root, n)
        teller.tell([])

    tkinter.Misc.mainloop = mainloop  # type: ignore[method-assign, assignment]


def _tk_parts(widget: Any) -> Iterator[Part]:
    for child in widget.winfo_children():
        if child.winfo_viewable():
            yield from _tk_part(child)
            yield from _tk_parts(child)


def _tk_part(widget: Any) -> Iterator[Part]:
    box = widget.winfo_rootx(), widget.winfo_rooty(), widget.winfo_width(), widget.winfo_height()
    if isinstance(widget, ttk.Button):
        yield _part("button", widget.cget("text"), box, not widget.instate(["disabled"]))
    elif isinstance(widget, ttk.Entry):
        yield _part("field", str(len(widget.get())), box)
    elif isinstance(widget, ttk.Label):
        yield _part("label", str(widget.cget("text")), box)
    elif isinstance(widget, ttk.Progressbar):
        yield _part("spinner", "", box)
    elif isinstance(widget, tkinter.Text):
        yield _part("log", widget.get("1.0", "end").strip(), box)
    elif isinstance(widget, ttk.Notebook):
        yield from _tk_tabs(widget, box)


def _tk_tabs(tabs: Any, box: tuple[int, int, int, int]) -> Iterator[Part]:
    for number in range(tabs.index("end")):
        inside = [x for x in range(0, box[2], 4) if _tk_tab_at(tabs, x) == number]
        where = (box[0] + inside[0], box[1], inside[-1] - inside[0], 24)
        yield _part("tab", tabs.tab(number, "text"), where)


def _tk_tab_at(tabs: Any, x: int) -> int | None:
    found = tabs.tk.call(tabs, "identify", "tab", x, 14)
    return None if found == "" else int(found)


def _watch_qt() -> None:
    core, widgets = import_module("PySide6.QtCore"), import_module("PySide6.QtWidgets")
    run = widgets.QApplication.exec

    def watched(*_: object) -> int:
        teller, timer = Teller(), core.QTimer()
        timer.timeout.connect(lambda: teller.tell(list(_qt_parts(widgets))))
        timer.start(INTERVAL)
        code: int = run()
        timer.stop()
        teller.tell([])
        return code

    widgets.QApplication.exec = watched


def _qt_parts(widgets: Any) -> Iterator[Part]:
    for window in widgets.QApplication.topLevelWidgets():
        for widget in window.findChildren(widgets.QWidget):
            if widget.isVisible():
                yield from _qt_part(widgets, widget)


def _qt_part(widgets: Any, widget: Any) -> Iterator[Part]:
    corner = widget.mapToGlobal(widget.rect().topLeft())
    box = corner.x(), corner.y(), widget.width(), widget.height()
    if isinstance(widget, widgets.QPushButton):
        yield _part("button", widget.text(), box, widget.isEnabled())
    elif isinstance(widget, widgets.QLineEdit):
        yield _part("field", str(len(widget.text())), box)
    elif isinstance(widget, widgets.QLabel):
        yield _part("label", widget.text(), box)
    elif isinstance(widget, widgets.QProgressBar):
        yield _part("spinner", "", box)
    elif isinstance(widget, widgets.QPlainTextEdit):
        yield _part("log", widget.toPlainText(), box)
    elif isinstance(widget, widgets.QTabBar):
        for number in range(widget.count()):
            tab = widget.tabRect(number)
            where = (corner.x() + tab.x(), corner.y() + tab.y(), tab.width(), tab.height())
            yield _part("tab", widget.tabText(number), where)


if __name__ == "__main__":
    main()
