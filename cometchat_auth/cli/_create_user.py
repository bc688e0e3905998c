"""``create-user``: a new user, with either key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ._options import json_object, service_options
from ._output import facts, put_json, user_document, user_facts
from ._session import opened, result

if TYPE_CHECKING:
    from .. import User
    from ._target import Target


@click.command("create-user")
@click.argument("uid")
@click.option("--name", required=True, help="The name that others see, at most 100 characters.")
@click.option("--avatar", metavar="URL", help="A picture.")
@click.option("--link", metavar="URL", help="A profile page.")
@click.option("--role", metavar="ID", help="A role that exists in the app.")
@click.option("--status-message", metavar="TEXT", help="The user's own words.")
@click.option(
    "--metadata",
    metavar="JSON|@FILE",
    callback=json_object,
    help="An object of at most 5 KB, or the file that holds it.",
)
@click.option("--tag", "tags", metavar="TEXT", multiple=True, help="May be given several times.")
@service_options("auth_key", "rest_api_key")
def create_user(target: Target, **fields: Any) -> None:
    """Create a user. Who is logged in does not change.

    With the auth key, or with the REST API key where there is no other.
    """
    from .. import User

    user = User(**fields).check()
    created = _created(target, user)
    if target.as_json:
        put_json(user_document(created))
    else:
        facts(user_facts(created))


def _created(target: Target, user: User) -> User:
    if target.has("rest_api_key") and not target.has("auth_key"):
        return target.server().create_user(user)
    with opened(target) as chat:
        return result(chat.create_user(user, target.auth_key()))
