"""``doctor``: what stands in the way of a login, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from .. import _checks
from .._version import __version__
from ..errors import CometChatException
from ._exits import Failure
from ._fields import FIELDS
from ._findings import Problem, Section, without_password
from ._options import service_options
from ._output import console, put_json, shown

if TYPE_CHECKING:
    from rich.console import Console

    from .. import AppSettings
    from ._target import Target

_PACKAGES: Final = ("requests", "urllib3", "certifi", "keyring", "attrs", "click", "rich")


@click.command()
@service_options(lenient=True)
def doctor(target: Target) -> None:
    """Look for what stands in the way, and say what to do about it.

    It looks at versions, configuration, keyring, network and both hosts. In the keyring an item
    of its own is written, read and removed; to the hosts it sends credentials that do not exist,
    never yours, and it shows none. Exit code 0 if all is well, 1 if something needs doing.
    """
    out = console()
    sections = []
    for section in _examined(target):
        sections.append(section)
        if not target.as_json:
            _show(out, section)  # at once: the next one may have to wait for something
    count = sum(len(section.problems) for section in sections)
    if target.as_json:
        put_json({"ok": not count, "sections": [attrs.asdict(each) for each in sections]})
    if count:
        raise Failure("One thing needs doing." if count == 1 else f"{count} things need doing.")
    if not target.as_json:
        is_all = not any(section.note for section in sections)
        out.print(f"All {'' if is_all else 'that was looked at '}is well.", style="bold green")


def _examined(target: Target) -> Iterator[Section]:
    from ._doctor_hosts import host_sections, network_section
    from ._doctor_keyring import keyring_section

    configuration = _configuration(target)
    app_id, settings = _app_id(target, configuration), _settings(target, configuration)
    is_known = app_id is not None and settings is not None
    yield _versions()
    yield configuration
    yield keyring_section(target if is_known else None)
    yield network_section(settings)
    if app_id is not None and settings is not None:
        yield from host_sections(app_id, settings, target.timeout)
    else:
        note = "Not looked at: that takes an app id, and a region or hosts."
        yield Section("Hosts", note=note)


def _versions() -> Section:
    import platform
    import ssl

    facts = {"cometchat-auth": __version__, "Python": platform.python_version()}
    facts["system"] = f"{platform.system()} {platform.release()} {platform.machine()}"
    facts["OpenSSL"] = ssl.OPENSSL_VERSION
    return Section("Versions", {**facts, **{name: _version(name) for name in _PACKAGES}})


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # frozen programs need not have this data
        return "unknown"


def _configuration(target: Target) -> Section:
    """Return which values are in force and where they come from; of credentials only that."""
    path = target.config.path
    facts: dict[str, Any] = {
        "file": {"value": str(path), "origin": "read" if path.exists() else "there is none"},
        "profile": target.profile,
    }
    for name, field in FIELDS.items():
        facts[name] = None
        if target.has(name):
            found = target.values[name]
            value = "set" if field.secret else without_password(found.text)
            facts[name] = {"value": value, "origin": found.origin}
    section = Section("Configuration", facts)
    if target.problem is not None:
        section.problems.append(Problem("The profile cannot be used.", str(target.problem)))
    return section


def _app_id(target: Target, section: Section) -> str | None:
    """Return the app's id, if there is one that can be used."""
    if not target.has("app_id"):
        return None
    try:
        return _checks.app_id(target.app_id)
    except CometChatException as error:
        section.problems.append(Problem("The app id cannot be used.", error.message))
        return None


def _settings(target: Target, section: Section) -> AppSettings | None:
    """Return the settings, if there are any that can be used."""
    if not target.knows_place:
        return None
    try:
        return target.settings
    except CometChatException as error:
        section.problems.append(Problem("The app cannot be reached like this.", error.message))
        return None


def _show(out: Console, section: Section) -> None:
    out.print(section.title, style="bold")
    width = max(map(len, map(_words, section.facts)), default=0) + 2
    for name, value in section.facts.items():
        out.print(f"  {_words(name) + ':':<{width}}{shown(_in_words(name, value))}")
    if section.note is not None:
        out.print(f"  {shown(section.note)}", style="yellow")
    for problem in section.problems:
        out.print(f"  ! {shown(problem.text)} {shown(problem.advice)}", style="bold red")
    out.print()


def _words(name: str) -> str:
    words = name.removesuffix("_ms").removesuffix("_s").replace("_", " ")
    return words.replace("rest api", "REST API").replace("ca cert", "CA cert")


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, dict):
        return f"{value['value']} ({value['origin']})"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"{value}{' ms' if name.endswith('_ms') else ' s' if name.endswith('_s') else ''}"
