"""The rules of images, files and sound: the bytes must be what they are said to be, and the model must take them.

Source: OpenAI's guides "Images and vision", "File inputs" and "Audio and speech". Nothing is fetched: an http URL and a
file id are taken at their word.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Final

from portkey_gateway.sandbox.claude.media import inspect_image, inspect_pdf
from portkey_gateway.sandbox.openai import models
from portkey_gateway.sandbox.openai.errors import OpenAIError, invalid
from portkey_gateway.sandbox.openai.parts import Wire, decode_data_url, is_data_url, parts_of

_HTTP: Final = re.compile(r"https?://[^\s/]+\S*")
_SOUND_STARTS: Final = {"wav": (b"RIFF",), "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")}
_PDF_EXPECTED: Final = (
    "Expected a base64-encoded data URL with an application/pdf MIME type "
    "(e.g. 'data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ==')"
)


def validate_media(request: Wire) -> None:
    """Check every image, file and sound.

    Raises:
        OpenAIError: One cannot be read, or the model does not take its kind.
    """
    model = request["model"]
    heard = False
    for index, message in enumerate(request["messages"]):
        for position, part in enumerate(parts_of(message)):
            if "prompt_cache_breakpoint" in part and not models.takes_breakpoints(model):
                place = f"messages[{index}].content[{position}].prompt_cache_breakpoint"
                raise invalid(f"Unknown parameter: '{place}'.", place, "unknown_parameter")
            kind = part["type"]
            if kind not in _CHECKS:
                continue
            heard = heard or kind == "input_audio"
            if not (models.hears(model) if kind == "input_audio" else models.sees(model)):
                place = f"messages.[{index}].content.[{position}].type"
                raise invalid(f"Invalid content type. {kind} is only supported by certain models.", place)
            _CHECKS[kind](part, f"messages[{index}].content[{position}]")
    if models.hears(model) and not heard and "audio" not in (request.get("modalities") or ()):
        raise invalid(
            "This model requires that either input content or output modality contain audio.", "model", "invalid_value"
        )


def _check_image(part: Wire, path: str) -> None:
    url = part["image_url"]["url"]
    if not is_data_url(url):
        if not _HTTP.fullmatch(url):
            place = f"{path}.image_url.url"
            raise invalid(
                f"Invalid '{place}'. Expected a valid URL, but got a value with an invalid format.",
                place,
                "invalid_value",
            )
        return
    try:
        content = decode_data_url(url)
    except ValueError as error:
        raise invalid("Invalid base64 image_url.", None, "invalid_base64") from error
    if not content.media_type.startswith("image/"):
        raise invalid("Invalid MIME type. Only image types are supported.", None, "invalid_image_format")
    try:
        inspect_image(content.data)
    except ValueError as error:
        raise OpenAIError(
            400,
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
            "['png', 'jpeg', 'gif', 'webp'].",
            code="invalid_image_format",
        ) from error


def _check_file(part: Wire, path: str) -> None:
    file, path = part["file"], f"{path}.file"
    if "file_id" in file:
        if not file["file_id"].startswith("file-"):
            place = f"{path}.file_id"
            message = f"Invalid '{place}': '{file['file_id']}'. Expected an ID that begins with 'file'."
            raise invalid(message, place, "invalid_value")
        return
    if not {"file_data", "filename"} <= file.keys():
        # Without both there is no file in the request, so OpenAI asks for the id of one it has.
        place = f"{path}.file_id"
        raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
    place = f"{path}.file_data"
    problem = _file_problem(file["file_data"])
    if problem:
        raise invalid(f"Invalid file data: '{place}'. {_PDF_EXPECTED}, but got {problem}.", place, "invalid_value")


def _file_problem(url: str) -> str | None:
    if not is_data_url(url):
        return "an invalid base64-encoded value"
    try:
        content = decode_data_url(url)
        if content.media_type != "application/pdf":
            return f"unsupported MIME type '{content.media_type}'"
        inspect_pdf(content.data)
    except ValueError:
        return "an invalid base64-encoded value"
    return None


def _check_sound(part: Wire, path: str) -> None:
    sound = part["input_audio"]
    try:
        data = base64.b64decode(sound["data"], validate=True)
    except ValueError:
        data = b""
    if not data.startswith(_SOUND_STARTS[sound["format"]]):
        raise invalid(
            "The data provided for 'input_audio' is not of valid "
            f"{sound['format']} format. Please provide valid audio data.",
            f"{path}.input_audio",
            "invalid_value",
        )


_CHECKS: Final[Mapping[str, Callable[[Wire, str], None]]] = {
    "image_url": _check_image,
    "file": _check_file,
    "input_audio": _check_sound,
}
