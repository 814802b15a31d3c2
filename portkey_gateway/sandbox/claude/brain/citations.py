"""Answers from documents and search results that may be cited, each sentence with where it stands.

Source of the shapes: `anthropic.types.TextCitation` and answers that Anthropic gave, as langchain-anthropic 1.7.10
recorded them: what is cited is a text block of its own, and the words between are others.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.sandbox.claude.blocks import message_blocks
from portkey_gateway.sandbox.claude.brain import mining
from portkey_gateway.sandbox.claude.brain.conversation import as_blocks
from portkey_gateway.sandbox.claude.media import pdf_pages
from portkey_gateway.sandbox.claude.reply import Block

_MOST_CITED: Final = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a source that can be cited.

    Attributes:
        text: Its words.
        citation: Where it stands, in wire shape.
    """

    text: str
    citation: Mapping[str, Any]


def answer_cited(question: str, passages: Iterable[Passage]) -> list[Block]:
    """Return text blocks that answer from the passages which share most words with the question; none if none does."""
    wanted = mining.telling_words(question)
    scored = [(len(wanted & mining.telling_words(passage.text)), passage) for passage in passages]
    best = max((score for score, _ in scored), default=0)
    chosen = [passage for score, passage in scored if score == best][:_MOST_CITED] if best else []
    blocks: list[Block] = []
    for index, passage in enumerate(chosen):
        if index:
            blocks.append({"type": "text", "text": " And: "})
        blocks.append({"type": "text", "text": passage.text, "citations": [dict(passage.citation)]})
    return blocks


def citable(messages: Sequence[Mapping[str, Any]]) -> Iterator[Passage]:
    """Yield what may be cited of the documents and search results of a conversation, those in tool results too."""
    documents = searches = 0
    for located in message_blocks(list(messages)):
        if located.type == "document":
            if _may_be_cited(located.block):
                yield from document_passages(located.block, documents)
            documents += 1
        elif located.type == "search_result":
            if _may_be_cited(located.block):
                yield from _search_passages(located.block, searches)
            searches += 1


def _may_be_cited(source: Mapping[str, Any]) -> bool:
    return bool((source.get("citations") or {}).get("enabled"))


def document_passages(document: Mapping[str, Any], index: int) -> Iterator[Passage]:
    """Yield the sentences, pages or blocks of one document."""
    source = document["source"]
    where = {"document_index": index, "document_title": document.get("title")}
    match source["type"]:
        case "text":
            for start, sentence in _sentences(source["data"]):
                place = {"start_char_index": start, "end_char_index": start + len(sentence)}
                yield _passage("char_location", sentence, {**where, **place})
        case "base64":
            for number, page in enumerate(pdf_pages(base64.b64decode(source["data"])), 1):
                place = {"start_page_number": number, "end_page_number": number + 1}
                yield _passage("page_location", page.strip(), {**where, **place})
        case "content":
            for number, part in enumerate(as_blocks(source["content"])):
                if part["type"] == "text":
                    place = {"start_block_index": number, "end_block_index": number + 1}
                    yield _passage("content_block_location", part["text"], {**where, **place})
        case _:
            return  # elsewhere: nothing is fetched


def _search_passages(result: Mapping[str, Any], index: int) -> Iterator[Passage]:
    where = {"source": result["source"], "title": result["title"], "search_result_index": index}
    for number, part in enumerate(result["content"]):
        place = {"start_block_index": number, "end_block_index": number + 1}
        yield _passage("search_result_location", part["text"], {**where, **place})


def _passage(kind: str, text: str, place: Mapping[str, Any]) -> Passage:
    return Passage(text, {"type": kind, "cited_text": text, **place})


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with the index it begins at."""
    reached = 0
    for sentence in mining.sentences(text):
        reached = text.index(sentence, reached)
        yield reached, sentence
        reached += len(sentence)
