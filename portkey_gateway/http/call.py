"""One request, ready to be sent as often as it takes, and what to say of it when it fails. No I/O."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

import httpx

from portkey_gateway.error_bodies import decode_error
from portkey_gateway.errors import PortkeyError, StreamProviderError
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.http.body import Received
from portkey_gateway.http.failures import request_error
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.info import GatewayInfo, read_gateway_info
from portkey_gateway.secret_names import is_long
from portkey_gateway.targets import failed_before, read_config

_CONFIG_HEADER: Final = "x-portkey-config"
_TRACE_HEADER: Final = "x-portkey-trace-id"
# What a server says of a call in headers, and may say with a key in it.
_ECHOED: Final = ("trace_id", "request_id", "provider", "cache_status", "target_index", "headers")
_REDACTED: Final = "[redacted]"
# What many keys begin with tells nothing and may be a word of its own: "sk-ant-api03", or "anthropic" of a virtual key.
_TELLING_LENGTH: Final = 12
_NOT_TRIED_AGAIN: Final = (
    "; the request was sent, so it may have been answered and charged: it is tried again only with "
    "retry_unanswered=True"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent as often as it takes."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float | None
    """Seconds without a byte after which the call fails; ``None`` waits for ever."""
    retry: RetryPolicy
    total_timeout_s: float | None = None
    """Seconds that the whole call may take, with all its tries; ``None`` for no end."""
    is_free: bool = False
    """Whether nothing is charged, or done, for it a second time."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts to be blotted out of whatever an error says."""
    method: str = "POST"
    keys: AskedKeys | None = field(default=None, repr=False)
    """Those that are asked for before each try."""
    deadline: Deadline | None = field(default=None, repr=False)
    """When the whole call has to be over, where it began before it could be sent: its media were fetched."""

    @property
    def all_headers(self) -> Mapping[str, str]:
        """The headers of the next try, with the keys that were asked for."""
        return {**self.headers, **self.keys.headers} if self.keys else self.headers

    def info(self, reply: Reply | AsyncReply) -> GatewayInfo:
        """What the gateway says of this call."""
        return read_gateway_info(reply.status, reply.headers, self.headers.get(_TRACE_HEADER))

    def decode_error(self, received: Received[Any], content: bytes, flaw: Exception | None) -> PortkeyError:
        """The exception for a response with an error status.

        Args:
            received: the response.
            content: its body, as far as it could be read.
            flaw: why that is not all of it.
        """
        info, config = received.info, read_config(self.headers.get(_CONFIG_HEADER, ""))
        failed = failed_before(config, info.target_index or "") if config else ()
        error = decode_error(content, info, failed, self.all_headers)
        if flaw is not None:
            what = "cannot be decompressed" if isinstance(flaw, httpx.DecodingError) else "broke off"
            error.message += f"; its body {what}: {str(flaw) or type(flaw).__name__}"
        return self._told(error)

    def request_error(self, failure: Exception, received: Received[Any] | None, patience: Patience) -> PortkeyError:
        """The exception for a try that brought no response, or no whole one."""
        timeout_s = self.total_timeout_s if patience.is_over else self.timeout_s
        bound = f"{'total_timeout' if patience.is_over else 'timeout'}={timeout_s} s"
        return self._told(request_error(failure, self.url, bound, received.info if received else None))

    def _told(self, error: PortkeyError) -> PortkeyError:
        """The same error, which says why it is not tried again."""
        error.may_be_charged &= not self.is_free
        if error.may_be_charged and self.retry.withholds(error):
            error.message += _NOT_TRIED_AGAIN
        return error

    def delay_s(self, error: PortkeyError, retries: int) -> float | None:
        """Seconds to wait before the next try, or ``None`` if there is to be none."""
        return self.retry.delay_s(error, retries, jitter=random.random())  # noqa: S311 jitter is no secret

    def redacted(self, error: PortkeyError) -> PortkeyError:
        """The same error with the secrets blotted out: servers echo keys, whole and streamed."""
        error.message = self._redact(error.message)
        error.args = (error.message,)
        error.body = self._redact(error.body)
        if isinstance(error, StreamProviderError):
            error.error_type = self._redact(error.error_type)
        if error.info:
            facts = {name: self._redact(getattr(error.info, name)) for name in _ECHOED}
            error.info = replace(error.info, **facts)
        # h11 quotes a line of a response that it cannot read.
        if self._redact(str(error.__cause__)) != str(error.__cause__):
            error.__cause__ = None
        return error

    def redacting(self) -> Redacting:
        """Blot the secrets out of an error raised inside: a context manager."""
        return Redacting(self)

    def _redact(self, value: Any) -> Any:
        if isinstance(value, str):
            secrets = (*self.secrets, *filter(is_long, self.keys.given)) if self.keys else self.secrets
            if not secrets:
                return value
            # The longest first, so that no key is left in pieces by one that it begins with.
            longest_first = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
            value = re.sub("|".join(map(re.escape, longest_first)), _REDACTED, value)
            for secret in longest_first:
                value = _blot_out_beginning(secret, value)
            return value
        if isinstance(value, Mapping):
            return {self._redact(name): self._redact(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._redact(item) for item in value]
        return value


class Redacting:
    """Blots the secrets of a call out of the core's errors."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> None:
        """Nothing begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not raised from here: this frame, in the error's own traceback, would hold the error, and both the request.
        if isinstance(error, PortkeyError):
            self._call.redacted(error).__suppress_context__ = True


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as texts of JSON, of Python and in URLs have it; also JSON within JSON."""
    in_json = json.dumps(secret)[1:-1]
    in_ascii = secret.encode("ascii", "backslashreplace").decode()
    return {secret, in_json, json.dumps(in_json)[1:-1], repr(secret)[1:-1], secret.replace("'", "\\'"), in_ascii,
            in_json.replace("'", "\\'"), quote(secret, safe=""), quote(secret)}  # fmt: skip


def _blot_out_beginning(secret: str, text: str) -> str:
    """Blot out what an excerpt, cut inside a secret, still shows of it: whatever follows where it was cut."""
    beginning = secret[:_TELLING_LENGTH]
    if len(beginning) < _TELLING_LENGTH:
        return text
    before, *rest = text.split(beginning)
    shown = [before]
    for piece in rest:
        pairs = zip(secret[_TELLING_LENGTH:], piece, strict=False)
        as_long = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        shown += [_REDACTED, piece[as_long:]]
    return "".join(shown)
