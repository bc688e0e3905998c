"""Named profiles: an INI file of the user's own, which this library only ever reads."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import attrs

from ._exits import WRONG_USE, Failure, sentence

VARIABLE: Final = "COMETCHAT_CONFIG"
DEFAULT: Final = "default"  # the profile that is used when none is named, if it is there

_FOLDER: Final = "cometchat-auth"
_FILE: Final = "config.ini"


@attrs.frozen
class Profiles:
    """The profiles of one file.

    Attributes:
        path: The file, whether it exists or not.
        sections: Profile -> key -> value; credentials among them, hence never shown.
        lines: (profile, key) -> number of its line.
    """

    path: Path
    sections: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict, repr=False)
    lines: Mapping[tuple[str, str], int] = attrs.field(factory=dict)

    def values(self, name: str | None, keys: Collection[str]) -> Mapping[str, str]:
        """Return what a profile says; nothing for the default one if it is not there.

        Args:
            name: Its name, or ``None`` for the default one.
            keys: Those that a profile may have.

        Raises:
            Failure: If there is no such profile, or it has an unknown key.
        """
        wanted = name or DEFAULT
        if wanted not in self.sections and wanted != DEFAULT:
            known = ", ".join(sorted(self.sections)) or "none"
            raise _wrong(f"There is no profile {wanted!r} in {self.path}; it has: {known}.")
        values = self.sections.get(wanted, {})
        for key in values:
            if key not in keys:
                line = self.lines.get((wanted, key))
                where = f"{self.path}, line {line}" if line else str(self.path)
                known = ", ".join(keys)
                raise _wrong(f"{where}: profiles have no key {key!r}; the keys are: {known}.")
        return {key: value for key, value in values.items() if value}


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the profiles are, or would be."""
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    import platformdirs

    return Path(platformdirs.user_config_dir(_FOLDER, appauthor=False)) / _FILE


def read(environ: Mapping[str, str], secret_keys: Collection[str]) -> Profiles:
    """Read the profiles; there are none where there is no file.

    Args:
        environ: The environment, which may name another file than the usual one.
        secret_keys: Keys whose values nobody else may read.

    Raises:
        Failure: If the file cannot be read or understood, if it holds a key and other users may
            read it, or if the environment names one that is not there.
    """
    path = config_path(environ)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().decode("utf-8-sig")
    except FileNotFoundError:
        if environ.get(VARIABLE):
            raise _wrong(f"{VARIABLE} names {path}, which does not exist.") from None
        return Profiles(path)
    except UnicodeDecodeError:
        raise _wrong(f"{path} cannot be read: it is not UTF-8 text.") from None
    except OSError as error:
        raise _wrong(f"The profiles cannot be read: {sentence(error)}.") from None
    sections = _parsed(path, text)
    if any(section.get(key) for section in sections.values() for key in secret_keys):
        _require_private(path, mode)
    return Profiles(path, sections, _lines(text))


def _parsed(path: Path, text: str) -> dict[str, dict[str, str]]:
    # No section is special to us, and a percent sign in a value is only that.
    parser = configparser.RawConfigParser(delimiters=("=",), default_section="")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # The parser's own text quotes the line, in which a key may stand.
        raise _wrong(f"{path}{_place(error)}: {_problem(error)}.") from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _place(error: configparser.Error) -> str:
    errors = getattr(error, "errors", None)  # of lines that are nothing, with their numbers
    line = errors[0][0] if errors else getattr(error, "lineno", None)
    return f", line {line}" if line else ""


def _problem(error: configparser.Error) -> str:
    if isinstance(error, configparser.MissingSectionHeaderError):
        return "a profile begins with its name in brackets, e.g. [work]"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"the profile {error.section!r} is there twice"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"the key {error.option!r} is there twice"
    return "this is neither '[profile]' nor 'key = value'"


def _require_private(path: Path, mode: int) -> None:
    """Refuse a file with a key in it that others may read; Windows has no such modes."""
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _wrong(
            f"{path} holds a key, and other users may read or write it. "
            f"Make it yours alone: chmod 600 {shlex.quote(str(path))}"
        )


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return where the keys stand: the parser does not say."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(r"\[(.+)\]", line.strip()):
            section = heading[1]
        elif "=" in line:
            found.setdefault((section, line.partition("=")[0].strip().lower()), number)
    return found


def _wrong(message: str) -> Failure:
    return Failure(message, WRONG_USE)
