"""``PortkeyTracer``: the runs around the calls of models, exported as OpenTelemetry spans.

The calls of ``ChatPortkey`` are not exported: the gateway's log is their span. The ids that they send
(``portkey_langchain.callbacks``) are those of the spans here, so that both form one tree.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.tracers.context import register_configure_hook
from pydantic import SecretStr
from typing_extensions import override

from portkey_gateway import semconv
from portkey_gateway.excerpt import excerpt
from portkey_gateway.spans import Attribute, Failure, OpenSpan, OpenSpans, captures_content, failed
from portkey_gateway.trace import is_internal
from portkey_langchain import run_spans
from portkey_langchain.callbacks import RUNS, read_labels
from portkey_langchain.run_spans import Described, RunStart

if TYPE_CHECKING:
    from portkey_gateway.otlp import SpanExport

TRACING_VARIABLE: Final = "PORTKEY_TRACING"
"""The variable that switches the tracer on for every run."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tracing:
    """What handlers share: where spans go, what they may hold, and which are open."""

    export: SpanExport | None
    capture_content: bool
    metadata_keys: Sequence[str] | None = None
    open: OpenSpans = field(default_factory=OpenSpans)
    failed: bool = False
    """Whether a failure of ours was already logged."""


class RunTracer(BaseCallbackHandler):
    """Makes a span of every run. LangChain makes one by itself for every root run while ``PORTKEY_TRACING`` is set."""

    # In the caller's own context and order, in async too.
    run_inline = True

    def __init__(self, tracing: Tracing | None = None) -> None:
        self._tracing = tracing or _tracing_by_environment()

    @property
    def lost(self) -> int:
        """How many spans were lost: they could not be sent, or their runs never ended."""
        export = self._tracing.export
        return self._tracing.open.given_up + (export.lost if export else 0)

    def flush(self) -> None:
        """Send the spans that wait, and return when that is done."""
        if self._tracing.export:
            self._tracing.export.flush()

    def close(self) -> None:
        """Send the spans that wait, and stop; spans of runs that end later are lost. Done by itself at exit."""
        if self._tracing.export:
            self._tracing.export.close()

    # --- runs start -------------------------------------------------------------------------------------------------

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self._start(run_spans.describe_chain, serialized, inputs, **kwargs)

    @override
    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self._start(run_spans.describe_tool, serialized, input_str, **kwargs)

    @override
    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> None:
        self._start(run_spans.describe_retriever, serialized, query, **kwargs)

    @override
    def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> None:
        self._start(run_spans.describe_model, serialized, prompts, **kwargs)

    @override
    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        if not run_spans.is_ours(kwargs.get("metadata")):
            self._start(run_spans.describe_model, serialized, messages, **kwargs)

    # --- runs end ---------------------------------------------------------------------------------------------------

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, lambda span: run_spans.conclude_chain(span, outputs), kwargs.get("inputs"))

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, lambda span: run_spans.conclude_tool(span, output))

    @override
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, lambda span: run_spans.conclude_retriever(span, documents))

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, lambda span: run_spans.conclude_model(span, response))

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error, kwargs.get("inputs"))

    @override
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    @override
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # ----------------------------------------------------------------------------------------------------------------

    def _start(self, describe: Callable[[RunStart], Described], serialized: Any, given: Any, **kwargs: Any) -> None:
        if self._tracing.export is None:
            return
        with self._unnoticed():
            run_id, parent_id = kwargs["run_id"], kwargs.get("parent_run_id")
            context, spans = RUNS.start(serialized, **kwargs), self._tracing.open
            name, metadata = context.span_name or "run", kwargs.get("metadata") or {}
            parent = spans.touch(parent_id.hex) if parent_id else None
            described = Described(name)
            with self._unnoticed():
                described = describe(
                    RunStart(name, given, serialized or {}, metadata, parent, is_root=parent_id is None, more=kwargs)
                )
            attributes = {**self._attributes(described), **self._labels(kwargs.get("tags"), metadata)}
            spans.start(run_id.hex, OpenSpan(described.name, context, attributes, described.kind))

    def _end(self, run_id: UUID, conclude: Callable[[OpenSpan], Described], inputs: Any = None) -> None:
        with self._unnoticed():
            if span := self._tracing.open.take(run_id.hex):
                described = Described()
                with self._unnoticed():
                    described = conclude(span)
                self._send(span, {**self._late_input(inputs), **self._attributes(described)})

    def _fail(self, run_id: UUID, error: BaseException, inputs: Any = None) -> None:
        with self._unnoticed():
            if span := self._tracing.open.take(run_id.hex):
                capture = self._tracing.capture_content
                attributes, failure = failed(error, interrupts=_interrupts(), capture_content=capture)
                self._send(span, {**self._late_input(inputs), **attributes}, failure)

    def _send(self, span: OpenSpan, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> None:
        if self._tracing.export:
            self._tracing.export.add(span.end(attributes, failure))

    def _attributes(self, described: Described) -> dict[str, Attribute]:
        known = {name: value for name, value in described.attributes.items() if value is not None}
        if not self._tracing.capture_content:
            return known
        return known | {name: excerpt(value, convert=run_spans.plain) for name, value in described.content.items()}

    def _late_input(self, inputs: Any) -> dict[str, Attribute]:
        """A chain that streams its input knows it only at its end."""
        captured = inputs is not None and self._tracing.capture_content
        return {semconv.INPUT_VALUE: excerpt(inputs, convert=run_spans.plain)} if captured else {}

    def _labels(self, tags: Sequence[str] | None, metadata: Mapping[str, Any]) -> dict[str, Attribute]:
        keys = self._tracing.metadata_keys
        labels = {
            name: value
            for name, value in read_labels(tags, metadata).items()
            if not is_internal(name) and (keys is None or name in keys)
        }
        return {semconv.METADATA: excerpt(labels)} if labels else {}

    @contextmanager
    def _unnoticed(self) -> Iterator[None]:
        """Whatever goes wrong here, the user's call goes on; the first time is logged."""
        try:
            yield
        except Exception:
            if not self._tracing.failed:
                self._tracing.failed = True
                _logger.warning("A run could not be told as a span; further ones are not logged", exc_info=True)


class PortkeyTracer(RunTracer):
    """Exports the runs around the calls of models, by OpenTelemetry: chains, agents, tools, retrievers, other models.

    Pass it as a callback (``config={"callbacks": [PortkeyTracer()]}``), or set ``PORTKEY_TRACING=true`` for one with
    the defaults in every run. Calls of ``ChatPortkey`` are not exported, since the gateway's log is their span, but
    their ids belong to the same tree. Spans go out in the background, and at exit; at most 2048 wait, and a loss is
    counted (``lost``) and logged once. It never breaks a run.

    Args:
        endpoint: an OTLP/HTTP receiver, with its ``/v1/traces``. If none is given, OpenTelemetry's variables
            (``OTEL_EXPORTER_OTLP_ENDPOINT`` …) name it; else it is the gateway's own, ``{base_url}/otel/v1/traces``.
        headers: further headers for the receiver.
        api_key: the Portkey API key, for the gateway only; read from ``PORTKEY_API_KEY``.
        base_url: the gateway, with its ``/v1``; read from ``PORTKEY_BASE_URL``, else the hosted gateway.
        capture_content: whether spans hold inputs, outputs and the texts of errors; by default true, unless
            ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says ``false``.
        metadata_keys: the only metadata of runs to export, if given.

    Raises:
        ImportError: if OpenTelemetry is not installed, naming the extra ``otel``.
        ValueError: if spans are to go to the hosted gateway and there is no API key.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: SecretStr | str | None = None,
        base_url: str | None = None,
        capture_content: bool | None = None,
        metadata_keys: Sequence[str] | None = None,
    ) -> None:
        from portkey_gateway.otlp import SpanExport, choose_receiver  # noqa: PLC0415 needs the extra, only here

        receiver = choose_receiver(endpoint=endpoint, headers=headers, api_key=api_key, base_url=base_url)
        super().__init__(Tracing(SpanExport(receiver), captures_content(capture_content), metadata_keys))


@functools.cache
def _tracing_by_environment() -> Tracing:
    """What all handlers share that LangChain made; what is missing must not break the user's calls."""
    export = None
    try:
        from portkey_gateway.otlp import SpanExport, choose_receiver  # noqa: PLC0415 needs the extra, only here

        export = SpanExport(choose_receiver())
    except (ImportError, ValueError) as error:
        _logger.warning("%s is set, but no spans are exported: %s", TRACING_VARIABLE, error)
    return Tracing(export, captures_content())


def _interrupts() -> tuple[type[BaseException], ...]:
    """LangGraph's exceptions that stop a run on purpose, such as ``GraphInterrupt``; none where it is not used."""
    langgraph = sys.modules.get("langgraph.errors")
    return (langgraph.GraphBubbleUp,) if langgraph else ()


register_configure_hook(
    ContextVar[BaseCallbackHandler | None]("portkey_tracer", default=None),
    inheritable=True,
    handle_class=RunTracer,
    env_var=TRACING_VARIABLE,
)
