"""Which runs of LangChain and LangGraph nobody would name: they are folded into the run around them. Pure.

A root is never folded; that is for whoever asks to know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# ``RunnableSequence``, ``RunnableParallel<a,b>``, ``RunnableLambda``: the names that langchain_core.runnables gives.
_UNNAMED: Final = re.compile(r"Runnable[A-Z]\w*(<.*>)?", re.DOTALL)
# LangGraph's writers and branches, and its graphs that got no name.
_LANGGRAPHS_OWN: Final = frozenset({"ChannelWrite", "ChannelRead", "Branch", "LangGraph", "__start__", "_write"})
_HIDDEN: Final = "langsmith:hidden"
"""The tag of what LangGraph itself thinks nobody wants to see (``langgraph.constants.TAG_HIDDEN``)."""
_KINDS: Final = frozenset({"prompt", "parser"})
# The nodes of ``create_agent`` around a call of the model, and around each call of a tool.
_AGENTS_NODES: Final = frozenset({"model", "tools"})


def is_unnamed(
    name: str, *, run_type: str | None, tags: Sequence[str] | None, metadata: Mapping[str, Any] | None
) -> bool:
    """Whether a chain is one that nobody has named: glue of the framework, prompts, and parsers.

    Args:
        name: of the run.
        run_type: as LangChain tells it of some chains.
        tags: of the run.
        metadata: of the run.
    """
    if _UNNAMED.fullmatch(name) or name in _LANGGRAPHS_OWN or run_type in _KINDS or (tags and _HIDDEN in tags):
        return True
    if name not in _AGENTS_NODES or not metadata:
        return False
    return metadata.get("ls_integration") == "langchain_create_agent" and metadata.get("langgraph_node") == name
