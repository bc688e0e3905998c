"""Promises K: what the package is made of, and where it runs."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import cometchat_auth

from . import packages

ROOT = Path(__file__).parent.parent

_ROAD = """
from cometchat_auth import AppSettings, CometChat, LoginListener, User
from cometchat_auth.emulator import Emulator
with Emulator() as service:
    with CometChat(service.app_id, AppSettings.for_emulator(service.url)) as chat:
        told = []
        chat.add_login_listener("id", LoginListener(login_success=told.append))
        assert chat.get_logged_in_user() is None
        chat.create_user(User("kevin", name="Kevin"), service.auth_key).result()
        user = chat.login("kevin", service.auth_key).result()
        info = chat.session_info()
        assert chat.check_session().result().uid == "kevin"
        assert chat.login(service.create_auth_token("kevin")).result().uid == "kevin"
        chat.logout().result()
        assert chat.get_logged_in_user() is None
    assert [user.uid for user in told] == ["kevin", "kevin"]
"""


def run(code: str, *arguments: str) -> str:
    """Run code in a Python of its own and return what it prints; it must say nothing else."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a source distribution, and a wheel from that; return their folder."""
    return packages.build(tmp_path_factory.mktemp("built") / "tree")


@pytest.fixture(scope="module")
def sdist(built: Path) -> set[str]:
    """Return the names of the files in the source distribution, without its own folder's."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        files = [member.name for member in archive.getmembers() if member.isfile()]
    assert len({name.partition("/")[0] for name in files}) == 1
    return {name.partition("/")[2] for name in files}


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    """Return the wheel, opened."""
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    """Return a file of the wheel's metadata."""
    (member,) = (member for member in wheel.namelist() if member.endswith(f".dist-info/{name}"))
    return wheel.read(member).decode()


@pytest.mark.parametrize(
    "code",
    [
        "import cometchat_auth",
        "from cometchat_auth import AppSettings, CometChat, LoginListener, User",
        "from cometchat_auth import *",
        "from cometchat_auth import AppSettings, CometChat\n"
        "CometChat('app', AppSettings(region='us'))",
    ],
)
def test_k1_importing_imports_neither_keyring_nor_requests(code: str) -> None:
    """Importing the package, and making a client, must load neither of the two."""
    loaded = run(f"{code}\nimport sys\nprint(*sys.modules)").split()
    assert {"keyring", "requests", "urllib3"} & set(loaded) == set()


def test_k3_typed_marker_is_in_wheel_and_sdist(sdist: set[str], wheel: zipfile.ZipFile) -> None:
    """Type checkers must find py.typed in whatever was installed."""
    assert "cometchat_auth/py.typed" in sdist
    assert "cometchat_auth/py.typed" in wheel.namelist()


def test_sdist_holds_what_its_tests_need(built: Path, sdist: set[str]) -> None:
    """Package, tests, documentation and examples must be in it whole, and nothing compiled."""
    tree = built.parent
    copied = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    made = {name for name in copied if name.startswith(("dist/", "cometchat_auth.egg-info/"))}
    assert copied - made - sdist == set()
    added = {name for name in sdist if not name.startswith("cometchat_auth.egg-info/")}
    assert added - copied <= {"PKG-INFO"}


def test_k3_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Every module and all of the dashboard must be in the wheel, and no test or other file."""
    package = Path(cometchat_auth.__file__).parent
    kinds = ("*.py", "emulator/static/*", "emulator/templates/*")
    found = (path for kind in kinds for path in package.rglob(kind))
    sources = {path.relative_to(package.parent).as_posix() for path in found}
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == sources | {"cometchat_auth/py.typed"}


def test_wheel_describes_itself(wheel: zipfile.ZipFile) -> None:
    """Version, Python, command and README must be what the sources say."""
    about = metadata(wheel, "METADATA")
    assert f"\nVersion: {cometchat_auth.__version__}\n" in about
    assert "\nRequires-Python: >=3.10\n" in about
    assert (ROOT / "README.rst").read_text("utf-8").splitlines()[3] in about
    assert "cometchat-auth = cometchat_auth.__main__:main" in metadata(wheel, "entry_points.txt")


def test_wheel_is_for_every_platform(wheel: zipfile.ZipFile) -> None:
    """Nothing in it may have been compiled, and pytest and PyInstaller must find their parts."""
    assert "\nTag: py3-none-any\n" in metadata(wheel, "WHEEL")
    assert wheel.filename is not None
    assert wheel.filename.endswith("-py3-none-any.whl")
    points = metadata(wheel, "entry_points.txt")
    assert "[pytest11]\ncometchat_auth = cometchat_auth._pytest_plugin\n" in points
    assert "[pyinstaller40]\nhook-dirs = cometchat_auth._pyinstaller:hook_dirs\n" in points


def test_wheel_says_what_an_index_shows(wheel: zipfile.ZipFile) -> None:
    """Summary, keywords, licence and classifiers must be there, and the description be whole."""
    about = email.message_from_string(metadata(wheel, "METADATA"))
    for field in ("Summary", "Keywords", "Author", "License-File"):
        assert about[field]
    assert "MIT" in {about["License"], about["License-Expression"]}
    assert "MIT License" in metadata(wheel, "licenses/LICENSE")
    classifiers = set(about.get_all("Classifier", []))
    assert "Typing :: Typed" in classifiers
    pythons = {each.rpartition(" ")[2] for each in classifiers if "Python :: 3." in each}
    assert pythons == {"3.10", "3.11", "3.12", "3.13"}
    assert about["Description-Content-Type"] == "text/x-rst"
    assert str(about.get_payload()).strip() == (ROOT / "README.rst").read_text("utf-8").strip()


def test_an_index_can_render_the_description(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The description must be sound where files and raw HTML may not be included either."""
    about = email.message_from_string(metadata(wheel, "METADATA"))
    (tmp_path / "description.rst").write_text(str(about.get_payload()), "utf-8")
    options = ["--no-raw", "--no-file-insertion", "--halt=info", "--report=info"]
    page = run(
        "import docutils.__main__ as m; m.main()", *options, str(tmp_path / "description.rst")
    )
    assert "<h1" in page


def test_k4_dependencies_have_lower_bounds_only(wheel: zipfile.ZipFile) -> None:
    """No dependency may be capped or pinned, and the plain install needs three."""
    needed = re.findall(r"^Requires-Dist: ([^;\n]+)(.*)$", metadata(wheel, "METADATA"), re.M)
    assert [each for each, _ in needed if re.search(r"<|==|~=", each)] == []
    # A release that is broken may be left out, but only of what the tests alone need.
    excluding = {re.sub(r"\W", "", extra) for each, extra in needed if "!=" in each}
    assert excluding <= {"extraall", "extratest"}
    plain = {re.split(r"\W", each)[0] for each, extra in needed if not extra}
    assert plain == {"attrs", "keyring", "requests"}


def test_k4_all_but_persistence_works_without_keyring() -> None:
    """Where the package keyring is absent the whole road must work, in memory."""
    absent = "import sys\nsys.modules['keyring'] = None"
    assert run(f"{absent}{_ROAD}print(info.persisted, info.reason)") == "False no_keyring\n"


def test_k5_works_without_standard_streams(tmp_path: Path) -> None:
    """A windowed program has no standard streams; the whole road must work there."""
    closed = "import sys\nsys.stdin = sys.stdout = sys.stderr = None"
    saved = "from pathlib import Path\nPath(sys.argv[1]).write_text(user.name)"
    run(f"{closed}{_ROAD}{saved}", str(tmp_path / "name"))
    assert (tmp_path / "name").read_text() == "Kevin"


def test_k5_speaks_through_logging_only() -> None:
    """Nothing may be set up but a NullHandler; what is logged reaches who asks for it."""
    set_up = """
import logging
ours, root = logging.getLogger("cometchat_auth"), logging.getLogger()
assert [type(handler).__name__ for handler in ours.handlers] == ["NullHandler"]
assert (ours.level, ours.propagate, root.handlers) == (logging.NOTSET, True, [])
"""
    asked = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s %(message).35s")
"""
    assert run(_ROAD + set_up) == ""
    warning = "WARNING cometchat_auth The session is kept in memory only.\n"
    assert run(asked + _ROAD) == warning


def test_all_is_complete_and_sorted() -> None:
    """``__all__`` must name what the public modules offer, in order, and all of it must exist."""
    names = cometchat_auth.__all__
    assert names == sorted(names)
    assert dir(cometchat_auth) == names
    for name in names:
        assert getattr(cometchat_auth, name) is not None
    homes = ("_session", "_settings", "client", "errors", "events", "models", "sessions")
    errors = {name for name in names if name.endswith(("Error", "Exception"))}
    assert errors <= set(vars(sys.modules["cometchat_auth.errors"]))
    assert {getattr(cometchat_auth, name).__module__ for name in set(names) - {"__version__"}} <= {
        f"cometchat_auth.{home}" for home in homes
    }


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name must fail as it does in any module."""
    with pytest.raises(AttributeError, match="CometChatt"):
        cometchat_auth.CometChatt  # noqa: B018


def test_the_version_stands_in_one_place() -> None:
    """Only ``_version.py`` may spell the version out; CHANGES.rst begins with it."""
    version = cometchat_auth.__version__
    package = Path(cometchat_auth.__file__).parent
    spelt = [path.name for path in package.rglob("*.py") if f'"{version}"' in path.read_text()]
    assert spelt == ["_version.py"]
    changes = ROOT / "CHANGES.rst"
    if changes.exists():
        first = re.search(r"^(\d+\.\d+\S*) \(", changes.read_text("utf-8"), re.M)
        assert first is not None
        assert first[1] == version
