"""``PortkeyTracer``: the runs around the calls of models, and those calls, exported as OpenTelemetry spans.

At Portkey the gateway's own log is the span of a call; any other receiver gets one (``portkey_gateway.tracing.watch``).
The ids that calls send (``portkey_langchain.callbacks``) are those of the spans here, so that all form one tree.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.utils.env import env_var_is_set
from pydantic import SecretStr
from typing_extensions import override

from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.fold import Detail
from portkey_gateway.tracing.receivers import Receivers
from portkey_gateway.tracing.runner import Runner
from portkey_gateway.tracing.spans import Described, OpenSpan
from portkey_gateway.tracing.steps import Calls, Tracing
from portkey_langchain import run_spans
from portkey_langchain.asked import is_asked_whole
from portkey_langchain.callbacks import RUNS, RunKind, configured_session, read_labels, run_name
from portkey_langchain.run_spans import RunStart
from portkey_langchain.tracing_variable import TRACING_VARIABLE, TracerByVariable

_TRACINGS: Final = Receivers()
"""Those of all tracers that are in use."""

_logger = logging.getLogger(__name__)


class RunTracer(BaseCallbackHandler):
    """Makes a span of every run; of several to one receiver the first that hears of a run does.

    Args:
        tracing: what makes them.
    """

    # In the caller's own context and order, in async too.
    run_inline = True

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    @property
    def lost(self) -> int:
        """How many spans were lost: they could not be sent, or their runs never ended."""
        return self._tracing.lost

    def flush(self) -> None:
        """Send the spans that wait, and return when that is done."""
        self._tracing.flush()

    def close(self) -> None:
        """Send the spans that wait, and of runs that are not over (``unfinished``); stop. Done by itself at exit."""
        self._tracing.close()

    # --- runs start -------------------------------------------------------------------------------------------------

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self._start(run_spans.describe_chain, serialized, inputs, kwargs, kind="chain")

    @override
    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self._start(run_spans.describe_tool, serialized, input_str, kwargs, may_stream=False)

    @override
    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> None:
        self._start(run_spans.describe_retriever, serialized, query, kwargs, may_stream=False)

    @override
    def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> None:
        self._start(run_spans.describe_model, serialized, prompts, kwargs, may_stream=not is_asked_whole())

    @override
    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        may_stream = not is_asked_whole()
        if not run_spans.is_ours(kwargs.get("metadata")):
            self._start(run_spans.describe_model, serialized, messages, kwargs, kind="chat", may_stream=may_stream)
        elif self._tracing.calls:
            self._start(
                run_spans.describe_call, serialized, messages, kwargs, kind="chat", may_stream=may_stream,
                awaits_call=True,
            )  # fmt: skip

    # --- runs end ---------------------------------------------------------------------------------------------------

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        # A chain that streams its input knows it only at its end.
        late = kwargs.get("inputs")
        self._tracing.end(run_id.hex, lambda span: run_spans.conclude_chain(span, outputs), late_input=late)

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._tracing.end(run_id.hex, lambda span: run_spans.conclude_tool(span, output))

    @override
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any) -> None:
        self._tracing.end(run_id.hex, lambda span: run_spans.conclude_retriever(span, documents))

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        self._tracing.end(run_id.hex, lambda span: run_spans.conclude_model(span, response))

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

    def _start(
        self,
        describe: Callable[[RunStart], Described],
        serialized: Any,
        given: Any,
        told: Mapping[str, Any],
        *,
        kind: RunKind = "other",
        may_stream: bool | None = None,
        awaits_call: bool = False,
    ) -> None:
        if self._tracing.export is None:
            return
        try:
            run_id, parent_id = told["run_id"], told.get("parent_run_id")
            if len(_TRACINGS) > 1 and self._is_told_by_another(run_id, parent_id):
                return
            context, metadata = RUNS.start(serialized, told, kind), told.get("metadata") or {}
            key, parent_key = run_id.hex, parent_id.hex if parent_id else None
            name, span_id = run_name(serialized, told.get("name")) or "run", key[16:]
            if self._tracing.folds:
                if context.span_id != span_id:
                    self._tracing.fold(key, name, parent_key)
                    return
            elif parent_key:
                # Where the run really stands, folded or not.
                context = TraceContext(context.trace_id, span_id, parent_key[16:], name)

            def described(parent: OpenSpan | None) -> Described:
                return describe(
                    RunStart(name, given, serialized or {}, metadata, parent, is_root=parent_id is None, more=told)
                )

            if parent_key and (session := configured_session(parent_id)):
                # Of what a run is configured with LangChain tells nobody at its start.
                self._tracing.tell_session(parent_key, session)
            # Of chains alone LangChain tells the end whatever ends them; no other run hears that it is cancelled.
            runner = None if may_stream is None else Runner.here(parent_key, may_stream=may_stream)
            self._tracing.start(
                key,
                context,
                described,
                parent_key=parent_key,
                labels=read_labels(told.get("tags"), metadata),
                awaits_call=awaits_call,
                runner=runner,
            )
        except Exception as error:  # noqa: BLE001 whatever is wrong with a span, the user's call goes on
            self._tracing.unnoticed.note(error)

    def _is_told_by_another(self, run_id: UUID, parent_id: UUID | None) -> bool:
        """Whether the receiver is told of a run already, or of what is around it, by another tracer."""
        own = self._tracing
        for other in _TRACINGS.live():
            if other is own or not other.export or not own.export or other.export.receiver != own.export.receiver:
                continue
            if other.knows(run_id.hex) or (parent_id and other.knows(parent_id.hex) and not own.knows(parent_id.hex)):
                return True
        return False

    def _fail(self, run_id: UUID, error: BaseException, inputs: Any = None) -> None:
        self._tracing.fail(run_id.hex, error, interrupts=_interrupts(), late_input=inputs)


class EnvironmentTracer(RunTracer, TracerByVariable):
    """What LangChain adds by itself to every root run while ``PORTKEY_TRACING`` is set."""

    def __init__(self) -> None:
        super().__init__(_tracing_by_environment())


class PortkeyTracer(RunTracer):
    """Exports the runs around the calls of models, by OpenTelemetry: chains, agents, tools, retrievers, other models.

    Pass it as a callback (``config={"callbacks": [PortkeyTracer()]}``), or set ``PORTKEY_TRACING=true`` for one with
    the defaults in every run; several may be passed, to Portkey and to a collector of one's own. Calls of
    ``ChatPortkey`` and ``PortkeyEmbeddings`` belong to the same tree: at Portkey the gateway's own log is their span,
    any other receiver gets one of each, with tokens and cost. Spans go out in the background, and at exit; at most 2048
    wait, and a loss is counted (``lost``) and logged once. It never breaks a run.

    Args:
        endpoint: an OTLP/HTTP receiver, with its ``/v1/traces``. If none is given, OpenTelemetry's variables
            (``OTEL_EXPORTER_OTLP_ENDPOINT`` …) name it; else it is the gateway's own, ``{base_url}/otel/v1/traces``.
        headers: further headers for the receiver.
        api_key: the Portkey API key, for the gateway only; read from ``PORTKEY_API_KEY``.
        base_url: the gateway, with its ``/v1``; read from ``PORTKEY_BASE_URL``, else the hosted gateway.
        capture_content: whether spans hold inputs, outputs and the texts of errors; by default true, unless
            ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says ``false``.
        metadata_keys: the only metadata of runs to export, if given.
        calls: whether calls of ours are exported too; by default (``auto``) to any receiver but Portkey.
        detail: ``all`` gives every run a span; by default (``named``) those that nobody would name are folded into the
            run around them: sequences, prompts, parsers, lambdas, and what LangGraph does between its nodes.

    Raises:
        ImportError: if OpenTelemetry is not installed, naming the extra ``otel``.
        ValueError: if spans are to go to the hosted gateway and there is no API key; or if ``calls`` or ``detail``
            is none of its values.
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
        calls: Calls = "auto",
        detail: Detail = "named",
    ) -> None:
        super().__init__(
            Tracing.to_receiver(
                convert=run_spans.plain,
                endpoint=endpoint,
                headers=headers,
                api_key=api_key,
                base_url=base_url,
                capture_content=capture_content,
                metadata_keys=metadata_keys,
                calls=calls,
                detail=detail,
            )
        )
        _TRACINGS.add(self._tracing)

    @override
    def close(self) -> None:
        super().close()
        _TRACINGS.discard(self._tracing)


def expect_call(trace: TraceContext, metadata: Mapping[str, Any]) -> None:
    """Tell of a call that is made in no run, as embeddings are that nobody asks in a chain: LangChain tells nobody.

    Whoever is told of every run, by ``PORTKEY_TRACING``, is to get a span of it.

    Args:
        trace: where it stands.
        metadata: its labels.
    """
    if env_var_is_set(TRACING_VARIABLE):
        _tracing_by_environment().expect(trace, metadata)


@functools.cache
def _tracing_by_environment() -> Tracing:
    """What all handlers share that LangChain made; what is missing must not break the user's calls."""
    try:
        tracing = Tracing.to_receiver(convert=run_spans.plain)
    except (ImportError, ValueError) as error:
        _logger.warning("%s is set, but no spans are exported: %s", TRACING_VARIABLE, error)
        return Tracing(None, convert=run_spans.plain)
    _TRACINGS.add(tracing)
    return tracing


def _interrupts() -> tuple[type[BaseException], ...]:
    """LangGraph's exceptions that stop a run on purpose, such as ``GraphInterrupt``; none where it is not used."""
    langgraph = sys.modules.get("langgraph.errors")
    return (langgraph.GraphBubbleUp,) if langgraph else ()
