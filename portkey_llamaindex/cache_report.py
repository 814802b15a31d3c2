"""``CacheReport`` as a callback of LlamaIndex's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from typing_extensions import override

from portkey_gateway import CacheReport as GatewayCacheReport
from portkey_gateway.errors import EncodingError
from portkey_llamaindex.encode import encode_messages

_MAX_RUNNING: Final = 1000


class CacheReport(GatewayCacheReport, BaseCallbackHandler):
    """A cache report that hears of every call by itself: ``Portkey(..., callback_manager=CallbackManager([report]))``.

    Takes account of chats; what an LLM of another class answers counts as far as its ``raw`` tells usage as ours does.

    Example:
        ```python
        report = CacheReport()
        llm = Portkey(model="claude-sonnet-4-6", callback_manager=CallbackManager([report]))
        llm.complete("Hello")
        report.print()
        ```
    """

    def __init__(self, **kwargs: Any) -> None:
        GatewayCacheReport.__init__(self, **kwargs)
        BaseCallbackHandler.__init__(self, event_starts_to_ignore=[], event_ends_to_ignore=[])
        self._requests: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    @override
    def on_event_start(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        parent_id: str = "",
        **kwargs: Any,
    ) -> str:
        """Note what is asked."""
        if event_type is CBEventType.LLM and payload and EventPayload.MESSAGES in payload:
            try:
                encoded = encode_messages(payload[EventPayload.MESSAGES])
            except EncodingError:
                return event_id  # a message in the form of another provider, or one that fails for this reason
            tools = (payload.get(EventPayload.ADDITIONAL_KWARGS) or {}).get("tools")
            self._requests[event_id] = {"messages": encoded, "tools": tools}
            if len(self._requests) > _MAX_RUNNING:
                self._requests.popitem(last=False)
        return event_id

    @override
    def on_event_end(
        self, event_type: CBEventType, payload: dict[str, Any] | None = None, event_id: str = "", **kwargs: Any
    ) -> None:
        """Take account of what was answered."""
        if event_type is CBEventType.LLM and payload:
            answer = payload.get(EventPayload.RESPONSE) or payload.get(EventPayload.COMPLETION)
            self.add([answer], self._requests.pop(event_id, None))

    @override
    def start_trace(self, trace_id: str | None = None) -> None:
        """Nothing to do."""

    @override
    def end_trace(self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None) -> None:
        """Nothing to do."""
