"""Import users from a file of JSON lines, spread over processes with Dask.

    export COMETCHAT_APP_ID=... COMETCHAT_REGION=us COMETCHAT_REST_API_KEY=...
    python dask_import.py users.jsonl 4

The region is us, eu or in; COMETCHAT_EMULATOR, the URL of an emulator, may take its place. Each
line is an object with the fields of a `User`; 4 is the number of processes. Journals beside the
file say what is done: an import that was interrupted goes on when it is run again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import dask
from dask.bag import read_text
from dask.delayed import delayed
from distributed import Client, LocalCluster, as_completed

from cometchat_auth import AppSettings, CometChatException, InvalidParameterError
from cometchat_auth.server import CometChatServer

# Requests per minute that CometChat allows to the app as a whole, in all processes together, and
# to whatever else creates users or logs them in meanwhile. On a free plan it is 500.
PER_MINUTE: Final = 10_000

BLOCK: Final = 1_000_000  # bytes of the file that one task imports

Summary = tuple[Counter[str], list[str]]


def cometchat() -> CometChatServer:
    """Return the app's server side; what it needs stands in the environment, the key as well."""
    url = os.environ.get("COMETCHAT_EMULATOR")
    settings = (
        AppSettings.for_emulator(url) if url else AppSettings(region=os.environ["COMETCHAT_REGION"])
    )
    key = os.environ["COMETCHAT_REST_API_KEY"]
    return CometChatServer(os.environ["COMETCHAT_APP_ID"], settings, key)


def rows(lines: Iterable[str]) -> Iterator[Any]:
    """Yield what each line holds, or why it cannot be read."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                message = f"Line {number} of this part is no JSON ({error})."
                yield InvalidParameterError("INVALID_LINE", message)


def reason(error: CometChatException) -> str:
    """Return why a row was refused, with what the service says of each field."""
    details = error.details.items()
    fields = [f"{name}: {' '.join(said)}" for name, said in details if isinstance(said, list)]
    return " ".join([error.message, *fields])


def import_part(
    server: CometChatServer, lines: list[str], journal: str, per_minute: float
) -> Summary:
    """Import a part of the file; this runs in a worker.

    Args:
        server: Came here in a pickle, with the key: the cluster's connections must be secure.
        lines: The part.
        journal: Path of a file that no other part uses, on a disk of this machine.
        per_minute: This worker's share of the requests that the app may make in a minute.

    Returns:
        How many rows came to which end, and what was wrong with those that were refused.
    """
    counts: Counter[str] = Counter()
    refusals = []
    for outcome in server.create_users(rows(lines), journal=journal, per_minute=per_minute):
        counts["done before" if outcome.resumed else outcome.status] += 1
        if outcome.error is not None:
            refusals.append(f"{journal}: {reason(outcome.error)}")
    return counts, refusals


def import_file(path: str, workers: int) -> Summary:
    """Import a file in so many processes of this machine."""
    server, counts, refusals = cometchat(), Counter[str](), list[str]()
    parts = read_text(path, BLOCK, encoding="utf-8", errors="backslashreplace").to_delayed()
    tasks = [
        delayed(import_part)(server, part, f"{path}.{number}.journal", PER_MINUTE / workers)
        for number, part in enumerate(parts)
    ]
    with (
        tempfile.TemporaryDirectory() as scratch,
        dask.config.set(temporary_directory=scratch),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,  # one part at a time, or the shares do not add up
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            security=True,  # or everybody on this machine could hand in work, and ask for the key
        ) as cluster,
        Client(cluster) as client,
    ):
        for future in as_completed(client.compute(tasks)):
            part_counts, part_refusals = future.result()
            counts += part_counts
            refusals += part_refusals
    return counts, refusals


def main() -> None:
    """Import the file that was named, and say what came of it."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        counts, refusals = import_file(sys.argv[1], int(sys.argv[2]))
    except CometChatException as error:
        sys.exit(f"The import ended: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run it again to go on.")
    print(", ".join(f"{status}: {number}" for status, number in sorted(counts.items())))  # noqa: T201
    sys.exit("\n".join(refusals) or 0)


if __name__ == "__main__":
    main()
