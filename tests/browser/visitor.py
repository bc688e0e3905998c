"""A person at the dashboard: reads what is on the page, clicks and types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from ..tools import LIMIT

_POLL: Final = 0.02  # seconds between two looks at the page

Found = TypeVar("Found")


class Visitor:
    """Whoever uses the dashboard of one emulator.

    Args:
        driver: The browser.
        url: The emulator's URL.
    """

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str = "/") -> None:
        """Load a page."""
        self.driver.get(f"{self.url}{path}")

    @property
    def path(self) -> str:
        """Return the path of the page that is shown."""
        return self.driver.current_url.removeprefix(self.url).partition("?")[0]

    @property
    def heading(self) -> str:
        """Return the page's heading."""
        return self.driver.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self) -> str:
        """Return everything that can be read on the page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def note(self) -> str:
        """Return what the page says about the last action; an empty string if nothing."""
        notes = self.driver.find_elements(By.CSS_SELECTOR, ".note[data-focus]")
        return notes[0].text if notes else ""

    @property
    def rows(self) -> list[str]:
        """Return the rows of the page's table, each as one text."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [" ".join(row.text.split()) for row in rows]

    def click(self, name: str, within: str = "") -> None:
        """Click the button or link of this name, and wait for the page that it leads to.

        Args:
            name: What it says, to the eye or to a screen reader.
            within: What the table's row says in which it is, if there are several.
        """
        self._follow(lambda: self.find(name, within).click())

    def press(self, *keys: str) -> None:
        """Press keys, and wait for the page that they lead to."""
        self._follow(lambda: self.keys(*keys))

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def find(self, name: str, within: str = "") -> WebElement:
        """Return the button or link of this name."""
        for element in self._named(name):
            if within in element.find_element(By.XPATH, _ROW_OR_PAGE).text:
                return element
        raise AssertionError(f"no button or link {name!r} {within!r} on the page:\n{self.text}")

    def has(self, name: str) -> bool:
        """Return whether the page has a button or link of this name."""
        return bool(self._named(name))

    def _named(self, name: str) -> list[WebElement]:
        likely = self.script(_LIKELY, "button, a[href]", name)
        return [one for one in likely if one.is_displayed() and one.accessible_name == name]

    def field(self, label: str) -> WebElement:
        """Return the field that has this label."""
        likely: list[WebElement] = self.script(_LIKELY, "input, select, textarea", label)
        for one in likely:
            if one.is_displayed() and one.accessible_name.removesuffix(" (required)") == label:
                return one
        raise AssertionError(f"no field {label!r} on the page:\n{self.text}")

    def fill(self, **texts: str) -> None:
        """Type texts into the fields whose labels are given, ``_`` for a space."""
        for label, text in texts.items():
            field = self.field(label.replace("_", " "))
            if field.tag_name == "select":
                Select(field).select_by_visible_text(text)
            else:
                field.clear()
                field.send_keys(text)

    def wait(self, condition: Callable[[], Found]) -> Found:
        """Wait until something is so on the page, and return it."""
        ignored = (StaleElementReferenceException,)
        waiting = WebDriverWait(self.driver, LIMIT, _POLL, ignored)
        return waiting.until(lambda _: condition())

    def focused(self) -> WebElement:
        """Return the element that has the focus."""
        return self.driver.switch_to.active_element

    def tab_to(self, name: str) -> WebElement:
        """Move the focus with the Tab key until it is on the element of this name."""
        for _ in range(100):
            element = self.focused()
            if element.accessible_name.removesuffix(" (required)") == name:
                return element
            self.keys(Keys.TAB)
        raise AssertionError(f"the Tab key does not reach {name!r}")

    def clipboard(self) -> str:
        """Return what was copied last."""
        return str(self.script("return navigator.clipboard.readText()"))

    def script(self, code: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and wait for what it returns."""
        return self.driver.execute_script(code, *arguments)

    def _follow(self, act: Callable[[], None]) -> None:
        """Do something that leads to another page, and wait until that is there."""
        self.script("window.wasHere = true")
        act()
        self.wait(
            lambda: self.script("return !window.wasHere && document.readyState === 'complete'")
        )


# Asking the browser for an element's name takes long: only those are asked whose words fit.
_LIKELY: Final = """
const words = arguments[1].split(" ");
return [...document.querySelectorAll(arguments[0])].filter(element => {
  const labels = [...(element.labels ?? [])].map(label => label.textContent);
  const text = [element.textContent, element.ariaLabel, ...labels].join(" ");
  return words.every(word => text.includes(word));
});
"""

_ROW_OR_PAGE: Final = "(ancestor::tr | ancestor::body)[last()]"
