"""LLMs as batches take them (``portkey_gateway.batch``).

A job is a span of LlamaIndex's, and each row's chat a span in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from llama_index.core.llms import LLM, ChatMessage, ChatResponse, TextBlock
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import active_instrument_tags, instrument_tags
from llama_index_instrumentation.span import active_span_id
from pydantic import BaseModel

from portkey_gateway.batch.models import check_model
from portkey_gateway.batch.rows import Job, Reply, Row
from portkey_gateway.client import GatewayClient
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import EncodingError
from portkey_llamaindex.decode import decode_response
from portkey_llamaindex.llm import Portkey

_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_dispatcher: Final = get_dispatcher(__name__)


@dataclass(frozen=True, slots=True)
class BatchModel:
    """An LLM that answers the rows of a batch.

    Example:
        ```python
        from portkey_gateway.batch import run_batch
        from portkey_llamaindex import Portkey
        from portkey_llamaindex.batch import BatchModel

        model = BatchModel(Portkey(model="claude-sonnet-4-6"), prompt=lambda row: f"Translate: {row['text']}")
        run_batch(model, [{"id": 1, "text": "Moin"}], "answers.jsonl", progress=True)
        ```

    Pickles if its parts do, keys included; its repr shows none.
    """

    llm: LLM
    """``Portkey``, or ``Portkey(…).as_structured_llm(Schema)``, whose objects stand as JSON in ``output``."""
    prompt: str | Callable[[Mapping[str, Any]], str | ChatMessage | Sequence[ChatMessage]] = "prompt"
    """What the LLM is asked for a row: the name of a column, or a function of the row."""
    chat_kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further arguments of every chat, as ``Portkey.chat`` takes them."""

    def __post_init__(self) -> None:
        """Look whether this is an LLM of LlamaIndex's.

        Raises:
            TypeError: if it is not, as a model of LangChain is none.
        """
        check_model(self.llm, LLM, "an LLM of LlamaIndex's")

    @contextmanager
    def job(self, job: Job) -> Iterator[_Asking]:
        """Open the span of a job; the rows are asked within."""
        tags = {**active_instrument_tags.get(), "batch": job.name, "trace_id": job.trace_id}
        span_id, around = f"batch-{uuid4()}", active_span_id.get()
        told: dict[str, Any] = {"id_": span_id, "bound_args": inspect.signature(lambda: None).bind()}
        with instrument_tags(tags):
            token = active_span_id.set(span_id)
            _dispatcher.span_enter(**told, parent_id=around, tags=tags)
            try:
                yield _Asking(self, job, tags)
            except BaseException as error:
                _dispatcher.span_drop(**told, err=error)
                raise
            else:
                _dispatcher.span_exit(**told)
            finally:
                active_span_id.reset(token)

    def batched(self, row: Row | None) -> tuple[GatewayClient, ChatRequest]:
        """The request for a row as Message Batches take it, and the client that would send it.

        Raises:
            EncodingError: if this is no ``Portkey``, or the row cannot be asked.
        """
        if not isinstance(self.llm, Portkey):
            raise EncodingError(f"Message Batches take a Portkey itself, not a {type(self.llm).__name__}")
        call = self.llm._call([ChatMessage("")] if row is None else self.asked(row), dict(self.chat_kwargs))  # noqa: SLF001 our own class
        return call.client, call.request

    def read(self, answer: Answer) -> Reply:
        """What an answer of a message batch gives for its row."""
        return _read(decode_response(answer))

    def asked(self, row: Row) -> list[ChatMessage]:
        """What the LLM is asked for a row.

        Raises:
            ValueError: if the row has no such column.
        """
        if callable(self.prompt):
            asked: Any = self.prompt(row.values)
        elif self.prompt in row.values:
            asked = row.values[self.prompt]
        else:
            text = f"the row has no {self.prompt!r}: say prompt=, the name of a column or a function of the row"
            raise ValueError(text)
        if isinstance(asked, str):
            return [ChatMessage(asked)]
        return [asked] if isinstance(asked, ChatMessage) else list(asked)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks for the rows of a job."""

    model: BatchModel
    job: Job
    tags: Mapping[str, Any]

    def ask(self, row: Row) -> Reply:
        """Ask for the answer to a row."""
        with instrument_tags({**self.tags, **self.job.labels(row)}):
            return _read(self.model.llm.chat(self.model.asked(row), **self.model.chat_kwargs))

    async def aask(self, row: Row) -> Reply:
        """Async twin of ``ask``."""
        with instrument_tags({**self.tags, **self.job.labels(row)}):
            return _read(await self.model.llm.achat(self.model.asked(row), **self.model.chat_kwargs))


def _read(response: ChatResponse) -> Reply:
    raw = response.raw
    output: Any = raw if isinstance(raw, BaseModel) else response.message.content
    told: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    usage: Mapping[str, Any] = told.get("usage") or {}
    blocks = response.message.blocks
    is_more = not isinstance(raw, BaseModel) and not all(type(block) is TextBlock for block in blocks)
    return Reply(
        output=output,
        content=[block.model_dump(mode="json", exclude_none=True) for block in blocks] if is_more else None,
        model=told.get("model"),
        finish_reason=told.get("finish_reason"),
        usage={name: usage.get(name) or 0 for name in _TOKENS} if usage else {},
        cost=(told.get("cost") or {}).get("total"),
    )
