"""What the README's table says of a class of LlamaIndex's, found out as in ``langchain_alternatives``.

Beside each other stand `Portkey`, `OpenAILike` with Portkey's headers and `Anthropic`, which asks Anthropic itself:
here the emulated Claude. The last two want SDKs that the emulated providers cannot be made of, so these are prepared
and looked at through their ``/_sandbox``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.callbacks.token_counting import get_tokens_from_response
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from llama_index_instrumentation.dispatcher import instrument_tags

from portkey_llamaindex import Portkey
from tests.conformance.media import write_pdf
from tests.support.place import Place
from tests.support.recording import RecordingServer

Make = Callable[..., FunctionCallingLLM]
"""Makes a model of the sandbox, or of ``base_url``; ``config`` is a gateway config."""


@dataclass(frozen=True, slots=True)
class Side:
    """One class of the table."""

    make: Make
    place: Place
    has_gateway: bool = True

    def ask(self, *messages: ChatMessage, **options: Any) -> Any:
        """Ask once."""
        return self.make(**options).chat(messages)


def portkey(place: Place) -> Make:
    def make(**options: Any) -> FunctionCallingLLM:
        route: dict[str, Any] = {"base_url": place.gateway_url}
        if "config" not in options:
            route |= {"provider": "anthropic", "provider_api_key": place.provider_api_key}
            route |= {"custom_host": f"{place.claude_url}/v1"}
        return Portkey(**{"model": place.model, "max_retries": 0, **route, **options})

    return make


def thoughts(side: Side) -> str:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    answer = side.ask(ChatMessage("What is 17 + 25?"), thinking=thinking, max_tokens=8192)
    found = [block for block in answer.message.blocks if isinstance(block, ThinkingBlock)]
    return "yes" if any(block.additional_information.get("signature") for block in found) else "lost"


def citations(side: Side) -> str:
    source = CitableBlock(title="Colours", source="notes", content=[TextBlock(text="The grass is green.")])
    question = TextBlock(text="What colour is the grass?")
    with contextlib.suppress(Exception):
        answer = side.ask(ChatMessage(blocks=[source, question]))
        return "yes" if any(isinstance(block, CitationBlock) for block in answer.message.blocks) else "lost"
    return "refused"


def pdf(side: Side) -> str:
    document = DocumentBlock(data=write_pdf("A page."), document_mimetype="application/pdf", title="a.pdf")
    with contextlib.suppress(Exception):
        side.ask(ChatMessage(blocks=[TextBlock(text="What is this?"), document]))
    last = side.place.claude.requests()[-1]
    return "yes" if last["status"] == 200 and "application/pdf" in str(last["body"]) else "refused"


def failed_tool(side: Side) -> str:
    call = ToolCallBlock(tool_call_id="toolu_1", tool_name="get_weather", tool_kwargs={"city": "Kiel"})
    said = ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])
    kwargs = {"tool_call_id": "toolu_1", "is_error": True}
    failed = ChatMessage(role=MessageRole.TOOL, content="The station is closed", additional_kwargs=kwargs)
    with contextlib.suppress(Exception):
        side.ask(ChatMessage("What is the weather in Kiel?"), said, failed)
    return "yes" if "'is_error': True" in str(side.place.claude.bodies()[-1]) else "no"


def cached_input(side: Side) -> str:
    rules = "\n".join(f"Rule {number}: answer {number} is short." for number in range(400))
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    question = ChatMessage(blocks=[TextBlock(text=rules), point, TextBlock(text="What is rule 7?")])
    try:
        answers = [side.ask(question) for _ in range(2)]
    except Exception:  # noqa: BLE001 each class raises its own
        return "no"
    counted, _ = get_tokens_from_response(answers[-1])
    return "yes" if counted > 1024 else "no"


def _broken(side: Side, kind: str) -> str:
    side.place.claude.fail_with(kind, after=6)
    try:
        for _ in side.make().stream_chat([ChatMessage("Tell me a short story.")]):
            pass
    except Exception:  # noqa: BLE001 each class raises its own
        return "an error"
    return "**passes for whole**"


def error_amid(side: Side) -> str:
    return _broken(side, "error_mid_stream")


def stream_that_ends(side: Side) -> str:
    return _broken(side, "truncate")


def fallback(side: Side) -> str:
    first = side.place.openai if side.has_gateway else side.place.claude
    first.fail_with("status", status=503)
    with contextlib.suppress(Exception):
        return "yes" if side.ask(ChatMessage("Hello"), config=side.place.config).message.content else "no"
    return "no"


class _Twice(Workflow):
    """Asks twice."""

    llm: Any

    @step
    async def ask(self, _start: StartEvent) -> StopEvent:
        for _time in range(2):
            with contextlib.suppress(Exception):  # the answer is none of every class's
                await self.llm.achat([ChatMessage("Hello")])
        return StopEvent()


def _headers_of_a_run(side: Side, name: str) -> list[list[str]]:
    """A header of two calls of one workflow, as the gateway gets it."""

    async def run() -> None:
        workflow = _Twice()
        workflow.llm = side.make(base_url=server.base_url)
        with instrument_tags({"kind": "nightly", "team": "search"}):
            await workflow.run()

    with RecordingServer() as server:
        asyncio.run(run())
        return [request.headers.get(name, []) for request in server.requests]


def one_trace(side: Side) -> str:
    first, second = _headers_of_a_run(side, "x-portkey-trace-id")
    return "yes" if first and first == second else "no"


def labels(side: Side) -> str:
    first, _ = _headers_of_a_run(side, "x-portkey-metadata")
    return "yes" if "nightly" in str(first) and "search" in str(first) else "no"
