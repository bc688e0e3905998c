"""Where the two halves of the service are."""

from __future__ import annotations

from typing import Final

import attrs

from . import _checks
from ._settings import AppSettings

# From the network allow-list in CometChat's documentation.
DOMAINS: Final = ("cometchat.io", "cc-cluster-2.io", "cc-edge-2.io")


@attrs.frozen
class Hosts:
    """Where the two halves of the service are: base URLs without a trailing slash."""

    admin: str
    client: str

    @classmethod
    def of(cls, app_id: str, settings: AppSettings) -> Hosts:
        """Return the configured hosts, or those that follow from app id and region."""
        family = f"{settings.region}.{DOMAINS[0]}/{_checks.API_VERSION}"
        return cls(
            admin=settings.admin_host or f"https://{app_id}.api-{family}",
            client=settings.client_host or f"https://{app_id}.apiclient-{family}",
        )
