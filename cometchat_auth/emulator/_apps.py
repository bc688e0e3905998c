"""The apps of one emulator: which there are, what each began with, and whose a request is."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from . import _app_rows
from ._app_rows import Owner
from ._database import Database, Tables
from ._plan import Plan, add_roles, harvest, plant
from ._records import AppRecord
from ._seed import Start, make_plan
from ._service import Options, Service, make_service

# What a request's environment has its credentials in, and what finds out whose one is.
BY_KEY: Final = "HTTP_APIKEY"
BY_SESSION: Final = "HTTP_AUTHTOKEN"
_OF: Final = {BY_KEY: _app_rows.of_key, BY_SESSION: _app_rows.of_token}
_FOUND: Final = "cometchat_auth.owners"  # where it has what was found

_APP_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")  # what fits a host's name and a header


@frozen
class Newcomer:
    """An app that shall be there, in a data file already perhaps."""

    app_id: str
    start: Start = field(factory=Start)
    options: Options = field(factory=Options)


class Apps:
    """The apps of one emulator.

    Args:
        database: What they know.
        clock: Returns the unix time in seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        # Both are replaced as a whole, never changed: requests look things up in them meanwhile.
        self._plans: dict[str, Plan] = {}
        self._services: dict[str, Service] = {}
        self._lasting: frozenset[str] | None = None
        with database.reading() as connection:
            kept = _app_rows.list_all(connection)
        self._kept = {record.app_id: record for record in kept}

    @property
    def kept(self) -> tuple[str, ...]:
        """Return the ids of the apps that the data file holds and nobody has named yet."""
        return tuple(self._kept)

    @property
    def first(self) -> Service:
        """Return the app that a request is for if nothing in it says otherwise."""
        return next(iter(self._services.values()))

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all apps, the first one first."""
        return tuple(self._services)

    def get(self, app_id: str) -> Service | None:
        """Return an app, or ``None`` if there is none of that id."""
        return self._services.get(app_id)

    def record(self, app_id: str) -> AppRecord:
        """Return an app's id with the two keys that it began with."""
        return self._plans[app_id].app

    def first_keys(self) -> tuple[str, ...]:
        """Return the keys that the apps began with."""
        records = [plan.app for plan in self._plans.values()]
        return tuple(key for app in records for key in (app.auth_key, app.rest_api_key))

    def owner(self, environ: dict[str, Any], name: str) -> Owner | None:
        """Return the owner of a credential of a request, or ``None``.

        It is looked up once for each request.

        Args:
            environ: What WSGI tells of the request.
            name: `BY_KEY` or `BY_SESSION`.
        """
        found: dict[str, Owner | None] = environ.setdefault(_FOUND, {})
        if name not in found:
            with self._database.reading() as connection:
                found[name] = _OF[name](connection, environ.get(name, "").strip())
        return found[name]

    def whose(self, environ: dict[str, Any]) -> str:
        """Return the id of the app that a request is for, also one that does not exist.

        Args:
            environ: What WSGI tells of the request.
        """
        app_id: str | None = environ.get("HTTP_APPID")
        if app_id is not None:
            return app_id
        for name in _OF:
            if environ.get(name) and (owner := self.owner(environ, name)) is not None:
                return owner.app_id
        return self.first.app_id

    def add(self, newcomers: Iterable[Newcomer]) -> None:
        """Add apps: all of them, or none.

        Those that the data file holds are taken up with what they know, and their seed waits for
        a reset.

        Raises:
            ValueError: An app is there already, or cannot begin with what it shall begin with.
        """
        with self._lock:
            added = {new.app_id: new for new in newcomers}
            for app_id in added:
                self._check_id(app_id)
            self._take_up(added)
            for app_id in added:
                self._kept.pop(app_id, None)

    def add_kept(self) -> None:
        """Take up whatever else the data file holds; it can still be named afterwards."""
        with self._lock:
            unknown = self._kept.keys() - self._services.keys()
            self._take_up({app_id: Newcomer(app_id) for app_id in self._kept if app_id in unknown})

    def seal(self) -> None:
        """Let the apps there are be those that a reset leaves; the first call counts."""
        with self._lock:
            self._lasting = self._lasting or frozenset(self._services)

    def reset(self) -> None:
        """Let every app begin anew; those added after ``seal()`` are gone."""
        with self._lock:
            services = {
                app_id: service
                for app_id, service in self._services.items()
                if self._lasting is None or app_id in self._lasting
            }
            plans = {app_id: self._plans[app_id] for app_id in services}
            with self._database.transaction() as connection:
                _app_rows.clear(connection)
                for app_id, plan in plans.items():
                    plant(Tables(connection, app_id), plan)
            self._services, self._plans = services, plans
            for service in self._services.values():
                if service.rate is not None:
                    service.rate.reset()

    def harvest(self) -> dict[str, Plan]:
        """Return all that the apps know, as it is at one moment."""
        plans = self._plans
        with self._database.reading() as connection:
            return {
                app_id: harvest(Tables(connection, app_id), plan.app)
                for app_id, plan in plans.items()
            }

    def _check_id(self, app_id: str) -> None:
        if app_id in self._services and app_id not in self._kept:
            raise ValueError(f"There is an app {app_id} already: choose another app_id.")
        if not _APP_ID.fullmatch(app_id):
            raise ValueError(
                "app_id must be 1 to 100 letters, digits, dots, dashes or underscores, not "
                f"{app_id!r}."
            )

    def _take_up(self, added: Mapping[str, Newcomer]) -> None:
        now = int(self._clock())
        starts = {app_id: self._with_kept_keys(new) for app_id, new in added.items()}
        plans = {app_id: make_plan(app_id, start, now) for app_id, start in starts.items()}
        self._plant(plans)
        self._plans = {**self._plans, **plans}
        made = {
            app_id: make_service(self._database.of(app_id), new.options, self._clock)
            for app_id, new in added.items()
        }
        self._services = {**self._services, **made}

    def _with_kept_keys(self, new: Newcomer) -> Start:
        """Return what an app shall begin with; of the data file's, its keys stay."""
        kept, start = self._kept.get(new.app_id), new.start
        if kept is None:
            return start
        given = (start.auth_key or kept.auth_key, start.rest_api_key or kept.rest_api_key)
        if given != (kept.auth_key, kept.rest_api_key):
            raise ValueError(
                f"The data file has other keys for the app {new.app_id}: leave auth_key and "
                "rest_api_key out, or choose another file."
            )
        return evolve(start, auth_key=kept.auth_key, rest_api_key=kept.rest_api_key)

    def _plant(self, plans: Mapping[str, Plan]) -> None:
        """Write what new apps begin with, and the roles that others shall have."""
        app_id = ""
        try:
            with self._database.transaction() as connection:
                for app_id, plan in plans.items():
                    tables = Tables(connection, app_id)
                    if app_id in self._kept:
                        add_roles(tables, plan)
                    else:
                        plant(tables, plan)
        except sqlite3.IntegrityError:
            raise ValueError(
                f"A key or an auth token of the app {app_id} belongs to another app already: "
                "each must be of one app only."
            ) from None
