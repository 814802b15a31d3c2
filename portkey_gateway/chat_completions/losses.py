"""What chat completions cannot carry to a Claude, by gateway.

Sources: the open-source gateway 1.15.2, tried and read (``providers/anthropic/chatComplete.ts``); its branch 2.0.0,
read; Portkey's enterprise changelog for the hosted gateway.
"""

from __future__ import annotations

from typing import Final

from portkey_gateway.conversation.losses import Loss
from portkey_gateway.routing import Route

_WARNED: Final = "left out, with a warning"
_MESSAGES: Final = "api_format='messages' carries it"
_CLAUDE_HAS_NONE: Final = "Claude has none"
_FOR_MIXED: Final = (
    "the config may send this call to another model, too, and chat completions do not carry it to Claude"
)

BLOCK_LOSSES: Final[dict[str, Loss]] = {
    "ttl": Loss(
        "`ttl` of a cache mark on system, user and tool blocks",
        "an hour becomes five minutes",
        carried_by={"hosted": "since 2.4.4"},
    ),
    "mark_url_image": Loss("a cache mark on an image given by URL", _WARNED, "inline it (inline_images=True)"),
    "mark_document": Loss(
        "a cache mark on a document that is a text or given by URL", _WARNED, "put it on a text block after it"
    ),
    "document_details": Loss("title, context and citations of a document in a user message", _WARNED, _MESSAGES),
    "file_id": Loss(
        "an image or document by the id of an uploaded file",
        "an error",
        f"{_MESSAGES}; or give the data or a URL",
        carried_by={"hosted": "since 2.4.4"},
    ),
    "content_source": Loss("a document whose source is `content`", "an error", _MESSAGES),
    "other_blocks": Loss(
        "other blocks in a user message, such as search results", "an error", f"{_MESSAGES} where it is Claude's"
    ),
    "citable": Loss(
        "what may be cited in a user's message (LlamaIndex's `CitableBlock`)",
        "a text under its title that is not cited, with a warning",
        _MESSAGES,
    ),
    "is_error": Loss("that a tool failed (`is_error`)", "said in words: `Error: …`"),
    "schema": Loss(
        "a tool's schema beside `type`, `properties`, `required` and `$defs`",
        "rewritten where that says the same, else left out with a warning",
        carried_by={},
    ),
    "additional_properties": Loss(
        "`additionalProperties` at the top of a tool's schema", "left out", carried_by={"hosted": "since 2.4.2"}
    ),
    "tool_extras": Loss(
        "`strict`, `eager_input_streaming` of a tool; `defer_loading`, `allowed_callers`, `input_examples` too where "
        "Bedrock or a model of another provider may answer",
        _WARNED,
        _MESSAGES,
    ),
    "caller": Loss("the code of Claude's that called a tool (`caller`)", _WARNED, _MESSAGES),
    "call_places": Loss(
        "the place of a call, or its toolset, among the other blocks of an answer", "it stands behind them"
    ),
    "one_call": Loss("at most one tool call (`parallel_tool_calls=False`)", _WARNED, _MESSAGES),
    "called_arguments": Loss(
        "the arguments of a call that Claude's code made, in a stream",
        "a warning, and the call is no valid one",
        f"{_MESSAGES}; or ask for a whole answer",
        carried_by={},
    ),
    "served_input": Loss(
        "the input tokens of an answer with server tools, in a stream",
        "those from before the tools ran stand there, with a warning",
        f"{_MESSAGES}; or ask for a whole answer",
        carried_by={},
    ),
    "new_kinds": Loss(
        "the kind of a block that is newer than this version, in a stream",
        "a warning, and it is not said again",
        f"{_MESSAGES}; or ask for a whole answer",
        carried_by={},
    ),
    "thinking_tokens": Loss(
        "how many tokens were thought, in usage", "0 stands there", carried_by={"hosted": "since 2.17.0"}
    ),
}
"""What stands inside messages, tools and usage."""

PARAMETER_LOSSES: Final[dict[str, Loss]] = {
    "response_format": Loss(
        "`response_format` with a JSON schema",
        "asked for as a tool by `ChatPortkey`, in words by `Portkey`, else left out with a warning",
        "the answer would be free text: use the framework's structured output, or a tool",
        carried_by={"oss-2": "", "hosted": "since 2.2.2"},
    ),
    "reasoning_effort": Loss(
        "`reasoning_effort`",
        _WARNED,
        f"{_MESSAGES}; or use thinking where the model takes a budget",
        carried_by={"oss-2": "", "hosted": "since 2.2.2"},
    ),
    "output_config": Loss("`output_config`", _WARNED, _MESSAGES, carried_by={"hosted": "since 2.2.2"}),
    "context_management": Loss("`context_management`", _WARNED, _MESSAGES, carried_by={"hosted": "since 2.11.0"}),
    "speed": Loss("`speed`", _WARNED, _MESSAGES, carried_by={"hosted": "since 2.7.0"}),
    "parallel_tool_calls": Loss("`parallel_tool_calls`", _WARNED, _MESSAGES),
    "metadata": Loss("`metadata` of Anthropic's own", _WARNED, "label calls with the model's metadata option"),
    "service_tier": Loss("`service_tier`", _WARNED, _MESSAGES),
    "container": Loss("`container`", _WARNED, _MESSAGES),
    "mcp_servers": Loss("`mcp_servers`", _WARNED, _MESSAGES),
    "seed": Loss("`seed`", _WARNED, _CLAUDE_HAS_NONE),
    "frequency_penalty": Loss("`frequency_penalty`", _WARNED, _CLAUDE_HAS_NONE),
    "presence_penalty": Loss("`presence_penalty`", _WARNED, _CLAUDE_HAS_NONE),
    "logit_bias": Loss("`logit_bias`", _WARNED, _CLAUDE_HAS_NONE),
    "logprobs": Loss("`logprobs`", _WARNED, _CLAUDE_HAS_NONE),
    "n": Loss("`n`", _WARNED, "Claude gives one answer"),
}
"""Parameters of a request."""

LOSSES: Final = {**BLOCK_LOSSES, **PARAMETER_LOSSES}
"""All of them, in the order of the table."""


def remedy(loss: Loss, route: Route) -> str:
    """What the user can do: not change the format where another target of the config knows no other."""
    return _FOR_MIXED if route.is_mixed and _MESSAGES in loss.remedy else loss.remedy
