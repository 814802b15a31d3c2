"""Portkey's services as a server before the gateway."""

from collections.abc import Mapping
from typing import Any

from portkey_gateway.sandbox.control_plane.app import Behind, ControlPlaneState, build_app
from portkey_gateway.sandbox.serving.server import EmulatedServer


class ControlPlane(EmulatedServer):
    """The prompt library and feedback; whatever else is asked goes on to the gateway.

    Args:
        behind: The prompts, the gateway and the providers.
        port: The port to listen on; 0 takes a free one.
    """

    name = "Portkey"

    def __init__(self, behind: Behind, port: int = 0) -> None:
        self._kept = ControlPlaneState()
        super().__init__(build_app(self._kept, behind), self._kept, port=port, host="127.0.0.1")

    @property
    def feedback(self) -> list[Mapping[str, Any]]:
        """What was rated, oldest first."""
        return list(self._kept.feedback)
