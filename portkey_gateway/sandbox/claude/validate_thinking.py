"""The rules of extended thinking: its settings, what it excludes, and blocks that must be Claude's own.

Source: Anthropic's documentation, "Extended thinking" and "Adaptive thinking".
"""

from typing import Final

from portkey_gateway.sandbox.claude.betas import THINKING_UPDATES, Betas
from portkey_gateway.sandbox.claude.blocks import Turn, Wire, message_blocks, turns_of
from portkey_gateway.sandbox.claude.errors import invalid
from portkey_gateway.sandbox.claude.models import thinks_adaptively, thinks_always, thinks_by_budget
from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed
from portkey_gateway.sandbox.claude.validate_messages import is_paused

_MIN_BUDGET_TOKENS: Final = 1024
_MIN_TOP_P: Final = 0.95
_DOCUMENTATION: Final = (
    "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
)


def validate_thinking(body: Wire, betas: Betas) -> None:
    """Check the thinking parameter and the thinking blocks of the messages.

    Raises:
        ClaudeError: A rule is broken. Signatures are checked with thinking off, too.
    """
    _check_signatures(body["messages"])
    thinking: Wire = body.get("thinking", {"type": "unset"})
    kind = thinking["type"]
    if thinking.get("display") == "updates" and THINKING_UPDATES not in betas:
        raise invalid(f"thinking.{kind}.display: Input should be 'summarized' or 'omitted'")
    if kind == "disabled" and thinks_always(body["model"]):
        raise invalid(
            '"thinking.type.disabled" is not supported for this model. Omit `thinking` to use adaptive thinking.'
        )
    if kind == "enabled":
        _check_budget(thinking["budget_tokens"], body)
        _check_start(turns_of(body["messages"]))
    if kind == "adaptive" and not thinks_adaptively(body["model"]):
        raise invalid("adaptive thinking is not supported on this model")
    if kind in ("enabled", "adaptive"):
        _check_companions(body)


def _check_signatures(messages: list[Wire]) -> None:
    for located in message_blocks(messages):
        block = located.block
        if located.type == "thinking" and not is_genuine(block["thinking"], block["signature"]):
            raise invalid(f"{located.path}: Invalid `signature` in `thinking` block")
        if located.type == "redacted_thinking" and not is_sealed(block["data"]):
            raise invalid(f"{located.path}: Invalid `data` in `redacted_thinking` block")


def _check_budget(budget_tokens: int, body: Wire) -> None:
    if not thinks_by_budget(body["model"]):
        raise invalid(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
    if budget_tokens < _MIN_BUDGET_TOKENS:
        raise invalid(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_MIN_BUDGET_TOKENS}")
    # A request that only counts tokens has no max_tokens.
    if budget_tokens >= body.get("max_tokens", budget_tokens + 1):
        raise invalid(f"`max_tokens` must be greater than `thinking.budget_tokens`. {_DOCUMENTATION}")


def _check_companions(body: Wire) -> None:
    """Check the parameters that thinking excludes or narrows."""
    if body.get("temperature", 1) != 1:
        raise invalid(
            f"`temperature` may only be set to 1 when thinking is enabled or in adaptive mode. {_DOCUMENTATION}"
        )
    if "top_k" in body:
        raise invalid(f"`top_k` must be unset when thinking is enabled or in adaptive mode. {_DOCUMENTATION}")
    if body.get("top_p", 1) < _MIN_TOP_P:
        raise invalid(
            f"`top_p` must be greater than or equal to {_MIN_TOP_P} or unset when thinking is enabled "
            f"or in adaptive mode. {_DOCUMENTATION}"
        )
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    last = body["messages"][-1]
    if last["role"] == "assistant" and last["content"] and not is_paused(last["content"]):
        raise invalid(f"Prefilling the assistant's message is not supported when thinking is enabled. {_DOCUMENTATION}")


def _check_start(turns: list[Turn]) -> None:
    """Check that Claude's turn began with thinking, if it still runs: if its last tool results come with this request.

    Tool uses and their results are one turn of Claude's, and only its beginning must hold the thinking.
    """
    start: Turn | None = None
    for turn, answer in zip(reversed(turns[:-1]), reversed(turns[1:]), strict=True):
        if turn.role == "user":
            continue
        if all(located.type != "tool_result" for located in answer.blocks):
            break
        start = turn
    if start is None or start.blocks[0].type in ("thinking", "redacted_thinking"):
        return
    first = start.blocks[0]
    raise invalid(
        f"{first.path}.type: Expected `thinking` or `redacted_thinking`, but found `{first.type}`. When `thinking` is "
        "enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
        "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid "
        f"this requirement, disable `thinking`. {_DOCUMENTATION}"
    )
