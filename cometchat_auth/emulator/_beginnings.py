"""How an emulator begins: what was asked for, what the data file knows, what the seed says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve

from . import _rules
from ._apps import Apps, Newcomer
from ._seed import Start
from ._seed_files import AppSeed
from ._service import Options

_APP_ID: Final = "emulator-app"
_LEAST: Final = {"user_quota": 0, "requests_per_minute": 1}
_SWITCHES: Final = ("strict_auth_key", "other_rate_limit_headers", "reuse_auth_tokens")
_MAX_PORT: Final = 65535


def checked_options(**given: Any) -> Options:
    """Return how an app shall behave.

    Raises:
        ValueError: A limit is too low.
        TypeError: There is no such option, or a value is of the wrong type.
    """
    options = Options(**given)
    for name, least in _LEAST.items():
        limit = getattr(options, name)
        if limit is not None and _whole(name, limit) < least:
            raise ValueError(f"{name} must be {least} or more, not {limit}; None is no limit.")
    for name in _SWITCHES:
        if not isinstance(getattr(options, name), bool):
            raise TypeError(f"{name} must be True or False, not {getattr(options, name)!r}.")
    if not isinstance(options.settings, Mapping):
        raise TypeError(f"settings must be a mapping, not {type(options.settings).__name__}.")
    try:
        json.dumps(dict(options.settings))
    except (TypeError, ValueError) as error:
        raise TypeError(f"settings must be values that JSON can hold: {error}.") from None
    return options


def checked_port(port: int) -> int:
    """Return a port to listen on; 0 stands for any free one.

    Raises:
        ValueError: There is no such port.
        TypeError: It is no whole number.
    """
    if not 0 <= _whole("port", port) <= _MAX_PORT:
        raise ValueError(f"port must be from 0 to {_MAX_PORT}, not {port}.")
    return port


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}.")
    return value


def checked_start(
    auth_key: str | None, rest_api_key: str | None, roles: Iterable[str] = ()
) -> Start:
    """Return what an app shall begin with, without a seed.

    Raises:
        ValueError: A key cannot be used, or they are the same.
        TypeError: The roles are one string, whose letters would be taken for them.
    """
    if isinstance(roles, str):
        raise TypeError(f"roles must be several ids, e.g. [{roles!r}], not one string.")
    given = [key for key in (auth_key, rest_api_key) if key is not None]
    if not all(given) or len(set(given)) < len(given):
        raise ValueError("auth_key and rest_api_key must be two different, non-empty keys.")
    for key in given:
        complaint = _rules.secret(key)
        if complaint is not None:
            raise ValueError(f"auth_key and rest_api_key {complaint}")
    return Start(auth_key, rest_api_key, tuple(roles))


def only_seed(seeds: Mapping[str | None, AppSeed], app_id: str) -> AppSeed:
    """Return the part of a seed that is for an app: all of it, if it names no app.

    Raises:
        ValueError: It names other apps only.
    """
    found = seeds.get(app_id) or seeds.get(None)
    if found is None:
        label = next(iter(seeds.values())).label
        raise ValueError(f"{label} has no app {app_id}: it has {', '.join(map(str, seeds))}.")
    return found


def begin(
    apps: Apps,
    app_id: str | None,
    start: Start,
    options: Options,
    seeds: Mapping[str | None, AppSeed],
) -> None:
    """Add the first app, those that the seed names, and those that the data file holds.

    Args:
        apps: The apps of a new emulator.
        app_id: The first app's id, or ``None`` for any.
        start: What the first app shall begin with.
        options: How the first app shall behave.
        seeds: The parts of the seed by their apps' ids.

    Raises:
        ValueError: The data file or the seed has no such app, or something cannot be used.
    """
    named = [name for name in seeds if name is not None]
    kept = apps.kept
    if kept and app_id is not None and app_id not in kept:
        raise ValueError(
            f"The data file has no app {app_id}: it has {', '.join(kept)}. Leave app_id out, or "
            "choose another file."
        )
    first = app_id or next(iter([*kept, *named]), _APP_ID)
    # An app that the data file has needs no seed, and a seed may be about others alone.
    if seeds and not (kept and first not in seeds and None not in seeds):
        start = evolve(start, seed=only_seed(seeds, first))
    others = [Newcomer(name, Start(seed=seeds[name])) for name in named if name != first]
    apps.add([Newcomer(first, start, options), *others])
    apps.add_kept()
