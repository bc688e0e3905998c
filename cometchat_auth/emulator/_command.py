"""What the emulator's command lines have in common: options, and what is said when it runs."""

from __future__ import annotations

import json
import signal
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from . import _hosts
from ._emulator import Emulator
from ._seed_files import check_export

_SEEDED_UID: Final = "cometchat-uid-1"


@frozen
class Option:
    """An option of the command line.

    Attributes:
        name: Its name in Python.
        help: What it does.
        metavar: What stands for its value in the help; empty for a switch.
        least: The smallest number, or ``None`` if it is no number.
        most: The largest number.
        several: Whether it may be given several times.
        variable: Variable of the environment that is looked at where it is not given.
    """

    name: str
    help: str
    metavar: str = ""
    least: int | None = None
    most: int | None = None
    several: bool = False
    variable: str | None = None

    @property
    def flag(self) -> str:
        """Return its name on the command line."""
        return f"--{self.name.replace('_', '-')}"


# Variables of their own: keys of the real service, which other commands look for in the
# environment, must not become the emulator's, which prints them.
OPTIONS: Final = (
    Option("port", "Port to listen on; 0, the default, takes any free one.", "PORT", 0, 65535),
    Option("host", "Address to listen on; 127.0.0.1 by default.", "ADDRESS"),
    Option("allow_remote", "Let other machines reach it. It guards nothing."),
    Option(
        "app_id",
        "The app's id, emulator-app by default. Given again: one more app.",
        "ID",
        several=True,
    ),
    Option(
        "auth_key",
        "Key for clients, of the first app; made up by default.",
        "KEY",
        variable="COMETCHAT_EMULATOR_AUTH_KEY",
    ),
    Option(
        "rest_api_key",
        "Key for servers, of the first app; made up by default.",
        "KEY",
        variable="COMETCHAT_EMULATOR_REST_API_KEY",
    ),
    Option("data", "Keep users, tokens and keys in this file; by default in memory.", "FILE"),
    Option("seed", "Begin with the users, roles and keys of this JSON file.", "FILE"),
    Option("export", "Write users and roles to this file at the end; --seed reads it.", "FILE"),
    Option("tls", "Speak HTTPS, with a certificate made on the spot."),
    Option("ca", "With --tls: write the certificate that clients have to trust here.", "FILE"),
    Option("user_quota", "How many users an app may have; any number by default.", "N", 0),
    Option("requests_per_minute", "How many requests an app answers in a minute.", "N", 1),
    Option("strict_auth_key", "Let the auth key make tokens only, and not write users."),
    Option("open", "Show the dashboard in a browser."),
    Option("json", "Print one line of JSON with URLs and keys, for programs."),
)

# What every app of the emulator has alike.
_EACH_APP: Final = ("user_quota", "requests_per_minute", "strict_auth_key")
_FIRST_APP: Final = ("auth_key", "rest_api_key")
_WHOLE: Final = ("port", "host", "allow_remote", "data", "seed", "tls")


def start(values: Mapping[str, Any]) -> Emulator:
    """Return a running emulator.

    Args:
        values: The options' values by their names; of those that were not given ``None``.

    Raises:
        ImportError: A library that it needs is not installed.
        ValueError: A value cannot be used.
        OSError: It cannot listen, or a file cannot be read or written.
    """
    if values.get("ca") and not values.get("tls"):
        raise ValueError("--ca goes with --tls: without it there is no certificate.")
    if values.get("export"):
        check_export(Path(values["export"]))  # now: at the end all would be lost
    first, *others = values.get("app_id") or (None,)
    each = _given(values, _EACH_APP)
    named = {} if first is None else {"app_id": first}
    emulator = Emulator(**named, **_given(values, (*_WHOLE, *_FIRST_APP)), **each)
    for app_id in others:
        if app_id not in emulator.apps:  # the data file may have it already
            emulator.add_app(app_id, **each)
    if values.get("ca"):
        emulator.write_ca(values["ca"])
    return emulator.start()


def finish(emulator: Emulator, values: Mapping[str, Any]) -> None:
    """Stop an emulator, and write down what it knows if that was asked for.

    For the end of a program: from here on Ctrl-C and SIGTERM cut nothing short.

    Raises:
        OSError: The file cannot be written.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    emulator.stop()
    if values.get("export"):
        emulator.export_to(values["export"])


def show_dashboard(emulator: Emulator) -> bool:
    """Show the dashboard in a browser; return whether there is one.

    On a thread of its own: Ctrl-C inside a destructor, as a started program has one, would be lost.
    """
    found: list[bool] = []
    thread = threading.Thread(
        target=lambda: found.append(webbrowser.open(emulator.dashboard_url)),
        name="cometchat-emulator-browser",
        daemon=True,
    )
    thread.start()
    thread.join()
    return found == [True]


def warning(values: Mapping[str, Any]) -> str | None:
    """Return what a person has to know of where it listens, or ``None``."""
    return _hosts.exposure(values.get("host") or "127.0.0.1")


def facts(emulator: Emulator, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and values of what clients and people need."""
    yield "URL", emulator.url
    if elsewhere := _url_from_elsewhere(emulator, values):
        yield "Remote URL", elsewhere
    for app in emulator.apps.values():
        yield "App id", app.app_id
        yield "Auth key", app.auth_key
        yield "REST API key", app.rest_api_key
    if _has_first_users(values):
        yield "Users", "cometchat-uid-1 to cometchat-uid-5"
    yield "Dashboard", emulator.dashboard_url
    for name, title in (("ca", "CA"), ("data", "Data"), ("export", "Export")):
        if values.get(name):
            yield title, str(values[name])


def snippet(emulator: Emulator, values: Mapping[str, Any]) -> str:
    """Return a program that logs in."""
    url = repr(emulator.url)
    if values.get("tls"):
        url += f", verify={str(values.get('ca') or 'ca.pem')!r}"
    uid = _SEEDED_UID if _has_first_users(values) else "UID"
    return (
        "from cometchat_auth import AppSettings, CometChat\n"
        "\n"
        f"chat = CometChat({emulator.app_id!r}, AppSettings.for_emulator({url}))\n"
        f"user = chat.login({uid!r}, {emulator.auth_key!r}).result()\n"
        "print(user.name)"
    )


def as_json(emulator: Emulator, values: Mapping[str, Any]) -> str:
    """Return what a program needs, as one line of JSON."""
    apps = [
        {"app_id": app.app_id, "auth_key": app.auth_key, "rest_api_key": app.rest_api_key}
        for app in emulator.apps.values()
    ]
    about = {
        "url": emulator.url,
        "dashboard_url": emulator.dashboard_url,
        "ca": None if values.get("ca") is None else str(values["ca"]),
        "apps": apps,
    }
    return json.dumps({**about, **apps[0]})


def _given(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: values.get(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _has_first_users(values: Mapping[str, Any]) -> bool:
    return not values.get("data") and not values.get("seed")


def _url_from_elsewhere(emulator: Emulator, values: Mapping[str, Any]) -> str | None:
    scheme, _, rest = emulator.url.partition("://")
    host = _hosts.reached_from_elsewhere(values.get("host") or "127.0.0.1")
    return host and f"{scheme}://{host}:{rest.rpartition(':')[2]}"
