"""Where the processes keep their sessions: a real keyring, or files; made anew when it dies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

from cometchat_auth.emulator import Emulator

from ..secret_service import ROOT, SecretService
from .forks import ForkServer, Run
from .stores import KEYRING

# Seconds in which a keyring that breaks its connections has ended as a process, too.
DYING: Final = 2.0


class Place(Protocol):
    """A place for sessions."""

    name: str
    """What `stores.open_store` calls it."""

    @property
    def env(self) -> dict[str, str]:
        """Return the environment for programs that use it."""
        ...

    def died(self, within: float = 0) -> bool:
        """Return whether it has ended by itself, or does so in so many seconds."""
        ...

    def leftovers(self) -> list[str]:
        """Return the files in the user's folders that are not the place's own."""
        ...


class KeyringPlace:
    """An unlocked Secret Service; to be used in ``with``."""

    name = KEYRING

    def __init__(self) -> None:
        self._service = SecretService()

    def __enter__(self) -> Place:
        self._service.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._service.__exit__(kind, error, traceback)

    @property
    def env(self) -> dict[str, str]:
        """Return the environment for programs that use it."""
        return self._service.env

    def died(self, within: float = 0) -> bool:
        """Return whether the keyring has ended by itself, or does so in so many seconds."""
        return not self._service.alive(within)

    def leftovers(self) -> list[str]:
        """Return the files in the user's folders that are not the keyring's or the bus's own."""
        own = ("data/keyrings/", "run/keyring/", "run/bus")
        return [path for path in files_in(Path(self.env["HOME"])) if not path.startswith(own)]


class FilePlace:
    """Files, and a home folder beside them; to be used in ``with``."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sessions-")
        self._home = Path(self._folder.name) / "home"
        self._records = Path(self._folder.name) / "store"
        self.name = str(self._records)
        self._home.mkdir()
        self._records.mkdir()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *exc: object) -> None:
        self._folder.cleanup()

    @property
    def env(self) -> dict[str, str]:
        """Return the environment for programs that use it."""
        homes = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
        return {
            **dict.fromkeys(homes, str(self._home)),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def died(self, within: float = 0) -> bool:  # noqa: ARG002
        """Return ``False``: files do not end."""
        return False

    def leftovers(self) -> list[str]:
        """Return the files in the home folder."""
        return files_in(self._home)


def files_in(folder: Path) -> list[str]:
    """Return the paths of all files below a folder, as seen from there."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()
    )


class Stage:
    """A place with warm interpreters, and the service; to be used in ``with``.

    Args:
        open_place: Makes a place.
        emulator: The service.
        actors: How many programs are to run at a time.
    """

    def __init__(
        self,
        open_place: Callable[[], AbstractContextManager[Place]],
        emulator: Emulator,
        actors: int = 1,
    ) -> None:
        self._open_place = open_place
        self._emulator = emulator
        self._count = actors
        self._stack = ExitStack()
        self.place: Place
        self.actors: list[ForkServer]

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            self.place = stack.enter_context(self._open_place())
            env = self.place.env
            self.actors = [stack.enter_context(ForkServer(env)) for _ in range(self._count)]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def renew(self) -> None:
        """Make the place anew, which is empty then."""
        self._stack.close()
        self.__enter__()

    def run(self, role: str, actor: int = 0, **options: Any) -> Run:
        """Run a program, and return what it did.

        Args:
            role: Which.
            actor: In which of the warm interpreters.
            **options: What else `ForkServer.run` takes.
        """
        return self.actors[actor].run(
            role=role,
            place=self.place.name,
            url=self._emulator.url,
            app_id=self._emulator.app_id,
            auth_key=self._emulator.auth_key,
            **{"seed": 0, **options},
        )

    def live(self, uid: str, tokens: Callable[[str], str]) -> set[str]:
        """Return what stands for each of a user's live tokens.

        Args:
            uid: The user.
            tokens: Makes it of a token.
        """
        return {tokens(token) for token in self._emulator.auth_tokens(uid)}
