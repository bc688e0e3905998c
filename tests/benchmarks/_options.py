"""What a run is told."""

from __future__ import annotations

import attrs

from ._peers import Peers


@attrs.frozen
class Options:
    """How to measure.

    Attributes:
        rounds: How many turns each way has.
        peers: Who else is measured.
    """

    rounds: int = 20
    peers: Peers = attrs.field(factory=Peers)

    def some(self, share: float) -> int:
        """Return a share of the rounds for what takes long, at least three."""
        return max(3, round(share * self.rounds))
