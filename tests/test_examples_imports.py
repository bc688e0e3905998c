"""The imports of `examples`, by Dask and by Celery: real processes, and a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from cometchat_auth import AppSettings
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import CometChatServer

from .example_programs import Running, environment, needs, run, running
from .tools import LIMIT, Reply, Seen, scripted

CANARY = "CANARYkey0a1b2c3d4e5f"
SEEDED = {f"cometchat-uid-{number}" for number in range(1, 6)}


def write_users(path: Path, count: int, *more: str, size: int = 0) -> None:
    """Write a file of so many users, whose metadata has so many characters, and more lines."""
    rows = [
        {"uid": f"u-{number}", "name": f"User {number}", "metadata": {"note": "x" * size}}
        for number in range(count)
    ]
    path.write_text("\n".join([*map(json.dumps, rows), *more]), "utf-8")


def uids(emulator: Emulator) -> list[str]:
    """Return the users that an import has left at the service."""
    settings = AppSettings.for_emulator(emulator.url)
    server = CometChatServer(emulator.app_id, settings, emulator.rest_api_key)
    return [user.uid for user in server.list_users() if user.uid not in SEEDED]


# -- Dask ---------------------------------------------------------------------------------------


def test_dask_imports_once(emulator: Emulator, tmp_path: Path) -> None:
    """Two workers create every user once; run again, none is created, and bad rows are named."""
    needs("dask", "distributed", "cryptography")
    users = tmp_path / "users.jsonl"
    write_users(users, 520, '{"uid": "no na', '{"uid": "u-1000", "name": ""}', size=4000)
    env = environment(emulator, TMPDIR=tmp_path / "home")
    first, second = (run("dask_import.py", users, "2", env=env) for _ in range(2))
    assert first.stdout == "created: 520, refused: 2\n"
    assert second.stdout == "done before: 520, refused: 2\n"
    for done in (first, second):
        assert done.returncode == 1
        assert "users.jsonl.1.journal: Line " in done.stderr
        assert "name is required" in done.stderr
        assert emulator.rest_api_key not in done.stdout + done.stderr
    assert sorted(uids(emulator)) == sorted(f"u-{number}" for number in range(520))
    assert not list((tmp_path / "home").iterdir())


def test_dask_says_what_is_wrong_with_the_key(emulator: Emulator, tmp_path: Path) -> None:
    """A key that is refused ends the import with the reason, and is in none of Dask's reports."""
    needs("dask", "distributed", "cryptography")
    users = tmp_path / "users.jsonl"
    write_users(users, 3)
    env = environment(emulator, COMETCHAT_REST_API_KEY=CANARY, TMPDIR=tmp_path / "home")
    done = run("dask_import.py", users, "1", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The import ended: [AUTH_ERR_APIKEY_NOT_FOUND]" in done.stderr
    assert CANARY not in done.stderr


# -- Celery -------------------------------------------------------------------------------------


@contextmanager
def celery_worker(env: dict[str, str]) -> Iterator[Running]:
    """Run a worker with two processes."""
    options = ("--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle")
    with running("-m", "celery", "-A", "celery_import", "worker", *options, env=env) as worker:
        worker.see(r"celery@\S+ ready")
        yield worker


@pytest.fixture
def env(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a worker whose messages are in a folder."""
    needs("celery")
    return environment(
        emulator,
        PROCESSES="2",
        CELERY_CONFIG_MODULE="celery_folder",
        CELERY_FOLDER=tmp_path / "celery",
    )


def contents(folder: Path) -> str:
    """Return all that stands in the files of a folder."""
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def test_celery_imports_once(emulator: Emulator, env: dict[str, str], tmp_path: Path) -> None:
    """What is handed over before there is a worker is done by it, once, and bad rows are named."""
    users, folder = tmp_path / "users.jsonl", tmp_path / "celery"
    no_role = '{"uid": "tom", "name": "Tom", "role": "none"}'
    write_users(users, 600, '{"uid": "a b", "name": "Ann"}', no_role)
    keyless = {name: value for name, value in env.items() if name != "COMETCHAT_REST_API_KEY"}
    with running("celery_import.py", users, env=keyless) as program:
        program.see("line 601")
        program.see("Handed over in 2 batches")
        assert len(list((folder / "messages").iterdir())) == 2
        with celery_worker(env) as worker:
            program.see("created: 600, refused: 2$")
            program.see(r"tom: .*fields\. role: The role does not exist")
    again = contents(folder)
    assert sorted(uids(emulator)) == sorted(f"u-{number}" for number in range(600))
    assert '"created": 500' in again
    for text in (again, worker.text, program.text):
        assert emulator.rest_api_key not in text


def test_celery_waits_as_long_as_it_is_asked_to(
    emulator: Emulator, env: dict[str, str], tmp_path: Path
) -> None:
    """A task that meets a rate limit is put off for the time that the service asks for."""
    users = tmp_path / "users.jsonl"
    write_users(users, 20)
    busy = [Reply(429, b"{}", (("Retry-After", "2"),))]

    def answer(seen: Seen) -> Reply:
        if busy:
            return busy.pop()
        url, headers = f"{emulator.url}{seen.path}", {**seen.headers, "Connection": "close"}
        answer = requests.request(seen.method, url, headers=headers, data=seen.body, timeout=LIMIT)
        return Reply(answer.status_code, answer.content)

    with (
        scripted(answer) as front,
        celery_worker({**env, "COMETCHAT_EMULATOR": front.url}) as worker,
    ):
        done = run("celery_import.py", users, env=env)
        worker.see(r"retry: Retry in \d")
    (result,) = done.stdout.splitlines()[1:]
    assert sum(int(part.partition(": ")[2]) for part in result.split(", ")) == 20
    assert {part.partition(": ")[0] for part in result.split(", ")} <= {"created", "exists"}
    assert len(uids(emulator)) == len(set(uids(emulator))) == 20


def test_celery_says_what_is_wrong_with_the_key(env: dict[str, str], tmp_path: Path) -> None:
    """A key that is refused is no reason to try again, and is in no result and no log."""
    users = tmp_path / "users.jsonl"
    write_users(users, 3)
    with celery_worker({**env, "COMETCHAT_REST_API_KEY": CANARY}) as worker:
        done = run("celery_import.py", users, env=env)
    assert done.returncode == 1
    assert "AUTH_ERR_APIKEY_NOT_FOUND" in done.stderr
    assert CANARY not in done.stderr + worker.text + contents(tmp_path / "celery")
