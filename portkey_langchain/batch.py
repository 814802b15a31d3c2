"""Chat models and chains as batches take them (``portkey_gateway.batch``).

A job is a run of LangChain's, and each row a run in it: callbacks, tracers and labels work as in any chain.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager, CallbackManager
from langchain_core.callbacks.manager import CallbackManagerForChainRun
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import Runnable, RunnableConfig
from typing_extensions import override

from portkey_gateway.batch.models import check_model
from portkey_gateway.batch.rows import Job, Reply, Row
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import EncodingError
from portkey_langchain.call import Call
from portkey_langchain.chat_model import ChatPortkey

_TOKENS: Final = {"cache_read": "cache_read_tokens", "cache_creation": "cache_write_tokens"}


@dataclass(frozen=True, slots=True)
class BatchModel:
    """A chat model, or any chain around one, that answers the rows of a batch.

    Example:
        ```python
        from portkey_gateway.batch import run_batch
        from portkey_langchain import ChatPortkey
        from portkey_langchain.batch import BatchModel

        model = BatchModel(ChatPortkey(model="claude-sonnet-4-6"), prompt=lambda row: f"Translate: {row['text']}")
        run_batch(model, [{"id": 1, "text": "Moin"}], "answers.jsonl", progress=True)
        ```

    Pickles if its parts do, keys included; its repr shows none.
    """

    model: Runnable[Any, Any]
    """A message's text is the ``output`` of its row; what else a chain answers stands there as JSON."""
    prompt: str | Callable[[Mapping[str, Any]], Any] = "prompt"
    """What the model is asked for a row: the name of a column, or a function of the row."""
    config: RunnableConfig = field(default_factory=RunnableConfig, repr=False)
    """LangChain's configuration of every row's run: callbacks such as ``PortkeyTracer()``, tags, metadata."""

    def __post_init__(self) -> None:
        """Look whether this is a model of LangChain's.

        Raises:
            TypeError: if it is not, as a model of LlamaIndex is none.
        """
        check_model(self.model, Runnable, "a chat model or a chain of LangChain's")

    @contextmanager
    def job(self, job: Job) -> Iterator[_Asking]:
        """Open the run of a job; the rows are asked within."""
        labels = {**(self.config.get("metadata") or {}), "batch": job.name, "trace_id": job.trace_id}
        callbacks = self.config.get("callbacks")
        manager = CallbackManager.configure(
            inheritable_callbacks=callbacks, inheritable_tags=self.config.get("tags"), inheritable_metadata=labels
        )
        run = manager.on_chain_start({}, {"batch": job.name}, name="batch")
        try:
            yield _Asking(self, job, run)
        except BaseException as error:
            run.on_chain_error(error)
            raise
        run.on_chain_end({})

    def batched(self, row: Row | None) -> tuple[GatewayClient, ChatRequest]:
        """The request for a row as Message Batches take it, and the client that would send it.

        Raises:
            EncodingError: if this is no ``ChatPortkey``, or the row cannot be asked.
        """
        call = self._call("" if row is None else self.asked(row))
        return call.client, cast("ChatRequest", call.request)

    def read(self, answer: Answer) -> Reply:
        """What an answer of a message batch gives for its row."""
        told = _Told()
        result = self._call("").result(answer)
        told.on_llm_end(LLMResult(generations=[[*result.generations]]))
        return told.reply(result.generations[0].message)

    def asked(self, row: Row) -> Any:
        """What the model is asked for a row.

        Raises:
            ValueError: if the row has no such column.
        """
        if callable(self.prompt):
            return self.prompt(row.values)
        if self.prompt not in row.values:
            text = f"the row has no {self.prompt!r}: say prompt=, the name of a column or a function of the row"
            raise ValueError(text)
        return row.values[self.prompt]

    def _call(self, prompt: Any) -> Call:
        if not isinstance(self.model, ChatPortkey):
            raise EncodingError(f"Message Batches take a ChatPortkey itself, not a {type(self.model).__name__}")
        return self.model._call(self.model._convert_input(prompt).to_messages(), None, {})  # noqa: SLF001 our own class


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks for the rows of a job."""

    model: BatchModel
    job: Job
    run: CallbackManagerForChainRun

    def ask(self, row: Row) -> Reply:
        """Ask for the answer to a row."""
        told = _Told()
        return told.reply(self.model.model.invoke(self.model.asked(row), self._config(row, told)))

    async def aask(self, row: Row) -> Reply:
        """Async twin of ``ask``."""
        told = _Told()
        return told.reply(await self.model.model.ainvoke(self.model.asked(row), self._config(row, told)))

    def _config(self, row: Row, told: _Told) -> RunnableConfig:
        within: BaseCallbackManager = self.run.get_child()
        within.add_handler(told)
        within.add_metadata(self.job.labels(row))
        return {**self.model.config, "callbacks": within}


class _Told(BaseCallbackHandler):
    """What the calls tell that a row takes: usage, cost, and who answered."""

    run_inline = True

    def __init__(self) -> None:
        self._messages: list[AIMessage] = []
        self._lock = threading.Lock()

    @override
    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        generation = response.generations[0][0] if response.generations and response.generations[0] else None
        if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
            with self._lock:
                self._messages.append(generation.message)

    def reply(self, output: Any) -> Reply:
        """What came of the row."""
        usage: Counter[str] = Counter()
        costs: list[float] = []
        for message in self._messages:
            usage.update(_usage(message))
            if cost := message.response_metadata.get("cost"):
                costs.append(cost["total"])
        said = self._messages[-1].response_metadata if self._messages else {}
        content = None
        if isinstance(output, AIMessage):
            if output.tool_calls or not isinstance(output.content, str):
                content = _more_than_text(output)
            output = output.text
        return Reply(
            output=str(output) if isinstance(output, str) else output,
            content=content,
            model=said.get("model_name"),
            finish_reason=said.get("finish_reason"),
            usage=usage,
            cost=sum(costs) if costs else None,
        )


def _more_than_text(message: AIMessage) -> list[Any] | None:
    blocks = cast("list[dict[str, Any]]", message.content_blocks)
    return None if all(block.keys() <= {"type", "text", "index"} and "text" in block for block in blocks) else blocks


def _usage(message: AIMessage) -> dict[str, int]:
    told = message.usage_metadata
    if told is None:
        return {}
    details: Mapping[str, Any] = told.get("input_token_details") or {}
    return {
        "input_tokens": told["input_tokens"],
        "output_tokens": told["output_tokens"],
        **{name: details.get(key) or 0 for key, name in _TOKENS.items()},
        "reasoning_tokens": (told.get("output_token_details") or {}).get("reasoning") or 0,
    }
