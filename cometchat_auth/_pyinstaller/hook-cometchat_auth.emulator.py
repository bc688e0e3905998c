"""Take along the pages of the dashboard."""  # noqa: N999 - so PyInstaller names them

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("cometchat_auth.emulator")
