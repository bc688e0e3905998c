"""How a record lies in a back end of `keyring`: as one item, or in several small ones.

The Windows Credential Manager takes 2,560 bytes of UTF-16 for an item. A longer record is cut
into parts, each an item with a service name of its own, ``<service name>:part:<a or b>:<n>``.
What stands under the service name itself is the head then: which of the two generations of
parts counts, how many there are, and a digest of the whole.

The head is written last and deleted first. So whatever is interrupted, what the head names is
the old record or the new one, whole, and parts without a head are nobody's: they yield no
record, and the next save or delete finds them by asking for one after the other.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import attrs

from . import _late

# Characters in an item. In UTF-16 that is 2,000 bytes, of the 2,560 that Windows' wincred.h allows
# (CRED_MAX_CREDENTIAL_BLOB_SIZE); outside of ASCII a character may take four of them.
_MOST_ASCII: Final = 1_000
_MOST_OTHER: Final = 500

# An item in several copies is deleted copy by copy; this many at most.
_MOST_COPIES: Final = 10

# Looks at parts that do not fit their head, because another process is writing them just now.
_MOST_LOOKS: Final = 5

# What stands for an item that is there but holds no text.
_NO_TEXT: Final = "\N{REPLACEMENT CHARACTER}"

_HEAD: Final = re.compile(
    r'\{"generation":"([ab])","parts":([0-9]{1,9}),"digest":"([0-9a-f]{32})"\}'
)


class Keeper(Protocol):
    """Keeps records in one back end."""

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record, or anything that is none, or ``None`` if nothing is there."""
        ...

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record in place of an earlier one."""
        ...

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the record and every copy of it; without one do nothing."""
        ...


def keeper(backend: Any) -> Keeper:
    """Return the way in which a back end of `keyring` can keep records."""
    kinds = {kind.__name__ for kind in type(backend).__mro__}
    return InParts(backend) if "WinVaultKeyring" in kinds else InOneItem(backend)


@attrs.frozen
class InOneItem:
    """Keep each record in one item, whatever its size.

    Attributes:
        backend: A ``keyring.backend.KeyringBackend``.
    """

    backend: Any

    def load(self, service_name: str, profile: str) -> str | None:
        """Return what the item holds, which may be anything."""
        try:
            held: str | None = self.backend.get_password(service_name, profile)
        except UnicodeDecodeError:
            return _NO_TEXT
        return held

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Write the item."""
        self.backend.set_password(service_name, profile, record)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove the item until it is gone."""
        for _ in range(_MOST_COPIES):
            if self.load(service_name, profile) is None:
                return
            try:
                self.backend.delete_password(service_name, profile)
            except Exception:
                if self.load(service_name, profile) is not None:
                    raise
                return  # another process was faster


@attrs.frozen
class _Head:
    generation: str
    parts: int
    digest: str

    @classmethod
    def read(cls, text: str | None) -> _Head | None:
        found = _HEAD.fullmatch(text or "")
        return cls(found[1], int(found[2]), found[3]) if found else None

    def __str__(self) -> str:
        return f'{{"generation":"{self.generation}","parts":{self.parts},"digest":"{self.digest}"}}'


class InParts:
    """Keep records longer than an item may be in several items.

    Args:
        backend: A back end with the limits and the habits of keyring's ``WinVaultKeyring``.
    """

    def __init__(self, backend: Any) -> None:
        self._items = InOneItem(backend)

    def load(self, service_name: str, profile: str) -> str | None:
        """Return the record; parts that do not fit together are none, and the head is returned."""
        unfit: str | None = None
        for _ in range(_MOST_LOOKS):
            text = self._items.load(service_name, profile)
            head = _Head.read(text)
            if head is None or text == unfit:
                return text
            record = "".join(self._parts(service_name, profile, head))
            if _digest(record) == head.digest:
                return record
            unfit = text
        return unfit

    def save(self, service_name: str, profile: str, record: str) -> None:
        """Keep the record; the one before it counts until this one is whole."""
        before = _Head.read(self._items.load(service_name, profile))
        generation = "b" if before and before.generation == "a" else "a"
        text = record
        if len(record) > _most(record):
            self._remove_parts(service_name, profile, generation)
            text = self._write_parts(service_name, profile, generation, record)
        self._items.save(service_name, profile, text)
        obsolete = "ab" if text is record else "ab".replace(generation, "")
        # It is saved. What cannot be removed now is removed by the next save or delete.
        with contextlib.suppress(Exception):
            self._remove_older_copy(service_name, profile, keep=text)
            for other in obsolete:
                self._remove_parts(service_name, profile, other)

    def delete(self, service_name: str, profile: str) -> None:
        """Remove head and parts; what refuses to go spares nothing else."""
        _do_all(
            lambda: self._remove_older_copy(service_name, profile),
            lambda: self._items.delete(service_name, profile),
            lambda: self._remove_parts(service_name, profile, "a"),
            lambda: self._remove_parts(service_name, profile, "b"),
        )

    def _remove_older_copy(
        self, service_name: str, profile: str, *, keep: str | None = None
    ) -> None:
        # When an item is written over, keyring leaves the earlier text under a compound name,
        # and deletes that after the item: interrupted between the two, it would bring back the
        # earlier user. The compound name, taken for a service name, leads to the copy alone.
        # If it holds what is to be kept, another profile's save has just moved the item there.
        compound = f"{profile}@{service_name}"
        if self._items.load(compound, profile) not in {None, keep}:
            self._items.delete(compound, profile)

    def _write_parts(self, service_name: str, profile: str, generation: str, record: str) -> str:
        parts = list(_cut(record))
        for number, part in enumerate(parts):
            self._items.save(_part_name(service_name, generation, number), profile, part)
        return str(_Head(generation, len(parts), _digest(record)))

    def _parts(self, service_name: str, profile: str, head: _Head) -> Iterator[str]:
        for number in range(head.parts):
            part = self._items.load(_part_name(service_name, head.generation, number), profile)
            if part is None:
                return
            yield part

    def _remove_parts(self, service_name: str, profile: str, generation: str) -> None:
        """Remove a generation, the last part first: if interrupted, the rest is found again."""
        names: list[str] = []
        while True:
            name = _part_name(service_name, generation, len(names))
            if self._items.load(name, profile) is None:
                break
            names.append(name)
        for name in reversed(names):
            self._items.delete(name, profile)


def _part_name(service_name: str, generation: str, number: int) -> str:
    return f"{service_name}:part:{generation}:{number}"


def _cut(record: str) -> Iterator[str]:
    size = _most(record)
    for start in range(0, len(record), size):
        yield record[start : start + size]


def _most(record: str) -> int:
    return _MOST_ASCII if record.isascii() else _MOST_OTHER


def _digest(record: str) -> str:
    return _late.hashlib.sha256(record.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _do_all(*steps: Callable[[], None]) -> None:
    """Take every step, and raise the first error when all have been taken."""
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
