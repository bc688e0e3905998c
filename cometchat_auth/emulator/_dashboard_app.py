"""The dashboard's pages about the app as a whole: how to connect, its settings, its data."""

from __future__ import annotations

import json
import shlex
from typing import Final

from flask import abort, request

from ._dashboard_site import Answer, Page, Site, download, pretty, show
from ._records import Page as Part
from ._records import UserFilter

_ANYBODY: Final = "cometchat-uid-1"  # whom examples name while there is no user
_CA_FILE: Final = "cometchat-emulator-ca.pem"

_MASKED: Final = "•" * 12  # of a fixed length: it tells nothing about what it stands for


def app(site: Site) -> Answer:
    """Show what a client needs to connect, with its keys masked."""
    shown = {name: text for name, text in _secrets(site).items() if name == site.note.shown}
    return show(
        "app.html",
        texts={**_secrets(site, masked=True), **shown},
        shown=site.note.shown,
        tls=_speaks_tls(site),
        ca_file=_CA_FILE,
        settings=_settings(site),
    )


def reveal_secret(site: Site, name: str) -> Answer:
    """Show a key, or an example with a key in it, in full; or give it to the script that copies."""
    secrets = _secrets(site)
    if name not in secrets:
        abort(404, f"The app has nothing called {name}.")
    return site.reveal(secrets[name], "app", shown=name)


def ca(site: Site) -> Answer:
    """Return the certificate of the authority that clients have to trust."""
    if not _speaks_tls(site):
        abort(404, "The emulator speaks plain HTTP: there is no certificate to trust.")
    return download(site.emulator.ca_pem, _CA_FILE, "application/x-pem-file")


def data(_site: Site) -> Answer:
    """Show what can be done with everything that the emulator knows."""
    return show("data.html")


def export(site: Site) -> Answer:
    """Return everything that the emulator knows as a file, which can be a seed."""
    with_secrets = bool(request.form.get("secrets"))
    content = json.dumps(site.emulator.export(secrets=with_secrets), ensure_ascii=False, indent=2)
    return download(f"{content}\n", "cometchat-emulator.json", "application/json")


def ask_reset(_site: Site) -> Answer:
    """Ask whether everything is to be as it was when the emulator was made."""
    return show("reset.html")


def reset(site: Site) -> Answer:
    """Make everything as it was when the emulator was made."""
    site.emulator.reset()
    return site.go("data", "Everything is as it was when the emulator was made.")


def _secrets(site: Site, *, masked: bool = False) -> dict[str, str]:
    """Return what the page can show in full, by name; with the keys masked if wished."""
    auth_key = _MASKED if masked else site.app.auth_key
    rest_api_key = _MASKED if masked else site.app.rest_api_key
    return {
        "auth-key": auth_key,
        "rest-api-key": rest_api_key,
        "python": _python(site, auth_key),
        "curl": _curl(site, rest_api_key),
    }


def _settings(site: Site) -> dict[str, str]:
    """Return how the app behaves, in words."""
    service = site.service
    rate = None if service.rate is None else service.rate.look().limit
    words = {
        "Auth key may write users": "no, mint tokens only" if service.strict_auth_key else "yes",
        "Minting without force": (
            "returns the latest token" if service.reuse_auth_tokens else "makes a new token"
        ),
        "Users allowed": "any number" if service.user_quota is None else str(service.user_quota),
        "Requests a minute": "any number" if rate is None else str(rate),
    }
    if service.settings:
        words["Settings for clients"] = pretty(service.settings)
    return words


def _python(site: Site, auth_key: str) -> str:
    """Return a program that logs in."""
    verify = f', verify="{_CA_FILE}"' if _speaks_tls(site) else ""
    found, _ = site.state.users(UserFilter(), Part(1, 1))
    uid = found[0].uid if found else _ANYBODY
    return (
        "from cometchat_auth import AppSettings, CometChat\n\n"
        f'settings = AppSettings.for_emulator("{site.emulator.url}"{verify})\n'
        f"with CometChat({_quoted(site.app.app_id)}, settings) as chat:\n"
        f"    user = chat.login({_quoted(uid)}, {_quoted(auth_key)}).result()\n"
        "    print(user.name)"
    )


def _curl(site: Site, rest_api_key: str) -> str:
    """Return a command that lists the users."""
    trusting = ["--cacert", _CA_FILE] if _speaks_tls(site) else []
    headers = ["-H", f"apikey: {rest_api_key}", "-H", f"appId: {site.app.app_id}"]
    return shlex.join(["curl", *trusting, *headers, f"{site.emulator.url}/v3/users"])


def _quoted(text: str) -> str:
    """Return a text as a string of Python, in the quotes that most programs have."""
    return json.dumps(text, ensure_ascii=False)


def _speaks_tls(site: Site) -> bool:
    return site.emulator.url.startswith("https:")


PAGES: Final = (
    Page("GET", "/dashboard/app", app),
    Page("POST", "/dashboard/app/reveal/<name>", reveal_secret),
    Page("GET", "/dashboard/app/ca.pem", ca),
    Page("GET", "/dashboard/data", data),
    Page("POST", "/dashboard/data/export", export),
    Page("GET", "/dashboard/data/reset", ask_reset),
    Page("POST", "/dashboard/data/reset", reset),
)
