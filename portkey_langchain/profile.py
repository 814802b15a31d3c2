"""LangChain's model profile, by which its middleware and ``trim_messages`` know how much a model takes: pure."""

from __future__ import annotations

from typing import Any, Final, cast

from langchain_core.language_models.model_profile import ModelProfile

from portkey_gateway.models.claude import takes_system_amid
from portkey_gateway.models.facts import ModelFacts

_FIELDS: Final = {
    "max_output_tokens": "max_output_tokens",
    "image_inputs": "takes_images",
    "pdf_inputs": "takes_pdfs",
    "audio_inputs": "takes_audio",
    "video_inputs": "takes_video",
    "tool_calling": "calls_tools",
    "tool_choice": "takes_forced_choice",
    "structured_output": "takes_schemas",
    "reasoning_output": "thinks",
    "temperature": "takes_temperature",
}
# What every Claude takes and gives through the gateway, whatever its name tells (Anthropic, "Models overview").
_OF_CLAUDE: Final = {
    "image_inputs": True,
    "image_url_inputs": True,
    "pdf_inputs": True,
    "audio_inputs": False,
    "video_inputs": False,
    "image_tool_message": True,
    "pdf_tool_message": True,
    "tool_calling": True,
    "tool_choice": True,
    "tool_call_streaming": True,
    "structured_output": True,
}


def model_profile(facts: ModelFacts, model: str) -> ModelProfile | None:
    """Return what is known of a model under LangChain's names; ``None`` if nothing is.

    The most that a Claude of unknown window takes is said to be what every Claude does; of other models a limit that is
    not known is left out.

    Args:
        facts: of the model.
        model: its name.
    """
    told = {name: value for name, field in _FIELDS.items() if (value := getattr(facts, field)) is not None}
    if limit := facts.max_input_tokens or (facts.family == "claude" and facts.input_limit):
        told["max_input_tokens"] = limit
    if facts.effort_levels:
        told["reasoning_effort_levels"] = list(facts.effort_levels)
    if facts.family == "claude":
        # Agents go by it to ask with a form of the answer, of which we make a tool where a Claude binds to none: unlike
        # LangChain's own such tool that does while it thinks, too.
        told = {**_OF_CLAUDE, **told, "structured_output": True}
        told["mid_conversation_system_messages"] = takes_system_amid(model)
    if not told:
        return None
    return cast("ModelProfile", cast("dict[str, Any]", {"text_inputs": True, "text_outputs": True, **told}))
