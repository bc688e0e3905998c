"""Takes pictures of every page of the dashboard, in both themes, wide and narrow.

To look at them::

    python -m tests.browser.pictures FOLDER

The few that the documentation shows go into ``docs/pictures``, with a friendlier cast::

    python -m tests.browser.pictures --documentation
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from selenium.webdriver import Chrome

from cometchat_auth.emulator import Emulator, Fault

from .chromium import NARROW, THEMES, WIDE, available, chromium, look, picture
from .visitor import Visitor

_SIZES: Final = {"wide": WIDE, "narrow": NARROW}

_PEOPLE: Final = {
    "maya": ("Maya Levi", ["pupil", "5b"], "Away until Monday"),
    "omar": ("عمر الخطيب", ["teacher"], None),
    "yael": ("יעל כהן 🎉", ["pupil", "5b", "chess", "choir"], None),
    "kevin": ("Kevin <script>alert(1)</script>", ["<b>bold</b>"], None),
    "hundred": ("Maximilian-Bartholomew " * 4 + "Schmidt", [], None),
}

_DOCUMENTATION: Final = Path(__file__).parents[2] / "docs" / "pictures"
_DOCUMENTED_SIZE: Final = (1120, 640)
_DOCUMENTED: Final = {
    "users": ("/dashboard/users", "light"),
    "user": ("/dashboard/users/maya", "dark"),
    "requests": ("/dashboard/requests", "light"),
    "faults": ("/dashboard/faults", "dark"),
}

_PAGES: Final = {
    "users": "/dashboard/users",
    "user": "/dashboard/users/maya",
    "user_deactivated": "/dashboard/users/omar",
    "user_edit": "/dashboard/users/yael/edit",
    "user_new": "/dashboard/new-user",
    "user_delete": "/dashboard/users/maya/delete",
    "user_flush": "/dashboard/users/maya/tokens/flush",
    "app": "/dashboard/app",
    "requests": "/dashboard/requests",
    "request": "/dashboard/requests/2",
    "faults": "/dashboard/faults",
    "fault_status": "/dashboard/faults/new/status",
    "fault_cut": "/dashboard/faults/new/cut",
    "data": "/dashboard/data",
    "reset": "/dashboard/data/reset",
    "nobody": "/dashboard/users/nobody",
}


def prepare(emulator: Emulator) -> None:
    """Give an emulator something of everything that pages can show."""
    for uid, (name, tags, message) in _PEOPLE.items():
        emulator.create_user(uid, name, tags=tags, status_message=message)
    for number in range(30):
        emulator.create_user(f"pupil-{number}", f"Pupil {number}")
    emulator.deactivate_user("omar")
    emulator.faults.add(Fault(call="put_me", latency=0.5, jitter=1, times=3))
    emulator.faults.add(
        Fault(path="/users/{uid}", cut="after", reset=True, probability=0.5, seed=3)
    )
    emulator.faults.add(Fault(uid="nobody", status=503, body="<h1>Bad gateway</h1>"))
    tokens = [emulator.create_auth_token("maya") for _ in range(3)]
    ask(emulator, "GET", "/v3/users", apikey=emulator.rest_api_key)
    ask(emulator, "POST", "/v3/users", apikey=emulator.auth_key, body={"uid": "a b", "name": ""})
    ask(emulator, "GET", "/v3/users/maya", apikey="wrong" * 8)
    ask(emulator, "GET", "/v3/me", authtoken=tokens[0])
    ask(emulator, "GET", "/v3/users/nobody", apikey=emulator.rest_api_key)
    ask(emulator, "GET", "/v3/groups", apikey=emulator.rest_api_key)


def ask(emulator: Emulator, method: str, path: str, *, body: object = None, **headers: str) -> None:
    """Send a request, whatever comes back."""
    parts = urlsplit(emulator.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        with suppress(ConnectionError):  # a fault may cut it
            connection.getresponse().read()
    finally:
        connection.close()


def pages(driver: Chrome, emulator: Emulator) -> Iterator[str]:
    """Go from page to page, also to those that an action leads to, and yield their names."""
    visitor = Visitor(driver, emulator.url)
    for name, path in _PAGES.items():
        visitor.open(path)
        yield name
    visitor.open("/dashboard/users?search=nobody")
    yield "users_none"
    visitor.open("/dashboard/users/maya")
    visitor.click("Create auth token")
    yield "user_token"
    visitor.open("/dashboard/app")
    visitor.click("Reveal Python example")
    yield "app_revealed"
    visitor.open("/dashboard/new-user")
    visitor.fill(Uid="with space", Link="nowhere", Metadata="{")
    visitor.click("Create user")
    yield "user_new_wrong"
    visitor.open("/dashboard/faults/new/latency")
    visitor.fill(Path="users")
    visitor.click("Add fault")
    yield "fault_latency_wrong"


def take(folder: Path, emulator: Emulator) -> int:
    """Take all pictures, and return how many they are."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = 0
    with chromium() as driver:
        for size_name, size in _SIZES.items():
            for theme in THEMES:
                look(driver, size, theme)
                for name in pages(driver, emulator):
                    content = base64.b64decode(picture(driver))
                    (folder / f"{name}_{size_name}_{theme}.png").write_bytes(content)
                    taken += 1
    return taken


def take_for_documentation(folder: Path) -> int:
    """Take the pictures that the documentation shows, and return how many they are."""
    folder.mkdir(parents=True, exist_ok=True)
    with Emulator(app_id="school-chat", roles=["teacher"]) as emulator, chromium() as driver:
        prepare_for_documentation(emulator)
        visitor = Visitor(driver, emulator.url)
        for name, (path, theme) in _DOCUMENTED.items():
            look(driver, _DOCUMENTED_SIZE, theme)
            visitor.open(path)
            (folder / f"dashboard_{name}.png").write_bytes(base64.b64decode(picture(driver)))
    return len(_DOCUMENTED)


def prepare_for_documentation(emulator: Emulator) -> None:
    """Give an emulator a few users, and let clients ask for something."""
    emulator.create_user("maya", "Maya Levi", tags=["5b", "chess"], status_message="Back soon")
    emulator.create_user("omar", "Omar Haddad", role="teacher")
    emulator.deactivate_user("cometchat-uid-4")
    emulator.create_auth_token("maya")
    token = emulator.create_auth_token("maya")
    key = emulator.auth_key
    ask(emulator, "POST", "/v3.0/users", apikey=key, body={"uid": "kevin", "name": "Kevin Kay"})
    ask(emulator, "PUT", "/v3.0/me", authtoken=token, body={"platform": "python"})
    ask(emulator, "POST", "/v3.0/users/nobody/auth_tokens", apikey=key, body={})
    emulator.faults.add(Fault(call="create_auth_token", rate_limit=5, times=1))
    emulator.faults.add(Fault(call="put_me", cut="after", probability=0.3, seed=7))
    ask(emulator, "POST", "/v3.0/users/maya/auth_tokens", apikey=key, body={})
    ask(emulator, "POST", "/v3.0/users/maya/auth_tokens", apikey="0123456789" * 4, body={})


def main() -> None:
    """Take the pictures that the command line asks for."""
    if len(sys.argv) != 2:
        sys.exit("python -m tests.browser.pictures FOLDER | --documentation")
    if problem := available():
        sys.exit(problem)
    if sys.argv[1] == "--documentation":
        print(f"{take_for_documentation(_DOCUMENTATION)} pictures")  # noqa: T201
        return
    with Emulator(app_id="school-chat", roles=["teacher", "pupil"]) as emulator:
        prepare(emulator)
        print(f"{take(Path(sys.argv[1]), emulator)} pictures")  # noqa: T201


if __name__ == "__main__":
    main()
