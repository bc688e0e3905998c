"""What tests in the browser find: the browser itself, and a visitor of a fresh emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from cometchat_auth.emulator import Emulator

from ..real_parts import require
from .chromium import available, chromium, look
from .visitor import Visitor


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """Run one browser for all tests."""
    require(available())
    with chromium() as driver:
        permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        driver.execute_cdp_cmd("Browser.grantPermissions", permissions)
        yield driver


@pytest.fixture
def visitor(browser: Chrome, emulator: Emulator) -> Iterator[Visitor]:
    """Open the dashboard of the test's emulator."""
    look(browser)
    visitor = Visitor(browser, emulator.url)
    visitor.open()
    yield visitor
    browser.get("about:blank")  # nothing asks the emulator any more when it stops
