"""The sandbox (extra `sandbox`): the real open-source gateway with an emulated Claude behind it, and an OpenAI.

It runs on Linux and macOS. Its parts are imported when they are first asked for, so that importing the package, which
every pytest run does for the sake of the fixture, costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from portkey_gateway.sandbox.error import MissingExtraError, PortInUseError, SandboxError

if TYPE_CHECKING:
    from portkey_gateway.sandbox.claude.server import ClaudeServer
    from portkey_gateway.sandbox.control_plane.server import ControlPlane
    from portkey_gateway.sandbox.openai.server import OpenAIServer
    from portkey_gateway.sandbox.sandbox import Sandbox
    from portkey_gateway.sandbox.serving.faults import Fault
    from portkey_gateway.sandbox.span_receiver import SpanReceiver
    from portkey_gateway.sandbox.trace_tree import CallLog, draw_trace

__all__ = [
    "CallLog",
    "ClaudeServer",
    "ControlPlane",
    "Fault",
    "MissingExtraError",
    "OpenAIServer",
    "PortInUseError",
    "Sandbox",
    "SandboxError",
    "SpanReceiver",
    "draw_trace",
]

_HOMES = {
    "CallLog": "trace_tree",
    "ClaudeServer": "claude.server",
    "ControlPlane": "control_plane.server",
    "Fault": "serving.faults",
    "OpenAIServer": "openai.server",
    "Sandbox": "sandbox",
    "SpanReceiver": "span_receiver",
    "draw_trace": "trace_tree",
}
_EXTRAS = {
    **dict.fromkeys(("PIL", "anthropic", "openai", "pypdf", "pystache", "starlette", "uvicorn"), "sandbox"),
    **dict.fromkeys(("google", "opentelemetry"), "otel"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in _EXTRAS:
            raise MissingExtraError(missing, _EXTRAS[missing]) from error
        raise


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
