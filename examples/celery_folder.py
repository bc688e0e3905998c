"""Settings for `celery_import.py` without a broker: messages and results are files in a folder.

    export CELERY_CONFIG_MODULE=celery_folder CELERY_FOLDER=/tmp/celery

This is for a try on one machine only: a worker that is killed takes its message with it. In
production set CELERY_BROKER_URL and CELERY_RESULT_BACKEND to the URLs of your broker instead.
"""

from __future__ import annotations

import os
from pathlib import Path

_folder = Path(os.environ["CELERY_FOLDER"]).resolve()
for _name in ("messages", "control", "results"):
    (_folder / _name).mkdir(parents=True, exist_ok=True)

broker_url = "filesystem://"
broker_transport_options = {
    "data_folder_in": str(_folder / "messages"),
    "data_folder_out": str(_folder / "messages"),
    "control_folder": str(_folder / "control"),
    "polling_interval": 0.1,  # seconds
}
result_backend = (_folder / "results").as_uri()
