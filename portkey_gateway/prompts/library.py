"""The prompt library as one talks to it; sync and async twins stand together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from pydantic_core import to_json

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.error_bodies import decode_not_an_answer
from portkey_gateway.errors import NotFoundError, PermissionDeniedError, PortkeyError, warn
from portkey_gateway.http.answer_stream import AnswerStream, AsyncAnswerStream
from portkey_gateway.info import GatewayInfo
from portkey_gateway.other_routes import read_object
from portkey_gateway.prompts.completion import PromptRequest, completion_request
from portkey_gateway.prompts.kept import KeptPrompts
from portkey_gateway.prompts.reference import PromptReference, read_reference
from portkey_gateway.prompts.rendered import RenderedPrompt, is_rendered
from portkey_gateway.prompts.template import PromptTemplate, decode_template
from portkey_gateway.prompts.variables import encode_variables
from portkey_gateway.tracing.context import TraceContext

TEMPLATE_SECONDS: Final = 60.0
"""Seconds for which the variables of a template are taken to be the same; longer where prompts are kept longer."""

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Question(Generic[AnswerT]):
    """What is asked of a route that answers at once."""

    path: str
    read: Callable[[bytes, GatewayInfo], AnswerT]
    body: Mapping[str, Any] | None = None
    """``None`` to get, else what is posted."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Beside those of the options."""
    is_free: bool = True
    """Whether it may be sent again although an answer was lost: nothing is charged for it."""


class LibraryClient(Protocol):
    """What the library needs of the gateway's client."""

    def ask(self, question: Question[AnswerT]) -> AnswerT: ...  # noqa: D102 as in GatewayClient
    async def aask(self, question: Question[AnswerT]) -> AnswerT: ...  # noqa: D102 as in GatewayClient
    def chat(  # noqa: D102 as in GatewayClient
        self, request: PromptRequest, *, trace: TraceContext | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Answer: ...
    async def achat(  # noqa: D102 as in GatewayClient
        self, request: PromptRequest, *, trace: TraceContext | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Answer: ...
    def stream(  # noqa: D102 as in GatewayClient
        self, request: PromptRequest, *, trace: TraceContext | None = None, metadata: Mapping[str, Any] | None = None
    ) -> AnswerStream: ...
    def astream(  # noqa: D102 as in GatewayClient
        self, request: PromptRequest, *, trace: TraceContext | None = None, metadata: Mapping[str, Any] | None = None
    ) -> AsyncAnswerStream: ...


class PromptLibrary:
    """The prompts of a Portkey workspace (the hosted gateway's, or an enterprise gateway's).

    Args:
        client: what asks.
        kept: what was answered before; by default the library keeps its own.
        cache_seconds: for how long a rendered prompt is used again for the same variables.
        stale_if_down: use the last one however old it is, with a warning, where the library is down.
    """

    def __init__(
        self,
        client: LibraryClient,
        kept: KeptPrompts | None = None,
        *,
        cache_seconds: float = 0.0,
        stale_if_down: bool = False,
    ) -> None:
        self._client = client
        self._kept = kept or KeptPrompts()
        self._cache_seconds = cache_seconds
        self._stale_if_down = stale_if_down

    # --- rendering --------------------------------------------------------------------------------------------------

    def render(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        required: Sequence[str] | None = None,
        **overrides: Any,
    ) -> RenderedPrompt:
        """Fill in a prompt (``POST /prompts/{id}/render``).

        Args:
            prompt_id: its id; ``id@12``, ``id@latest`` or ``id@label`` picks a version other than the published one.
            variables: the values of its variables.
            required: the variables that have to be given, where the library is not to be asked for them.
            overrides: parameters in the place of the prompt's own.

        Raises:
            MissingVariablesError: naming the variables that are missing; nothing is rendered.
            EncodingError: if the id is empty, or JSON does not know a value.
            PortkeyError: if the library fails or refuses; the class says how.
        """
        template = PromptTemplate(tuple(required)) if required is not None else self.template(prompt_id)
        question = _render_question(prompt_id, variables or {}, template, overrides)
        rendered = self._fetch(question, self._cache_seconds)
        self._warn_of_unchecked(prompt_id, template)
        return rendered

    async def arender(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        required: Sequence[str] | None = None,
        **overrides: Any,
    ) -> RenderedPrompt:
        """Async twin of ``render``."""
        template = PromptTemplate(tuple(required)) if required is not None else await self.atemplate(prompt_id)
        question = _render_question(prompt_id, variables or {}, template, overrides)
        rendered = await self._afetch(question, self._cache_seconds)
        self._warn_of_unchecked(prompt_id, template)
        return rendered

    def template(self, prompt_id: str) -> PromptTemplate:
        """What the library tells of a template (``GET /prompts/{id}``): its variables, its model.

        Asked at most once a minute. Where the key may not read it, nothing is known of it, which is no error.

        Raises:
            EncodingError: if the id is empty.
            PortkeyError: if the library fails.
        """
        return self._fetch(_template_question(prompt_id), max(self._cache_seconds, TEMPLATE_SECONDS), _unknown)

    async def atemplate(self, prompt_id: str) -> PromptTemplate:
        """Async twin of ``template``."""
        return await self._afetch(_template_question(prompt_id), max(self._cache_seconds, TEMPLATE_SECONDS), _unknown)

    # --- completing -------------------------------------------------------------------------------------------------

    def complete(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> Answer:
        """Ask the prompt's own model for a whole answer, in one call (``POST /prompts/{id}/completions``).

        Args:
            prompt_id: as ``render`` takes it, and so the next.
            variables: the values of its variables.
            trace: where the call stands in its trace.
            metadata: labels of this call.
            overrides: parameters in the place of the prompt's own.

        Raises:
            MissingVariablesError: naming the variables that are missing; nothing is sent to a model.
            EncodingError: if the id is empty, or JSON does not know a value.
            PortkeyError: if the call fails; the class says how.
        """
        request = self.completion_request(prompt_id, variables or {}, self.template(prompt_id), overrides)
        return self._client.chat(request, trace=trace, metadata=metadata)

    async def acomplete(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> Answer:
        """Async twin of ``complete``."""
        request = self.completion_request(prompt_id, variables or {}, await self.atemplate(prompt_id), overrides)
        return await self._client.achat(request, trace=trace, metadata=metadata)

    def stream(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> AnswerStream:
        """Ask for a streamed answer: ``with library.stream(…) as stream``; takes and raises what ``complete`` does."""
        request = self.completion_request(prompt_id, variables or {}, self.template(prompt_id), overrides)
        return self._client.stream(request, trace=trace, metadata=metadata)

    async def astream(
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | None = None,
        *,
        trace: TraceContext | None = None,
        metadata: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> AsyncAnswerStream:
        """Async twin of ``stream``: ``async with await library.astream(…) as stream``."""
        request = self.completion_request(prompt_id, variables or {}, await self.atemplate(prompt_id), overrides)
        return self._client.astream(request, trace=trace, metadata=metadata)

    def completion_request(
        self, prompt_id: str, variables: Mapping[str, Any], template: PromptTemplate, overrides: Mapping[str, Any]
    ) -> PromptRequest:
        """What ``complete`` asks for, of a template that was asked for before.

        Raises:
            MissingVariablesError: naming the variables that are missing.
            EncodingError: if the id is empty, or JSON does not know a value.
        """
        self._warn_of_unchecked(prompt_id, template)
        values = encode_variables(prompt_id, variables, template.variables, template.optional)
        return completion_request(read_reference(prompt_id), values, overrides)

    # --- asking -----------------------------------------------------------------------------------------------------

    def _fetch(
        self,
        question: Question[AnswerT],
        max_age_s: float,
        instead: Callable[[PortkeyError], AnswerT] | None = None,
    ) -> AnswerT:
        """Ask, or take what is kept; ``instead`` makes an answer of an error that is none."""
        key = _key(question)
        kept: AnswerT | None = self._kept.fresh(key, max_age_s)
        if kept is not None:
            return kept
        try:
            answer = self._client.ask(question)
        except PortkeyError as error:
            answer = self._rescued(key, error, instead)
        else:
            self._keep(key, answer, max_age_s)
        return answer

    async def _afetch(
        self,
        question: Question[AnswerT],
        max_age_s: float,
        instead: Callable[[PortkeyError], AnswerT] | None = None,
    ) -> AnswerT:
        """Async twin of ``_fetch``."""
        key = _key(question)
        kept: AnswerT | None = self._kept.fresh(key, max_age_s)
        if kept is not None:
            return kept
        try:
            answer = await self._client.aask(question)
        except PortkeyError as error:
            answer = self._rescued(key, error, instead)
        else:
            self._keep(key, answer, max_age_s)
        return answer

    def _keep(self, key: bytes, answer: Any, max_age_s: float) -> None:
        if max_age_s or self._stale_if_down:
            self._kept.put(key, answer)

    def _rescued(self, key: bytes, error: PortkeyError, instead: Callable[[PortkeyError], AnswerT] | None) -> AnswerT:
        if instead and isinstance(error, NotFoundError | PermissionDeniedError):
            answer = instead(error)
            self._kept.put(key, answer)
            return answer
        if not self._stale_if_down:
            raise error
        stale: AnswerT = self._kept.stand_in(key, error)
        return stale

    def _warn_of_unchecked(self, prompt_id: str, template: PromptTemplate) -> None:
        if template.variables is None and self._kept.is_first(prompt_id.encode()):
            warn(
                f"whether all variables of the prompt {prompt_id!r} are given is not checked: "
                f"{template.unknown_because}; name them yourself to have them checked: input_variables=[…]"
            )


def _key(question: Question[Any]) -> bytes:
    return question.path.encode() + to_json(question.body)


def _render_question(
    prompt_id: str, values: Mapping[str, Any], template: PromptTemplate, overrides: Mapping[str, Any]
) -> Question[RenderedPrompt]:
    encoded = encode_variables(prompt_id, values, template.variables, template.optional)
    path = f"{read_reference(prompt_id).path}/render"
    return Question(path, _read_rendered, {**overrides, "variables": encoded})


def _template_question(prompt_id: str) -> Question[PromptTemplate]:
    reference = read_reference(prompt_id)

    def read(content: bytes, info: GatewayInfo) -> PromptTemplate:
        return _read_template(content, info, reference)

    return Question(reference.details_path, read)


def _unknown(error: PortkeyError) -> PromptTemplate:
    """A template that is not told of: the key may be for calls alone, and a wrong id shows when it is rendered."""
    return PromptTemplate(unknown_because=f"the library does not tell of it ({error})")


def _read_rendered(content: bytes, info: GatewayInfo) -> RenderedPrompt:
    data = read_object(content).get("data")
    if not isinstance(data, dict) or not is_rendered(data):
        raise decode_not_an_answer(content, info, "The body is JSON but no rendered prompt")
    return RenderedPrompt(data)


def _read_template(content: bytes, info: GatewayInfo, reference: PromptReference) -> PromptTemplate:
    told = read_object(content)
    if not told or "error" in told or told.get("success") is False:
        raise decode_not_an_answer(content, info, "The body is JSON but tells of no prompt")
    return decode_template(told, reference)
