"""Signs thinking blocks and seals redacted ones, so that a changed or invented one is recognised.

Anthropic signs what Claude thought and refuses a signature it did not give. Here an HMAC does the same. Its key is
a constant, so that every emulated Claude knows what another one signed; it protects nothing.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

_KEY: Final = b"emulated claude"
_DIGEST_BYTES: Final = hashlib.sha256().digest_size

# SHA-256 of a thought, a zero byte and its signature: pairs that Anthropic itself issued and somebody published.
# The one here stands in langchain-tests 1.1.9, `ChatModelIntegrationTests.test_anthropic_inputs`.
_ISSUED_BY_ANTHROPIC: Final = frozenset({"f2f7d6eaa64a46538021193bfc81eb9aa64c4481d568de576478c2197f09cda6"})


def sign(thinking: str) -> str:
    """Return the signature of a thinking block's text."""
    return base64.b64encode(_digest(b"thinking", _bytes(thinking))).decode()


def is_genuine(thinking: str, signature: str) -> bool:
    """Tell whether `sign`, or Anthropic as far as it is known here, gave this signature to exactly this text."""
    if hmac.compare_digest(_bytes(sign(thinking)), _bytes(signature)):
        return True
    return hashlib.sha256(_bytes(thinking) + b"\0" + _bytes(signature)).hexdigest() in _ISSUED_BY_ANTHROPIC


def seal(text: str) -> str:
    """Return the `data` of a redacted thinking block that stands for this text."""
    content = _bytes(text)
    return base64.b64encode(_digest(b"redacted", content) + content).decode()


def is_sealed(data: str) -> bool:
    """Tell whether `seal` made this data."""
    try:
        raw = base64.b64decode(_bytes(data), validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(_digest(b"redacted", raw[_DIGEST_BYTES:]), raw[:_DIGEST_BYTES])


def _digest(purpose: bytes, content: bytes) -> bytes:
    return hmac.digest(_KEY, purpose + b"\0" + content, "sha256")


def _bytes(text: str) -> bytes:
    # JSON may carry half a surrogate pair.
    return text.encode(errors="surrogatepass")
