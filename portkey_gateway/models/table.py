"""The table of models, ``table.json``: made by ``make models``, read when it is first asked."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypedDict

from portkey_gateway.models.claude import plain_name
from portkey_gateway.models.names import spellings

PATH: Final = Path(__file__).with_name("table.json")


class Row(TypedDict, total=False):
    """What the table says of one model; what is left out is not known. Counts are of tokens."""

    input: int
    """The most of a request; of most models the window itself."""
    window: int
    """Of a request and its answer together, where that is more than ``input``."""
    output: int
    """The most of an answer."""
    dimensions: int
    """Of an embedding model's vectors, where nothing else is asked for."""
    can: str
    """What it takes or does, by the words of ``ABILITIES``."""
    cannot: str
    """What it surely does not."""
    effort: str
    """Its levels of effort, from the least to the most."""


class Table(TypedDict):
    """The whole file."""

    made: str
    """The day on which it was made."""
    sources: list[str]
    """What it was made from, with versions; the first that knows a thing is believed."""
    models: dict[str, Row]


ABILITIES: Final = ("images", "pdfs", "audio", "video", "tools", "choice", "schemas", "thinking", "temperature")
"""Images, PDFs, sound and films in a request; tools, and a choice that may force one; answers bound to a schema;
thinking; a ``temperature``."""


@cache
def read_table() -> Table:
    """Read the table; once in a process."""
    table: Table = json.loads(PATH.read_text(encoding="utf-8"))
    return table


@lru_cache(maxsize=1024)
def find_row(model: str, *, is_claude: bool) -> Row | None:
    """Find what the table says of a model, however its name is written; ``None`` if nothing.

    Args:
        model: its name.
        is_claude: whether it is a Claude, whose names are read by their own rules.
    """
    return find_among(read_table()["models"], model, is_claude=is_claude)


def find_among(rows: dict[str, Row], model: str, *, is_claude: bool) -> Row | None:
    """Find the row of a model in a mapping whose keys are plain names."""
    names = (plain_name(model),) if is_claude else spellings(model)
    if is_claude and not names[0].startswith("claude"):
        return None
    return next((rows[name] for name in names if name in rows), None)
