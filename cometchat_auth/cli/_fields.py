"""What options, environment and profiles may say, and what holds if several of them do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from .._secrets import Secret
from ._exits import WRONG_USE, Failure


@attrs.frozen
class Field:
    """A value that an option, the environment or a profile may give, in this order.

    Attributes:
        name: The profile's key; option and variable are made of it.
        metavar: What the help calls the value.
        help: What the help says of it.
        secret: Whether it is a credential.
    """

    name: str
    metavar: str
    help: str
    secret: bool = False

    @property
    def title(self) -> str:
        """Return its name for people, e.g. ``"REST API key"``."""
        return self.name.replace("_", " ").replace("rest api", "REST API")

    @property
    def option(self) -> str:
        """Return the option, e.g. ``--app-id``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Return the environment's variable, e.g. ``COMETCHAT_APP_ID``."""
        return f"COMETCHAT_{self.name.upper()}"


FIELDS: Final = {
    field.name: field
    for field in (
        Field("app_id", "ID", "The app's id from the CometChat dashboard."),
        Field("region", "REGION", "Where the app is: us, eu or in."),
        Field("client_host", "HOST", "Host for logins, of a deployment of your own."),
        Field("admin_host", "HOST", "Host for minting tokens and for users, of such a one."),
        Field("emulator", "URL", "The emulator to use, in place of region and hosts."),
        Field("auth_key", "KEY", "The app's auth key.", secret=True),
        Field("rest_api_key", "KEY", "The app's REST API key.", secret=True),
    )
}
SECRETS: Final = tuple(name for name, field in FIELDS.items() if field.secret)
PROFILE_VARIABLE: Final = "COMETCHAT_PROFILE"

HOSTS: Final = ("client_host", "admin_host")
PLACE: Final = ("region", *HOSTS, "emulator")


@attrs.frozen
class Found:
    """A value that was given somewhere.

    Attributes:
        value: The value; hidden, whichever it is.
        origin: Where, e.g. ``"option --region"`` or ``"profile work"``.
    """

    value: Secret
    origin: str

    @property
    def text(self) -> str:
        """Return the value itself."""
        return self.value.reveal()


Level = Mapping[str, Found]


def missing(name: str) -> Failure:
    """Return the error for a field that nobody gave: it names every way to give it."""
    field = FIELDS[name]
    what = f"{field.title} (or an emulator)" if name == "region" else field.title
    option = f"{field.option}-stdin" if field.secret else field.option
    return Failure(
        f"The {what} is missing: give {option}, set {field.variable}, "
        f"or put {name} into a profile.",
        WRONG_USE,
    )


def merged(levels: Sequence[Level]) -> Level:
    """Return of each field the first that was given, except that a place goes as one.

    A region on the command line is not to be overruled by a host in a profile, nor an emulator
    there by either.

    Args:
        levels: What was given on each level, the nearest first.

    Raises:
        Failure: If one level gives both an emulator and another place.
    """
    values: dict[str, Found] = {}
    settled = False
    for level in levels:
        _require_one_place(level)
        for name, found in level.items():
            if name not in PLACE or not settled:
                values.setdefault(name, found)
        if "emulator" in values and any(host in values for host in HOSTS):
            del values["emulator"]  # on a farther level than the host
        settled = settled or bool(values.keys() & {"region", "emulator"})
        settled = settled or values.keys() >= set(HOSTS)
    return values


def _require_one_place(level: Level) -> None:
    for other in ("region", *HOSTS):
        if "emulator" in level and other in level:
            origins = dict.fromkeys(level[name].origin for name in ("emulator", other))
            raise Failure(
                f"An emulator and a {FIELDS[other].title} exclude each other; both are given: "
                f"{' and '.join(origins)}.",
                WRONG_USE,
            )
