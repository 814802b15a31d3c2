"""What the Messages API cannot carry through a gateway, by gateway.

Sources: the open-source gateway 1.15.2, tried and read (``providers/anthropic-base/messages.ts``); its branch 2.0.0,
read; Portkey's enterprise changelog for the hosted gateway.
"""

from __future__ import annotations

from typing import Final

from portkey_gateway.conversation.losses import Loss

_BY_PROXY: Final = "sent to `/proxy/messages` where that is safe (below), else left out with a warning"
_CLAUDE_HAS_NONE: Final = "Claude has none"
_WARNED: Final = "left out, with a warning"

LOSSES: Final[dict[str, Loss]] = {
    "output_config": Loss(
        "`output_config`, also as `response_format` and `reasoning_effort`",
        _BY_PROXY,
        carried_by={"oss-2": "", "hosted": "since 2.2.2"},
    ),
    "context_management": Loss("`context_management`", _BY_PROXY, carried_by={"hosted": "since 2.17.0"}),
    "speed": Loss("`speed`", _BY_PROXY, carried_by={"hosted": "since 2.7.0"}),
    "inference_geo": Loss("`inference_geo`", _BY_PROXY, carried_by={"hosted": "not documented: sent as it is"}),
    "seed": Loss("`seed`", _WARNED, _CLAUDE_HAS_NONE),
    "frequency_penalty": Loss("`frequency_penalty`", _WARNED, _CLAUDE_HAS_NONE),
    "presence_penalty": Loss("`presence_penalty`", _WARNED, _CLAUDE_HAS_NONE),
    "logit_bias": Loss("`logit_bias`", _WARNED, _CLAUDE_HAS_NONE),
    "logprobs": Loss("`logprobs`", _WARNED, _CLAUDE_HAS_NONE),
    "top_logprobs": Loss("`top_logprobs`", _WARNED, _CLAUDE_HAS_NONE),
    "n": Loss("`n`", _WARNED, "Claude gives one answer"),
    "store": Loss("`store`", _WARNED, _CLAUDE_HAS_NONE),
    "verbosity": Loss("`verbosity`", _WARNED, _CLAUDE_HAS_NONE),
    "prediction": Loss("`prediction`", _WARNED, _CLAUDE_HAS_NONE),
    "modalities": Loss("`modalities`", _WARNED, _CLAUDE_HAS_NONE),
    "audio": Loss("`audio`", _WARNED, "Claude speaks in text only"),
    "prompt_cache_key": Loss("`prompt_cache_key`", _WARNED, "mark blocks with cache_control, or use prompt_caching"),
    "safety_identifier": Loss("`safety_identifier`", _WARNED, "label calls with _user of the metadata"),
    "web_search_options": Loss("`web_search_options`", _WARNED, "offer Anthropic's web_search tool"),
    "functions": Loss("`functions`", _WARNED, "use tools"),
    "function_call": Loss("`function_call`", _WARNED, "use tool_choice"),
    "stream_options": Loss("`stream_options`", "left out: every stream tells its usage"),
}
"""Parameters of a request, in the order of the table. What stands in messages, system and tools arrives as it is."""
