"""What the n-th of something costs: clients, listeners, stored profiles, queued callbacks.

::

    python -m tests.benchmarks.growth [--most 100000] [--json FILE] [--picture FILE]

Each figure is the mean over the steps that follow when there are n already, in microseconds. A
line that is level means that the next one costs what the first one did.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cometchat_auth import AppSettings, CometChat, LoginListener, MemoryStore
from cometchat_auth._outbox import Outbox
from cometchat_auth._secrets import Secret
from cometchat_auth._session import Session
from cometchat_auth._vault import Vault
from cometchat_auth._waits import drive
from cometchat_auth.models import User

from .. import secret_service
from ..secret_service import SecretService
from ._clients import resident
from ._report import number, say

Curve = list[tuple[int, float]]

_STEPS: Final = 200  # after n, over which the mean is taken; fewer at the beginning
_MOST_IN_A_KEYRING: Final = 1000  # each takes a Secret Service some 15 ms
_LIMIT: Final = 60.0  # seconds


def points(most: int) -> list[int]:
    """Return the sizes at which to look: 1, 3, 10, 30, ..."""
    found = [factor * 10**power for power in range(6) for factor in (1, 3)]
    return [point for point in found if point <= most]


def curve(step: Callable[[int], object], most: int) -> Curve:
    """Take step after step, and return what those after each point took.

    Args:
        step: Does the n-th.
        most: How many to do at most.
    """
    found: Curve = []
    done = 0
    for point in points(most):
        while done < point - 1:
            step(done)
            done += 1
        took = []
        for _ in range(min(_STEPS, point)):
            began = time.perf_counter()
            step(done)
            took.append(time.perf_counter() - began)
            done += 1
        found.append((point, 1e6 * statistics.fmean(sorted(took)[: max(1, len(took) * 9 // 10)])))
    return found


def clients(most: int) -> Iterator[tuple[str, Curve]]:
    """Make clients, unused and used."""
    settings, store = AppSettings(region="us"), MemoryStore()
    kept: list[Any] = []
    yield "make a client", curve(lambda _: kept.append(CometChat("app", settings)), most)
    kept.clear()

    def use(_: int) -> None:
        chat = CometChat("app", settings, session_store=store)
        chat.get_logged_in_user()
        kept.append(chat)

    before = resident()
    yield "make a client and look who is logged in", curve(use, most)
    say(f"{len(kept):,} used clients: {(resident() - before) / len(kept) / 1024:.1f} KiB each")


def listeners(most: int) -> Iterator[tuple[str, Curve]]:
    """Add listeners, and tell them something."""
    chat = CometChat("app", AppSettings(region="us"), session_store=MemoryStore())
    heard: list[None] = []
    listener = LoginListener(login_success=lambda _: heard.append(None))

    yield "add a listener", curve(lambda n: chat.add_login_listener(f"{n}", listener), most)
    told: Curve = []
    for point in points(most):
        few = CometChat("app", AppSettings(region="us"), session_store=MemoryStore())
        for n in range(point):
            few.add_login_listener(f"{n}", listener)
        over = threading.Event()
        began = time.perf_counter()
        outbox = few._engine.outbox
        outbox.fill(outbox.reserve(), few._book.audience("login_success", User("alice")))
        outbox.send(over.set)
        assert over.wait(_LIMIT)
        told.append((point, 1e6 * (time.perf_counter() - began) / point))
    yield "tell one of n listeners", told


def profiles(most: int) -> Iterator[tuple[str, Curve]]:
    """Store sessions of further profiles in one memory, and in a real Secret Service."""
    store = MemoryStore()
    yield "save a profile's session in memory", curve(lambda n: _save(store, n), most)
    if secret_service.available() is None:
        with SecretService() as service:
            most = min(most, _MOST_IN_A_KEYRING)
            code = (
                "from tests.benchmarks import growth; from cometchat_auth import KeyringStore\n"
                f"growth.print_curve(KeyringStore(), {most})"
            )
            found = service.run(code, time_limit=_LIMIT * 10).stdout
            yield "save a profile's session in a Secret Service", json.loads(found)


def print_curve(store: Any, most: int) -> None:
    """Print the curve of one store as JSON; this process's keyring is the one that is meant."""
    say(json.dumps(curve(lambda n: _save(store, n), most)))


def _save(store: Any, number_of_profile: int) -> None:
    vault = Vault(
        store,
        service_name="cometchat_auth:app:us",
        profile=f"profile-{number_of_profile}",
        read_limit=_LIMIT,
        write_limit=_LIMIT,
    )
    drive(vault.save(Session(User("alice"), Secret("token"), minted=True, device_id="device")))


def callbacks(most: int) -> Iterator[tuple[str, Curve]]:
    """Post callbacks behind one that does not return, then let it return."""
    posting: Curve = []
    delivering: Curve = []
    for point in points(most):
        outbox, go_on, over = Outbox(None, None), threading.Event(), threading.Event()
        outbox.send(go_on.wait)
        began = time.perf_counter()
        for _ in range(point):
            outbox.send(_nothing)
        posted = time.perf_counter()
        outbox.send(over.set)
        go_on.set()
        released = time.perf_counter()
        assert over.wait(_LIMIT)
        posting.append((point, 1e6 * (posted - began) / point))
        delivering.append((point, 1e6 * (time.perf_counter() - released) / point))
    yield "post the n-th callback", posting
    yield "run one of n queued callbacks", delivering


def _nothing() -> None:
    pass


_ALL: Final = (clients, listeners, profiles, callbacks)


def draw(curves: Sequence[tuple[str, Curve]], file: Path) -> None:
    """Draw all curves, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(9, 5), layout="constrained")
    for name, found in curves:
        panel.plot(*zip(*found, strict=True), marker="o", markersize=3, label=name)
    panel.set(xscale="log", yscale="log", xlabel="how many there are already", ylabel="us each")
    panel.grid(visible=True, alpha=0.3)
    panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=80)
    pyplot.close(figure)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth")
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="draw it (needs matplotlib)")
    chosen = parser.parse_args()
    curves: list[tuple[str, Curve]] = []
    for what in _ALL:
        gc.collect()  # what is left of the one before
        for name, found in what(chosen.most):
            curves.append((name, found))
            say(f"{name}: " + ", ".join(f"{point:,}: {number(us)}" for point, us in found) + " us")
    if chosen.json:
        chosen.json.write_text(json.dumps(dict(curves), indent=1) + "\n", "utf-8")
    if chosen.picture:
        draw(curves, chosen.picture)


if __name__ == "__main__":
    main()
