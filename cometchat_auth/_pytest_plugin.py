"""Fixtures for pytest, which finds them by itself: the emulator, a client of it, and a guard.

A test of a program that uses CometChat needs no account and no network::

    def test_login(cometchat_emulator, cometchat_client):
        user = cometchat_client.login("cometchat-uid-1", cometchat_emulator.auth_key).result()
        assert user.name == "Andrew Joseph"

Each test finds the emulator as new. A marker sets its options, by the names that
`cometchat_auth.emulator.Emulator` has for them::

    @pytest.mark.cometchat(app_id="mine", user_quota=6)

While a test has the emulator, nothing in its process may reach another host: an attempt fails the
test, whatever the code under test makes of it. ``cometchat_guard = false`` among pytest's settings,
or ``guard=False`` in the marker, lets it; ``cometchat_guard_allow`` among the settings, or
``allow=["db"]`` in the marker, names hosts that may be reached all the same.

This module is imported in every run of pytest where the library is installed: it imports nothing
but pytest itself until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from ._guard import Guard
    from ._pytest_emulators import Pool, Running
    from .client import CometChat
    from .emulator import Emulator
    from .server import CometChatServer
    from .sessions import MemoryStore

_MARKER: Final = (
    "cometchat(guard=True, allow=(), **options): how the fixture cometchat_emulator is to be made; "
    "the options are those of cometchat_auth.emulator.Emulator."
)
_GUARD: Final = pytest.StashKey["Guard"]()
_CHECKED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the guard's settings."""
    parser.addini(
        "cometchat_guard",
        "Whether a test that has cometchat_emulator fails if it tries to reach another host.",
        type="bool",
        default=True,
    )
    parser.addini(
        "cometchat_guard_allow",
        "Names and addresses of other hosts that tests with the guard may reach.",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that passed, but tried to reach another host and kept quiet about it."""
    if (guard := item.stash.get(_GUARD, None)) is not None:
        item.stash[_CHECKED] = True
        guard.check()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Forget what a test tried that has failed of itself: the report has told it already."""
    if (guard := item.stash.get(_GUARD, None)) is not None and _CHECKED not in item.stash:
        guard.forget()


@pytest.fixture
def cometchat_guard(request: pytest.FixtureRequest) -> Iterator[Guard]:
    """Let nothing in the test's process, on any thread, reach another host.

    An attempt fails the test, also if the code under test swallows the error. A test that means to
    try calls ``cometchat_guard.forget()`` afterwards.
    """
    from ._guard import Guard

    item: pytest.Item = request.node
    with Guard(
        item.nodeid,
        _allowed(item),
        lambda attempt: item.add_report_section("call", "cometchat_guard", str(attempt)),
    ) as guard:
        item.stash[_GUARD] = guard
        yield guard


@pytest.fixture(scope="session")
def _cometchat_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Keep the session's emulators."""
    try:
        from ._pytest_emulators import Pool
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    pool = Pool(lambda: tmp_path_factory.mktemp("cometchat"))
    yield pool
    pool.close()


@pytest.fixture
def _cometchat_running(request: pytest.FixtureRequest, _cometchat_pool: Pool) -> Iterator[Running]:
    """Run an emulator as the test's marker says."""
    options = _options(request.node)
    guarded = options.pop("guard", request.config.getini("cometchat_guard"))
    options.pop("allow", None)
    with _cometchat_pool.lend(options) as running:
        if guarded:
            request.getfixturevalue("cometchat_guard")
        yield running


@pytest.fixture
def cometchat_emulator(_cometchat_running: Running) -> Emulator:
    """Return a running emulator that nobody has used yet; the marker ``cometchat`` sets it up."""
    return _cometchat_running.emulator


@pytest.fixture
def cometchat_memory_store() -> MemoryStore:
    """Return an empty session store in memory, the one that `cometchat_client` has."""
    from .sessions import MemoryStore

    return MemoryStore()


@pytest.fixture
def cometchat_client(
    _cometchat_running: Running, cometchat_memory_store: MemoryStore
) -> Iterator[CometChat]:
    """Return a client of the emulator, with nobody logged in; it is closed after the test."""
    from .client import CometChat

    with CometChat(
        _cometchat_running.emulator.app_id,
        _cometchat_running.settings,
        session_store=cometchat_memory_store,
    ) as chat:
        yield chat


@pytest.fixture
def cometchat_server(_cometchat_running: Running) -> CometChatServer:
    """Return the server's side of the emulator, with its REST API key."""
    from .server import CometChatServer

    emulator = _cometchat_running.emulator
    return CometChatServer(emulator.app_id, _cometchat_running.settings, emulator.rest_api_key)


def _allowed(item: pytest.Item) -> list[str]:
    """Return the other hosts that a test may reach; its emulator's may be one."""
    options = _options(item)
    host = options.get("host")
    settings: list[str] = item.config.getini("cometchat_guard_allow")
    return [*settings, *options.get("allow", ()), *([host] if host else [])]


def _options(item: pytest.Item) -> dict[str, Any]:
    """Return the marker's keywords; the marker nearest to the test wins.

    Raises:
        pytest.UsageError: The marker has values without names.
    """
    options: dict[str, Any] = {}
    for marker in item.iter_markers("cometchat"):
        if marker.args:
            raise pytest.UsageError(
                f"{item.nodeid}: give the marker cometchat names for its values, e.g. "
                'cometchat(app_id="mine").'
            )
        options = {**marker.kwargs, **options}
    return options
