"""What the emulated Claude says in words, and how its answer is cut."""

import base64
import json
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from portkey_gateway.sandbox.claude.brain import REDACT_MAGIC, REFUSAL_MAGIC, think
from portkey_gateway.sandbox.claude.reply import Reply
from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed

RAG = """Context information is below.
---------------------
The cat sat on the mat.
Portkey is a gateway for language models.
---------------------
Given the context information and not prior knowledge, answer the query.
Query: What is Portkey?
Answer: """


def ask(content: Any, *earlier: str, **more: Any) -> Reply:
    messages = [
        {"role": role, "content": text} for said in earlier for role, text in (("user", said), ("assistant", "Ok."))
    ]
    last = {"role": "user", "content": content}
    return think({"model": "claude-sonnet-4-6", "max_tokens": 1000, "messages": [*messages, last], **more})


def say(content: Any, *earlier: str, **more: Any) -> str:
    return "".join(block["text"] for block in ask(content, *earlier, **more).content if block["type"] == "text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", "Hello! How can I help you today?"),
        ("how are you", "You said: “how are you”."),
        ("Say exactly: A B C", "A B C"),
        ("Reply with exactly: OK", "OK"),
        ('Say "hello world" and nothing else.', "hello world"),
        ("Please repeat after me: one\ntwo", "one\ntwo"),
        ("Respond with only the word blue", "blue"),
        ("What is 2 + 2?", "2 + 2 = 4."),
        ("What is 7 divided by 2?", "7 / 2 = 3.5."),
        ("What is 7 / 0?", "Nothing can be divided by zero."),
        ("Count from 3 to 6", "3, 4, 5, 6"),
        ("count to 3", "1, 2, 3"),
        ("List two colours", "1. The 1st of the colours\n2. The 2nd of the colours"),
        (RAG, "Portkey is a gateway for language models."),
    ],
)
def test_what_is_said(text: str, expected: str) -> None:
    assert say(text) == expected


def test_the_system_message_is_seen() -> None:
    assert say("What do you think?", system="You are a pirate.").endswith(
        "I follow the system message: “You are a pirate.”."
    )
    assert say("Hm?", system=[{"type": "text", "text": "Always reply with exactly: no"}]) == "no"
    assert (
        say("What is the secret colour?", system="Be kind. The secret colour is green.")
        == "The secret colour is green."
    )


@pytest.mark.parametrize(
    ("told", "asked", "expected"),
    [
        ("Hi, my name is Ada.", "What is my name?", "Your name is Ada."),
        ("Hi, I'm Bob", "Do you remember my name?", "Your name is Bob."),
        (
            "My favourite colour is dark blue, remember it.",
            "What's my favourite colour?",
            "Your favourite colour is dark blue.",
        ),
        ("The secret word is plum.", "what is the secret word?", "The secret word is plum."),
        ("Nothing.", "What is my name?", "You have not told me your name."),
    ],
)
def test_what_was_told_is_remembered(told: str, asked: str, expected: str) -> None:
    assert say(asked, told, "Anything else.") == expected


def test_a_story_is_long_enough_to_stream() -> None:
    story = say("Write a story about a cat.")
    assert "a cat" in story
    assert len(story.split()) > 40


def test_the_latest_text_is_answered_even_when_a_message_comes_in_parts() -> None:
    assert think(
        {
            "model": "claude-sonnet-4-6",
            "max_tokens": 99,
            "messages": [{"role": "user", "content": "Say exactly:"}, {"role": "user", "content": "hi"}],
        }
    ).content == ({"type": "text", "text": "hi"},)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. Only JSON.",
            {"setup": "Why did the cats cross the road?", "punchline": "To get to the other side!"},
        ),
        (
            'Alice is 30 {so they say}. Output JSON like {"properties": {"name": {"type": "string"}}}',
            {"name": "Alice"},
        ),
        ("Return only JSON, please", {"answer": "Return only JSON, please"}),
    ],
)
def test_json_asked_for_in_words(prompt: str, expected: dict[str, Any]) -> None:
    assert json.loads(say(prompt)) == expected


def picture(width: int, height: int, colour: str, form: str = "PNG") -> dict[str, Any]:
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, form)
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": f"image/{form.lower()}", "data": data}}


def test_images_are_looked_at() -> None:
    shown = [picture(640, 480, "#ff0000"), picture(10, 20, "#0000ff"), {"type": "text", "text": "What is this?"}]
    assert say(shown) == (
        "I see a PNG image, 640 x 480 pixels, mostly red (#ff0000).\n"
        "I see a PNG image, 10 x 20 pixels, mostly blue (#0000ff).\n"
        "You said: “What is this?”."
    )


def test_an_earlier_image_is_looked_at_when_the_question_is_about_it() -> None:
    def answer(question: str) -> Reply:
        messages = [
            {"role": "user", "content": [picture(8, 9, "#000000"), {"type": "text", "text": "Look."}]},
            {"role": "assistant", "content": "Seen."},
            {"role": "user", "content": question},
        ]
        return think({"model": "claude-sonnet-4-6", "max_tokens": 99, "messages": messages})

    assert "mostly black" in answer("Which colour is the image?").content[0]["text"]
    assert "black" not in answer("How are you?").content[0]["text"]


def test_images_in_tool_results_are_looked_at() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [picture(8, 9, "#ffffff")]}
    messages = [
        {"role": "user", "content": "Draw."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "draw", "input": {}}]},
        {"role": "user", "content": [result]},
    ]
    reply = think({"model": "claude-sonnet-4-6", "max_tokens": 99, "messages": messages})
    assert reply.content[0]["text"] == "I see a PNG image, 8 x 9 pixels, mostly white (#ffffff)."


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.org/i.png"}},
            "I see an image at https://a.org/i.png.",
        ),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "I see the image file file_1."),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a.org/d.pdf"}},
            "I see a document at https://a.org/d.pdf.",
        ),
        (
            {
                "type": "document",
                "title": "T",
                "source": {"type": "text", "media_type": "text/plain", "data": "Once upon"},
            },
            "I see a text document “T”. It begins: “Once upon”.",
        ),
        (
            {"type": "document", "source": {"type": "content", "content": "Inner words"}},
            "I see a text document. It begins: “Inner words”.",
        ),
    ],
)
def test_what_is_not_an_inline_image_is_described_too(block: dict[str, Any], expected: str) -> None:
    assert say([block]).startswith(expected)


def pdf(words: str) -> bytes:
    """Write a PDF of one page by hand."""
    stream = f"BT /F1 12 Tf 10 100 Td ({words}) Tj ET"
    font = "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"
    objects = [
        "<</Type /Catalog /Pages 2 0 R>>",
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        f"<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources <</Font <</F1 {font}>>>>>>",
        f"<</Length {len(stream)}>> stream\n{stream}\nendstream",
    ]
    written, table = "%PDF-1.4\n", "0000000000 65535 f \n"
    for number, content in enumerate(objects, start=1):
        table += f"{len(written):010} 00000 n \n"
        written += f"{number} 0 obj {content} endobj\n"
    end = f"xref\n0 5\n{table}trailer <</Size 5 /Root 1 0 R>>\nstartxref\n{len(written)}\n%%EOF\n"
    return (written + end).encode()


def test_a_pdf_is_read() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(pdf("Dummy text")).decode()}
    assert say([{"type": "document", "source": source}]).startswith("I see a PDF of 1 page. It begins: “Dummy text”.")


def test_a_document_answers_a_question() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "The sky is blue.\nThe capital of Norway is Oslo."}
    content = [{"type": "document", "source": source}, {"type": "text", "text": "What is the capital of Norway?"}]
    assert say(content).endswith("\nThe capital of Norway is Oslo.")


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    reply = ask("Repeat after me: one STOP two END", stop_sequences=["END", "STOP"])
    assert reply == Reply(({"type": "text", "text": "one "},), "stop_sequence", "STOP")


def test_a_stop_sequence_at_the_start_leaves_nothing() -> None:
    assert ask("Say exactly: STOP", stop_sequences=["STOP"]) == Reply((), "stop_sequence", "STOP")


def test_max_tokens_cuts_the_text() -> None:
    reply = ask("Write a story about a cat.", max_tokens=5)
    assert reply == Reply(({"type": "text", "text": "Here is a story abou"},), "max_tokens")


def test_thoughts_come_first_and_are_signed() -> None:
    thought, text = ask("Hm?", thinking={"type": "enabled", "budget_tokens": 1024}).content
    assert "Hm?" in thought["thinking"]
    assert is_genuine(thought["thinking"], thought["signature"])
    assert text["type"] == "text"


def test_thoughts_can_be_omitted() -> None:
    thought = ask("Hm?", thinking={"type": "adaptive", "display": "omitted"}).content[0]
    assert thought["thinking"] == ""
    assert is_genuine("", thought["signature"])


def test_thoughts_can_be_redacted() -> None:
    redacted = ask(REDACT_MAGIC, thinking={"type": "enabled", "budget_tokens": 1024}).content[0]
    assert redacted["type"] == "redacted_thinking"
    assert is_sealed(redacted["data"])


def test_thinking_can_be_off() -> None:
    assert [block["type"] for block in ask("Hm?", thinking={"type": "disabled"}).content] == ["text"]


def test_claude_refuses_at_the_magic_word() -> None:
    assert ask(f"Hello {REFUSAL_MAGIC}") == Reply((), "refusal")
