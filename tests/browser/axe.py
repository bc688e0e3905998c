"""Checks a page with axe-core, which knows what keeps people from using a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from selenium.webdriver import Chrome

from ..official_sdk.harness import node_modules

_GRAVE: Final = ("serious", "critical")

_RUN: Final = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(done, error => done({failed: String(error)}));
"""


def available() -> str | None:
    """Return why pages cannot be checked here, or ``None`` if they can."""
    if _script().is_file():
        return None
    return f"axe-core is not in {node_modules()}: run python -m tests.official_sdk.harness"


def findings(driver: Chrome) -> list[str]:
    """Return what is grave on the page that is shown: rule, place, and what to do."""
    driver.execute_script(_script().read_text("utf-8"))
    result: dict[str, Any] = driver.execute_async_script(_RUN)
    assert result.get("passes") is not None, result
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}: {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in _GRAVE
        for node in violation["nodes"]
    ]


def _script() -> Path:
    return node_modules() / "axe-core" / "axe.min.js"
