"""Conversations to plan breakpoints for, and where they were planned."""

from __future__ import annotations

from typing import Any

from portkey_gateway import PromptCaching
from portkey_gateway.caching.breakpoints import check_breakpoints, find_breakpoints
from portkey_gateway.caching.plan import plan_breakpoints
from portkey_gateway.conversation.request import ChatRequest

AUTO = PromptCaching()
HOUR = PromptCaching(ttl="1h")
SHORT: Any = {"type": "ephemeral"}
LONG: Any = {"type": "ephemeral", "ttl": "1h"}

SYSTEM: Any = {"role": "system", "content": "Be brief."}
ASKED: Any = {"role": "user", "content": "Hi"}
ANSWER: Any = {"role": "assistant", "content": "Hello."}
CALL: Any = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED: Any = {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CALL]}
RESULT: Any = {"role": "tool", "tool_call_id": "1", "content": "sunny"}
TOOL: Any = {"type": "function", "function": {"name": "f"}}
IMAGE: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
LINK: Any = {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}}
FILE: Any = {"type": "file", "file": {"mime_type": "text/plain", "file_data": "A text."}}
LOOP = (SYSTEM, ASKED, CALLED, RESULT, CALLED, RESULT)
THOUGHT: Any = {"type": "thinking", "thinking": "Hm.", "signature": "s"}


def text(words: str, mark: Any = None) -> Any:
    block = {"type": "text", "text": words}
    return block | {"cache_control": mark} if mark else block


def user(*blocks: Any) -> Any:
    return {"role": "user", "content": [*blocks]}


def request(*messages: Any, tools: list[Any] | None = None) -> ChatRequest:
    body: ChatRequest = {"model": "claude-sonnet-4-5", "messages": [*messages]}
    if tools:
        body["tools"] = tools
    return body


def planned(body: ChatRequest, caching: PromptCaching = AUTO, *, keeps_ttl: bool = False) -> list[str]:
    return [point.path for point in find_breakpoints(plan_breakpoints(body, caching, keeps_ttl=keeps_ttl))]


def ttls(body: ChatRequest, caching: PromptCaching, *, keeps_ttl: bool = False) -> list[str]:
    planned_body = plan_breakpoints(body, caching, keeps_ttl=keeps_ttl)
    check_breakpoints(planned_body)
    return [point.ttl for point in find_breakpoints(planned_body)]
