"""Hears sound that is sent, and speaks where sound is asked for. What is spoken is silence of the right length."""

import base64
import io
import wave
from typing import Any, Final

from portkey_gateway.sandbox.openai.parts import Wire, parts_of

# OpenAI's `pcm16`: 24 kHz, one channel, 16 bits. Source: OpenAI's guide "Audio and speech".
_RATE_HZ: Final = 24_000
_SAMPLE_BYTES: Final = 2
_SECONDS_PER_CHARACTER: Final = 0.01


def describe_sounds(request: Wire) -> str:
    """Return one line for each sound of the last message that has any."""
    heard = [
        [_describe(part["input_audio"]) for part in parts_of(message) if part["type"] == "input_audio"]
        for message in request["messages"]
    ]
    return "".join(next((lines for lines in reversed(heard) if lines), []))


def speak(text: str, form: str) -> str:
    """Return a text as sound, in base64."""
    samples = bytes(_SAMPLE_BYTES * max(1, int(len(text) * _SECONDS_PER_CHARACTER * _RATE_HZ)))
    if form == "pcm16":
        return base64.b64encode(samples).decode()
    # A WAV, whichever packed form was asked for: there is no encoder here.
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(_SAMPLE_BYTES)
        writer.setframerate(_RATE_HZ)
        writer.writeframes(samples)
    return base64.b64encode(file.getvalue()).decode()


def _describe(sound: Wire) -> str:
    data = base64.b64decode(sound["data"])
    if sound["format"] != "wav":
        return f"I hear an MP3 recording of {len(data)} bytes.\n"
    try:
        with wave.open(io.BytesIO(data)) as reader:
            seconds: Any = reader.getnframes() / reader.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return f"I hear a WAV recording of {len(data)} bytes.\n"
    return f"I hear a WAV recording of {seconds:.1f} seconds.\n"
