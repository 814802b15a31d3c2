"""``PORTKEY_TRACING``: while it is set, LangChain adds a tracer to every run, also to those in which nothing is ours.

The tracer itself is read when the first run needs one.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

TRACING_VARIABLE: Final = "PORTKEY_TRACING"
"""The variable that switches the tracer on for every run."""


class TracerByVariable(BaseCallbackHandler):
    """Made by LangChain, this is an ``EnvironmentTracer``."""

    def __new__(cls) -> TracerByVariable:  # noqa: PYI034 the tracer is made in the place of this
        """Make the tracer."""
        from portkey_langchain.tracer import EnvironmentTracer  # noqa: PLC0415 see above

        return object.__new__(EnvironmentTracer)


register_configure_hook(
    ContextVar[BaseCallbackHandler | None]("portkey_tracer", default=None),
    inheritable=True,
    handle_class=TracerByVariable,
    env_var=TRACING_VARIABLE,
)
