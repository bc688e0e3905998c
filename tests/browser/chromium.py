"""Starts Chromium so that it reaches nothing but this machine, and says what it looks like."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_DRIVERS: Final = ("chromedriver",)

_LOAD_SECONDS: Final = 30

# Chromium asks for updates, lists and names of its own accord; no name but this machine's exists
# for it, and what it would do in the background is switched off.
_ARGUMENTS: Final = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--no-pings",
    "--lang=en-GB",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

WIDE: Final = (1440, 900)
NARROW: Final = (360, 780)
THEMES: Final = ("light", "dark")


def available() -> str | None:
    """Return why the browser cannot be used here, or ``None`` if it can."""
    for names in (_BROWSERS, _DRIVERS):
        if _find(names) is None:
            return (
                f"{names[0]} is not installed: on Debian, install chromium and chromium-driver "
                "to test the dashboard in a browser"
            )
    return None


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Run a browser of its own, with nothing remembered, until the end of the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = Chrome(_options(profile), _service())
        try:
            driver.set_page_load_timeout(_LOAD_SECONDS)
            yield driver
        finally:
            driver.quit()


def look(driver: Chrome, size: tuple[int, int] = WIDE, theme: str = "light") -> None:
    """Give the page a size in CSS pixels and a theme."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": theme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def picture(driver: Chrome) -> str:
    """Return a picture of the whole page, down to its end, as PNG in base64."""
    taken: dict[str, Any] = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
    )
    return str(taken["data"])


def _options(profile: str) -> ChromeOptions:
    options = ChromeOptions()
    options.binary_location = _find(_BROWSERS) or ""
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox refuses to run as root
        options.add_argument("--disable-dev-shm-usage")
    return options


def _service() -> ChromeService:
    # A path is given, so that Selenium does not look for a driver on the internet.
    return ChromeService(_find(_DRIVERS), log_output=subprocess.DEVNULL)


def _find(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)
