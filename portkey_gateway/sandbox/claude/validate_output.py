"""The rules of `output_config`: the effort a model takes, its output's format, a budget for the task.

Source: Anthropic's documentation, "Effort", "Structured outputs" and "Task budgets"; `models` for what depends on the
model; wording as the API's users have published it.
"""

from typing import Final

from portkey_gateway.sandbox.claude.blocks import Wire, message_blocks
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import effort_levels, thinks_always
from portkey_gateway.sandbox.claude.validate_messages import is_paused

_CITABLE: Final = ("document", "search_result")
# Source: Anthropic's documentation, "Task budgets".
_MIN_TASK_BUDGET: Final = 20_000
_BEYOND_NO_THINKING: Final = ("xhigh", "max")


def validate_output(body: Wire) -> None:
    """Check `output_config` and the citations that documents ask for.

    Raises:
        ClaudeError: The model does not take what is asked, or two things are asked that exclude each other.
    """
    config = body.get("output_config") or {}
    if config.get("effort"):
        check_effort(config["effort"], body)
    if (config.get("task_budget") or {}).get("total", _MIN_TASK_BUDGET) < _MIN_TASK_BUDGET:
        raise invalid(f"output_config.task_budget.total: Input should be greater than or equal to {_MIN_TASK_BUDGET}")
    cited = _check_citations(body["messages"])
    if not config.get("format"):
        return
    if cited:
        raise invalid("output_config.format: citations are not supported when an output format is set")
    last = body["messages"][-1]
    if last["role"] == "assistant" and last["content"] and not is_paused(last["content"]):
        raise invalid("output_config.format: assistant message prefill is not supported with an output format")


def check_effort(effort: str, body: Wire) -> None:
    """Check a level of effort against the model and its thinking.

    Raises:
        ClaudeError: The model has no effort, or not this level, or not without thinking.
    """
    levels = effort_levels(body["model"])
    if not levels:
        raise invalid("This model does not support the effort parameter.")
    if effort not in levels:
        raise invalid(
            f"This model does not support effort level '{effort}'. Supported levels: {', '.join(sorted(levels))}."
        )
    disabled = (body.get("thinking") or {}).get("type") == "disabled"
    is_opus_5 = body["model"].startswith("claude-opus-5") and not thinks_always(body["model"])
    if disabled and is_opus_5 and effort in _BEYOND_NO_THINKING:
        raise invalid(
            f"output_config.effort '{effort}' is not supported when thinking is disabled on this model. "
            "Use effort 'high' or below, or enable thinking."
        )


def _check_citations(messages: list[Wire]) -> bool:
    """Check that all documents may be cited, or none, and tell which; the same for search results."""
    cited = False
    for kind in _CITABLE:
        wishes = {
            bool((located.block.get("citations") or {}).get("enabled"))
            for located in message_blocks(messages)
            if located.type == kind
        }
        if len(wishes) > 1:
            raise invalid(f"messages: citations must be enabled for all `{kind}` blocks of a request, or for none")
        cited = cited or True in wishes
    return cited
