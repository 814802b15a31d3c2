"""Images, files and sound: what is declared must be what is there, and the model must take it."""

import base64
import io
import wave
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate

Part = dict[str, Any]


def png() -> str:
    buffer = BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def wav() -> str:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(16_000))
    return base64.b64encode(buffer.getvalue()).decode()


PDF = base64.b64encode(
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>\nendobj\n"
    b"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n"
    b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n186\n%%EOF\n"
).decode()


def image(url: str, **more: Any) -> Part:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(**fields: Any) -> Part:
    return {"type": "file", "file": fields}


def sound(data: str, form: str = "wav") -> Part:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def request(part: Part, model: str = "gpt-4o") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]}


@pytest.mark.parametrize(
    ("part", "model"),
    [
        (image(f"data:image/png;base64,{png()}", detail="low"), "gpt-4o"),
        (image(f"data:image/jpeg;base64,{png()}"), "gpt-5"),
        (image("https://example.com/a.png", detail="high"), "o3"),
        (file(filename="a.pdf", file_data=f"data:application/pdf;base64,{PDF}"), "gpt-4o"),
        (file(file_id="file-123"), "gpt-4o"),
        (sound(wav()), "gpt-4o-audio-preview"),
        ({"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}, "gpt-5.6-sol"),
    ],
)
def test_it_is_taken(part: Part, model: str) -> None:
    validate(request(part, model))


PLACE = "messages[0].content[1]"


@pytest.mark.parametrize(
    ("part", "model", "message", "param", "code"),
    [
        (image("not a url"), "gpt-4o", "Expected a valid URL", f"{PLACE}.image_url.url", "invalid_value"),
        (image("data:image/png;base64,???"), "gpt-4o", "Invalid base64 image_url.", None, "invalid_base64"),
        (
            image(f"data:application/pdf;base64,{PDF}"),
            "gpt-4o",
            "Invalid MIME type. Only image types are supported.",
            None,
            "invalid_image_format",
        ),
        (
            image(f"data:image/png;base64,{PDF}"),
            "gpt-4o",
            "['png', 'jpeg', 'gif', 'webp']",
            None,
            "invalid_image_format",
        ),
        (
            image("https://example.com/a.png"),
            "o3-mini",
            "Invalid content type. image_url is only supported by certain models.",
            "messages.[0].content.[1].type",
            None,
        ),
        (sound(wav()), "gpt-4o", "input_audio is only supported", "messages.[0].content.[1].type", None),
        (sound(wav(), "mp3"), "gpt-4o-audio-preview", "valid mp3 format", f"{PLACE}.input_audio", "invalid_value"),
        (sound("?"), "gpt-4o-audio-preview", "valid wav format", f"{PLACE}.input_audio", "invalid_value"),
        (
            file(file_data=f"data:application/pdf;base64,{PDF}"),
            "gpt-4o",
            f"Missing required parameter: '{PLACE}.file.file_id'.",
            f"{PLACE}.file.file_id",
            "missing_required_parameter",
        ),
        (
            file(filename="a.pdf", file_data=PDF),
            "gpt-4o",
            f"Invalid file data: '{PLACE}.file.file_data'. Expected a base64-encoded data URL",
            f"{PLACE}.file.file_data",
            "invalid_value",
        ),
        (
            file(filename="a.txt", file_data="data:text/plain;base64,SGk="),
            "gpt-4o",
            "but got unsupported MIME type 'text/plain'.",
            f"{PLACE}.file.file_data",
            "invalid_value",
        ),
        (
            file(filename="a.pdf", file_data="data:application/pdf;base64,SGk="),
            "gpt-4o",
            "but got an invalid base64-encoded value.",
            f"{PLACE}.file.file_data",
            "invalid_value",
        ),
        (
            file(file_id="abc"),
            "gpt-4o",
            "Expected an ID that begins with 'file'.",
            f"{PLACE}.file.file_id",
            "invalid_value",
        ),
        (
            {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}},
            "gpt-4o",
            "Unknown parameter",
            f"{PLACE}.prompt_cache_breakpoint",
            "unknown_parameter",
        ),
        (
            {"type": "text", "text": "x"},
            "gpt-4o-audio-preview",
            "This model requires that either input content or output modality contain audio.",
            "model",
            "invalid_value",
        ),
    ],
)
def test_it_is_refused(part: Part, model: str, message: str, param: str | None, code: str | None) -> None:
    with pytest.raises(OpenAIError) as caught:
        validate(request(part, model))
    error = caught.value
    assert (error.status, error.param, error.code) == (400, param, code)
    assert message in error.message
