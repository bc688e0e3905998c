"""The road by which callbacks reach the user's code."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from . import _threads
from .events import Delivery, Dispatcher

_log = logging.getLogger("cometchat_auth")


class _Delivering(threading.local):
    """How deep a thread other than the dispatcher is in callbacks; in ``with`` one step deeper."""

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth = max(0, self.depth - 1)

    def leave_all(self) -> None:
        """Begin anew in a forked child: what its parent was telling is not told there."""
        self.depth = 0


_delivering = _Delivering()
_threads.on_fork(_delivering.leave_all)


def in_callback() -> bool:
    """Return whether this thread is running one of the user's callbacks."""
    return _threads.DISPATCHER.is_member() or _delivering.depth > 0


def _on_the_spot(function: Callable[[], None]) -> None:
    """Run what no other thread can be given any more."""
    function()


class Slot:
    """A place in the order of deliveries, taken before it is known what will stand there."""

    __slots__ = ("deliveries", "era")

    def __init__(self, era: object) -> None:
        self.deliveries: list[Delivery] | None = None
        self.era = era


class Outbox:
    """Callbacks of one client on their way to the dispatcher, in the order of what they tell.

    A slot is reserved when something has happened and filled when its future has been resolved.
    Slots are emptied in the order of reservation, each callback by itself, and never under a
    lock.

    Args:
        dispatcher: Where callbacks are run, or ``None`` for the library's own thread.
        on_error: Called with what a callback raised, or ``None``.
    """

    def __init__(
        self,
        dispatcher: Dispatcher | None,
        on_error: Callable[[BaseException], object] | None,
    ) -> None:
        self._dispatcher = dispatcher
        self._on_error = on_error
        self.under_way = _threads.UnderWay()
        self.reset()

    def reset(self) -> None:
        """Forget what was on its way, as a forked child has to."""
        self._lock = threading.RLock()
        self._slots: deque[Slot] = deque()
        self._emptying = False
        self.under_way.reset()

    def reserve(self) -> Slot:
        """Take the next place in the order."""
        slot = Slot(self.under_way.era)
        with self._lock:
            self.under_way.reserved += 1
            self._slots.append(slot)
        return slot

    def fill(self, slot: Slot, deliveries: list[Delivery]) -> None:
        """Say what stands in a place, and hand over whatever is ready."""
        slot.deliveries = deliveries
        if self._dispatcher is None and (not deliveries or _threads.can_dispatch()):
            self._post_ready()
        else:
            self._hand_over_ready(self._dispatcher or _on_the_spot)

    def send(self, delivery: Delivery) -> None:
        """Hand over one callback, after all that have been reserved so far."""
        if self._dispatcher is None and not sys.is_finalizing():
            with self._lock:
                if not self._slots:
                    self.under_way.posted += 1
                    try:
                        _threads.DISPATCHER.submit(partial(self._deliver_posted, delivery))
                        return
                    except RuntimeError:  # no thread can be had any more
                        self.under_way.posted -= 1
        self.fill(self.reserve(), [delivery])

    def _post_ready(self) -> None:
        with self._lock:
            while self._slots and (ready := self._slots[0].deliveries) is not None:
                self._slots.popleft()
                for delivery in ready:
                    self.under_way.posted += 1
                    _threads.DISPATCHER.submit(partial(self._deliver_posted, delivery))
                self.under_way.emptied += 1
        self.under_way.tell()

    def _deliver_posted(self, delivery: Delivery) -> None:
        under_way = self.under_way
        era = under_way.era
        try:
            delivery()
        except BaseException as error:
            self._report(error, "a callback raised")
        if era is under_way.era:  # not in a child that the callback has forked
            under_way.delivered += 1
            if under_way.is_awaited:
                under_way.tell()

    def _hand_over_ready(self, dispatcher: Dispatcher) -> None:
        while ready := self._take():
            for delivery in ready.deliveries or ():
                self._hand_over(dispatcher, delivery)
            if ready.era is not self.under_way.era:
                return  # in a child: what was called on the spot has forked
            with self._lock:
                self._emptying = False
                self.under_way.emptied += 1
            self.under_way.tell()

    def _take(self) -> Slot | None:
        """Return the next slot if it is ready and nobody else is emptying one."""
        with self._lock:
            if self._emptying or not self._slots or self._slots[0].deliveries is None:
                return None
            self._emptying = True
            return self._slots.popleft()

    def _hand_over(self, dispatcher: Dispatcher, delivery: Delivery) -> None:
        # What the application's own dispatcher has been given is its affair: waiting for a main
        # loop that has ended would be waiting for ever.
        try:
            with _delivering:
                dispatcher(lambda: self._deliver(delivery))
        except BaseException as error:
            self._report(error, "the dispatcher that was given refused a callback")

    def _deliver(self, delivery: Delivery) -> None:
        try:
            with _delivering:
                delivery()
        except BaseException as error:
            self._report(error, "a callback raised")

    def _report(self, error: BaseException, what: str) -> None:
        _log.error("%s: %s", what, type(error).__name__, exc_info=error)
        if self._on_error is not None:
            try:
                with _delivering:
                    self._on_error(error)
            except BaseException:
                _log.exception("on_callback_error itself raised")
