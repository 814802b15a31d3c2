"""What the README's table says of a class of LangChain's, found out: each proof asks, looks, and returns its words.

Beside each other stand `ChatPortkey`, `ChatOpenAI` with Portkey's headers (what `portkey_ai.createHeaders` returns) and
`ChatAnthropic`, which asks Anthropic itself: here the emulated Claude.
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from PIL import Image

from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from tests.support.recording import RecordingServer

Make = Callable[..., BaseChatModel]
"""Makes a model of the sandbox, or of ``base_url``; ``config`` is a gateway config."""


@dataclass(frozen=True, slots=True)
class Side:
    """One class of the table."""

    make: Make
    sandbox: Sandbox
    has_gateway: bool = True

    def ask(self, *messages: BaseMessage | tuple[str, str], **options: Any) -> AIMessage:
        """Ask once."""
        answer = self.make(**options).invoke(list(messages))
        assert isinstance(answer, AIMessage)
        return answer


def portkey(sandbox: Sandbox) -> Make:
    def make(**options: Any) -> BaseChatModel:
        route: dict[str, Any] = {"base_url": sandbox.base_url} if "config" in options else {**sandbox.options()}
        return ChatPortkey(**{"model": sandbox.model, "max_retries": 0, **route, **options})

    return make


def thoughts(side: Side) -> str:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    answer = side.ask(("human", "What is 17 + 25?"), thinking=thinking, max_tokens=8192)
    found = [block for block in answer.content_blocks if block["type"] == "reasoning"]
    return "yes" if any(block.get("extras", {}).get("signature") for block in found) else "lost"


def citations(side: Side) -> str:
    source = {"type": "text", "media_type": "text/plain", "data": "The sky is blue. The grass is green."}
    document = {"type": "document", "source": source, "title": "Colours", "citations": {"enabled": True}}
    answer = side.ask(HumanMessage([{"type": "text", "text": "What colour is the grass?"}, document]))
    return "yes" if any(block.get("annotations") for block in answer.content_blocks) else "lost"


def pdf(side: Side) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, "PDF")
    data = base64.b64encode(buffer.getvalue()).decode()
    file = {"type": "file", "base64": data, "mime_type": "application/pdf", "filename": "a.pdf"}
    with contextlib.suppress(Exception):
        side.ask(HumanMessage([{"type": "text", "text": "What is this?"}, file]))
    last = side.sandbox.claude.requests[-1]
    return "yes" if last.status == 200 and "application/pdf" in str(last.body) else "refused"


def failed_tool(side: Side) -> str:
    call = {"name": "get_weather", "args": {"city": "Kiel"}, "id": "toolu_1", "type": "tool_call"}
    said = AIMessage("", tool_calls=[call])
    failed = ToolMessage("The station is closed", tool_call_id="toolu_1", status="error")
    with contextlib.suppress(Exception):
        side.ask(HumanMessage("What is the weather in Kiel?"), said, failed)
    return "yes" if "'is_error': True" in str(side.sandbox.claude.requests[-1].body) else "no"


def cached_input(side: Side) -> str:
    rules = "\n".join(f"Rule {number}: answer {number} is short." for number in range(400))
    system = SystemMessage([{"type": "text", "text": rules, "cache_control": {"type": "ephemeral"}}])
    usages: list[Any] = [side.ask(system, HumanMessage("What is rule 7?")).usage_metadata for _ in range(2)]
    read = usages[-1]["input_token_details"]["cache_read"]
    assert read > 1024
    return "yes" if usages[-1]["input_tokens"] > read else "no"


def _broken(side: Side, fault: Fault) -> str:
    side.sandbox.claude.inject(fault)
    try:
        for _ in side.make(max_retries=0).stream("Tell me a short story."):
            pass
    except Exception:  # noqa: BLE001 each class raises its own
        return "an error"
    return "**passes for whole**"


def error_amid(side: Side) -> str:
    return _broken(side, Fault("error_mid_stream", after=6))


def stream_that_ends(side: Side) -> str:
    return _broken(side, Fault("truncate", after=6))


def fallback(side: Side) -> str:
    first = side.sandbox.openai if side.has_gateway else side.sandbox.claude
    first.inject(Fault("status", status=503))
    with contextlib.suppress(Exception):
        return "yes" if side.ask(("human", "Hello"), config=side.sandbox.config("openai", "anthropic")).text else "no"
    return "no"


def _headers_of_a_run(side: Side, name: str) -> list[list[str]]:
    """A header of two calls of one run, as the gateway gets it."""
    with RecordingServer() as server:
        model = side.make(base_url=server.base_url, max_retries=0)

        def twice(question: str) -> None:
            for _ in range(2):
                with contextlib.suppress(Exception):  # the answer is none of every class's
                    model.invoke(question)

        RunnableLambda(twice).invoke("Hello", config={"tags": ["nightly"], "metadata": {"team": "search"}})
        return [request.headers.get(name, []) for request in server.requests]


def one_trace(side: Side) -> str:
    first, second = _headers_of_a_run(side, "x-portkey-trace-id")
    return "yes" if first and first == second else "no"


def labels(side: Side) -> str:
    first, _ = _headers_of_a_run(side, "x-portkey-metadata")
    return "yes" if "nightly" in str(first) and "search" in str(first) else "no"
