"""The agents of an ``AgentWorkflow``: LlamaIndex tells of its steps alone, each of which names the agent that acts.

An agent's turn (``portkey_llamaindex.turns``) is a span of its own, in the workflow's. Who spoke twice, with others
between, has two.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from llama_index.core.agent.workflow.workflow_events import AgentOutput

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.spans import Described
from portkey_llamaindex.turns import Turn

if TYPE_CHECKING:
    from portkey_gateway.tracing.steps import Tracing

MAX_WORKFLOWS: Final = 10_000
"""Workflows whose agents are remembered, those that began last."""


class AgentSpans:
    """Makes the spans of turns.

    Args:
        tracing: where they go.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        # By LlamaIndex's id of the workflow's run: whose turn it is, and what that said last.
        self._turns: OrderedDict[str, tuple[Turn, Any]] = OrderedDict()

    def enter(self, run_id: str, trace: TraceContext, turn: Turn, event: Any, labels: Mapping[str, Any]) -> None:
        """A step begins; with the first of a turn, the span of that.

        Args:
            run_id: LlamaIndex's id of the workflow's run.
            trace: where that run stands.
            turn: whose it is.
            event: what the step was given.
            labels: the metadata of the run.
        """
        now, said = self._turns.get(run_id, (None, None))
        if now != turn:
            self.leave(run_id)
            said = None
            context = TraceContext(trace.trace_id, turn.span_id, trace.span_id, turn.agent)
            attributes = {semconv.OPERATION: "invoke_agent", semconv.AGENT_NAME: turn.agent}
            given = getattr(event, "input", None)
            content = {semconv.INPUT_MESSAGES: given} if given else {}
            told = Described(f"invoke_agent {turn.agent}", attributes, content)
            self._tracing.start(turn.key, context, lambda _: told, parent_key=run_id, labels=labels)
        self._turns[run_id] = turn, event.response if isinstance(event, AgentOutput) else said
        if len(self._turns) > MAX_WORKFLOWS:
            self._turns.popitem(last=False)

    def leave(self, run_id: str, error: BaseException | None = None) -> None:
        """A turn is over, or the run of the workflow with it.

        Args:
            run_id: LlamaIndex's id of the run.
            error: what ended the run, if it failed.
        """
        turn, said = self._turns.pop(run_id, (None, None))
        if turn is None:
            return
        if error is not None:
            self._tracing.fail(turn.key, error)
            return
        run = self._tracing.open.touch(run_id)
        outcome = run.attributes.get(semconv.OUTCOME) if run else None
        content = {semconv.OUTPUT_MESSAGES: [said]} if said is not None else {}
        self._tracing.end(turn.key, lambda _: Described(attributes={semconv.OUTCOME: outcome}, content=content))
