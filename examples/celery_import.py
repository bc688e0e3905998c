"""Import users from a CSV or JSON Lines file, as tasks of Celery.

    export COMETCHAT_APP_ID=... COMETCHAT_REGION=us COMETCHAT_REST_API_KEY=... PROCESSES=8
    celery -A celery_import worker --concurrency 8
    python celery_import.py users.csv

The region is us, eu or in; COMETCHAT_EMULATOR, the URL of an emulator, may take its place.
PROCESSES is the number of worker processes on all machines. `celery_folder.py` says how to try it
without a broker. Whoever hands the file over needs the broker only, and no key.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import attrs
from celery import Celery

from cometchat_auth import AppSettings, CometChatException, OutcomeUnknownError
from cometchat_auth.server import CometChatServer, Progress
from cometchat_auth.user_files import read_users

# Requests per minute that CometChat allows to the app as a whole, in all processes together, and
# to whatever else creates users or logs them in meanwhile. On a free plan it is 500.
PER_MINUTE: Final = 10_000

BATCH: Final = 500  # rows in one message
LONGEST_WAIT: Final = 1.0  # seconds that a worker waits; for longer it does something else
PAUSE: Final = 60.0  # seconds until the next try if nobody says when

Summary = tuple[dict[str, int], list[str]]

app = Celery("celery_import")
app.config_from_envvar("CELERY_CONFIG_MODULE", silent=True)
# A task whose worker dies is done again: no user is created twice.
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)


def cometchat() -> CometChatServer:
    """Return the app's server side, from the environment of the worker.

    It could be pickled, but not into a message: brokers store messages, monitors show them and
    results outlive them, so that the key would lie about in places where nobody looks for it.
    """
    url = os.environ.get("COMETCHAT_EMULATOR")
    settings = (
        AppSettings.for_emulator(url) if url else AppSettings(region=os.environ["COMETCHAT_REGION"])
    )
    key = os.environ["COMETCHAT_REST_API_KEY"]
    return CometChatServer(os.environ["COMETCHAT_APP_ID"], settings, key)


def reason(error: CometChatException) -> str:
    """Return why a row was refused, with what the service says of each field."""
    details = error.details.items()
    fields = [f"{name}: {' '.join(said)}" for name, said in details if isinstance(said, list)]
    return " ".join([error.message, *fields])


def import_batch(self: Any, rows: list[dict[str, Any]]) -> Summary:
    """Import some users; put off by Celery when CometChat asks for patience or is away.

    Returns:
        How many rows came to which end, and what was wrong with those that were refused. What an
        earlier try of the task had created exists.
    """

    def give_back(progress: Progress) -> None:
        if progress.reason == "ERR_TOO_MANY_REQUESTS" and progress.waiting > LONGEST_WAIT:
            raise self.retry(countdown=progress.waiting)

    per_minute = PER_MINUTE / int(os.environ["PROCESSES"])
    outcomes = cometchat().create_users(rows, per_minute=per_minute, on_progress=give_back)
    counts: Counter[str] = Counter()
    refusals = []
    try:
        for outcome in outcomes:
            counts[outcome.status] += 1
            if outcome.error is not None:
                refusals.append(f"{outcome.uid}: {reason(outcome.error)}")
        return counts, refusals
    except CometChatException as error:
        if not (error.retryable or isinstance(error, OutcomeUnknownError)):
            raise
        raise self.retry(exc=error, countdown=error.retry_after or PAUSE) from None


import_users = app.task(bind=True, name="import_users", max_retries=None)(import_batch)


def users(path: str, unread: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the users of a file as messages can hold them; say, and note, what cannot be read."""
    with read_users(path) as rows:
        for row in rows:
            if row.user is not None:
                yield attrs.asdict(row.user, filter=lambda field, value: value != field.default)
            else:
                unread.append(row.line)
                print(row.error, file=sys.stderr)  # noqa: T201


def main() -> None:
    """Hand the file that was named to the workers, and say what came of it."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    unread: list[int] = []
    rows, results = users(sys.argv[1], unread), []
    try:
        while batch := list(itertools.islice(rows, BATCH)):
            results.append(import_users.delay(batch))
    except CometChatException as error:  # it is not there, or no file of users
        sys.exit(str(error))
    print(f"Handed over in {len(results)} batches.", flush=True)  # noqa: T201
    counts: Counter[str] = Counter()
    refusals: list[str] = []
    for result in results:
        batch_counts, batch_refusals = result.get()
        counts.update(batch_counts)
        refusals += batch_refusals
    if unread:
        counts["refused"] += len(unread)
    print(", ".join(f"{status}: {number}" for status, number in sorted(counts.items())))  # noqa: T201
    sys.exit("\n".join(refusals) or int(bool(unread)))


if __name__ == "__main__":
    main()
