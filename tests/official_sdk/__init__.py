"""The official JavaScript SDK, run by Node, as a test part."""

from tests.official_sdk.harness import (
    OfficialSdk,
    OfficialSdkError,
    OfficialSdkGone,
    available,
    install,
)

__all__ = ["OfficialSdk", "OfficialSdkError", "OfficialSdkGone", "available", "install"]
