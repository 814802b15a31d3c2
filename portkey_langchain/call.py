"""One call of a model: its request and the decoding of its answer, whole or streamed. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel

from portkey_gateway.calls import binds_answers, offers_tools
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.answer import Answer, Delta
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.http.answer_stream import AnswerStream, AsyncAnswerStream
from portkey_gateway.options import GatewayFields
from portkey_gateway.prompts.completion import PromptRequest
from portkey_gateway.routing import Route
from portkey_gateway.tracing.context import TraceContext
from portkey_langchain.callbacks import RunLabels
from portkey_langchain.content_form import is_told_in_blocks
from portkey_langchain.cut import cut_delta
from portkey_langchain.decode import ContentState, decode_message
from portkey_langchain.encode import encode_messages
from portkey_langchain.parsed import add_parsed, class_of
from portkey_langchain.response_format import FormatTool, with_response_format

if TYPE_CHECKING:
    from portkey_langchain.chat_model import ChatPortkey


class Labels(TypedDict):
    """The keyword arguments of the client's methods."""

    trace: TraceContext | None
    metadata: Mapping[str, Any]
    inline_images: bool


class Call:
    """What the sync and async, whole and streamed ways to call share.

    Args:
        client: what sends the request.
        request: what is sent.
        labels: the keyword arguments of the client's methods.
        in_blocks: tell content as a list even where it is text alone.
        format_tool: the tool that stands for a form of the answer, if one does.
        form: the class as which that form was asked for, if it was one.
        with_headers: whether the response's headers are told.
        tells_usage: whether a stream tells what it took.

    Attributes:
        client: as given, and so the next two.
        request: what is sent.
        labels: the keyword arguments of the client's methods.
    """

    __slots__ = ("_class", "_content", "_format", "_in_blocks", "_tells_usage", "_with_headers", "client", "labels",
                 "request")  # fmt: skip

    def __init__(
        self,
        client: GatewayClient,
        request: ChatRequest | PromptRequest,
        labels: Labels,
        *,
        in_blocks: bool,
        format_tool: FormatTool | None = None,
        form: type[BaseModel] | None = None,
        with_headers: bool = False,
        tells_usage: bool = True,
    ) -> None:
        self.client = client
        self.request = request
        self.labels = labels
        self._format = format_tool
        self._class = form
        self._in_blocks = in_blocks
        self._with_headers = with_headers
        self._tells_usage = tells_usage
        self._content = ContentState(in_blocks=in_blocks)

    @classmethod
    def of_model(
        cls,
        model: ChatPortkey,
        route: Route,
        messages: list[BaseMessage],
        parameters: dict[str, Any],
        run: RunLabels | None = None,
        *,
        tells_usage: bool = True,
    ) -> Self:
        """A call of a model.

        Args:
            model: with the options of this call.
            route: where the call goes.
            messages: the conversation.
            parameters: of the request, beside the model's own.
            run: what LangChain knows of the call.
            tells_usage: whether a stream tells what it took.

        Raises:
            EncodingError: if a message or parameter cannot be sent.
        """
        name = str(parameters.get("model") or model.model)
        asked = class_of(parameters.get("response_format"))
        parameters = with_response_format(parameters)
        form = FormatTool.wanted(parameters)
        if form and binds_answers(route, name, form.schema, has_tools=bool(parameters.get("tools"))):
            form = None
        encoded = encode_messages(messages)
        if form and not offers_tools(route):
            # Somebody who may answer would hear of no tool: words are what all of them hear.
            parameters, encoded, form = {**parameters, "response_format": None}, form.in_words(encoded), None
        if form:
            may_force = model.may_force_tools(parameters)
            parameters = form.ask(parameters, may_force=may_force)
            encoded = encoded if may_force else form.instruct(encoded)
        request = model.request(encoded, parameters)
        labels = call_labels(model, model.metadata, run, inline_images=model.inline_images)
        client = model.gateway_client(route=route)
        return cls(
            client,
            request,
            labels,
            in_blocks=is_told_in_blocks(request),
            format_tool=form,
            form=asked,
            with_headers=model.include_response_headers,
            tells_usage=tells_usage,
        )

    def stream(self) -> AnswerStream:
        """Ask for a streamed answer; what was asked is then not held as long as that is open."""
        client, request, labels = self._take()
        return client.stream(request, **labels)

    def astream(self) -> AsyncAnswerStream:
        """Async twin of ``stream``."""
        client, request, labels = self._take()
        return client.astream(request, **labels)

    def _take(self) -> tuple[GatewayClient, ChatRequest | PromptRequest, Labels]:
        taken = self.client, self.request, self.labels
        del self.client, self.request, self.labels
        return taken

    def result(self, answer: Answer) -> ChatResult:
        """Decode a whole answer."""
        answer = answer.with_headers() if self._with_headers else answer
        answers = [self._format.read(each) if self._format else each for each in (answer, *answer.others)]
        said = [decode_message(each, in_blocks=self._in_blocks) for each in answers]
        for message, each in zip(said, answers, strict=True):
            add_parsed(message, each, self._class)
        return ChatResult(
            generations=[ChatGeneration(message=message) for message in said],
            llm_output={"model_name": answer.model, "id": answer.id},
        )

    def chunk(self, delta: Delta) -> ChatGenerationChunk | None:
        """Decode what a chunk adds; ``None`` if that is nothing yet."""
        return self._content.decode_chunk(self._format.read_delta(delta) if self._format else delta)

    def last_chunks(self, answer: Answer) -> Iterator[ChatGenerationChunk]:
        """Decode what only the end of a stream tells."""
        if cut := self.chunk(cut_delta(answer)):
            yield cut
        if self._format:
            if last := self._content.decode_chunk(self._format.last_delta()):
                yield last
            answer = self._format.read(answer)
        answer = answer.with_headers() if self._with_headers else answer
        answer = answer if self._tells_usage else replace(answer, usage=None)
        last_chunk = self._content.decode_last_chunk(answer)
        add_parsed(cast("AIMessage", last_chunk.message), answer, self._class)
        yield last_chunk


def call_labels(
    options: GatewayFields, metadata: Mapping[str, Any] | None, run: RunLabels | None, *, inline_images: bool = False
) -> Labels:
    """The labels of a call.

    Args:
        options: those that hold for it.
        metadata: of the object that calls.
        run: what LangChain knows of the call; its metadata win.
        inline_images: fetch images given by URL.
    """
    labels = run.metadata if run else {}
    if metadata:
        labels = {**metadata, **labels}
    trace = named_trace(run.trace, options) if run else None
    return {"trace": trace, "metadata": labels, "inline_images": inline_images}


def named_trace(trace: TraceContext, model: GatewayFields) -> TraceContext:
    """Where the call stands; a trace or a name that the user chose wins over what the runs say."""
    if not (model.trace_id or model.span_name):
        return trace
    return replace(trace, trace_id=model.trace_id or trace.trace_id, span_name=model.span_name or trace.span_name)
