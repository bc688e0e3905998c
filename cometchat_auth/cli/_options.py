"""The options of every command that talks to the service."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from .._secrets import Secret
from . import _profiles
from ._exits import Failure, sentence
from ._fields import FIELDS, PROFILE_VARIABLE, SECRETS, Field, Found, Level, merged
from ._output import warn
from ._prompts import at_terminal, hidden, secret_from_stdin
from ._target import Target

F = TypeVar("F", bound=Callable[..., Any])

_PLAIN: Final = tuple(name for name in FIELDS if name not in SECRETS)


def service_options(*keys: str, lenient: bool = False) -> Callable[[F], F]:
    """Give a command the common options, and the `Target` they make as argument ``target``.

    Args:
        *keys: Which keys the command may need: ``"auth_key"``, ``"rest_api_key"``.
        lenient: Whether a profile that cannot be used is the command's own affair:
            ``target.problem``.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def command(*args: Any, **kwargs: Any) -> Any:
            given = {name: kwargs.pop(name) for name in (*_PLAIN, *keys)}
            from_stdin = [name for name in keys if kwargs.pop(f"{name}_stdin")]
            target = _target(
                _given(given, from_stdin),
                profile=kwargs.pop("profile"),
                timeout=kwargs.pop("timeout"),
                as_json=kwargs.pop("as_json"),
                lenient=lenient,
            )
            for name in keys:
                if given[name]:
                    warn_of_secret(target, FIELDS[name].option)
            return function(*args, target=target, **kwargs)

        for decorator in reversed(_decorators(keys)):
            command = decorator(command)
        return command  # type: ignore[return-value]

    return decorate


def secret_options(name: str, help_text: str) -> Callable[[F], F]:
    """Give a command an option for a secret, and one that reads it from standard input."""
    option = f"--{name.replace('_', '-')}"

    def decorate(function: F) -> F:
        function = click.option(
            f"{option}-stdin",
            is_flag=True,
            help="Read it from standard input; at a terminal, ask for it without echo.",
        )(function)
        return click.option(
            option,
            metavar=name.rpartition("_")[2].upper(),
            help=f"{help_text} Every user of this machine can read it in the list of processes.",
        )(function)

    return decorate


def warn_of_secret(target: Target, option: str) -> None:
    """Warn of a secret that was given on the command line, unless it is an emulator's."""
    if not target.is_on_this_machine:
        warn(
            f"{option} shows the secret to every user of this machine in the list of processes; "
            f"{option}-stdin does not."
        )


def json_object(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, Any] | None:
    """Return the JSON object that an option holds, or the file that it names after an ``@``.

    A callback for ``click.option``.

    Raises:
        click.BadParameter: If it is none, or if the file cannot be read.
    """
    if value is None:
        return None
    if value.startswith("@"):
        value = _contents(ctx, param, value[1:])
    try:
        found = json.loads(value, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        problem = f"this is no JSON: {error.msg} at position {error.pos + 1}."
    except (ValueError, RecursionError) as error:
        problem = f"this is no usable JSON: {error}."
    else:
        if isinstance(found, dict):
            return found
        problem = "this is JSON, but no object in braces."
    raise click.BadParameter(problem, ctx, param)


def _contents(ctx: click.Context, param: click.Parameter, path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise click.BadParameter(f"{sentence(error)}.", ctx, param) from None
    except ValueError:
        raise click.BadParameter(f"{path} is not UTF-8 text.", ctx, param) from None


def _decorators(keys: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    plain = [
        click.option(
            field.option, metavar=field.metavar, help=f"{field.help} [env: {field.variable}]"
        )
        for field in map(FIELDS.__getitem__, _PLAIN)
    ]
    secrets = [
        secret_options(name, f"{FIELDS[name].help} [env: {FIELDS[name].variable}]") for name in keys
    ]
    return [
        *plain,
        *secrets,
        click.option(
            "--profile",
            metavar="NAME",
            help="Take what is not given from this section of the configuration file, and use its "
            f"session. [env: {PROFILE_VARIABLE}]",
        ),
        click.option("--timeout", metavar="SECONDS", type=float, help="Limit for each call."),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="Print JSON for programs: one document, or for a list one on each line.",
        ),
    ]


def _given(values: Mapping[str, str | None], from_stdin: list[str]) -> Level:
    """Return what the command line gives.

    Raises:
        click.UsageError: If a secret is given twice, or two are on standard input.
    """
    if len(from_stdin) > 1:
        raise click.UsageError("Standard input can hold one secret only.")
    level = {
        name: Found(Secret(value), f"option {FIELDS[name].option}")
        for name, value in values.items()
        if value
    }
    for name in from_stdin:
        option = FIELDS[name].option
        if name in level:
            raise click.UsageError(f"{option} and {option}-stdin exclude each other.")
        level[name] = Found(Secret(secret_from_stdin(FIELDS[name].title)), f"option {option}-stdin")
    return level


def _target(
    options: Level, *, profile: str | None, timeout: float | None, as_json: bool, lenient: bool
) -> Target:
    """Return the target that options, environment and profile make.

    Raises:
        Failure: If the profile cannot be used, unless `lenient`.
    """
    name = profile or os.environ.get(PROFILE_VARIABLE) or None
    environment = {
        field.name: Found(Secret(os.environ[field.variable]), f"environment {field.variable}")
        for field in FIELDS.values()
        if os.environ.get(field.variable)
    }
    config = _profiles.Profiles(_profiles.config_path(os.environ))
    problem, level = None, {}
    try:
        config = _profiles.read(os.environ, SECRETS)
        level = {
            key: Found(Secret(value), f"profile {name or _profiles.DEFAULT}")
            for key, value in config.values(name, FIELDS).items()
        }
    except Failure as error:
        if not lenient:
            raise
        problem = error
    return Target(
        values=merged([options, environment, level]),
        profile=name or _profiles.DEFAULT,
        config=config,
        timeout=timeout,
        as_json=as_json,
        ask=_ask if at_terminal() else None,
        problem=problem,
    )


def _no_number(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def _ask(field: Field) -> str:
    return hidden(field.title)
