"""The official JavaScript SDKs, run by Node, as test parts."""

from tests.official_sdk.harness import (
    PREVIOUS_SDK,
    SDK,
    OfficialSdk,
    OfficialSdkError,
    OfficialSdkGone,
    available,
    install,
    node_modules,
)

__all__ = [
    "PREVIOUS_SDK",
    "SDK",
    "OfficialSdk",
    "OfficialSdkError",
    "OfficialSdkGone",
    "available",
    "install",
    "node_modules",
]
