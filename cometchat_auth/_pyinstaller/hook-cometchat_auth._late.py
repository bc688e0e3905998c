"""Take along what is imported when it is first needed."""  # noqa: N999 - so PyInstaller names them

from cometchat_auth._late import _MODULES

hiddenimports = sorted(_MODULES.values())
