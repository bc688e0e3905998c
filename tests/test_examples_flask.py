"""The web backend of `examples`, and a desktop client that logs in with what it hands out.

Backend and command line are real processes, the service is a real server.
"""

from __future__ import annotations

import importlib.util
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from cometchat_auth import CometChat, User
from cometchat_auth.emulator import Emulator

from .example_programs import EXAMPLES, environment, needs, run, running
from .tools import LIMIT, Diary, Reply, scripted, settle

NAME, PASSWORD, NEW_PASSWORD = "Ann Ångström", "CANARYann-9d8c7b6a", "CANARYann-1a2b3c4d"
WRONG = {"error": "Wrong name or password."}
AUTH_TOKEN = re.compile(r"_\d{10}[0-9a-f]{30}")


def load(name: str) -> Any:
    """Import a module of `examples`."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Backend:
    """The backend, running, as a client reaches it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, **body: Any) -> requests.Response:
        """Post JSON to it."""
        return requests.post(f"{self.url}/{path}", json=body, timeout=LIMIT)

    def log_in(self, chat: CometChat, name: str, password: str) -> User:
        """Log in as the client of `examples` does."""
        client = load("flask_client")
        user: User = client.log_in(chat, self.url, name, password)
        return user


@contextmanager
def backend_for(emulator: Emulator, accounts: Path, **more: str) -> Iterator[Backend]:
    """Run the backend, and see to it that it fails in nothing and tells nobody a secret."""
    needs("flask")
    env = environment(emulator, ACCOUNTS=accounts / "accounts.sqlite3", **more)
    command = ("-m", "flask", "--app", "flask_backend", "run", "--port", "0")
    with running(*command, env=env) as program:
        yield Backend(program.see(r"Running on (http://127\.0\.0\.1:\d+)")[1])
    for secret in (emulator.rest_api_key, PASSWORD, NEW_PASSWORD):
        assert secret not in program.text
    assert not AUTH_TOKEN.search(program.text)
    assert "Traceback" not in program.text


@pytest.fixture
def backend(emulator: Emulator, tmp_path: Path) -> Iterator[Backend]:
    """Run the backend for the emulator."""
    with backend_for(emulator, tmp_path) as backend:
        yield backend


def test_from_sign_up_to_the_end_of_a_session(
    backend: Backend, emulator: Emulator, chat: CometChat, diary: Diary
) -> None:
    """Who signs up can log in, at the backend and with its token at CometChat.

    A new password logs out everywhere; a service that is away costs nobody the account.
    """
    signed_up = backend.post("signup", name=NAME, password=PASSWORD)
    assert signed_up.status_code == 201
    assert backend.post("signup", name=NAME, password=PASSWORD).status_code == 409

    refused = [
        backend.post("login", name=NAME, password=NEW_PASSWORD),
        backend.post("login", name="nobody", password=PASSWORD),
    ]
    assert [(answer.status_code, answer.json()) for answer in refused] == [(401, WRONG)] * 2
    with pytest.raises(PermissionError, match="Wrong name or password"):
        backend.log_in(chat, NAME, NEW_PASSWORD)
    assert chat.get_logged_in_user() is None

    user = backend.log_in(chat, NAME, PASSWORD)
    assert (user.uid, user.name) == (signed_up.json()["uid"], NAME)
    assert chat.get_logged_in_user() == user
    assert len(emulator.auth_tokens(user.uid)) == 1

    emulator.stop()
    change = {"name": NAME, "password": PASSWORD, "new_password": NEW_PASSWORD}
    for answer in (
        backend.post("login", name=NAME, password=PASSWORD),
        backend.post("password", **change),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert backend.post("signup", name="Bob", password=PASSWORD).status_code == 201
    emulator.start()

    assert backend.log_in(chat, NAME, PASSWORD) == user
    assert backend.post("password", **change).status_code == 200
    assert emulator.auth_tokens(user.uid) == []
    assert chat.check_session().result(LIMIT) is None
    settle(chat)
    assert diary.names == ["login_success", "login_success", "logout_success"]
    assert backend.post("login", name=NAME, password=PASSWORD).status_code == 401
    assert backend.log_in(chat, NAME, NEW_PASSWORD) == user
    assert backend.log_in(chat, "Bob", PASSWORD).name == "Bob"


def test_the_client_as_a_program(backend: Backend, emulator: Emulator) -> None:
    """At a terminal it asks for the password, and says who is logged in or why nobody is."""
    uid = backend.post("signup", name=NAME, password=PASSWORD).json()["uid"]
    command = ("flask_client.py", backend.url, emulator.app_id, emulator.url, NAME)
    env = environment(emulator)
    done = run(*command, env=env, stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (0, f"{NAME} is logged in as {uid}.\n")
    refused = run(*command, env=env, stdin=f"{NEW_PASSWORD}\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith("Wrong name or password.\n")
    nowhere = run(*command[:3], "xx", NAME, env=env)
    assert (nowhere.returncode, nowhere.stdout, nowhere.stderr.count("\n")) == (1, "", 1)
    assert "region must be one of us, eu, in" in nowhere.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_too_many_requests(emulator: Emulator, tmp_path: Path) -> None:
    """When CometChat asks for patience, the backend passes on for how long."""
    limited = Reply(429, b"{}", (("Retry-After", "42"),))
    with (
        scripted(lambda _: limited) as service,
        backend_for(emulator, tmp_path, COMETCHAT_EMULATOR=service.url) as backend,
    ):
        assert backend.post("signup", name=NAME, password=PASSWORD).status_code == 201
        answer = backend.post("login", name=NAME, password=PASSWORD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "42")


def test_a_deactivated_user(backend: Backend, emulator: Emulator) -> None:
    """Whom CometChat has deactivated gets no token, and is not created a second time."""
    uid = backend.post("signup", name=NAME, password=PASSWORD).json()["uid"]
    emulator.delete_user(uid, permanent=False)
    answer = backend.post("login", name=NAME, password=PASSWORD)
    assert (answer.status_code, "auth_token" in answer.json()) == (403, False)


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"name": NAME}, "Needed"),
    ({"name": NAME, "password": 12345678}, "Needed"),
    ({"name": NAME, "password": "short"}, "8 characters"),
    ({"name": "a" * 101, "password": PASSWORD}, "100 characters"),
    ({"name": " ", "password": PASSWORD}, "name is required"),
    ({"name": "\ud800", "password": PASSWORD}, "surrogate"),
    ({"name": NAME, "password": "\ud800" * 8}, "cannot be written"),
]


def test_what_cannot_be_an_account(backend: Backend, tmp_path: Path) -> None:
    """A sign-up that cannot be used is refused with the reason, and leaves no account."""
    for body, why in UNUSABLE:
        answer = backend.post("signup", **body)
        assert (answer.status_code, why in answer.json()["error"]) == (400, True), body
    with closing(sqlite3.connect(tmp_path / "accounts.sqlite3")) as db:
        assert db.execute("SELECT COUNT(*) FROM accounts").fetchone() == (0,)


def test_a_short_wrong_password_is_a_wrong_password(backend: Backend) -> None:
    """The rule for new passwords says nothing at a login, where it would only confuse."""
    assert backend.post("signup", name=NAME, password=PASSWORD).status_code == 201
    answer = backend.post("login", name=NAME, password="short")
    assert (answer.status_code, answer.json()) == (401, WRONG)


def test_a_name_that_does_not_exist_costs_as_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a name exists must not show in the time: a hash of the same cost is checked."""
    needs("flask")
    module = load("flask_accounts")
    real, checked = module.check_password_hash, []

    def check(stored: str, password: str) -> bool:
        checked.append(stored.partition("$")[0])
        return bool(real(stored, password))

    monkeypatch.setattr(module, "check_password_hash", check)
    accounts = module.Accounts(str(tmp_path / "accounts.sqlite3"))
    assert accounts.add(NAME, "uid-1", PASSWORD)
    assert accounts.uid(NAME, NEW_PASSWORD) is None
    assert accounts.uid("nobody", PASSWORD) is None
    assert len(checked) == 2
    assert checked[0] == checked[1]
