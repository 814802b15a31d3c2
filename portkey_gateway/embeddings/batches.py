"""Many texts → batches, and their answers → vectors in the order of the texts. No I/O; sync and async ways share it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portkey_gateway.conversation.usage import Usage
from portkey_gateway.embeddings.answer import Embeddings
from portkey_gateway.embeddings.decode import BatchAnswer
from portkey_gateway.embeddings.too_large import TooLarge, too_large
from portkey_gateway.embeddings.whole import Part, Whole
from portkey_gateway.errors import InvalidResponseError, PortkeyError, warn

BYTES_PER_TOKEN: Final = 3
"""How many bytes of text count as a token: a word of English has some four, a character of Chinese three."""


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

    @property
    def size(self) -> int:
        """The bytes of its texts."""
        return sum(map(_size, self.texts))

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches in its place."""
        middle = (len(self.texts) + 1) // 2
        return Batch(self.start, self.texts[:middle]), Batch(self.start + middle, self.texts[middle:])


class Batches:
    """What is still to be embedded, and what is. Safe to use from many threads.

    A batch that a provider finds too large is halved, which costs nothing, since it was refused; so are those after it
    that are as large, before they are sent. Any other failure ends the work: no further batch is handed out, and what
    was embedded by then stands in the error's ``embedded``.

    Args:
        texts: all of them.
        most_texts: how many a request takes.
        most_tokens: how many tokens a request takes; counted by ``BYTES_PER_TOKEN``.
        part: where they stand, if they are part of a whole that several calls embed.
    """

    def __init__(
        self, texts: list[str], most_texts: int, most_tokens: int | None = None, part: Part | None = None
    ) -> None:
        self._count = len(texts)
        self._part = part or Whole(texts).part(texts)
        self._waiting = deque(_cut(texts, most_texts, most_tokens))
        self._answers: dict[int, BatchAnswer] = {}
        self._too_many: int | None = None
        self._too_long: int | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(self) -> Batch | None:
        """The next batch to send; ``None`` if there is none."""
        with self._lock:
            if self._part.whole.has_failed:
                self._waiting.clear()
            if not self._waiting:
                return None
            batch = self._waiting.popleft()
            while len(batch.texts) > 1 and self._is_too_large(batch):
                batch, rest = batch.halves()
                self._waiting.appendleft(rest)
            return batch

    def settle(self, batch: Batch, answer: BatchAnswer) -> None:
        """Note the answer to a batch."""
        with self._lock:
            self._answers[batch.start] = answer
        self._part.whole.settle(self._places(batch), answer.vectors)

    def fail(self, batch: Batch, error: Exception) -> None:
        """Note that a batch failed, for good as far as it alone is concerned."""
        with self._lock:
            kind = too_large(error)
            if len(batch.texts) > 1 and kind:
                self._learn(batch, kind)
                self._waiting.extendleft(reversed(batch.halves()))
            else:
                self._part.whole.fail(self._located(batch, error))

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
        whole = self._part.whole
        if len(vectors) == self._count and len(lengths := sorted(whole.lengths)) > 1:
            text = f"vectors of different lengths came back, {lengths}: may a config ask several models?"
            whole.fail(InvalidResponseError(text, info=answers[0].info))
        if error := whole.failure():
            raise error
        models = list(dict.fromkeys(answer.model for answer in answers if answer.model))
        if len(models) > 1:
            warn(f"the texts were embedded by several models, {', '.join(models)}: their vectors cannot be compared")
        usages = [answer.usage for answer in answers if answer.usage is not None]
        told = len(usages) == len(answers) and bool(usages)
        usage = Usage(input_tokens=sum(usage.input_tokens for usage in usages)) if told else None
        return Embeddings(vectors, models[0] if models else "", usage, tuple(answer.info for answer in answers))

    def _learn(self, batch: Batch, kind: TooLarge) -> None:
        if kind is TooLarge.TEXTS:
            self._too_many = min(len(batch.texts), self._too_many or len(batch.texts))
        else:
            self._too_long = min(batch.size, self._too_long or batch.size)

    def _is_too_large(self, batch: Batch) -> bool:
        if self._too_many is not None and len(batch.texts) >= self._too_many:
            return True
        return self._too_long is not None and batch.size >= self._too_long

    def _places(self, batch: Batch) -> Sequence[int]:
        return self._part.places[batch.start : batch.end]

    def _located(self, batch: Batch, error: Exception) -> Exception:
        """Say which of many texts an error is about."""
        count = len(self._part.whole)
        if isinstance(error, PortkeyError) and len(batch.texts) < count:
            first, *others = self._places(batch)
            which = f"texts {first} to {others[-1]}" if others else f"text {first}"
            error.message = f"{which} of {count}: {error.message}"
            error.args = (error.message,)
        return error


def _cut(texts: list[str], most_texts: int, most_tokens: int | None) -> Iterator[Batch]:
    """Cut texts into batches, none larger than allowed, but for a text that is too large by itself."""
    if most_tokens is None:
        yield from (Batch(start, texts[start : start + most_texts]) for start in range(0, len(texts), most_texts))
        return
    start, size, most_bytes = 0, 0, most_tokens * BYTES_PER_TOKEN
    for place, text in enumerate(texts):
        length = _size(text)
        if place > start and (place - start == most_texts or size + length > most_bytes):
            yield Batch(start, texts[start:place])
            start, size = place, 0
        size += length
    if texts:
        yield Batch(start, texts[start:])


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
