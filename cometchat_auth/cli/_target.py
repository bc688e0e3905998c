"""The app that a command talks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from .. import _checks
from . import _profiles
from ._exits import Failure
from ._fields import FIELDS, PLACE, Field, Found, Level, missing

if TYPE_CHECKING:
    from .. import AppSettings, CometChat
    from ..server import CometChatServer


@attrs.frozen
class Target:
    """The app that a command talks to.

    What is missing is an error only once it is asked for. No credential shows in ``repr``.

    Attributes:
        values: Name of the field -> what was given; of several places the first one's.
        profile: The profile's name; sessions of different profiles do not see each other.
        config: The profiles' file.
        timeout: Seconds for each call, or ``None`` for the library's own limit.
        as_json: Whether a program reads the output.
        ask: Asks a person for a field's value without echo; ``None`` if there is no person.
        problem: Why the profile could not be used, where the command goes on nevertheless.
    """

    values: Level
    profile: str
    config: _profiles.Profiles
    timeout: float | None = None
    as_json: bool = False
    ask: Callable[[Field], str | None] | None = attrs.field(default=None, repr=False)
    problem: Failure | None = None

    @property
    def app_id(self) -> str:
        """Return the app's id.

        Raises:
            Failure: If nobody gave one.
        """
        return self._required("app_id").text

    @property
    def settings(self) -> AppSettings:
        """Return how to reach the app.

        Raises:
            Failure: If nobody said where it is.
            InvalidParameterError: If what was said cannot be used.
        """
        from .. import AppSettings

        changes = {} if self.timeout is None else {"timeout": self.timeout}
        where = {name: self.values[name].text for name in PLACE if name in self.values}
        if "emulator" in where:
            return AppSettings.for_emulator(where["emulator"], **changes)
        if not where:
            raise missing("region")
        return AppSettings(
            region=where.get("region"),
            client_host=where.get("client_host"),
            admin_host=where.get("admin_host"),
            **changes,
        )

    @property
    def knows_place(self) -> bool:
        """Return whether anybody said where the app is."""
        return any(name in self.values for name in PLACE)

    @property
    def is_on_this_machine(self) -> bool:
        """Return whether it is an emulator on this machine, whose keys are worth nothing."""
        url = self.values["emulator"].text if "emulator" in self.values else ""
        try:
            return _checks.is_loopback(urlsplit(url).hostname or "")
        except ValueError:
            return False

    def has(self, name: str) -> bool:
        """Return whether a field was given."""
        return name in self.values

    def auth_key(self) -> str:
        """Return the auth key; a person at a terminal is asked for it if nobody gave one.

        Raises:
            Failure: If there is none.
        """
        return self._credential("auth_key")

    def rest_api_key(self) -> str:
        """Return the REST API key, like `auth_key`.

        Raises:
            Failure: If there is none.
        """
        return self._credential("rest_api_key")

    def client(self) -> CometChat:
        """Return a client of the app for this profile's session; to be closed.

        Raises:
            Failure: If something is missing.
            InvalidParameterError: If a value cannot be used.
        """
        from .. import CometChat

        return CometChat(self.app_id, self.settings, profile=self.profile)

    def server(self) -> CometChatServer:
        """Return the server side of the app.

        Raises:
            Failure: If something is missing, the REST API key included.
            InvalidParameterError: If a value cannot be used.
        """
        app_id, settings = self.app_id, self.settings  # before a person is asked for a key
        from ..server import CometChatServer

        return CometChatServer(app_id, settings, self.rest_api_key())

    def _required(self, name: str) -> Found:
        if name not in self.values:
            raise missing(name)
        return self.values[name]

    def _credential(self, name: str) -> str:
        if name in self.values or self.ask is None:
            return self._required(name).text
        given = self.ask(FIELDS[name])
        if not given:
            raise missing(name)
        return given
