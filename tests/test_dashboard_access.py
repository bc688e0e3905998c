"""The dashboard for everybody: by keyboard, on a narrow screen, without script, read out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from .browser import axe
from .browser.chromium import NARROW, THEMES, WIDE, look
from .browser.pictures import pages, prepare
from .browser.visitor import Visitor
from .real_parts import require

pytest_plugins = ("tests.browser.fixtures",)

UID = "cometchat-uid-1"

# How many CSS pixels of the page, or of one of its boxes, are out of sight to the right.
_HIDDEN = """
const boxes = [document.documentElement, ...document.querySelectorAll(".card")];
return Math.max(...boxes.map(box => box.scrollWidth - box.clientWidth));
"""


@pytest.fixture
def full(browser: Chrome) -> Iterator[Emulator]:
    """Run an emulator that has something of everything to show."""
    with Emulator(app_id="school-chat", roles=["teacher"]) as service:
        service.add_app("other-chat")
        prepare(service)
        yield service
        browser.get("about:blank")


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", NARROW)])
def test_no_page_keeps_anybody_out(
    browser: Chrome, full: Emulator, theme: str, size: tuple[int, int]
) -> None:
    """axe-core must find nothing serious or critical on any page, contrast included."""
    require(axe.available())
    look(browser, size, theme)
    found = {name: axe.findings(browser) for name in pages(browser, full)}
    assert len(found) > 20
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_axe_finds_what_is_wrong(visitor: Visitor) -> None:
    """The check must be able to fail: a field without a label is a grave finding."""
    require(axe.available())
    visitor.script("document.querySelector('main').append(document.createElement('input'))")
    assert any(finding.startswith("label (critical)") for finding in axe.findings(visitor.driver))


def test_no_page_is_wider_than_the_screen(browser: Chrome, full: Emulator) -> None:
    """Nobody must have to scroll sideways, nor miss anything, whatever names there are."""
    uid = "u" * 100
    tags = ["t" * 100, "a", "b", "c"]
    full.create_user(uid, "n" * 100, role="teacher", tags=tags, status_message="s" * 300)
    full.create_auth_token(uid)
    full.add_app("a" * 100)
    hidden = {
        (name, width): pixels
        for name in _with_long_names(browser, full, uid)
        for width, pixels in _hidden(browser)
    }
    assert len(hidden) > 100
    assert {place: pixels for place, pixels in hidden.items() if pixels > 0} == {}


def _with_long_names(browser: Chrome, emulator: Emulator, uid: str) -> Iterator[str]:
    """Go to every page, and to those about a user and an app with long ids."""
    yield from pages(browser, emulator)
    for path in (
        f"/dashboard/users/{uid}",
        f"/dashboard/users/{uid}/edit",
        f"/dashboard/users/{uid}/delete",
        f"/dashboard/users?search={uid}",
        f"/dashboard/app?app={'a' * 100}",
        f"/dashboard/users?app={'a' * 100}",
    ):
        browser.get(f"{emulator.url}{path}")
        yield path


def _hidden(browser: Chrome) -> Iterator[tuple[int, int]]:
    """Give the page one width after the other, and yield how much of it is out of sight."""
    for width in (1440, 1120, 900, 720, 360):
        look(browser, (width, 800))
        yield width, browser.execute_script(_HIDDEN)


@pytest.mark.parametrize("theme", THEMES)
def test_both_themes_are_followed(visitor: Visitor, theme: str) -> None:
    """The page's ground must be light or dark as the system asks for."""
    look(visitor.driver, WIDE, theme)
    color = visitor.script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in color.strip("rgb()").split(","))
    assert (brightness > 600) == (theme == "light")


def test_the_keyboard_is_enough(visitor: Visitor, chat: CometChat) -> None:
    """Creating a user and copying the key to log it in must be possible without a mouse."""
    visitor.tab_to("Create user")
    visitor.press(Keys.ENTER)
    visitor.tab_to("Uid")
    visitor.keys("kevin")
    visitor.tab_to("Name")
    visitor.keys("Kevin")
    visitor.press(Keys.ENTER)
    assert visitor.note == "The user kevin was created."
    visitor.tab_to("App")
    visitor.press(Keys.ENTER)
    visitor.tab_to("Copy auth key")
    visitor.keys(Keys.SPACE)
    visitor.wait(lambda: visitor.focused().text == "Copied")
    assert chat.login("kevin", visitor.clipboard()).result().name == "Kevin"


def test_the_keyboard_deletes_and_mints(visitor: Visitor, emulator: Emulator) -> None:
    """Minting and deleting must be possible without a mouse, and the focus be where it matters."""
    visitor.open(f"/dashboard/users/{UID}")
    visitor.tab_to("Create auth token")
    visitor.press(Keys.SPACE)
    assert visitor.focused().text == visitor.note != ""
    assert len(emulator.auth_tokens(UID)) == 1
    visitor.tab_to("Delete")
    visitor.press(Keys.ENTER)
    visitor.tab_to("Delete for ever")
    visitor.press(Keys.ENTER)
    assert UID not in {user["uid"] for user in emulator.users()}


def test_the_first_stop_skips_the_menu(visitor: Visitor) -> None:
    """The first Tab must offer the way past the menu, visibly, and lead there."""
    visitor.keys(Keys.TAB)
    link = visitor.focused()
    assert link.accessible_name == "Skip to the page"
    visitor.wait(lambda: link.rect["y"] >= 0)
    visitor.keys(Keys.ENTER)
    assert visitor.focused().tag_name == "main"
    visitor.keys(Keys.TAB)
    assert visitor.focused().accessible_name == "Create user"


def test_every_stop_is_visible(browser: Chrome, full: Emulator) -> None:
    """Whatever has the keyboard's focus must have an outline."""
    look(browser)
    visitor = Visitor(browser, full.url)
    for path in ("/dashboard/users/maya", "/dashboard/faults/new/cut", "/dashboard/app"):
        visitor.open(path)
        seen = 0
        while True:
            visitor.keys(Keys.TAB)
            if visitor.focused().tag_name == "body":
                break
            style = visitor.script("return getComputedStyle(document.activeElement).outline")
            assert "none" not in style, visitor.focused().get_attribute("outerHTML")
            seen += 1
        assert seen > 8


def test_everything_works_without_script(
    visitor: Visitor, emulator: Emulator, chat: CometChat
) -> None:
    """With scripts switched off, users, tokens, keys, the log and faults must work all the same."""
    driver = visitor.driver
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(f"{emulator.url}/dashboard/new-user")
        visitor.fill(Uid="kevin", Name="Kevin")
        visitor.find("Create user").click()
        visitor.wait(lambda: visitor.note == "The user kevin was created.")
        visitor.find("Create auth token").click()
        visitor.wait(lambda: "A new auth token" in visitor.note)
        (token,) = emulator.auth_tokens("kevin")
        assert token in visitor.text
        assert not visitor.has("Copy auth token 1")
        assert chat.login(token).result().uid == "kevin"
        driver.get(f"{emulator.url}/dashboard/requests")
        assert "PUT /v3.0/me" in visitor.rows[0]
        assert not visitor.has("Pause")
        driver.get(f"{emulator.url}/dashboard/app")
        visitor.find("Reveal auth key").click()
        visitor.wait(lambda: emulator.auth_key in visitor.text)
        driver.get(f"{emulator.url}/dashboard/faults/new/latency")
        visitor.fill(Up_to_so_many_seconds_more="0.01")
        visitor.find("Add fault").click()
        visitor.wait(lambda: "Fault 1 was added" in visitor.note)
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        driver.get("about:blank")


def test_nothing_is_loaded_from_elsewhere(browser: Chrome, full: Emulator) -> None:
    """Every file that a page needs must come from the emulator itself."""
    look(browser)
    code = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    loaded = {name for _ in pages(browser, full) for name in browser.execute_script(code)}
    assert any(name.endswith("/dashboard.css") for name in loaded)
    assert [name for name in loaded if not name.startswith(f"{full.url}/dashboard/")] == []
