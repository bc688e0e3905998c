"""``doctor``: what it finds where all is well, and what it says where something is not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth.emulator import Emulator

from . import secret_service
from .canary import leaks
from .real_parts import require
from .secret_service import SecretService
from .test_cli import CANARY, COMMAND, NO_KEYRING, ROOT

UID = "cometchat-uid-1"
REAL = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}


@pytest.fixture
def keyring() -> Iterator[SecretService]:
    """Run an unlocked Secret Service."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


def run(env: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run doctor; what lies below a keyring may warn of itself."""
    return subprocess.run(
        [COMMAND[0], "-m", "cometchat_auth", "doctor", *options],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def sections(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what doctor found, by title."""
    return {each["title"]: each for each in json.loads(done.stdout)["sections"]}


def problems(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what needs doing, each with what to do."""
    found = [problem for each in sections(done).values() for problem in each["problems"]]
    assert all(problem["advice"] for problem in found)
    return [f"{problem['text']} {problem['advice']}" for problem in found]


def place(service: Emulator) -> dict[str, str]:
    """Return the variables that name an emulator."""
    return {"COMETCHAT_APP_ID": service.app_id, "COMETCHAT_EMULATOR": service.url}


def test_all_is_well(emulator: Emulator, keyring: SecretService) -> None:
    """Where all is well it says where sessions are and that all answer, and leaves nothing."""
    keys = {"COMETCHAT_AUTH_KEY": emulator.auth_key, "COMETCHAT_REST_API_KEY": CANARY}
    env = {**keyring.env, **REAL, **place(emulator), **keys}
    done = run(env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nAll is well.\n")
    assert leaks([done.stdout], keys.values()) == []
    assert keyring.items() == []
    found = sections(run(env, "--json"))
    assert found["Keyring"]["facts"]["back_end"] == REAL["PYTHON_KEYRING_BACKEND"]
    assert found["Keyring"]["facts"]["logged_in"] == "nobody"
    assert found["Configuration"]["facts"]["auth_key"]["value"] == "set"
    assert found["Client host"]["facts"]["answer"].startswith("AUTH_ERR_AUTH_TOKEN_NOT_FOUND")
    assert found["Admin host"]["facts"]["answer"].startswith("AUTH_ERR_APIKEY_NOT_FOUND")
    for title in ("Client host", "Admin host"):
        assert abs(found[title]["facts"]["clock_difference_s"]) <= 2
    assert {"Python", "requests", "keyring", "OpenSSL"} <= found["Versions"]["facts"].keys()


def test_a_session_is_named_and_left_alone(emulator: Emulator, keyring: SecretService) -> None:
    """It says whose session there is, and neither changes nor shows it."""
    env = {**keyring.env, **REAL, **place(emulator), "COMETCHAT_AUTH_KEY": emulator.auth_key}
    keyring.env.update(env)
    keyring.run([*COMMAND, "login", UID])
    (before,) = keyring.items()
    done = run(env, "--json")
    assert sections(done)["Keyring"]["facts"]["logged_in"] == UID
    (after,) = keyring.items()
    assert after.secret == before.secret
    assert leaks([done.stdout], emulator.auth_tokens(UID)) == []


def test_nothing_is_needed(keyring: SecretService) -> None:
    """Without an app it looks at the rest, says what it did not look at, and is content."""
    done = run({**keyring.env, **REAL})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Not looked at: that takes an app id" in done.stdout
    assert done.stdout.endswith("\nAll that was looked at is well.\n")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("keyring.backends.fail.Keyring", "there is no keyring on this machine. Install"),
        ("keyring.backends.null.Keyring", "it but does not give it back. Configure another"),
        ("keyring.backends.nonsense.Keyring", "No module named 'keyring.backends.nonsense'"),
    ],
)
def test_s5_why_sessions_are_not_kept(backend: str, said: str) -> None:
    """A back end that keeps nothing is a problem that says why and what to do: exit code 1."""
    done = run({"PYTHON_KEYRING_BACKEND": backend}, "--json")
    assert (done.returncode, done.stderr) == (1, "Error: One thing needs doing.\n")
    (problem,) = problems(done)
    assert problem.startswith("Sessions are not kept")
    assert said in problem
    assert f"! {problem}" in run({"PYTHON_KEYRING_BACKEND": backend}).stdout


def test_a_plain_file_that_nobody_has_configured_is_no_keyring(tmp_path: Path) -> None:
    """It says that there is a back end, and why it is not used."""
    code = (
        "import keyring.backend, keyring.core\n"
        "from keyrings.alt.file import PlaintextKeyring\n"
        "only = PlaintextKeyring()\n"
        "keyring.backend.get_all_keyring = lambda: [only]\n"
        "keyring.core.set_keyring(only)\n"
        "from cometchat_auth.cli import cli; cli(['doctor', '--json'])"
    )
    env = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [COMMAND[0], "-c", code], env=env, capture_output=True, check=False, cwd=ROOT, timeout=30,
        encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 1
    (problem,) = problems(done)
    assert "There is only a plain file, which nobody has configured." in problem
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_s2_a_locked_keyring_is_named(keyring: SecretService) -> None:
    """Locked is said as such, with what to do."""
    keyring.run("import keyring; keyring.set_password('a', 'b', 'c')")
    keyring.lock()
    done = run({**keyring.env, **REAL}, "--json")
    assert done.returncode == 1
    (problem,) = problems(done)
    assert "the keyring is locked" in problem
    assert problem.endswith("Unlock it and try again.")


def test_s1_a_keyring_that_hangs_does_not_hang_doctor(
    emulator: Emulator, keyring: SecretService
) -> None:
    """A keyring that never answers is given up; everything else is looked at all the same."""
    keyring.freeze_daemon()
    try:
        done = run({**keyring.env, **REAL, **place(emulator)}, "--json")
    finally:
        keyring.thaw_daemon()
    assert done.returncode == 1
    (problem,) = problems(done)
    assert "the keyring did not answer in time" in problem
    found = sections(done)
    assert "cometchat_auth-doctor" in found["Keyring"]["facts"]["left_behind"]
    assert found["Admin host"]["facts"]["answer"].startswith("AUTH_ERR_APIKEY_NOT_FOUND")


def broken(folder: Path, fault: str) -> dict[str, str]:
    """Make a back end that does not read once it has written, and return how to choose it."""
    (folder / "broken.py").write_text(
        "import keyring.backend\n"
        "class Keyring(keyring.backend.KeyringBackend):\n"
        "    priority, item = 1, None\n"
        "    def set_password(self, *args):\n"
        "        self.item, self.reads = args, 0\n"
        "        print('SET', args[:2], flush=True)\n"
        "    def get_password(self, *args):\n"
        "        if self.item is None: return None\n"
        "        self.reads += 1\n"
        f"        if {fault}: raise RuntimeError('no reading today')\n"
        "        return self.item[2]\n"
        "    def delete_password(self, *args):\n"
        "        self.item = None\n"
        "        print('DELETE', args, flush=True)\n"
    )
    path = os.pathsep.join([str(ROOT), str(folder)])
    return {"PYTHON_KEYRING_BACKEND": "broken.Keyring", "PYTHONPATH": path}


def test_a_trial_item_is_removed_even_where_reading_fails(tmp_path: Path) -> None:
    """Whatever happens between writing and removing, the item does not stay."""
    done = run(broken(tmp_path, "self.reads == 1"))
    assert done.returncode == 1
    first, second = (line for line in done.stdout.splitlines() if line[:3] in {"SET", "DEL"})
    assert first.removeprefix("SET") == second.removeprefix("DELETE")
    assert "RuntimeError: no reading today" in done.stdout
    assert "left behind" not in done.stdout


def test_a_trial_item_that_may_have_stayed_is_named(tmp_path: Path) -> None:
    """Where the item cannot be removed either, a person is told its name."""
    done = run(broken(tmp_path, "True"))
    assert done.returncode == 1
    assert "left behind: perhaps an item named 'cometchat_auth-doctor'" in done.stdout


def test_a_profile_that_cannot_be_used_is_a_finding(tmp_path: Path) -> None:
    """Doctor is for such cases: it says what is wrong with the file and goes on."""
    path = tmp_path / "c.ini"
    path.write_text("nonsense\n")
    done = run({**NO_KEYRING, "COMETCHAT_CONFIG": str(path)}, "--json")
    assert done.returncode == 1
    assert any(f"{path}, line 1" in problem for problem in problems(done))
    assert "Versions" in sections(done)


@pytest.mark.parametrize(
    "env",
    [
        {"COMETCHAT_APP_ID": "a b", "COMETCHAT_REGION": "us"},
        {"COMETCHAT_APP_ID": "a", "COMETCHAT_REGION": "mars"},
        {"COMETCHAT_APP_ID": "a", "COMETCHAT_CLIENT_HOST": "http://far.example"},
    ],
)
def test_values_that_cannot_be_used_are_findings(env: dict[str, str]) -> None:
    """A value that every command would refuse is a problem, not the end of the look-round."""
    done = run({**NO_KEYRING, **env}, "--json")
    assert (done.returncode, done.stderr) == (1, "Error: 2 things need doing.\n")
    assert len(sections(done)["Configuration"]["problems"]) == 1
