"""Betas: what a request must name in its `anthropic-beta` header before it may use it.

What is in beta is read off Anthropic's SDK, version 2.12: it has two sets of request types, and what only the beta set
knows is in beta. What both know is general, though it may have begun as a beta: code execution, web fetch, tool search,
skills, file ids, the memory tool, structured output and effort need no header any more.
Which beta opens what: the descriptions of those types, `anthropic.types.AnthropicBetaParam`, and what
langchain-anthropic 1.7.10 adds by itself (`_TOOL_TYPE_TO_BETA`, `_get_request_payload`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from portkey_gateway.sandbox.claude.errors import invalid

FAST_MODE: Final = "fast-mode-2026-02-01"
THINKING_UPDATES: Final = "thinking-display-updates-2026-08-18"
MCP_TOOLSETS: Final = ("mcp-client-2025-11-20", "mcp-client-2026-09-15")

_MCP: Final = ("mcp-client-2025-04-04", *MCP_TOOLSETS)
_MCP_PINNED: Final = ("mcp-client-2026-09-15",)
_CONTEXT: Final = ("context-management-2025-06-27",)
_COMPACT_EDIT: Final = ("compact-2026-01-12",)
_COMPACT: Final = ("compact-2026-09-04",)
_FALLBACK: Final = ("server-side-fallback-2026-06-01", "server-side-fallback-2026-07-01")
_INLINE: Final = ("inline-tools-2026-09-15",)
_TOOL_CHANGES: Final = ("mid-conversation-tool-changes-2026-07-01", *_INLINE)
_ADVISOR: Final = ("advisor-tool-2026-03-01",)
_COMPUTER_2024: Final = ("computer-use-2024-10-22",)
_BINDING: Final = ("thinking-binding-controls-2026-08-01",)

OPENED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "request.billing_policy": ("user-profiles-billing-2026-10-01",),
    "request.compaction": _COMPACT,
    "request.context_management": (*_CONTEXT, *_COMPACT_EDIT),
    "request.fallback_credit_token": ("fallback-credit-2026-06-01", "fallback-credit-2026-07-01"),
    "request.fallbacks": _FALLBACK,
    "request.mcp_servers": _MCP,
    "request.thread": ("message-threads-2026-08-12",),
    "BetaOutputConfigParam.task_budget": ("task-budgets-2026-03-13",),
    "BetaClearThinking20251015EditParam": _CONTEXT,
    "BetaClearToolUses20250919EditParam": _CONTEXT,
    "BetaCompact20260112EditParam": _COMPACT_EDIT,
    "BetaCompactionBlockParam": (*_COMPACT_EDIT, *_COMPACT),
    "BetaFallbackBlockParam": _FALLBACK,
    "BetaMCPToolUseBlockParam": _MCP,
    "BetaRequestMCPToolResultBlockParam": _MCP,
    "BetaMCPToolListingBlockParam": _MCP_PINNED,
    "BetaMCPToolsetParam": MCP_TOOLSETS,
    "BetaMCPToolsetParam.tools": _MCP_PINNED,
    "BetaRequestToolAdditionBlockParam": _TOOL_CHANGES,
    "BetaRequestToolRemovalBlockParam": _TOOL_CHANGES,
    "BetaToolChangeToolDefinitionParam": _INLINE,
    "BetaSystemMessageParam.clear_at": ("mid-conversation-system-clear-at-2026-08-21",),
    "BetaSystemMessageParam.output_config": ("mid-conversation-output-config-2026-07-01",),
    "BetaThinkingConfigAdaptiveParam.block_binding": _BINDING,
    "BetaThinkingConfigEnabledParam.block_binding": _BINDING,
    "BetaAdvisorTool20260301Param": _ADVISOR,
    "BetaAdvisorToolResultBlockParam": _ADVISOR,
    "BetaToolBash20241022Param": _COMPUTER_2024,
    "BetaToolTextEditor20241022Param": _COMPUTER_2024,
    "BetaToolComputerUse20241022Param": _COMPUTER_2024,
    "BetaToolComputerUse20250124Param": ("computer-use-2025-01-24",),
    "BetaToolComputerUse20251124Param": ("computer-use-2025-11-24",),
}
"""For each type and each field of the SDK's that is in beta: the betas of which one must be named."""

# Every beta's name ends in its date. Anthropic refuses names it does not know; here all names of this form pass, as
# nobody outside knows all of them.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*-\d{4}-?\d{2}-?\d{2}")


class Betas:
    """The betas that one request names; a gate for the check of its shape.

    Args:
        names: Their names.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = frozenset(names)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def opens(self, name: str) -> bool:
        """Tell whether a type, or a field as `type.field`, may be used: it is general, or a beta for it is named."""
        needed = OPENED_BY.get(name)
        return needed is None or not self.names.isdisjoint(needed)

    def any_of(self, names: Iterable[str]) -> bool:
        """Tell whether one of these betas is named."""
        return not self.names.isdisjoint(names)


def read_betas(headers: Iterable[str]) -> Betas:
    """Read the values of the `anthropic-beta` headers of a request.

    Raises:
        ClaudeError: A name cannot be that of a beta.
    """
    names = [name.strip() for header in headers for name in header.split(",")]
    strangers = [name for name in names if not _NAME.fullmatch(name)]
    if strangers:
        listed = ", ".join(f"`{name}`" for name in strangers)
        raise invalid(
            f"Unexpected value(s) {listed} for the `anthropic-beta` header. Please consult our documentation at "
            "docs.claude.com or try again without the header."
        )
    return Betas(names)
