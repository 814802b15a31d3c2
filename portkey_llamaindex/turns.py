"""Whose turn it is in an ``AgentWorkflow``: an agent has the floor from its first step until another one's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.tracing.context import new_span_id

_WORKFLOWS: Final = "llama_index.core.agent.workflow.multi_agent_workflow"


@dataclass(frozen=True, slots=True)
class Turn:
    """An agent's stay on the floor."""

    agent: str
    span_id: str

    @property
    def key(self) -> str:
        """What tells it apart from every span of LlamaIndex."""
        return f"agent-{self.span_id}"


class Turns:
    """Whose turn it is in one run of a workflow."""

    def __init__(self) -> None:
        self._now: Turn | None = None

    @classmethod
    def in_run(cls, instance: Any, method: str) -> Turns | None:
        """Those of a span, if it is the run of such a workflow."""
        return cls() if method == "run" and _is_agents(instance) else None

    def at(self, event: Any) -> Turn | None:
        """Whose turn it is in a step.

        Args:
            event: what the step was given; most name the agent, and tools are called by the one that has the floor.
        """
        agent = getattr(event, "current_agent_name", None)
        if isinstance(agent, str) and (self._now is None or self._now.agent != agent):
            self._now = Turn(agent, new_span_id())
        return self._now


def _is_agents(instance: Any) -> bool:
    # Who has one has read its module; it takes longer to read than all of ours that is read with an LLM.
    known = sys.modules.get(_WORKFLOWS)
    return known is not None and isinstance(instance, known.AgentWorkflow)
