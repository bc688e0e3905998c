"""The contract of session stores as users of the package run it: by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from . import secret_service
from .real_parts import require
from .secret_service import SecretService

SECRET_SERVICE = """
import pytest
from keyring.backends.SecretService import Keyring
from cometchat_auth import KeyringStore
from cometchat_auth.testing import SessionStoreContract

class TestSecretService(SessionStoreContract):
    @pytest.fixture
    def store(self):
        names = set()
        class Noting(KeyringStore):
            def save(self, *arguments):
                names.add(arguments[:2])
                super().save(*arguments)
        store = Noting(Keyring())
        yield store
        for name in names:
            store.delete(*name)

    def reopen(self, store):
        return KeyringStore(Keyring())
"""

BROKEN = """
from cometchat_auth import MemoryStore
from cometchat_auth.testing import SessionStoreContract

class Truncating(MemoryStore):
    def save(self, service_name, profile, record):
        super().save(service_name, profile, record[:1280])

class OneForAll(MemoryStore):
    def load(self, service_name, profile):
        return super().load("", "")
    def save(self, service_name, profile, record):
        super().save("", "", record)
    def delete(self, service_name, profile):
        super().delete("", "")

class Strict(MemoryStore):
    def delete(self, service_name, profile):
        del self._records[service_name, profile]

class Sticky(MemoryStore):
    def delete(self, service_name, profile):
        pass

class Versioned(MemoryStore):
    def save(self, service_name, profile, record):
        older = self._records.get((service_name, profile))
        super().save(service_name, profile, record)
        self._records[service_name, profile, "older"] = older
    def delete(self, service_name, profile):
        older = self._records.pop((service_name, profile, "older"), None)
        super().delete(service_name, profile)
        if older:
            super().save(service_name, profile, older)

class Chatty(MemoryStore):
    def __repr__(self):
        return repr(self._records)

class Nameless:
    def load(self, service_name, profile):
        return None
    save = delete = load

def contract_of(store):
    class Tests(SessionStoreContract):
        def make_store(self):
            return store()
    return Tests

for kind in (Truncating, OneForAll, Strict, Sticky, Versioned, Chatty, Nameless):
    globals()[f"Test{kind.__name__}"] = contract_of(kind)
"""


def outside(module: str, folder: Path) -> list[str]:
    """Return the command that runs a test module in a folder where nothing else is."""
    path = folder / "test_outside.py"
    path.write_text(module, "utf-8")
    options = ["-q", "-rf", "--tb=no", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    return [sys.executable, "-m", "pytest", *options, "-c", os.devnull, str(path)]


def test_s3_contract_in_a_real_secret_service(tmp_path: Path) -> None:
    """The contract holds for a real Secret Service, put through it as users do, and it is empty."""
    require(secret_service.available())
    with SecretService() as secrets:
        done = secrets.run(outside(SECRET_SERVICE, tmp_path), time_limit=100)
        assert secrets.items() == []
    assert " passed" in done.stdout


def test_contract_finds_what_is_broken(tmp_path: Path) -> None:
    """A store that breaks the contract fails the test for what it breaks."""
    environment = {**os.environ, "PYTHONPATH": str(secret_service.ROOT), "COLUMNS": "200"}
    done = subprocess.run(
        outside(BROKEN, tmp_path),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    found = {tuple(test.split("::")[1:]) for test in re.findall(r"FAILED (.*?) - ", done.stdout)}
    assert {
        ("TestTruncating", "test_round_trip[1281]"),
        ("TestOneForAll", "test_apart[100-other5]"),
        ("TestStrict", "test_deleted_twice"),
        ("TestSticky", "test_round_trip[2]"),
        ("TestVersioned", "test_replaced[4000-100]"),
        ("TestVersioned", "test_saved_again"),
        ("TestChatty", "test_shows_nothing"),
        ("TestNameless", "test_is_a_store"),
    } <= found
    assert ("TestTruncating", "test_round_trip[1280]") not in found
    assert "AssertionError: what was saved did not come back" in done.stdout
