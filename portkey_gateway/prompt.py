"""What the prompts of all frameworks have in common: which prompt, what is kept of it, and what it asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from pydantic import Field, PrivateAttr, field_validator

from portkey_gateway.caller import GatewayCaller
from portkey_gateway.client import GatewayClient
from portkey_gateway.prompts.kept import KeptPrompts
from portkey_gateway.prompts.library import PromptLibrary
from portkey_gateway.prompts.reference import read_reference
from portkey_gateway.prompts.rendered import RenderedPrompt
from portkey_gateway.prompts.template import PromptTemplate

# Said elsewhere: the values by the call, the labels by the options, and streaming by how it is called.
_NO_OVERRIDES: Final = frozenset({"metadata", "prompt_id", "required", "stream", "trace", "variables"})
# Where these differ it may be another workspace, whose prompts are others.
_ACCOUNT: Final = frozenset({"api_key", "base_url", "virtual_key", "default_headers", "gateway_headers"})


class PromptModel(NamedTuple):
    """The model that a prompt asks, as a model class of a framework takes it."""

    arguments: dict[str, Any]
    """Of the constructor."""
    further: dict[str, Any]
    """Parameters of the request that are no arguments of the constructor."""


class GatewayPrompt(GatewayCaller):
    """The fields of a prompt of Portkey's library, beside the gateway's own options."""

    prompt_id: str = Field(min_length=1)
    """The prompt, such as ``pp-support-4f1b2c``; ``id@12``, ``id@latest`` or ``id@label`` picks a version."""
    cache_seconds: float = Field(default=0.0, ge=0)
    """For how long a rendered prompt is used again where its variables are the same; 0 renders each time."""
    stale_if_down: bool = False
    """Where the library is down, use what it rendered last for the same variables, with a warning."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Parameters in the place of the prompt's own, such as ``{"temperature": 0}``."""

    _kept: KeptPrompts = PrivateAttr(default_factory=KeptPrompts)

    @field_validator("prompt_id")
    @classmethod
    def _check_prompt_id(cls, prompt_id: str) -> str:
        read_reference(prompt_id)
        return prompt_id.strip()

    @field_validator("overrides")
    @classmethod
    def _check_overrides(cls, overrides: dict[str, Any]) -> dict[str, Any]:
        if wrong := sorted(_NO_OVERRIDES & overrides.keys()):
            raise ValueError(f"overrides are parameters of the model; {', '.join(map(repr, wrong))} cannot stand there")
        return overrides

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with some options changed; it shares the connections and what is kept of the library.

        Args:
            changes: any argument of the constructor; metadata and header mappings are merged key by key.

        Raises:
            pydantic.ValidationError: if a name or value is not valid.
        """
        changed = super().with_options(**changes)
        if changes.keys().isdisjoint(_ACCOUNT):
            changed._kept = self._kept  # noqa: SLF001 a copy of our own
        return changed

    def for_call(self, arguments: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """Sort the keyword arguments of one call into options of the gateway and overrides.

        Returns:
            The prompt to call, with the options that hold for this call, and the overrides.
        """
        options = {name: arguments[name] for name in arguments.keys() & GatewayCaller.model_fields.keys()}
        overrides = {name: value for name, value in arguments.items() if name not in options}
        return self.with_options(**options) if options else self, {**self.overrides, **overrides}

    def library(self, client: GatewayClient | None = None) -> PromptLibrary:
        """The library under these options, with what is kept of it.

        Args:
            client: what asks it; by default one of its own.
        """
        return PromptLibrary(
            client or self.gateway_client(),
            self._kept,
            cache_seconds=self.cache_seconds,
            stale_if_down=self.stale_if_down,
        )

    # --- what the plugins ask for -----------------------------------------------------------------------------------

    def rendered(self, values: Mapping[str, Any], required: Sequence[str] | None) -> RenderedPrompt:
        """Fill the prompt in; takes and raises what ``PromptLibrary.render`` does."""
        return self.library().render(self.prompt_id, values, required=required, **self.overrides)

    async def arendered(self, values: Mapping[str, Any], required: Sequence[str] | None) -> RenderedPrompt:
        """Async twin of ``rendered``."""
        return await self.library().arender(self.prompt_id, values, required=required, **self.overrides)

    def template(self) -> PromptTemplate:
        """What the library tells of the template; raises what ``PromptLibrary.template`` does."""
        return self.library().template(self.prompt_id)

    async def atemplate(self) -> PromptTemplate:
        """Async twin of ``template``."""
        return await self.library().atemplate(self.prompt_id)

    def prompt_model(self, values: Mapping[str, Any], known: Collection[str]) -> PromptModel:
        """The model that the prompt asks, under the options of the prompt.

        Args:
            values: of variables; others are empty.
            known: the arguments that the framework's model class takes.

        Raises:
            PortkeyError: if the library fails or refuses.
        """
        return self._prompt_model(self.rendered(values, ()), self.template(), known)

    async def aprompt_model(self, values: Mapping[str, Any], known: Collection[str]) -> PromptModel:
        """Async twin of ``prompt_model``."""
        return self._prompt_model(await self.arendered(values, ()), await self.atemplate(), known)

    def _prompt_model(self, rendered: RenderedPrompt, template: PromptTemplate, known: Collection[str]) -> PromptModel:
        own = GatewayCaller.model_fields.keys() & self.model_fields_set
        arguments = {name: getattr(self, name) for name in own}
        if model := rendered.model or template.model:
            arguments["model"] = model
        if template.provider and not (
            model.startswith("@") or self.provider or self.virtual_key or self.config or self.custom_host
        ):
            arguments["provider"] = f"@{template.provider}"
        parameters = rendered.parameters
        arguments |= {name: value for name, value in parameters.items() if name in known}
        return PromptModel(arguments, {name: value for name, value in parameters.items() if name not in known})
