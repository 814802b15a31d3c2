"""What an API format cannot carry, as data: each format has one table, which its encoder goes by and the docs show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from portkey_gateway.routing import Gateway

COLUMNS: Final[dict[Gateway, str]] = {
    "oss-1": "open source 1.15.2",
    "oss-2": "open source, branch 2.0.0",
    "hosted": "hosted",
}
"""The gateways in the order of the tables' columns."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that can be said in a request, but does not reach a Claude as it was said."""

    what: str
    instead: str
    """What becomes of it: said otherwise, left out with a warning, or refused with an error."""
    remedy: str = ""
    """What the user can do; the end of the warning."""
    carried_by: Mapping[Gateway, str] | None = None
    """Gateways that do carry it, and since when."""

    def is_carried(self, gateway: Gateway) -> bool:
        """Tell whether this gateway carries it as it was said."""
        return gateway in (self.carried_by or {})


def render_table(losses: Mapping[str, Loss]) -> str:
    """Render a table of losses as Markdown, with a column for each gateway."""
    lines = [f"| What is said | {' | '.join(COLUMNS.values())} | Where it is not carried |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    for loss in losses.values():
        cells = [_cell(loss, gateway) for gateway in COLUMNS]
        lines.append(f"| {loss.what} | {' | '.join(cells)} | {loss.instead} |")
    return "\n".join(lines) + "\n"


def _cell(loss: Loss, gateway: Gateway) -> str:
    if not loss.is_carried(gateway):
        return "no"
    since = (loss.carried_by or {})[gateway]
    return f"yes, {since}" if since else "yes"
