"""The README's table of alternatives: its columns and lines, by which both frameworks' proofs find their cells."""

from __future__ import annotations

from typing import Final, Literal

from tests.docs.blocks import ROOT

Column = Literal["ChatOpenAI", "OpenAILike", "ChatAnthropic", "Anthropic", "ours"]

LINES: Final = {
    "thoughts": "Claude's thoughts come back, with their signatures",
    "citations": "Citations of documents",
    "pdf": "A PDF in the framework's own block",
    "failed_tool": "Claude is told that a tool failed",
    "cached_input": "Input tokens count what came from the prompt cache",
    "error_amid": "A stream with an error in the middle",
    "stream_that_ends": "A stream that just ends",
    "fallback": "Another provider answers when one fails",
    "one_trace": "All calls of a run are one trace at the gateway",
    "labels": "Tags and metadata of a run reach the gateway",
}
"""By the name of what finds it out, in `langchain_alternatives` and `llamaindex_alternatives`, each line."""

_COLUMNS: Final[tuple[Column, ...]] = ("ChatOpenAI", "OpenAILike", "ChatAnthropic", "Anthropic", "ours")


def read_table() -> dict[str, dict[Column, str]]:
    """The cells of the README's table, by line and column."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, table = page.partition("<!-- table: alternatives -->\n")
    _head, _rule, *rows = table.partition("<!-- end of table")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {line: dict(zip(_COLUMNS, said, strict=True)) for line, *said in cells}
