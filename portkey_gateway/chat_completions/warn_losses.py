"""Parameters that the gateway drops on the way to a Claude: each is warned of by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.chat_completions.losses import PARAMETER_LOSSES, remedy
from portkey_gateway.errors import warn
from portkey_gateway.names import meant_option
from portkey_gateway.options import GatewayFields
from portkey_gateway.routing import Route

_PASSED_TO_CLAUDE: Final = frozenset(
    {"model", "messages", "max_tokens", "temperature", "top_p", "top_k", "stop", "stream", "user", "thinking", "tools",
     "tool_choice", "anthropic_beta", "anthropic_version"}
)  # fmt: skip

# Every stream tells its usage.
_ANYWAY: Final = frozenset({"stream_usage"})


def warn_about_losses(body: Mapping[str, Any], route: Route, where: str = "") -> None:
    """Warn of each parameter that does not reach Claude.

    Args:
        body: the parameters.
        route: where the call goes.
        where: what a warning begins with, if the request is not where they are said.

    Warns:
        PortkeyWarning: naming the parameter, and what to do.
    """
    for name in body.keys() - _PASSED_TO_CLAUDE - _ANYWAY:
        loss = PARAMETER_LOSSES.get(name)
        # A gateway that is told to carry a parameter is believed; one that is not known here is warned of.
        if body[name] is not None and not (loss and loss.is_carried(route.gateway)):
            warn(f"{where}{name} does not reach Claude: {remedy(loss, route) if loss else _unknown_remedy(name)}")
    temperature = body.get("temperature")
    if temperature is not None and temperature > 1:
        warn(f"{where}temperature {temperature} is sent to Claude as 1: its range is 0 to 1")


def _unknown_remedy(name: str) -> str:
    if name == "extra_headers":
        return "say default_headers, or betas"
    meant = meant_option(name, [*_PASSED_TO_CLAUDE, *GatewayFields.model_fields])
    return f"did you mean {meant!r}?" if meant else "the gateway leaves out what it does not know"
