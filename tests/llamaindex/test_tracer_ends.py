"""How the spans of LlamaIndex end, and that nothing of this ever breaks a call."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
from typing import Any
from uuid import uuid4

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent

from portkey_llamaindex import instrument, spans
from portkey_llamaindex.tracer import Instrumentation
from tests.llamaindex.tracing import Sent, Theirs, answered, one
from tests.llamaindex.tree import agents_warn
from tests.llamaindex.ways import ask
from tests.support.receiver import roots_of
from tests.support.recording import RecordingServer, whole

pytestmark = agents_warn

dispatcher = get_dispatcher(__name__)


@dispatcher.span
def failing(text: str) -> None:
    raise ValueError(text)


@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
def test_what_fails_tells_its_error(sent: Sent, way: str) -> None:
    with pytest.raises(ValueError, match="the text"):
        failing("the text of the user")
    with pytest.raises(OSError, match="the line is dead"):
        ask(Theirs(breaks=True), way, "Hi")
    function, model = sent()
    assert function.is_error
    assert function.attributes["error.type"] == "ValueError"
    assert function.exception["exception.message"] == "the text of the user"
    assert "in failing" in function.exception["exception.stacktrace"]
    assert (model.is_error, model.attributes["error.type"]) == (True, "OSError")
    assert model.attributes["gen_ai.request.model"] == "nova"


async def test_a_cancelled_task_is_ended(sent: Sent) -> None:
    begun = asyncio.Event()

    @dispatcher.span
    async def wait() -> None:
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [span] = sent()
    assert (span.is_error, span.attributes["portkey.outcome"]) == (False, "cancelled")


class Waiting(Workflow):
    """Asks a human, and waits."""

    @step
    async def ask(self, context: Context, event: StartEvent) -> StopEvent:  # noqa: ARG002 LlamaIndex's signature
        asked = InputRequiredEvent()
        reply = await context.wait_for_event(HumanResponseEvent, waiter_event=asked)
        return StopEvent(result=reply.response)


async def test_a_workflow_that_its_user_cancels_is_no_error(sent: Sent) -> None:
    handler = Waiting().run()
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            await handler.cancel_run()
    with pytest.raises(WorkflowCancelledByUser):
        await handler
    root = one(sent(), "Waiting.run")
    assert (root.is_error, root.attributes["portkey.outcome"]) == (False, "cancelled")


@pytest.mark.parametrize("cancels", [True, False])
def test_a_workflow_whose_events_are_left_ends_with_its_loop(sent: Sent, cancels: bool) -> None:
    async def leave() -> None:
        handler = Waiting().run()
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                break
        if cancels:
            await handler.cancel_run()

    asyncio.run(leave())
    told = sent()
    assert len(roots_of(told)) == 1
    root = one(told, "Waiting.run")
    assert (root.is_error, root.attributes["portkey.outcome"]) == (False, "cancelled")


async def test_a_workflow_that_waits_for_a_human_is_no_error(sent: Sent) -> None:
    handler = Waiting().run()
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            reply: Any = {"response": "yes"}
            handler.ctx.send_event(HumanResponseEvent(**reply))
    assert await handler == "yes"
    told = sent()
    assert len(roots_of(told)) == 1
    assert not any(span.is_error for span in told)
    assert one(told, "Waiting.run").attributes["output.value"] == "yes"


async def test_a_model_whose_stream_is_left_is_ended(sent: Sent) -> None:
    stream: Any = Theirs().stream_chat([ChatMessage("Hi")])
    assert next(stream).delta == "Hel"
    stream.close()
    astream: Any = await Theirs().astream_chat([ChatMessage("Hi")])
    assert (await anext(astream)).delta == "Hel"
    await astream.aclose()
    assert [(span.is_error, span.attributes["portkey.outcome"]) for span in sent()] == [(False, "cancelled")] * 2


def test_a_model_that_streams_ends_with_its_stream(sent: Sent) -> None:
    stream: Any = Theirs().stream_chat([ChatMessage("Hi")])
    assert sent() == []
    assert len(list(stream)) == 2
    [span] = sent()
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [answered("Hello.")]


def test_spans_that_never_end_are_given_up(receiver: RecordingServer) -> None:
    bound = inspect.signature(lambda: None).bind()
    with instrument(endpoint=f"{receiver.base_url}/otel/v1/traces") as started:
        for _ in range(12_000):
            dispatcher.span_enter(f"stuck-{uuid4()}", bound)
        assert started.lost == 2_000
        assert len(started._tracing.open) == 10_000


# --- nothing of this breaks a call ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [whole(b"", status=500), whole(b"", wait_s=1.0), None])
def test_a_receiver_that_fails_changes_nothing(
    receiver: RecordingServer, reply: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    endpoint = f"{receiver.base_url}/otel/v1/traces"
    if reply:
        receiver.reply(reply)
    else:
        endpoint = "http://127.0.0.1:9/v1/traces"
    with instrument(endpoint=endpoint) as started:
        for way in ("chat", "achat"):
            assert ask(Theirs(), way, "Hi").message.content == "Hello."
        started.flush()
        assert started.lost == 2
    assert len(caplog.records) == 1


class Raising(BaseSpanHandler[Any]):
    """Somebody else's handler, which is broken."""

    def new_span(self, *_: Any, **__: Any) -> None:
        raise RuntimeError

    def prepare_to_exit_span(self, *_: Any, **__: Any) -> None:
        raise RuntimeError

    def prepare_to_drop_span(self, *_: Any, **__: Any) -> None:
        raise RuntimeError


def test_another_handler_that_raises_takes_no_span_away(sent: Sent) -> None:
    root = get_dispatcher()
    # Undone before the instrumentation ends, so that it finds itself among the handlers.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(root, "span_handlers", [Raising(), *root.span_handlers, Raising()])
        Theirs().predict(PromptTemplate("Hi"))
    assert len(roots_of(sent())) == 1


def test_a_failure_of_ours_costs_words_not_the_tree(
    sent_all: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    for name in ("describe", "conclude", "conclude_model"):
        monkeypatch.setattr(spans, name, broken)
    assert Theirs().predict(PromptTemplate("Hi")) == "Hello."
    told = sent_all()
    assert [span.name for span in told] == ["Theirs.chat", "Theirs.predict"]
    assert len(roots_of(told)) == 1
    assert [record.name for record in caplog.records] == ["portkey_gateway.tracing.steps"]


def test_nothing_is_kept_of_what_has_ended(instrumentation: Instrumentation) -> None:
    class Kept:
        """An argument."""

    @dispatcher.span
    def take(kept: Kept) -> Kept:
        return kept

    take(Kept())
    instrumentation.flush()
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, Kept)]
