"""How long a prefix has to be for Claude to cache it at all."""

from __future__ import annotations

from portkey_gateway.models.claude import generation


def least_cached_tokens(model: str) -> int:
    """Tokens below which a prefix of a Claude's is not cached, whatever its marks (Anthropic, "Prompt caching").

    Args:
        model: its name; one that tells no generation is taken for those that need 1,024.
    """
    name, known = model.lower().rpartition("/")[2], generation(model)
    if known >= (5, 0):
        return 1024 if "sonnet" in name else 512
    if "haiku" in name:
        return 4096 if known >= (4, 5) else 2048
    if "opus" in name and known >= (4, 5):
        return {(4, 5): 4096, (4, 6): 4096, (4, 7): 2048}.get(known, 1024)
    return 1024
