"""The fixtures that pytest finds where the library is installed, as users' test suites see them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

OPTIONS = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider", "-rA")

NOWHERE = "203.0.113.1"  # RFC 5737: an address for documentation, where nobody is

BEYOND = "255.255.255.255"  # nothing can be connected there, and nothing is sent to try

FIXTURES = """
import pytest
from cometchat_auth import CometChat, MemoryStore, NoAnswerError, User
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import CometChatServer

def test_emulator(cometchat_emulator):
    assert isinstance(cometchat_emulator, Emulator)
    assert len(cometchat_emulator.users()) == 5

def test_client(cometchat_emulator, cometchat_client, cometchat_memory_store):
    assert isinstance(cometchat_client, CometChat)
    assert cometchat_client.get_logged_in_user() is None
    user = cometchat_client.login("cometchat-uid-1", cometchat_emulator.auth_key).result()
    assert user.name == "Andrew Joseph"
    assert cometchat_client.session_info().backend == cometchat_memory_store.name

def test_client_is_new(cometchat_client):
    assert cometchat_client.get_logged_in_user() is None

def test_client_alone(cometchat_client):
    assert cometchat_client.login("f" * 40).exception().code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"

def test_server(cometchat_emulator, cometchat_server):
    assert isinstance(cometchat_server, CometChatServer)
    cometchat_server.create_user(User("kevin", name="Kevin"))
    assert cometchat_emulator.user("kevin")["name"] == "Kevin"

def test_store(cometchat_memory_store):
    assert isinstance(cometchat_memory_store, MemoryStore)
    assert cometchat_memory_store.load("service", "profile") is None
"""


def run(pytester: pytest.Pytester, module: str, *options: str) -> pytest.RunResult:
    """Run a test module in a pytest of its own."""
    pytester.makepyfile(test_it=module)
    return pytester.runpytest_subprocess(*OPTIONS, *options, timeout=100)


def test_each_fixture(pytester: pytest.Pytester) -> None:
    """Each fixture must be what its documentation says, with nothing set up for it."""
    run(pytester, FIXTURES).assert_outcomes(passed=6)


def test_nothing_leaks_between_tests(pytester: pytest.Pytester) -> None:
    """Users, tokens, sessions, faults and a stop must all be gone in the next test."""
    module = """
    import pytest

    @pytest.mark.parametrize("number", range(3))
    def test_it(cometchat_emulator, cometchat_client, cometchat_memory_store, number, seen=set()):
        assert len(cometchat_emulator.users()) == 5
        assert cometchat_emulator.auth_tokens("cometchat-uid-1") == []
        assert not list(cometchat_emulator.faults)
        assert len(cometchat_emulator.requests) == 0
        assert cometchat_client.get_logged_in_user() is None
        assert cometchat_emulator.user("cometchat-uid-1")["name"] == "Andrew Joseph"
        cometchat_client.login("cometchat-uid-1", cometchat_emulator.auth_key).result()
        cometchat_emulator.create_user("new", "New")
        cometchat_emulator.delete_user("cometchat-uid-2")
        from cometchat_auth.emulator import Fault
        cometchat_emulator.faults.add(Fault(status=503, body={}))
        cometchat_emulator.stop()
        seen.add(id(cometchat_emulator))
        assert len(seen) == 1, "the emulator is to be started once"
    """
    run(pytester, module).assert_outcomes(passed=3)


def test_the_marker_sets_the_emulator_up(pytester: pytest.Pytester) -> None:
    """Options must reach the emulator; the marker nearest to the test wins, others add to it."""
    module = """
    import threading
    import pytest
    from cometchat_auth import CometChatException, User

    @pytest.mark.cometchat(app_id="mine", user_quota=6)
    class TestQuota:
        def test_class(self, cometchat_emulator, cometchat_server):
            assert cometchat_emulator.app_id == "mine"
            cometchat_server.create_user(User("six", name="Six"))
            with pytest.raises(CometChatException, match="ERR_PLAN_QUOTA_RESTRICTION"):
                cometchat_server.create_user(User("seven", name="Seven"))

        @pytest.mark.cometchat(user_quota=7, roles=["staff"])
        def test_function(self, cometchat_emulator, cometchat_server):
            assert cometchat_emulator.app_id == "mine"
            cometchat_server.create_user(User("six", name="Six", role="staff"))
            cometchat_server.create_user(User("seven", name="Seven"))

    @pytest.mark.parametrize("quota", [5, 6, 7, 8, 9, 5])
    def test_parametrised(request, quota):
        request.node.add_marker(pytest.mark.cometchat(user_quota=quota))
        emulator = request.getfixturevalue("cometchat_emulator")
        assert emulator.app_id == "emulator-app"
        threads = [thread.name for thread in threading.enumerate()]
        assert threads.count("cometchat-emulator-http") <= 4

    @pytest.mark.cometchat(tls=True)
    def test_tls(cometchat_emulator, cometchat_client, cometchat_server):
        assert cometchat_emulator.url.startswith("https://")
        assert cometchat_client.login("cometchat-uid-1", cometchat_emulator.auth_key).result()
        assert cometchat_server.get_user("cometchat-uid-1").name == "Andrew Joseph"
    """
    run(pytester, module).assert_outcomes(passed=9)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("cometchat(no_such_option=1)", "no_such_option"),
        ("cometchat('mine')", "give the marker cometchat names for its values"),
        ("cometchat(host='203.0.113.1')", "allow_remote"),
    ],
)
def test_a_wrong_marker_is_named(pytester: pytest.Pytester, marker: str, words: str) -> None:
    """A marker that cannot be used must be an error of the test that has it, in words."""
    module = f"""
    import pytest

    @pytest.mark.{marker}
    def test_it(cometchat_emulator):
        pass
    """
    done = run(pytester, module)
    done.assert_outcomes(errors=1)
    assert words in done.stdout.str()


GUARD = f"""
import asyncio
import socket
import threading
import pytest
from contextlib import suppress
from cometchat_auth.testing import ForeignHostError

def reach():
    with suppress(BaseException):
        socket.create_connection(("{NOWHERE}", 443))

def test_passes_on_this_machine(cometchat_emulator, cometchat_client):
    for host in ("127.0.0.1", "localhost", None, b"127.0.0.1", "::1"):
        assert socket.getaddrinfo(host, 80)
    assert cometchat_client.login("f" * 40).exception().http_status == 401

def test_raises(cometchat_guard):
    socket.create_connection(("{NOWHERE}", 443))

def test_swallowed(cometchat_emulator):
    reach()

def test_on_a_thread(cometchat_guard):
    thread = threading.Thread(target=reach)
    thread.start()
    thread.join()

def test_in_an_event_loop(cometchat_guard):
    async def connect():
        with suppress(BaseException):
            await asyncio.open_connection("host.invalid", 443)
    asyncio.run(connect())

def test_of_consequence(cometchat_guard):
    reach()
    assert False

def test_meant(cometchat_guard):
    with pytest.raises(ForeignHostError, match="{NOWHERE}"):
        socket.create_connection(("{NOWHERE}", 443))
    assert [attempt.host for attempt in cometchat_guard.attempts] == ["{NOWHERE}"]
    cometchat_guard.forget()

@pytest.fixture
def reaching_at_the_end(cometchat_guard):
    yield
    reach()

def test_at_the_end(reaching_at_the_end):
    pass

@pytest.mark.cometchat(allow=["{BEYOND}"])
def test_allowed(cometchat_emulator):
    with pytest.raises(OSError):
        socket.create_connection(("{BEYOND}", 443))

@pytest.mark.cometchat(guard=False)
def test_without(cometchat_emulator):
    with pytest.raises(OSError):
        socket.create_connection(("{BEYOND}", 443))
"""


def test_the_guard(pytester: pytest.Pytester) -> None:
    """What reaches another host must fail, swallowed or not; the report names host and test."""
    done = run(pytester, GUARD)
    done.assert_outcomes(passed=5, failed=5, errors=1)
    told = done.stdout.str()
    failed = set(re.findall(r"^(?:FAILED|ERROR) test_it\.py::(\w+)", told, re.M))
    assert failed == {
        "test_raises",
        "test_swallowed",
        "test_on_a_thread",
        "test_in_an_event_loop",
        "test_of_consequence",
        "test_at_the_end",
    }
    for test in failed:
        host = "host.invalid" if "loop" in test else NOWHERE
        assert f"test_it.py::{test} tried to reach {host} (port 443)" in told


def test_the_guards_settings(pytester: pytest.Pytester) -> None:
    """Pytest's settings must switch it off for all tests, and name hosts for all tests."""
    module = f"""
    import socket
    import sys
    import pytest

    def test_emulator(cometchat_emulator):
        assert "cometchat_auth._guard" not in sys.modules

    def test_guard(cometchat_guard):
        with pytest.raises(OSError):
            socket.create_connection(("{BEYOND}", 443))
    """
    pytester.makeini(f"[pytest]\ncometchat_guard = false\ncometchat_guard_allow = x {BEYOND}\n")
    run(pytester, module).assert_outcomes(passed=2)


def test_without_the_emulators_libraries(pytester: pytest.Pytester) -> None:
    """Where the extra is not installed the fixture must say what to install; the rest works."""
    pytester.makeconftest("import sys; sys.modules['cheroot'] = None")
    module = """
    def test_emulator(cometchat_emulator):
        pass

    def test_client(cometchat_client):
        pass

    def test_store(cometchat_memory_store, cometchat_guard):
        pass
    """
    done = run(pytester, module)
    done.assert_outcomes(passed=1, errors=2)
    assert 'pip install "cometchat-auth[emulator]"' in done.stdout.str()


def test_it_can_be_left_out(pytester: pytest.Pytester) -> None:
    """With -p no:cometchat_auth there must be no fixture, and nothing may fail."""
    module = """
    def test_it(request):
        assert request.config.pluginmanager.get_plugin("cometchat_auth") is None
    """
    run(pytester, module, "-p", "no:cometchat_auth").assert_outcomes(passed=1)


def test_unused_it_imports_nothing(pytester: pytest.Pytester) -> None:
    """A test run without its fixtures must load nothing of the library but the plugin itself."""
    module = """
    import sys

    def test_it():
        ours = {name for name in sys.modules if name.startswith("cometchat_auth")}
        assert ours == {
            "cometchat_auth", "cometchat_auth._version", "cometchat_auth._pytest_plugin"
        }
    """
    run(pytester, module).assert_outcomes(passed=1)


def test_it_is_documented(pytester: pytest.Pytester) -> None:
    """``--fixtures`` and ``--markers`` must tell what there is."""
    pytester.makepyfile("")
    told = pytester.runpytest_subprocess("--fixtures", timeout=60).stdout.str()
    for name in ("emulator", "client", "server", "memory_store", "guard"):
        assert re.search(rf"^cometchat_{name} -- .*\n    \w", told, re.M), name
    markers = pytester.runpytest_subprocess("--markers", timeout=60).stdout.str()
    assert "@pytest.mark.cometchat(guard=True, allow=(), **options)" in markers


def test_two_runs_at_once(pytester: pytest.Pytester) -> None:
    """Processes that share the work, as pytest-xdist's do, must not see each other's users."""
    pytester.makepyfile(test_it=TWO_RUNS)
    command = [sys.executable, "-m", "pytest", *OPTIONS]
    runs = [
        subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(2)
    ]
    told = [process.communicate(timeout=100)[0] for process in runs]
    assert [process.returncode for process in runs] == [0, 0], told


TWO_RUNS = """
import pytest

@pytest.mark.parametrize("number", range(50))
def test_it(cometchat_emulator, cometchat_server, number):
    from cometchat_auth import User
    cometchat_server.create_user(User("kevin", name="Kevin"))
    assert len(cometchat_emulator.users()) == 6
"""


def test_unittest(pytester: pytest.Pytester) -> None:
    """Classes of unittest must be able to use the fixtures, and the guard must hold there."""
    module = f"""
    import socket
    import unittest
    from contextlib import suppress
    import pytest

    @pytest.mark.usefixtures("cometchat_emulator")
    class Tests(unittest.TestCase):
        def test_passes(self):
            pass

        def test_swallowed(self):
            with suppress(BaseException):
                socket.create_connection(("{NOWHERE}", 443))
    """
    run(pytester, module).assert_outcomes(passed=1, failed=1)


def test_a_folder_of_its_own(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """What one test's emulator keeps in a file must be that test's; its port is free again."""
    module = f"""
    import pytest

    @pytest.mark.cometchat(data={str(tmp_path / "kept.db")!r})
    def test_first(cometchat_emulator):
        cometchat_emulator.create_user("kevin", "Kevin")

    @pytest.mark.cometchat(data={str(tmp_path / "kept.db")!r})
    def test_second(cometchat_emulator):
        assert cometchat_emulator.user("kevin")["name"] == "Kevin"
    """
    run(pytester, module).assert_outcomes(passed=2)
