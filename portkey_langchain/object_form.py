"""How a chain that answers with objects asks for them, and what one call of it makes of that.

Read with every model; the chains themselves (``portkey_langchain.structured``) are read where one is built.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.runnables import Runnable

Method = Literal["function_calling", "json_schema", "json_mode"]
Schema = dict[str, Any] | type
Structured = Runnable[LanguageModelInput, Any]

UNFORCED_FORM: Final = "unforced_form"
"""Among the parameters of a chain that forces a tool: the ``response_format`` that takes its place where it cannot."""
OBJECT_ALONE: Final = "object_alone"
"""Among the parameters of a chain that offers no tools: nothing but an object is wanted, whatever tools a model or a
prompt has of its own."""
MARKS: Final = frozenset({UNFORCED_FORM, OBJECT_ALONE})
_OF_TOOLS: Final = frozenset({"tools", "tool_choice"})


def take_form(parameters: dict[str, Any], *, may_force: bool, has_tools: bool) -> dict[str, Any]:
    """Ask one call of a structured chain for the form of its answer, if its tool cannot be forced after all.

    Where an object is all that is wanted, tools that the model or the prompt has of its own may not be called. They
    stay in the request: an earlier call of theirs may stand in the conversation.

    Args:
        parameters: those of the call, which may be told what the chain was not when it was built, such as ``thinking``.
        may_force: whether a ``tool_choice`` makes the model of this call use the tool.
        has_tools: whether the model or the prompt has tools of its own, which the call does not name.
    """
    asked = {name: value for name, value in parameters.items() if name not in MARKS}
    is_alone = OBJECT_ALONE in parameters
    if UNFORCED_FORM in parameters and not may_force:
        is_alone = True
        rest = {name: value for name, value in asked.items() if name not in _OF_TOOLS}
        asked = {**rest, "response_format": parameters[UNFORCED_FORM]}
    return {**asked, "tool_choice": "none"} if is_alone and (has_tools or asked.get("tools")) else asked
