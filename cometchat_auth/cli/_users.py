"""``users``: the app's users, for whoever has the REST API key."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ._admin import KEY, begun, server
from ._import import import_users
from ._options import service_options
from ._output import BATCH, facts, moment, put_json, table, user_document, user_facts
from ._users_change import deactivate, delete, reactivate, update

if TYPE_CHECKING:
    from ..models import User
    from ._target import Target

# What people are shown as a user's status -> what the service is asked for.
_STATUSES: Final = {"online": "available", "offline": "offline"}


@click.group()
def users() -> None:
    """Look after the app's users, with the REST API key."""


@users.command("list")
@click.option("--search", metavar="TEXT", help="Users whose name or uid begins with this.")
@click.option(
    "--search-in",
    type=click.Choice(["name", "uid"]),
    multiple=True,
    help="Where to search; both by default.",
)
@click.option("--status", type=click.Choice(list(_STATUSES)), help="Users of this status.")
@click.option("--role", "roles", metavar="ID", multiple=True, help="May be given several times.")
@click.option("--tag", "tags", metavar="TEXT", multiple=True, help="May be given several times.")
@click.option("--with-tags", is_flag=True, help="Show the users' tags as well.")
@click.option("--deactivated", is_flag=True, help="Deactivated users only.")
@click.option("--with-deactivated", is_flag=True, help="Deactivated users as well.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most so many users.")
@service_options(KEY)
def list_users(
    target: Target, search: str | None, status: str | None, limit: int | None, **asked: Any
) -> None:
    """List users: a table at a terminal, elsewhere a line of TABs and values for each.

    With --json it is one object on each line, with the tags.
    """
    asked["with_tags"] |= target.as_json
    only_deactivated, with_tags = asked.pop("deactivated"), asked["with_tags"]
    if search == "":
        raise click.UsageError("--search needs a text; without it all users are listed.")
    if asked["search_in"] and search is None:
        raise click.UsageError("--search-in goes with --search.")
    if only_deactivated and asked["with_deactivated"]:
        raise click.UsageError("--deactivated and --with-deactivated exclude each other.")
    found = server(target).list_users(
        search_key=search,
        status=None if status is None else _STATUSES[status],  # type: ignore[arg-type]
        only_deactivated=only_deactivated,
        per_page=min(limit or BATCH, BATCH),
        **asked,
    )
    found = begun(itertools.islice(found, limit))
    if target.as_json:
        for user in found:
            put_json(user_document(user))
    else:
        _show(found, with_tags, only_deactivated or asked["with_deactivated"])


@users.command("get")
@click.argument("uid")
@service_options(KEY)
def get(target: Target, uid: str) -> None:
    """Show a user. One who is deactivated is as good as absent."""
    user = server(target).get_user(uid)
    if target.as_json:
        put_json(user_document(user))
    else:
        facts(user_facts(user))


for _command in (update, deactivate, reactivate, delete, import_users):
    users.add_command(_command)


def _show(found: Iterable[User], with_tags: bool, with_deactivated: bool) -> None:
    columns = ["Uid", "Name", "Role", "Status", "Created"]
    columns += ["Tags"] if with_tags else []
    columns += ["Deactivated"] if with_deactivated else []

    def row(user: User) -> Sequence[object]:
        cells: list[object] = [user.uid, user.name, user.role, user.status]
        cells.append(moment(user.created_at))
        cells += [", ".join(user.tags)] if with_tags else []
        return cells + ([moment(user.deactivated_at)] if with_deactivated else [])

    if not table(columns, map(row, found)):
        click.echo("No user was found.", err=True)
