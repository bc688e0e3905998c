"""``users update``, ``deactivate``, ``reactivate`` and ``delete``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import CometChatException
from ._admin import KEY, server, uids
from ._exits import NOT_THERE, WRONG_USE, Failure
from ._options import json_object, service_options
from ._output import facts, put_json, say, shown, user_document, user_facts
from ._prompts import asked, at_terminal

if TYPE_CHECKING:
    from ._target import Target

_NAMED: Final = 10  # uids in an error's text


@click.command()
@click.argument("uid")
@click.option("--name", help="The name that others see, at most 100 characters.")
@click.option("--avatar", metavar="URL", help="A picture.")
@click.option("--link", metavar="URL", help="A profile page.")
@click.option("--role", metavar="ID", help="A role that exists in the app.")
@click.option("--status-message", metavar="TEXT", help="The user's own words.")
@click.option(
    "--metadata",
    metavar="JSON|@FILE",
    callback=json_object,
    help="An object of at most 5 KB, or the file that holds it; in place of what is there.",
)
@click.option(
    "--tag",
    "tags",
    metavar="TEXT",
    multiple=True,
    help="May be given several times; in place of the tags that are there.",
)
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
@click.option(
    "--unset",
    type=click.Choice(["avatar", "link", "metadata"]),
    multiple=True,
    help="Take this away. May be given several times.",
)
@service_options(KEY)
def update(
    target: Target, uid: str, tags: Sequence[str], no_tags: bool, unset: Any, **fields: Any
) -> None:
    """Change a user; what is not given stays as it is."""
    if no_tags and tags:
        raise click.UsageError("--tag and --no-tags exclude each other.")
    fields["tags"] = list(tags) if tags or no_tags else None
    both = [name for name in unset if fields[name] is not None]
    if both:
        raise click.UsageError(f"--{both[0]} and --unset {both[0]} exclude each other.")
    if not unset and all(value is None for value in fields.values()):
        raise click.UsageError("Nothing to change: give --name or another of the fields.")
    user = server(target).update_user(uid, unset=unset, **fields)
    if target.as_json:
        put_json(user_document(user))
    else:
        facts(user_facts(user))


@click.command()
@click.argument("uid", nargs=-1, required=True)
@service_options(KEY)
def deactivate(target: Target, uid: Sequence[str]) -> None:
    """Deactivate users: they cannot log in, and are as good as absent, until reactivated.

    In place of - the uids are read from standard input.
    """
    words = uids(target, uid)
    _switch(target, words, server(target).deactivate_users, "deactivated")


@click.command()
@click.argument("uid", nargs=-1, required=True)
@service_options(KEY)
def reactivate(target: Target, uid: Sequence[str]) -> None:
    """Let deactivated users in again.

    In place of - the uids are read from standard input.
    """
    words = uids(target, uid)
    _switch(target, words, server(target).reactivate_users, "reactivated")


@click.command()
@click.argument("uid")
@click.option(
    "--permanent",
    is_flag=True,
    help="For good, with all messages and conversations. Without it the user is deactivated.",
)
@click.option("--yes", is_flag=True, help="Do not ask before a permanent deletion.")
@service_options(KEY)
def delete(target: Target, uid: str, permanent: bool, yes: bool) -> None:
    """Deactivate a user, or with --permanent delete one for good."""
    if permanent and not yes:
        _confirm(uid)
    server(target).delete_user(uid, permanent=permanent)
    if target.as_json:
        put_json({"uid": uid, "permanent": permanent})
    elif permanent:
        say(f"Deleted for good: {uid}")
    else:
        say(f"Deactivated: {uid}")


def _switch(
    target: Target, words: list[str], act: Callable[[list[str]], Iterable[str]], what: str
) -> None:
    """Act on users, and say on whom and on whom not, also if it ends half-way."""
    try:
        done = list(act(words))
    except CometChatException as error:
        if error.details.get("done"):
            _say_done(target, error.details["done"], words, what)
        raise
    left = _say_done(target, done, words, what)
    if left:
        named = ", ".join(left[:_NAMED]) + (", ..." if len(left) > _NAMED else "")
        raise Failure(
            f"Not {what}: {named} ({len(left):,} of {len(left) + len(done):,}). "
            f"There is no such user, or nothing was left to do.",
            NOT_THERE,
        )


def _say_done(target: Target, done: Sequence[str], words: list[str], what: str) -> list[str]:
    """Say who was acted on, and return who was not."""
    known = {uid.lower() for uid in done}
    left = [uid for uid in dict.fromkeys(word.lower() for word in words) if uid not in known]
    if target.as_json:
        put_json({what: list(done), f"not_{what}": left})
    else:
        for uid in done:
            say(f"{what.capitalize()}: {uid}")
    return left


def _confirm(uid: str) -> None:
    """Ask for the uid once more.

    Raises:
        Failure: If it is not given, or there is nobody to ask.
    """
    if not at_terminal():
        raise Failure(
            f"Deleting {uid} for good cannot be undone: confirm it with --yes.", WRONG_USE
        )
    text = f"This deletes {uid} for good, with all messages and conversations."
    click.echo(shown(text), err=True)
    if asked("Type the uid to confirm").strip().lower() != uid.lower():
        raise Failure(f"Nothing was deleted: what was typed is not the uid {uid}.")
