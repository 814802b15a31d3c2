"""What is known of a span → its attributes, as far as the user lets them be told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import is_internal
from portkey_gateway.tracing.excerpt import excerpt
from portkey_gateway.tracing.message_excerpt import excerpt_messages
from portkey_gateway.tracing.session import find_session, find_user
from portkey_gateway.tracing.spans import Attribute, Described

_CONTENT: Final = frozenset({semconv.REQUEST_STOP_SEQUENCES, semconv.TOOL_DESCRIPTION})
"""Attributes that are the user's own words, though they are none of what was said."""


class Telling:
    """What may be told.

    Args:
        convert: turns the framework's own objects into plain ones, for ``excerpt``.
        capture_content: whether spans hold inputs, outputs and the texts of errors.
        metadata_keys: the only labels that spans hold, if given.
    """

    def __init__(
        self, convert: Callable[[Any], Any], *, capture_content: bool, metadata_keys: Collection[str] | None
    ) -> None:
        self.capture_content = capture_content
        self._convert = convert
        self._metadata_keys = metadata_keys

    def attributes(self, described: Described, convert: Callable[[Any], Any] | None = None) -> dict[str, Attribute]:
        """What a span is, and what was said in it.

        Args:
            described: all that is known of it.
            convert: makes plain values of what is said, in the place of the framework's.
        """
        told = described.attributes
        known = {name: value for name, value in told.items() if value is not None} if told else {}
        if not self.capture_content:
            if not known or _CONTENT.isdisjoint(known):
                return known
            return {name: value for name, value in known.items() if name not in _CONTENT}
        convert = convert or self._convert
        for name, value in described.content.items():
            if name == semconv.INPUT_MESSAGES:
                known[name] = excerpt_messages(value, convert, beside={"role": "user"})
            elif name == semconv.OUTPUT_MESSAGES:
                reasons = described.attributes.get(semconv.FINISH_REASONS)
                reason = reasons[0] if isinstance(reasons, list) else "stop"
                beside = {"role": "assistant", "finish_reason": reason}
                known[name] = excerpt_messages(value, convert, beside=beside)
            else:
                known[name] = excerpt(value, convert=convert)
        return known

    def input(self, value: Any) -> dict[str, Attribute]:
        """What a step was given."""
        captured = value is not None and self.capture_content
        return {semconv.INPUT_VALUE: excerpt(value, convert=self._convert)} if captured else {}

    def labels(self, labels: Mapping[str, Any]) -> dict[str, Attribute]:
        """The metadata of a step, and whose conversation it is."""
        if not labels:
            return {}
        keys = self._metadata_keys
        kept = {
            name: value for name, value in labels.items() if not is_internal(name) and (keys is None or name in keys)
        }
        if not kept:
            return {}
        session, user = find_session(kept), find_user(kept)
        told = {semconv.CONVERSATION_ID: session, semconv.SESSION_ID: session, semconv.USER_ID: user}
        return {semconv.METADATA: excerpt(kept), **{name: value for name, value in told.items() if value is not None}}
