"""What an import is given, checked before anything of it begins."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from .. import _checks
from ._bulk_tries import Way
from ._outcomes import Given, Progress


def _rows(rows: object) -> Iterator[Given]:
    if not isinstance(rows, (str, bytes, Mapping)):
        try:
            return iter(rows)  # type: ignore[call-overload, no-any-return]
        except TypeError:
            pass
    raise TypeError(f"rows must be an iterable of users or mappings, not {type(rows).__name__}")


def _journal(journal: object) -> str | None:
    if journal is None:
        return None
    path = os.fspath(journal) if isinstance(journal, os.PathLike) else journal
    if not isinstance(path, str):
        raise TypeError(f"journal must be a str or a path, not {type(path).__name__}")
    if "\0" in _checks.text("journal", path):
        raise _checks.invalid("journal", "is no path: it has the character U+0000.")
    return path


def _in_flight(value: object) -> int:
    return _checks.whole_number("in_flight", value, _checks.IN_FLIGHT_LIMIT)


def _per_minute(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"per_minute must be a number, not {type(value).__name__}")
    if not 0 < value < math.inf:  # nan neither
        raise _checks.invalid("per_minute", "must be a finite number of requests above 0.")
    return float(value)


def _patience(value: object) -> float:
    return _checks.seconds("patience", value)


def _callable(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise TypeError(f"{attribute.name} must be callable, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class Plan:
    """The arguments of `_bulk.create`.

    Raises:
        TypeError: If one is not of its type.
        InvalidParameterError: If one cannot be used.
    """

    way: Way
    app_id: str
    host: str
    journal: str | None = attrs.field(converter=_journal)
    in_flight: int = attrs.field(converter=_in_flight)
    per_minute: float | None = attrs.field(converter=_per_minute)
    patience: float = attrs.field(converter=_patience)
    on_progress: Callable[[Progress], object] | None = attrs.field(validator=_callable)
    rows: Iterator[Given] = attrs.field(converter=_rows)
