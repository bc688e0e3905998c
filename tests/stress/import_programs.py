"""What runs in processes of its own: the emulator, and an import that may be killed.

``python -m tests.stress.import_programs emulator|import``; what it needs to know comes as one
line of JSON on standard input, and what it has to say goes out as lines of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cometchat_auth._transport  # noqa: F401 - or its libraries would look like growth
import cometchat_auth.server._pace as pace
from cometchat_auth import AppSettings, User
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import CometChatServer


def people(count: int) -> Iterator[User]:
    """Yield the users of an import, one after the other."""
    for number in range(count):
        yield User(
            f"user-{number}",
            f"Name of {number}",
            avatar=f"https://example.com/{number}.png",
            metadata={"number": number},
            tags=("imported",),
        )


def say(**values: Any) -> None:
    """Write one line at once."""
    os.write(1, json.dumps(values).encode() + b"\n")


def memory(field: str) -> int:
    """Return this process's memory in KiB: ``VmRSS`` now, or ``VmHWM`` at its most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(field)


def emulate(_: dict[str, Any]) -> None:
    """Run an emulator until standard input ends."""
    with Emulator() as emulator:
        say(url=emulator.url, app_id=emulator.app_id, key=emulator.rest_api_key)
        sys.stdin.read()


def import_users(asked: dict[str, Any]) -> None:
    """Import users, and say how it went: every outcome's status, or that it was interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    pace.FIRST_BACK_OFF = asked["back_off"]  # type: ignore[misc]
    server = CometChatServer(asked["app_id"], AppSettings.for_emulator(asked["url"]), asked["key"])
    statuses: Counter[str] = Counter()
    resumed, in_order, resident = 0, True, {}
    try:
        for number, outcome in enumerate(
            server.create_users(people(asked["count"]), journal=asked["journal"]), 1
        ):
            statuses[outcome.status] += 1
            resumed += outcome.resumed
            in_order &= outcome.number == number and outcome.uid == f"user-{number - 1}"
            if number in {asked["count"] // 10, asked["count"]}:
                resident[number] = memory("VmRSS")
    except KeyboardInterrupt:
        say(interrupted=sum(statuses.values()))
        return
    say(
        statuses=statuses,
        resumed=resumed,
        in_order=in_order,
        resident=list(resident.values()),
        most=memory("VmHWM"),
    )


PROGRAMS = {"emulator": emulate, "import": import_users}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](json.loads(sys.stdin.readline()))
