"""Take along the commands, each of which is imported when it is run, and what `doctor` looks up."""  # noqa: N999 - so PyInstaller names them

from PyInstaller.utils.hooks import collect_submodules, copy_metadata

from cometchat_auth.cli._doctor import _PACKAGES

datas = [each for package in _PACKAGES for each in copy_metadata(package)]
hiddenimports = collect_submodules("cometchat_auth.cli")
