"""``login``, ``whoami`` and ``logout``: this machine's session, in the keyring."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import click

from ..errors import CometChatException, SessionStoreError
from ._exits import NOT_THERE, WRONG_USE, Failure, exit_code
from ._options import secret_options, service_options, warn_of_secret
from ._output import facts, put_json, say, user_document, user_facts, warn
from ._prompts import asked, secret_from_stdin
from ._reasons import remedy, why

if TYPE_CHECKING:
    from .. import CometChat, SessionInfo, User
    from ._target import Target

T = TypeVar("T")

# Seconds. Windows lets Ctrl-C through between two waits only.
_WAIT: Final = 0.25
# After Ctrl-C nobody is made to wait for what is under way.
_AT_ONCE: Final = 0.001


@click.command()
@click.argument("uid", required=False)
@secret_options("token", "Log in with this auth token, which the app's server has minted.")
@service_options("auth_key")
def login(target: Target, uid: str | None, token: str | None, token_stdin: bool) -> None:
    """Log in with a uid and the auth key, or with an auth token.

    What is missing is asked for if there is a terminal; keys and tokens are not shown there. The
    session is kept in the operating system's keyring, where whoami, logout and every program
    that uses this library with the same app, place and profile find it.

    With the auth key one can log in as anybody: it is for development.
    """
    with opened(target) as chat:
        user = _logged_in(chat, target, uid, token, token_stdin)
        info = chat.session_info()
    if target.as_json:
        put_json(_document(user, info))
    else:
        say(f"Logged in as {_named(user)}.")
    if not info.persisted:
        warn(
            f"The session ends with this command: {why(info.reason)}. {remedy(info.reason)} "
            "cometchat-auth doctor says more."
        )
    elif not target.as_json:
        say(f"The session is kept in {_place(info)}.")


@click.command()
@click.option("--check", is_flag=True, help="Ask the service whether the session is alive.")
@service_options()
def whoami(target: Target, check: bool) -> None:
    """Say who is logged in on this machine.

    Without --check only the keyring is looked at.
    """
    with opened(target) as chat:
        try:
            user = chat.get_logged_in_user()
        except SessionStoreError as error:
            raise Failure(f"Could not look: {why(error.reason)}. {remedy(error.reason)}") from None
        was_there = user is not None
        if check and was_there:
            user = result(chat.check_session())
        info = chat.session_info()
    if target.as_json:
        put_json(_document(user, info))
    if user is None:
        raise Failure(_nobody(info, was_there), NOT_THERE)
    if not target.as_json:
        facts(
            {
                **user_facts(user),
                "Session": f"kept in {_place(info)}",
                "Checked": "the service says it is alive" if info.verified else None,
            }
        )


@click.command()
@service_options()
def logout(target: Target) -> None:
    """Log out: on this machine and on the service.

    It is no failure if nobody was logged in. On this machine nobody is afterwards, whatever the
    service answered; what was not achieved is said.
    """
    with opened(target) as chat:
        try:
            user = chat.get_logged_in_user()
        except SessionStoreError:
            user = None  # the logout tries nevertheless, and says what came of it
        try:
            result(chat.logout())
        except CometChatException as error:
            raise Failure(_not_achieved(error), exit_code(error)) from None
    if target.as_json:
        put_json({"user": None if user is None else user_document(user)})
    else:
        say("Nobody was logged in." if user is None else f"Logged out {_named(user)}.")


@contextmanager
def opened(target: Target) -> Iterator[CometChat]:
    """Make a client, and close it: after Ctrl-C without waiting for what is under way."""
    chat = target.client()
    try:
        yield chat
    except BaseException:
        chat.close(_AT_ONCE)
        raise
    chat.close()


def result(future: Future[T]) -> T:
    """Wait for an outcome; Ctrl-C gets through on every system."""
    while not future.done():
        wait([future], _WAIT)
    return future.result()


def _logged_in(
    chat: CometChat, target: Target, uid: str | None, token: str | None, token_stdin: bool
) -> User:
    if token_stdin and token is not None:
        raise click.UsageError("--token and --token-stdin exclude each other.")
    if uid is not None and (token_stdin or token is not None):
        raise click.UsageError("Give a UID or a token, not both.")
    if token is not None:
        warn_of_secret(target, "--token")
        return result(chat.login(token))
    if token_stdin:
        return result(chat.login(secret_from_stdin("auth token")))
    uid = uid or asked("Uid")
    if not uid:
        raise Failure("Who is to be logged in? Give a UID, or --token-stdin.", WRONG_USE)
    return result(chat.login(uid, target.auth_key()))


def _document(user: User | None, info: SessionInfo) -> dict[str, Any]:
    session = attrs.asdict(info, filter=attrs.filters.exclude("user"))
    return {"user": None if user is None else user_document(user), "session": session}


def _nobody(info: SessionInfo, was_there: bool) -> str:
    if was_there:
        return "Nobody is logged in any more: the service does not know the session."
    if info.reason is not None:
        return f"Nobody is logged in. No session can be kept: {why(info.reason)}."
    return "Nobody is logged in."


def _not_achieved(error: CometChatException) -> str:
    """Return what a logout did not achieve, as far as it outlives this command."""
    missed = error.details.get("not_achieved", ())
    if "store" not in missed:
        return str(error)
    cause = why(error.reason)
    text = f"The session is still stored: {cause}. {remedy(error.reason)} Then log out again."
    if "server" in missed:
        text += " The service did not confirm the logout either."
    return text


def _named(user: User) -> str:
    return f"{user.name} ({user.uid})" if user.name else user.uid


def _place(info: SessionInfo) -> str:
    return f"{info.backend}, item {info.service_name!r}, user name {info.profile!r}"
