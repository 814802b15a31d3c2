"""How many tokens an answer took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """How many tokens one answer took."""

    input_tokens: int = 0
    """All input, cached or not: cache reads and cache writes are included."""
    output_tokens: int = 0
    """All output, reasoning included."""
    cache_read_tokens: int = 0
    """The part of ``input_tokens`` that was read from the provider's prompt cache."""
    cache_write_tokens: int = 0
    """The part of ``input_tokens`` that was written to the provider's prompt cache."""
    cache_write_1h_tokens: int = 0
    """The part of ``cache_write_tokens`` that is kept for an hour; the rest is kept for five minutes."""
    reasoning_tokens: int = 0
    """The part of ``output_tokens`` spent on reasoning; 0 where it is not told (chat completions of Claude)."""
    input_audio_tokens: int = 0
    """The part of ``input_tokens`` that was heard."""
    output_audio_tokens: int = 0
    """The part of ``output_tokens`` that was spoken."""
    web_searches: int = 0
    """How often the provider's own tool searched the web; 0 where it is not told (chat completions)."""

    @property
    def uncached_tokens(self) -> int:
        """The part of ``input_tokens`` that was neither read from the prompt cache nor written to it."""
        return self.input_tokens - self.cache_read_tokens - self.cache_write_tokens

    @property
    def cache_write_5m_tokens(self) -> int:
        """The part of ``cache_write_tokens`` that is kept for five minutes."""
        return self.cache_write_tokens - self.cache_write_1h_tokens

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens
