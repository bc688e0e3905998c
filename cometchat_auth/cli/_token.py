"""``token``: the auth tokens that log users in, for whoever has the REST API key."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from ._admin import KEY, begun, server, stdin_was_the_key
from ._exits import WRONG_USE, Failure
from ._options import service_options
from ._output import moment, put_json, say, table, warn
from ._prompts import at_terminal, hidden, secret_from_stdin

if TYPE_CHECKING:
    from ..server import AuthToken
    from ._target import Target

# Characters at either end by which people tell tokens apart; of 40 random ones too few to matter.
_ENDS: Final = 5
_GAP: Final = "..."
_SHORTENED: Final = re.compile(r"\S{0,5}\.\.\.\S{0,5}")


@click.group()
def token() -> None:
    """Make, list and delete auth tokens, with the REST API key."""


@token.command()
@click.argument("uid")
@click.option("--force", is_flag=True, help="Have a new one in any case.")
@service_options(KEY)
def create(target: Target, uid: str, force: bool) -> None:
    """Print an auth token for a user, and nothing else.

    Whoever has it can log in as this user, until it is deleted.
    """
    made = server(target).create_auth_token(uid, force=force or None)
    if target.as_json:
        put_json(attrs.asdict(made))
        return
    say(made.auth_token)
    if sys.stdout is not None and sys.stdout.isatty():
        warn(f"This is an auth token: whoever has it can log in as {made.uid}.")


@token.command("list")
@click.argument("uid")
@click.option("--reveal", is_flag=True, help="Show whole tokens, which log in whoever has them.")
@service_options(KEY)
def list_tokens(target: Target, uid: str, reveal: bool) -> None:
    """List a user's auth tokens, shortened.

    With --json it is one object on each line; "shortened" says whether its token is.
    """
    found = begun(server(target).list_auth_tokens(uid))
    if target.as_json:
        for each in found:
            put_json(_document(each, reveal))
        return
    columns = ["Token", "Created", "Platform", "User agent"]
    rows = (
        (
            each.auth_token if reveal else _shortened(each.auth_token),
            moment(each.created_at),
            each.platform,
            each.user_agent,
        )
        for each in found
    )
    if not table(columns, rows):
        click.echo("The user has no auth token.", err=True)


@token.command()
@click.argument("uid")
@click.argument("auth_token", metavar="[TOKEN]", required=False)
@click.option(
    "--token-stdin",
    is_flag=True,
    help="Read the token from standard input; at a terminal, ask for it without echo.",
)
@service_options(KEY)
def delete(target: Target, uid: str, auth_token: str | None, token_stdin: bool) -> None:
    """Delete an auth token: the device that uses it is logged out.

    A terminal asks for the token without echo. Given as TOKEN, every user of this machine can
    read it in the list of processes.
    """
    given = _given(target, auth_token, token_stdin)
    del auth_token
    if _SHORTENED.fullmatch(given):
        raise Failure(
            "This is the shortened form. Give the whole token; token list --reveal shows it.",
            WRONG_USE,
        )
    server(target).delete_auth_token(uid, given)
    if target.as_json:
        put_json({"uid": uid, "deleted": True})
    else:
        say(f"Deleted the auth token of {uid}.")


@token.command()
@click.argument("uid")
@service_options(KEY)
def flush(target: Target, uid: str) -> None:
    """Delete all auth tokens of a user: every device is logged out."""
    server(target).flush_auth_tokens(uid)
    if target.as_json:
        put_json({"uid": uid, "deleted": True})
    else:
        say(f"Deleted all auth tokens of {uid}.")


def _given(target: Target, auth_token: str | None, token_stdin: bool) -> str:
    """Return the token, from wherever it was given.

    Raises:
        Failure: If there is none.
        click.UsageError: If it was given twice, or has no place on standard input.
    """
    if auth_token is not None:
        if token_stdin:
            raise click.UsageError("TOKEN and --token-stdin exclude each other.")
        if not target.is_on_this_machine:
            warn(
                "TOKEN shows the secret to every user of this machine in the list of processes; "
                "--token-stdin does not."
            )
        return auth_token
    if token_stdin:
        if stdin_was_the_key(target):
            raise click.UsageError("Standard input can hold one secret only.")
        return secret_from_stdin("auth token")
    given = hidden("auth token") if at_terminal() else ""
    if not given:
        raise Failure("The auth token is missing: give --token-stdin.", WRONG_USE)
    return given


def _document(each: AuthToken, reveal: bool) -> dict[str, Any]:
    shown = each.auth_token if reveal else _shortened(each.auth_token)
    return {**attrs.asdict(each), "auth_token": shown, "shortened": not reveal}


def _shortened(auth_token: str) -> str:
    if len(auth_token) <= 4 * _ENDS:
        return _GAP  # too little would be left out
    return f"{auth_token[:_ENDS]}{_GAP}{auth_token[-_ENDS:]}"
