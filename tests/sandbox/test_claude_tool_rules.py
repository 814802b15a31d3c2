"""Tools that are found, called from code, or live on a server: what Anthropic asks of their definitions."""

from typing import Any

import pytest

from portkey_gateway.sandbox.claude.errors import ClaudeError
from portkey_gateway.sandbox.claude.validate import validate

BETAS = ["mcp-client-2025-11-20"]
FINDER = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}
SERVER = {"type": "url", "url": "https://mcp.example.com", "name": "docs"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "docs"}
MARK = {"type": "ephemeral"}


def tool(name: str = "add", **more: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object", "additionalProperties": False}, **more}


def request(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hi"}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": messages, "tools": list(tools), **more}


def referring(name: str, *tools: dict[str, Any]) -> dict[str, Any]:
    use = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
    reference = {"type": "tool_reference", "tool_name": name}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [reference]}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    return {**request(*tools), "messages": messages}


PROGRAMMATIC = tool(allowed_callers=["code_execution_20250825"])


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        pytest.param(
            request(tool(defer_loading=True), FINDER),
            request(tool(defer_loading=True)),
            "All tools have defer_loading set. At least one tool must be non-deferred.",
            id="nothing-to-search-with",
        ),
        pytest.param(
            request(tool(cache_control=MARK), FINDER),
            request(tool(cache_control=MARK, defer_loading=True), FINDER),
            "Tool 'add' cannot have both defer_loading=true and cache_control set.",
            id="deferred-and-cached",
        ),
        pytest.param(
            referring("add", tool(), tool("find")),
            referring("gone", tool(), tool("find")),
            "Tool reference 'gone' has no corresponding tool definition",
            id="reference",
        ),
        pytest.param(
            request(PROGRAMMATIC, CODE),
            request(PROGRAMMATIC),
            "tools.0.custom.allowed_callers: 'code_execution_20250825' is not among the provided tools",
            id="no-code",
        ),
        pytest.param(
            request(PROGRAMMATIC, tool("sub", strict=True), CODE),
            request({**PROGRAMMATIC, "strict": True}, CODE),
            "tools.0.custom: strict tools cannot be called programmatically",
            id="strict-from-code",
        ),
        pytest.param(
            request(PROGRAMMATIC, tool("sub"), CODE, tool_choice={"type": "tool", "name": "sub"}),
            request(PROGRAMMATIC, CODE, tool_choice={"type": "tool", "name": "add"}),
            "tool_choice.tool.name: Tool 'add' can only be called programmatically",
            id="forced-from-code",
        ),
        pytest.param(
            request(tool(), CODE, tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
            request(PROGRAMMATIC, CODE, tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
            "tool_choice.disable_parallel_tool_use: not supported with programmatic tool calling",
            id="one-at-a-time-from-code",
        ),
        pytest.param(
            request({"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.com"]}),
            request(
                {
                    "type": "web_search_20250305",
                    "name": "web_search",
                    "allowed_domains": ["a.com"],
                    "blocked_domains": ["b.com"],
                }
            ),
            "tools.0.web_search_20250305: Only one of allowed_domains and blocked_domains may be specified",
            id="domains",
        ),
        pytest.param(
            request(TOOLSET, mcp_servers=[SERVER]),
            request(TOOLSET),
            "tools: MCP server 'docs' referenced by a toolset is not defined in mcp_servers",
            id="no-server",
        ),
        pytest.param(
            request(TOOLSET, mcp_servers=[SERVER]),
            request(mcp_servers=[SERVER]),
            "mcp_servers: MCP server 'docs' is not referenced by any mcp_toolset in tools",
            id="no-toolset",
        ),
        pytest.param(
            request(TOOLSET, mcp_servers=[SERVER]),
            request(TOOLSET, TOOLSET, mcp_servers=[SERVER]),
            "tools: MCP server 'docs' is referenced by more than one toolset",
            id="two-toolsets",
        ),
        pytest.param(
            request(TOOLSET, mcp_servers=[SERVER]),
            request(TOOLSET, mcp_servers=[SERVER, SERVER]),
            "mcp_servers: MCP server names must be unique",
            id="two-servers",
        ),
        pytest.param(
            request(tool("a" * 128)),
            request(tool("a" * 129)),
            "tools.0.custom.name: String should match",
            id="long-name",
        ),
        pytest.param(
            request(tool(type="custom")),
            request(tool("a.b")),
            "tools.0.custom.name: String should match",
            id="dotted-name",
        ),
    ],
)
def test_a_rule_and_its_good_twin(good: dict[str, Any], bad: dict[str, Any], message: str) -> None:
    validate(good, betas=BETAS)
    with pytest.raises(ClaudeError) as caught:
        validate(bad, betas=BETAS)

    assert caught.value.message.startswith(message)


def test_citations_are_wished_for_by_all_documents_or_none() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Once."}}
    found = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "Twice."}]}
    on, off = {"citations": {"enabled": True}}, {"citations": {"enabled": False}}

    def body(*blocks: dict[str, Any]) -> dict[str, Any]:
        return request() | {"messages": [{"role": "user", "content": list(blocks)}]}

    validate(body({**document, **on}, {**document, **on}, {**found, **off}))
    for pair in ((document | on, document), (found | on, found | off)):
        with pytest.raises(ClaudeError, match="citations must be enabled for all"):
            validate(body(*pair))


def test_the_words_of_a_search_result_are_words() -> None:
    found = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": " "}]}
    with pytest.raises(ClaudeError, match="text content blocks must contain non-whitespace text"):
        validate(request() | {"messages": [{"role": "user", "content": [found]}]})
