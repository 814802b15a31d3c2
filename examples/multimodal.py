"""A picture and a document in one message, in LangChain and in LlamaIndex, with what Claude cites of the document.

``python -m examples.multimodal`` runs on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is set
(``PORTKEY_MODEL`` names the model). It takes ``pip install pillow``.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage, CitableBlock, CitationBlock, ImageBlock, TextBlock
from PIL import Image

from examples.places import places
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

TIMETABLE = "The ferry to Laboe leaves at 10:15. The ferry to Strande leaves at 11:40. Dogs travel free."
ABOUT_THE_PICTURE = "Describe the image."
ABOUT_THE_TIMETABLE = "When does the ferry to Strande leave?"


def main() -> None:
    """Ask both frameworks about both."""
    picture = paint()
    with places() as found:
        for line in (*ask_langchain(found.chat, picture), *ask_llamaindex(found.chat, picture)):
            print(line)


def paint() -> bytes:
    """A red picture, 320 x 180 pixels, as a PNG."""
    file = io.BytesIO()
    Image.new("RGB", (320, 180), "#dc143c").save(file, "PNG")
    return file.getvalue()


def ask_langchain(chat: dict[str, Any], picture: bytes) -> Iterator[str]:
    """Yield what is in the picture, the answer from the timetable, and what it cites."""
    model = ChatPortkey(**chat)
    image = {"type": "image", "base64": base64.b64encode(picture).decode(), "mime_type": "image/png"}
    yield model.invoke([HumanMessage([{"type": "text", "text": ABOUT_THE_PICTURE}, image])]).text

    document = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": TIMETABLE},
        "title": "Timetable",
        "citations": {"enabled": True},
    }
    answer = model.invoke([HumanMessage([{"type": "text", "text": ABOUT_THE_TIMETABLE}, document])])
    yield answer.text
    blocks: list[Any] = answer.content_blocks
    yield from (f"{said['title']}: {said['cited_text']}" for block in blocks for said in block.get("annotations", ()))


def ask_llamaindex(chat: dict[str, Any], picture: bytes) -> Iterator[str]:
    """Yield the same, by LlamaIndex's blocks."""
    llm = Portkey(**chat)
    asked = ChatMessage(role="user", blocks=[TextBlock(text=ABOUT_THE_PICTURE), ImageBlock(image=picture)])
    yield llm.chat([asked]).message.content or ""

    # What is cited is a block of these: a sentence each.
    sentences: list[Any] = [TextBlock(text=f"{sentence}.") for sentence in TIMETABLE.removesuffix(".").split(". ")]
    timetable = CitableBlock(title="Timetable", source="timetable.txt", content=sentences)
    asked = ChatMessage(role="user", blocks=[timetable, TextBlock(text=ABOUT_THE_TIMETABLE)])
    message = llm.chat([asked]).message
    yield message.content or ""
    for block in message.blocks:
        if isinstance(block, CitationBlock) and isinstance(block.cited_content, TextBlock):
            yield f"{block.title}: {block.cited_content.text}"


if __name__ == "__main__":
    main()
