"""What is in an emulator, as Python programs see it: its apps, its faults, its log."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import evolve

from ._apps import Apps, Newcomer
from ._beginnings import begin, checked_options, checked_start, only_seed
from ._database import Database
from ._direct import App
from ._faults_list import Faults
from ._log import RequestLog
from ._seed import Start
from ._seed_files import SeedSource, read_seed, write_export
from ._service import Options


class Contents(App):
    """What is in an emulator, which is the first of its apps itself.

    Args:
        data: The data file; ``None`` keeps everything in memory.
        clock: Returns the unix time in seconds.
        app_id: The first app's id, or ``None`` for any.
        start: What the first app shall begin with.
        options: How the first app shall behave.
        seed: What all of them shall begin with, or ``None``.

    Raises:
        ValueError: Something cannot be used.
        OSError: The data file or the seed cannot be used.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | None,
        clock: Callable[[], float],
        app_id: str | None,
        start: Start,
        options: Options,
        seed: SeedSource | None,
    ) -> None:
        seeds = {} if seed is None else read_seed(seed)
        self._database = Database(None if data is None else Path(data).absolute())
        weakref.finalize(self, self._database.close)
        try:
            self._apps = Apps(self._database, clock)
            begin(self._apps, app_id, start, options, seeds)
        finally:
            self._database.release()
        super().__init__(self._apps.first, self._apps.record(self._apps.first.app_id))
        self._faults = Faults()
        self._requests = RequestLog()
        self._others = {app_id: self._other(app_id) for app_id in self._apps.ids()[1:]}

    @property
    def faults(self) -> Faults:
        """Return the faults, which say what goes wrong, and with which requests."""
        return self._faults

    @property
    def requests(self) -> RequestLog:
        """Return the log of the last 1,000 requests."""
        return self._requests

    @property
    def apps(self) -> Mapping[str, App]:
        """Return all apps by their ids, the first one, which is the emulator itself, first."""
        return MappingProxyType({self.app_id: self, **self._others})

    def add_app(
        self,
        app_id: str,
        *,
        auth_key: str | None = None,
        rest_api_key: str | None = None,
        roles: Iterable[str] = (),
        seed: SeedSource | None = None,
        **options: Any,
    ) -> App:
        """Add a further app, with users, tokens, keys, roles and limits of its own.

        A request is for the app that its ``appId`` header names; without that header for the app
        that its key or its auth token belongs to.

        Args:
            app_id: The app's id.
            auth_key: Key of the scope ``authOnly``; made up if not given.
            rest_api_key: Key of the scope ``fullAccess``; made up if not given.
            roles: Ids of the roles that users may have, besides ``default``.
            seed: JSON file, or what is in one, of one app.
            **options: ``settings``, ``strict_auth_key``, ``user_quota``, ``requests_per_minute``,
                ``other_rate_limit_headers``, ``reuse_auth_tokens``: as for the emulator.

        Returns:
            The app, with the keys and the methods that the emulator has for its first app.

        Raises:
            ValueError: There is such an app, or it cannot begin with what was given.
            TypeError: There is no such option.
            OSError: The seed or the data file cannot be read.
        """
        checked = checked_options(**options)
        start = checked_start(auth_key, rest_api_key, roles)
        if seed is not None:
            start = evolve(start, seed=only_seed(read_seed(seed), app_id))
        self._apps.add([Newcomer(app_id, start, checked)])
        self._others[app_id] = self._other(app_id)
        return self._others[app_id]

    def reset(self) -> None:
        """Begin anew: all is as it was at the beginning, without faults and with an empty log.

        With a data file it is as if that had been empty, but for the apps and their keys. Apps
        that were added after the first ``start()`` are gone. Limits begin to count anew.

        Raises:
            OSError: Another emulator uses the data file by now.
        """
        self._apps.reset()
        self._others = {
            app_id: app for app_id, app in self._others.items() if self._apps.get(app_id)
        }
        self._faults.clear()
        self._requests.clear()

    def export(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return all that the apps know, in a form that can be the seed of an emulator.

        Args:
            secrets: Whether API keys and auth tokens are in it; if not, keys are made up for the
                new emulator, and nobody is logged in there.
        """
        plans = self._apps.harvest()
        return {"apps": {app_id: plan.to_seed(secrets=secrets) for app_id, plan in plans.items()}}

    def export_to(self, path: str | os.PathLike[str], *, secrets: bool = False) -> None:
        """Write `export` to a JSON file, whole or not at all; nobody else can read it.

        Raises:
            OSError: The file cannot be written.
        """
        write_export(Path(path), self.export(secrets=secrets))

    def _other(self, app_id: str) -> App:
        service = self._apps.get(app_id)
        assert service is not None
        return App(service, self._apps.record(app_id))
