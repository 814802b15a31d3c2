"""``config`` of a call, which is LangChain's own: told apart from a config of the gateway's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from langchain_core.runnables import RunnableConfig

from portkey_gateway.errors import EncodingError
from portkey_gateway.options import check_metadata
from portkey_gateway.tracing.session import SESSION_LABEL, find_session

_OF_THE_GATEWAY: Final = frozenset(
    {"strategy", "targets", "provider", "virtual_key", "api_key", "custom_host", "override_params", "retry", "cache"}
)
_METADATA: Final = "metadata"


def as_run_config(config: Any, kwargs: dict[str, Any]) -> RunnableConfig | None:
    """Return what LangChain takes as ``config``, with the metadata that a call gives by itself.

    The conversation that it is configured with (``configurable``) is among them: LangChain tells it nobody.

    Args:
        config: as it was given.
        kwargs: the keyword arguments of the call; ``metadata`` is taken from them.

    Raises:
        EncodingError: (a ``ValueError``) if it is a config of the gateway's, which LangChain would ignore.
        ValueError: if the metadata are no mapping.
    """
    if isinstance(config, str) or hasattr(config, "to_config") or _is_of_the_gateway(config):
        raise EncodingError(
            "config of a call is LangChain's RunnableConfig, which knows callbacks, tags, metadata and the like: give "
            "the gateway's to the model, as ChatPortkey(config=…) or model.with_options(config=…)"
        )
    given, own = config or {}, kwargs.pop(_METADATA, None)
    session = find_session(given.get("configurable") or {})
    if own is None and session is None:
        return cast("RunnableConfig | None", config)
    metadata = {**(given.get(_METADATA) or {}), **(check_metadata(own) if own is not None else {})}
    if session and find_session(metadata) is None:
        metadata[SESSION_LABEL] = session
    return cast("RunnableConfig", {**given, _METADATA: metadata})


def _is_of_the_gateway(config: Any) -> bool:
    if not isinstance(config, Mapping):
        return False
    # There a chain puts what it does not know; a field of its own may be called as one of the gateway's keys.
    put_aside = config.get("configurable") or {}
    return not _OF_THE_GATEWAY.isdisjoint(config) or {"strategy", "targets"} <= put_aside.keys()
