"""Take along what the package loads when it is first used, and every keyring back end."""  # noqa: N999 - so PyInstaller names them

from PyInstaller.utils.hooks import collect_entry_point, copy_metadata

from cometchat_auth import _HOME

# PyInstaller's own hook takes along the back ends of `keyring`, but not those of other packages.
datas, hiddenimports = collect_entry_point("keyring.backends")
datas += copy_metadata("cometchat-auth")
hiddenimports += sorted(f"cometchat_auth.{module}" for module in {"errors", *_HOME.values()})
