"""Seeds and exports as files: the JSON that says what apps shall begin with."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

_MODE: Final = 0o600  # an export may hold keys and auth tokens

SeedSource = str | os.PathLike[str] | Mapping[str, Any]


@frozen
class AppSeed:
    """The part of a seed that is about one app.

    Attributes:
        label: The file's name, or another name for where it is from.
        place: Where in the seed it is, with a dot at its end; empty for the whole of it.
        document: The JSON object.
    """

    label: str
    place: str
    document: dict[str, Any] = field(repr=False)


def read_seed(source: SeedSource) -> dict[str | None, AppSeed]:
    """Return the parts of a seed by the ids of their apps; ``None`` where it names no app.

    Args:
        source: A JSON file, or what is in one.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not the JSON of a seed; the error says where.
    """
    if isinstance(source, Mapping):
        label, document = "The seed", _as_json(source, "The seed")
    else:
        label = f"The seed {os.fspath(source)}"
        document = _load(Path(source), label)
    if not isinstance(document, dict):
        raise ValueError(f'{label} is not a JSON object: it begins with {{"users": [...]}}.')
    if "apps" not in document:
        return {None: AppSeed(label, "", document)}
    apps = document["apps"]
    if len(document) > 1 or not isinstance(apps, dict) or not apps:
        raise ValueError(f'{label} has "apps", which must be its only field, an object of apps.')
    return {app_id: AppSeed(label, f"apps.{app_id}.", part) for app_id, part in apps.items()}


def write_export(path: Path, document: dict[str, Any]) -> None:
    """Write an export to a file, whole or not at all, that only its owner can read.

    Raises:
        OSError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with _file_beside(path) as new:
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def check_export(path: Path) -> None:
    """Find out whether an export can be written to a file, without touching it.

    Raises:
        OSError: It cannot be.
    """
    with _file_beside(path):
        pass


@contextmanager
def _file_beside(path: Path) -> Iterator[Path]:
    """Make a file beside another, which only its owner can read, and remove it in the end.

    Raises:
        OSError: Something cannot be done; it names the other file, the one that people know.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, _MODE))
        yield new
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        new.unlink(missing_ok=True)


def _load(path: Path, label: str) -> Any:
    try:
        return _as_json(json.loads(path.read_text("utf-8-sig")), label)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{label} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"{label} is not encoded in UTF-8.") from None
    except RecursionError:
        raise ValueError(f"{label} is JSON nested too deeply.") from None


def _as_json(value: Any, label: str) -> Any:
    """Return a copy of what JSON can hold.

    Raises:
        ValueError: It holds something else.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # a lone surrogate is valid JSON but no text
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{label} holds what JSON cannot hold: {error}.") from None
