"""``CacheReport`` as a callback of LangChain's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from typing_extensions import override

from portkey_gateway import CacheReport as GatewayCacheReport
from portkey_gateway.errors import EncodingError
from portkey_langchain.encode import encode_messages

_MAX_RUNNING: Final = 1000


class CacheReport(GatewayCacheReport, BaseCallbackHandler):
    """A cache report that hears of every call by itself: ``ChatPortkey(..., callbacks=[report])``, or of a run's.

    Takes account of models of other classes too, as far as their messages tell usage.

    Example:
        ```python
        report = CacheReport()
        agent.invoke({"messages": messages}, {"callbacks": [report]})
        report.print()
        ```
    """

    run_inline = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._requests: OrderedDict[UUID, Mapping[str, Any]] = OrderedDict()

    @override
    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        try:
            encoded = encode_messages(messages[0])
        except EncodingError:
            return  # a message in the form of another provider, or one that fails for this reason
        tools = (kwargs.get("invocation_params") or {}).get("tools")
        self._requests[run_id] = {"messages": encoded, "tools": tools}
        if len(self._requests) > _MAX_RUNNING:
            self._requests.popitem(last=False)

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        request = self._requests.pop(run_id, None)
        generation = response.generations[0][0] if response.generations and response.generations[0] else None
        if not isinstance(generation, ChatGeneration):
            return
        if "total_cost" in (getattr(generation.message, "usage_metadata", None) or {}):
            self.not_counted += 1  # LangChain's own cache of answers says so
            return
        self.add([generation.message], request)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._requests.pop(run_id, None)
