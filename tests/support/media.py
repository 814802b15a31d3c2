"""Small files beside images and PDFs: a real sound and a real bitmap, and what begins like a video."""

from __future__ import annotations

import base64
import io
import wave
from typing import Final

from PIL import Image


def _sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(8000))
    return buffer.getvalue()


def _bitmap() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (255, 0, 0)).save(buffer, "BMP")
    return buffer.getvalue()


WAV: Final = _sound()
"""Half a second of silence."""
WAV64: Final = base64.b64encode(WAV).decode()
BMP: Final = _bitmap()
BMP64: Final = base64.b64encode(BMP).decode()
MP4: Final = b"\0\0\0\x18ftypmp42" + bytes(40)
MP464: Final = base64.b64encode(MP4).decode()
