"""Which back end is used: the one that keyring itself would choose, whatever is set up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from . import secret_service
from .real_parts import require
from .secret_service import ROOT, SecretService

_THEIRS = "import keyring; back_end = keyring.get_keyring()"
_OURS = "from cometchat_auth import _keyring_choice; back_end, _ = _keyring_choice.chosen()"
_SHOW = """
import sys
kind = type(back_end)
print(kind.__module__, kind.__qualname__, "keyring.backends.macOS" in sys.modules)
import keyring
assert keyring.get_keyring() is back_end
"""
_SECRET_SERVICE = "keyring.backends.SecretService Keyring"
_NULL = "keyring.backends.null Keyring"
# A back end that another distribution brings, and one that needs D-Bus from Debian.
_PLUGIN = """
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 9
    def get_password(self, service, username): return None
    def set_password(self, service, username, password): pass
    def delete_password(self, service, username): pass
"""


def _closure(*names: str) -> Iterator[Path]:
    """Yield the files and folders of distributions and of what they need."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another system or Python
            continue
        for file in found.files or []:
            top = Path(str(found.locate_file(file.parts[0])))
            if file.parts[0] not in {"..", "__pycache__"}:
                yield top
        for text in found.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with keyring and what it needs, and no back ends of others."""
    folder = tmp_path / "site"
    folder.mkdir()
    for top in {path.name: path for path in _closure("keyring")}.values():
        (folder / top.name).symlink_to(top)
    (folder / "cometchat_auth").symlink_to(ROOT / "cometchat_auth")
    return folder


def _choices(service: SecretService, site: Path, **env: str) -> tuple[str, str]:
    """Return keyring's own choice and this library's, each in a process of its own."""
    service.env.update(env, PYTHONPATH=str(site))
    run: Any = lambda code: service.run([sys.executable, "-S", "-c", code + _SHOW]).stdout.strip()  # noqa: E731
    return run(_THEIRS), run(_OURS)


@pytest.fixture
def service() -> Iterator[SecretService]:
    """Return a real Secret Service."""
    require(secret_service.available())
    with SecretService() as running:
        yield running


def test_b2_the_secret_service_is_foretold(service: SecretService, site: Path) -> None:
    """With nothing else to choose it is keyring's choice, found without the other back ends."""
    assert _choices(service, site) == (f"{_SECRET_SERVICE} True", f"{_SECRET_SERVICE} False")


def test_b2_without_a_bus_it_is_left_to_keyring(service: SecretService, site: Path) -> None:
    """Where the Secret Service cannot be used, keyring says what can."""
    theirs, ours = _choices(service, site, DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere")
    assert theirs == ours == "keyring.backends.fail Keyring True"


def test_b2_the_environment_is_honoured(service: SecretService, site: Path) -> None:
    """A back end named in the environment is used."""
    theirs, ours = _choices(service, site, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
    assert (theirs, ours) == (f"{_NULL} False", f"{_NULL} True")


def test_b2_the_configuration_file_is_honoured(service: SecretService, site: Path) -> None:
    """A back end named in keyring's configuration file is used."""
    file = Path(service.env["XDG_CONFIG_HOME"]) / "python_keyring" / "keyringrc.cfg"
    file.parent.mkdir(parents=True)
    file.write_text("[backend]\ndefault-keyring=keyring.backends.null.Keyring\n", "utf-8")
    theirs, ours = _choices(service, site)
    assert (theirs, ours) == (f"{_NULL} False", f"{_NULL} True")


def test_b2_back_ends_of_others_are_honoured(service: SecretService, site: Path) -> None:
    """A back end that another distribution brings is asked too."""
    (site / "plugin.py").write_text(_PLUGIN, "utf-8")
    info = site / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[keyring.backends]\nplugin = plugin\n", "utf-8")
    theirs, ours = _choices(service, site)
    assert theirs == ours == "keyring.backends.chainer ChainerBackend True"


@pytest.mark.parametrize("library", ["dbus", "gi"])
def test_b2_other_keyrings_of_linux_are_honoured(
    service: SecretService, site: Path, library: str
) -> None:
    """Where KWallet's or libsecret's library is installed, keyring looks at all of them."""
    (site / f"{library}.py").write_text("raise ImportError\n", "utf-8")
    theirs, ours = _choices(service, site)
    assert theirs == ours == f"{_SECRET_SERVICE} True"


def test_b2_what_the_program_has_chosen_is_honoured(service: SecretService, site: Path) -> None:
    """A back end that the program itself has set is used."""
    service.env["PYTHONPATH"] = str(site)
    chosen = (
        "import keyring; from keyring.backends import null; keyring.set_keyring(null.Keyring())\n"
    )
    done = service.run([sys.executable, "-S", "-c", chosen + _OURS + _SHOW])
    assert done.stdout.strip() == f"{_NULL} True"
