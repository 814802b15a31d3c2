"""Many texts → batches, and their answers → vectors in the order of the texts. No I/O; sync and async ways share it."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.embeddings.decode import BatchAnswer
from portkey_gateway.errors import InvalidResponseError, PortkeyError, warn

BYTES_PER_TOKEN: Final = 3
"""How many bytes of text count as a token: a word of English has some four, a character of Chinese three."""

# How providers refuse what is too large: Mistral speaks of "too many inputs", Cohere of the "number of texts", OpenAI
# of "tokens per request", Voyage of "tokens per submitted batch", servers of open models of the "batch size".
_TOO_LARGE: Final = re.compile(
    r"too many inputs|number of texts|tokens per (?:request|submitted batch)|max_tokens_per_request|batch[ _]size",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that go into one request."""

    start: int
    """The place of its first text among all."""
    texts: list[str]

    @property
    def end(self) -> int:
        """The place after its last text."""
        return self.start + len(self.texts)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches in its place."""
        middle = (len(self.texts) + 1) // 2
        return Batch(self.start, self.texts[:middle]), Batch(self.start + middle, self.texts[middle:])


class Batches:
    """What is still to be embedded, and what is. Safe to use from many threads.

    A batch that a provider finds too large is halved, which costs nothing, since it was refused. Any other failure ends
    the work: no further batch is handed out, and what was embedded by then stands in the error's ``embedded``.

    Args:
        texts: all of them.
        most_texts: how many a request takes.
        most_tokens: how many tokens a request takes; counted by ``BYTES_PER_TOKEN``.
    """

    def __init__(self, texts: list[str], most_texts: int, most_tokens: int | None = None) -> None:
        self._count = len(texts)
        self._waiting = deque(_cut(texts, most_texts, most_tokens))
        self._answers: dict[int, BatchAnswer] = {}
        self._too_many = self._count + 1
        self._error: Exception | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(self) -> Batch | None:
        """The next batch to send; ``None`` if there is none."""
        with self._lock:
            if not self._waiting:
                return None
            batch = self._waiting.popleft()
            while len(batch.texts) >= self._too_many > 1:
                batch, rest = batch.halves()
                self._waiting.appendleft(rest)
            return batch

    def settle(self, batch: Batch, answer: BatchAnswer) -> None:
        """Note the answer to a batch."""
        with self._lock:
            self._answers[batch.start] = answer

    def fail(self, batch: Batch, error: Exception) -> None:
        """Note that a batch failed, for good as far as it alone is concerned."""
        with self._lock:
            if len(batch.texts) > 1 and _says_too_large(error):
                self._too_many = min(self._too_many, len(batch.texts))
                self._waiting.extendleft(reversed(batch.halves()))
            elif self._error is None:
                self._error = self._located(batch, error)
                self._waiting.clear()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._lock:
            self._waiting.clear()

    def result(self) -> Embeddings:
        """Put all answers together.

        Raises:
            PortkeyError: what the first batch failed with that could not be embedded.
        """
        answers = [self._answers[start] for start in sorted(self._answers)]
        vectors = [vector for answer in answers for vector in answer.vectors]
        error = self._error
        if error is None and len({len(vector) for vector in vectors}) > 1:
            lengths = sorted({len(vector) for vector in vectors})
            error = InvalidResponseError(
                f"vectors of different lengths came back, {lengths}: may a config ask several models?",
                info=answers[0].info,
            )
        if error is not None:
            if isinstance(error, PortkeyError):
                error.embedded = {
                    place: vector
                    for start, answer in sorted(self._answers.items())
                    for place, vector in enumerate(answer.vectors, start)
                }
            raise error
        models = list(dict.fromkeys(answer.model for answer in answers if answer.model))
        if len(models) > 1:
            warn(f"the texts were embedded by several models, {', '.join(models)}: their vectors cannot be compared")
        usages = [answer.usage for answer in answers if answer.usage is not None]
        told = len(usages) == len(answers) and bool(usages)
        usage = Usage(input_tokens=sum(usage.input_tokens for usage in usages)) if told else None
        return Embeddings(vectors, models[0] if models else "", usage, tuple(answer.info for answer in answers))

    def _located(self, batch: Batch, error: Exception) -> Exception:
        """Say which of many texts an error is about."""
        if isinstance(error, PortkeyError) and len(batch.texts) < self._count:
            which = f"text {batch.start}" if len(batch.texts) == 1 else f"texts {batch.start} to {batch.end - 1}"
            error.message = f"{which} of {self._count}: {error.message}"
            error.args = (error.message,)
        return error


def _cut(texts: list[str], most_texts: int, most_tokens: int | None) -> Iterator[Batch]:
    """Cut texts into batches, none larger than allowed, but for a text that is too large by itself."""
    if most_tokens is None:
        yield from (Batch(start, texts[start : start + most_texts]) for start in range(0, len(texts), most_texts))
        return
    start, size, most_bytes = 0, 0, most_tokens * BYTES_PER_TOKEN
    for place, text in enumerate(texts):
        length = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        if place > start and (place - start == most_texts or size + length > most_bytes):
            yield Batch(start, texts[start:place])
            start, size = place, 0
        size += length
    if texts:
        yield Batch(start, texts[start:])


def _says_too_large(error: Exception) -> bool:
    if not isinstance(error, PortkeyError):
        return False
    refused = error.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
    return error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (refused and bool(_TOO_LARGE.search(error.message)))
