"""The dashboard's pages about users and their auth tokens."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, request

from . import _errors
from ._dashboard_forms import UserForm
from ._dashboard_site import Answer, Page, Site, show
from ._records import Page as Part
from ._records import Standing, TokenRecord, UserFilter, UserRecord
from ._state import MAX_TOKENS_PER_USER

_USERS_ON_A_PAGE: Final = 25
_MAX_PAGE: Final = 1_000_000_000  # keeps the arithmetic within the database's integers

_STANDINGS: Final = {
    "active": Standing.ACTIVE,
    "deactivated": Standing.DEACTIVATED,
    "any": Standing.ANY,
}


def users(site: Site) -> Answer:
    """Show one page of the users that were searched for."""
    search = request.args.get("search", "").strip()
    chosen = request.args.get("standing", "")
    standing = chosen if chosen in _STANDINGS else "any"
    number = min(max(request.args.get("page", 1, int), 1), _MAX_PAGE)
    wanted = UserFilter(search=search, standing=_STANDINGS[standing])
    found, total = site.state.users(wanted, Part(number, _USERS_ON_A_PAGE))
    return show(
        "users.html",
        users=found,
        total=total,
        search=search,
        standing=standing,
        number=number,
        first=(number - 1) * _USERS_ON_A_PAGE + 1,
        pages=max(1, -(-total // _USERS_ON_A_PAGE)),
    )


def new_user(site: Site) -> Answer:
    """Show the empty form of a new user."""
    return _user_form(site, UserForm.of_request({"role": "default"}))


def create_user(site: Site) -> Answer:
    """Create the user that the form describes, or show what is wrong with it."""
    form = UserForm.of_request(request.form)
    try:
        uid, fields = form.new_user(site.roles)
        made = site.state.create_user(uid, fields)
    except _errors.ServiceError as error:
        return _user_form(site, form, error=error)
    return site.go("user", f"The user {made.uid} was created.", uid=made.uid)


def user(site: Site, uid: str) -> Answer:
    """Show one user and its auth tokens."""
    found = _find(site, uid)
    return show("user.html", user=found, tokens=list(reversed(_tokens(site, found))))


def edit_user(site: Site, uid: str) -> Answer:
    """Show the form of a user."""
    found = _find_active(site, uid)
    return _user_form(site, UserForm.of_user(found), user=found)


def update_user(site: Site, uid: str) -> Answer:
    """Change what was changed in the form, or show what is wrong with it."""
    found = _find_active(site, uid)
    form = UserForm.of_request(request.form)
    try:
        changes = form.changes(found, site.roles)
        if changes:
            site.state.update_user(found.uid, changes)
    except _errors.ServiceError as error:
        return _user_form(site, form, error=error, user=found)
    done = "was changed" if changes else "is as it was: nothing was changed"
    return site.go("user", f"The user {found.uid} {done}.", uid=found.uid)


def deactivate_user(site: Site, uid: str) -> Answer:
    """Deactivate a user."""
    found = _find_active(site, uid)
    site.state.deactivate_users([found.uid])
    text = f"The user {found.uid} was deactivated, and its auth tokens are dead."
    return site.go("user", text, uid=found.uid)


def reactivate_user(site: Site, uid: str) -> Answer:
    """Make a deactivated user active again."""
    found = _find(site, uid)
    site.state.reactivate_users([found.uid])
    return site.go("user", f"The user {found.uid} is active again.", uid=found.uid)


def ask_delete_user(site: Site, uid: str) -> Answer:
    """Ask whether a user is to be deleted for ever."""
    return show("user_delete.html", user=_find(site, uid))


def delete_user(site: Site, uid: str) -> Answer:
    """Delete a user for ever."""
    found = _find(site, uid)
    site.state.erase_user(found.uid)
    return site.go("users", f"The user {found.uid} was deleted.")


def mint_token(site: Site, uid: str) -> Answer:
    """Make an auth token, which the next page shows in full."""
    minted = site.state.mint(_find_active(site, uid).uid)
    text = "A new auth token was made. Copy it now: later it is masked until you reveal it."
    return site.go("user", text, shown=site.handle(minted.token), uid=minted.uid)


def reveal_token(site: Site, uid: str, handle: str) -> Answer:
    """Show an auth token in full, or give it to the script that copies it."""
    found = _find_token(site, uid, handle)
    return site.reveal(found.token, "user", shown=handle, uid=found.uid)


def revoke_token(site: Site, uid: str, handle: str) -> Answer:
    """End one auth token."""
    found = _find_token(site, uid, handle)
    site.state.delete_token(found.uid, found.token)
    return site.go("user", "The auth token was revoked.", uid=found.uid)


def ask_flush_tokens(site: Site, uid: str) -> Answer:
    """Ask whether all auth tokens of a user are to end."""
    found = _find_active(site, uid)
    return show("user_flush.html", user=found, tokens=_tokens(site, found))


def flush_tokens(site: Site, uid: str) -> Answer:
    """End all auth tokens of a user."""
    found = site.state.flush_tokens(_find_active(site, uid).uid)
    return site.go("user", f"All auth tokens of {found.uid} were revoked.", uid=found.uid)


def _user_form(
    site: Site,
    form: UserForm,
    *,
    error: _errors.ServiceError | None = None,
    user: UserRecord | None = None,
) -> Answer:
    values: dict[str, Any] = {"texts": form.texts, "user": user, "roles": site.roles}
    if error is None:
        return show("user_form.html", wrong={}, **values)
    # What is wrong with no field in particular is wrong with the uid: it is taken.
    found = error.details or {"uid": [error.message]}
    wrong = {name: found[name] for name in form.texts if name in found}
    return show("user_form.html", 400, wrong=wrong, **values)


def _find(site: Site, uid: str) -> UserRecord:
    """Return a user, active or not; without one the answer is a page that says so."""
    wanted = UserFilter(search=uid, search_in=("uid",), standing=Standing.DEACTIVATED)
    try:
        return site.state.user(uid)
    except _errors.ServiceError as error:
        found, _ = site.state.users(wanted, Part(1, _MAX_PAGE))
        same = [user for user in found if user.uid == uid.lower()]
        return same[0] if same else abort(404, error.message)


def _find_active(site: Site, uid: str) -> UserRecord:
    found = _find(site, uid)
    if found.deactivated_at is not None:
        abort(409, f"The user {found.uid} is deactivated: reactivate it first.")
    return found


def _tokens(site: Site, user: UserRecord) -> list[TokenRecord]:
    if user.deactivated_at is not None:
        return []
    return site.state.tokens(user.uid, Part(1, MAX_TOKENS_PER_USER))[0]


def _find_token(site: Site, uid: str, handle: str) -> TokenRecord:
    for token in _tokens(site, _find(site, uid)):
        if site.handle(token.token) == handle:
            return token
    return abort(404, f"The user {uid} has no such auth token any more.")


_USER: Final = "/dashboard/users/<uid>"
_TOKENS: Final = "/dashboard/users/<uid>/tokens"

PAGES: Final = (
    Page("GET", "/dashboard/users", users),
    Page("GET", "/dashboard/new-user", new_user),
    Page("POST", "/dashboard/new-user", create_user),
    Page("GET", _USER, user),
    Page("GET", f"{_USER}/edit", edit_user),
    Page("POST", f"{_USER}/edit", update_user),
    Page("POST", f"{_USER}/deactivate", deactivate_user),
    Page("POST", f"{_USER}/reactivate", reactivate_user),
    Page("GET", f"{_USER}/delete", ask_delete_user),
    Page("POST", f"{_USER}/delete", delete_user),
    Page("POST", _TOKENS, mint_token),
    Page("GET", f"{_TOKENS}/flush", ask_flush_tokens),
    Page("POST", f"{_TOKENS}/flush", flush_tokens),
    Page("POST", f"{_TOKENS}/<handle>/reveal", reveal_token),
    Page("POST", f"{_TOKENS}/<handle>/revoke", revoke_token),
)
