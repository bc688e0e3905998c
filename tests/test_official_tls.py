"""Promise E1 over HTTPS: official SDKs at the addresses that they make themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometchat_auth.emulator import Emulator
from tests import official_sdk
from tests.official_sdk import PREVIOUS_SDK, SDK, OfficialSdk, OfficialSdkError
from tests.real_parts import require


@pytest.mark.parametrize("package", [SDK, PREVIOUS_SDK])
def test_e1_over_tls(package: str, tmp_path: Path) -> None:
    """Told the emulator's host and trusting its authority, an official SDK works over HTTPS."""
    require(official_sdk.available())
    with Emulator(tls=True, host="localhost") as service:
        ca = tmp_path / "ca.pem"
        service.write_ca(ca)
        host = f"localhost:{service.url.rpartition(':')[2]}"
        with OfficialSdk(package, ca=ca) as sdk:
            sdk.init(service.app_id, f"https://{host}", f"{host}/v3.0")
            sdk.create_user({"uid": "user1", "name": "Kevin"}, service.auth_key)
            token = sdk.login("user1", service.auth_key)["authToken"]
            assert service.auth_tokens("user1") == [token]
            sdk.restart()
            assert sdk.update_current_user_details({"name": "Kev"})["name"] == "Kev"
            sdk.logout()
            assert service.auth_tokens("user1") == []
            assert sdk.blocked() == []
        assert {entry.status for entry in service.requests} == {200}


def test_e1_over_tls_with_an_unknown_authority() -> None:
    """Where Node does not trust the authority, a login fails, and nothing reaches the emulator."""
    require(official_sdk.available())
    with Emulator(tls=True, host="localhost") as service, OfficialSdk() as sdk:
        host = f"localhost:{service.url.rpartition(':')[2]}"
        sdk.init(service.app_id, f"https://{host}", f"{host}/v3.0")
        with pytest.raises(OfficialSdkError) as caught:
            sdk.login("cometchat-uid-1", service.auth_key)
        assert caught.value.code == "FAILED_TO_FETCH"
        assert len(service.requests) == 0
