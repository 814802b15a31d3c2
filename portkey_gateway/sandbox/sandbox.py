"""The sandbox: the real gateway with emulated providers behind it, for demos, notebooks and tests without keys."""

import asyncio
import errno
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, Self, TypedDict, TypeVar

from portkey_gateway.sandbox.claude.server import ClaudeServer
from portkey_gateway.sandbox.error import PortInUseError, SandboxError
from portkey_gateway.sandbox.gateway import GatewayProcess
from portkey_gateway.sandbox.progress import Progress, to_stderr
from portkey_gateway.sandbox.serving.server import EmulatedServer

if TYPE_CHECKING:
    from portkey_gateway.sandbox.control_plane.server import ControlPlane
    from portkey_gateway.sandbox.openai.server import OpenAIServer

ProviderName = Literal["anthropic", "openai"]
"""Value of `x-portkey-provider`."""

_BOTH: Final[tuple[ProviderName, ...]] = ("openai", "anthropic")
_ServerT = TypeVar("_ServerT", bound=EmulatedServer)


class SandboxOptions(TypedDict):
    """What points a model at the sandbox: keyword arguments of `ChatPortkey` and `Portkey`."""

    base_url: str
    provider: str
    provider_api_key: str
    custom_host: str
    api_key: NotRequired[str]
    """Of Portkey, which asks for one where there are prompts."""


class SandboxTarget(TypedDict):
    """One target of a gateway config: a provider of the sandbox, with a model of its own."""

    provider: str
    api_key: str
    custom_host: str
    override_params: dict[str, str]


class Sandbox:
    """Runs the gateway and what is behind it from `start` to `stop`, or inside `with` or `async with`.

    Starts and stops nest: each start asks for one stop, and the last stop ends everything. A stopped sandbox may be
    started again.

    Args:
        port: Where the gateway listens; 0 takes a free port.
        claude_port: Where the emulated Claude listens; 0 takes a free port.
        openai: Whether an emulated OpenAI stands beside the Claude.
        openai_port: Where the emulated OpenAI listens; 0 takes a free port.
        prompts: A folder with prompts (`sandbox.control_plane.folder` says how): Portkey's prompt library and feedback
            stand before the gateway then, at the same `base_url`, and as Portkey's do they ask for an API key.
        progress: Receives the lines about the installation, which the first start on a machine needs.

    Example:
        ```python
        with Sandbox() as sandbox:
            model = ChatPortkey(model=sandbox.model, **sandbox.options())
            model.invoke("Hello")

        with Sandbox(openai=True) as sandbox:
            config = sandbox.config("openai", "anthropic")  # the second answers when the first fails
            model = ChatPortkey(model=sandbox.openai_model, base_url=sandbox.base_url, config=config)
            sandbox.openai.inject(Fault("status", status=500))
            model.invoke("Hello")

        with Sandbox(prompts="prompts") as sandbox:
            PortkeyPrompt("pp-greeting", **sandbox.account()).completion.invoke({"name": "Ann"})
        ```
    """

    provider: ProviderName = "anthropic"
    """Value of `x-portkey-provider`."""

    api_key = "pk-sandbox-not-a-secret"
    """A made-up key of Portkey's: the prompt library takes any."""

    provider_api_key = "sk-ant-sandbox-not-a-secret"
    """A made-up key: the emulated Claude takes any that has Anthropic's shape."""

    model = "claude-sonnet-4-6"
    """A model to ask when the caller does not mind which."""

    openai_api_key = "sk-sandbox-not-a-secret"
    """A made-up key: the emulated OpenAI takes any that has OpenAI's shape."""

    openai_model = "gpt-5.4-mini"
    """A model of OpenAI's to ask when the caller does not mind which."""

    def __init__(
        self,
        *,
        port: int = 0,
        claude_port: int = 0,
        openai: bool = False,
        openai_port: int = 0,
        prompts: str | Path | None = None,
        progress: Progress = to_stderr,
    ) -> None:
        # With prompts, Portkey's services listen there, and the gateway behind them.
        self._gateway = GatewayProcess(port if prompts is None else 0, progress=progress)
        self._port = port
        self._prompts = None if prompts is None else Path(prompts)
        self._control_plane: ControlPlane | None = None
        self._claude_port = claude_port
        self._with_openai = openai
        self._openai_port = openai_port
        self._claude: ClaudeServer | None = None
        self._openai: OpenAIServer | None = None
        self._started = ExitStack()
        self._users = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        where = f" base_url={self.base_url!r}" if self._users else ""
        return f"<{type(self).__name__}{where}>"

    def start(self) -> None:
        """Start everything and return once all of it answers; in a running sandbox, only ask for one more stop.

        Raises:
            PortInUseError: A port that was asked for is taken.
            SandboxError: The gateway cannot be installed or started.
        """
        with self._lock:
            if not self._users:
                with ExitStack() as undo:
                    claude = _start(ClaudeServer(self._claude_port), self._claude_port)
                    undo.callback(claude.stop)
                    openai = self._start_openai() if self._with_openai else None
                    if openai:
                        undo.callback(openai.stop)
                    self._gateway.start()
                    undo.callback(self._gateway.stop)
                    control_plane = self._start_control_plane(self._prompts) if self._prompts else None
                    if control_plane:
                        undo.callback(control_plane.stop)
                    self._started = undo.pop_all()
                self._claude, self._openai, self._control_plane = claude, openai, control_plane
            self._users += 1

    def stop(self) -> None:
        """Take one start back; the last one ends everything. A sandbox that is not running stays as it is."""
        with self._lock:
            self._users = max(0, self._users - 1)
            if not self._users:
                self._claude = self._openai = self._control_plane = None
                self._started.close()

    def wait(self) -> None:
        """Block for as long as the gateway lives.

        Raises:
            SandboxError: It ended although nobody stopped it.
        """
        self._gateway.wait()

    @property
    def claude(self) -> ClaudeServer:
        """The emulated Claude: what it was asked, faults to inject, replies to prescribe."""
        return self._running()[1]

    @property
    def base_url(self) -> str:
        """The gateway's address, as `base_url` of a model."""
        gateway = self._running()[0]
        return (self._control_plane or gateway).url + "/v1"

    @property
    def control_plane(self) -> "ControlPlane":
        """Portkey's services before the gateway: what they were asked, what was rated, faults to inject.

        Raises:
            SandboxError: There are no prompts, or the sandbox is not running.
        """
        if not self._prompts:
            raise SandboxError("The sandbox has no prompt library. Write `Sandbox(prompts=folder)`.")
        self._running()
        assert self._control_plane is not None  # noqa: S101 - it starts and stops with the Claude
        return self._control_plane

    @property
    def openai(self) -> "OpenAIServer":
        """The emulated OpenAI: what it was asked, faults to inject, replies to prescribe.

        Raises:
            SandboxError: It was not asked for, or the sandbox is not running.
        """
        if not self._with_openai:
            raise SandboxError("The sandbox has no OpenAI. Write `Sandbox(openai=True)`.")
        self._running()
        assert self._openai is not None  # noqa: S101 - it starts and stops with the Claude
        return self._openai

    @property
    def custom_host(self) -> str:
        """The emulated Claude's address, which the gateway is to call instead of Anthropic's."""
        return self.claude.url + "/v1"

    def options(self, provider: ProviderName = "anthropic") -> SandboxOptions:
        """Return the keyword arguments that point a model at a provider of the sandbox."""
        options: SandboxOptions = {
            "base_url": self.base_url,
            "provider": provider,
            "provider_api_key": self.provider_api_key if provider == "anthropic" else self.openai_api_key,
            "custom_host": (self.claude if provider == "anthropic" else self.openai).url + "/v1",
        }
        return {**options, "api_key": self.api_key} if self._prompts else options

    def account(self) -> dict[str, Any]:
        """Return the keyword arguments of who has an account of Portkey's: prompts know their own provider.

        Raises:
            SandboxError: There are no prompts, or the sandbox is not running.
        """
        return {"base_url": self.control_plane.url + "/v1", "api_key": self.api_key}

    def target(self, provider: ProviderName = "anthropic", *, model: str | None = None) -> SandboxTarget:
        """Return a provider of the sandbox as a target of a gateway config.

        Args:
            provider: Which.
            model: The model it is asked for, whatever the request says: the target's `override_params` win. By default
                `model` or `openai_model`, so that a request for one provider's model does not reach the other.
        """
        options = self.options(provider)
        return {
            "provider": options["provider"],
            "api_key": options["provider_api_key"],
            "custom_host": options["custom_host"],
            "override_params": {"model": model or (self.model if provider == "anthropic" else self.openai_model)},
        }

    def config(self, *providers: ProviderName, mode: str = "fallback") -> dict[str, Any]:
        """Return a gateway config with these providers as its targets; by default OpenAI, and Claude when it fails.

        Args:
            providers: In the order in which they are tried.
            mode: The strategy: `fallback`, `loadbalance`, or another that the gateway has.
        """
        targets = [self.target(provider) for provider in providers or _BOTH]
        return {"strategy": {"mode": mode}, "targets": targets}

    def env(self) -> dict[str, str]:
        """Return the environment variables that point every model of a process at the sandbox.

        With an OpenAI there are also those by which OpenAI's own SDK finds it.
        """
        found = {f"PORTKEY_{name.upper()}": str(value) for name, value in self.options().items()}
        if self._with_openai:
            found |= {"OPENAI_BASE_URL": f"{self.openai.url}/v1", "OPENAI_API_KEY": self.openai_api_key}
        return found

    def _start_openai(self) -> "OpenAIServer":
        from portkey_gateway.sandbox import OpenAIServer  # noqa: PLC0415 - costs nothing until it is asked for

        return _start(OpenAIServer(self._openai_port), self._openai_port)

    def _start_control_plane(self, prompts: Path) -> "ControlPlane":
        from portkey_gateway.sandbox.control_plane.app import Behind  # noqa: PLC0415 - as above
        from portkey_gateway.sandbox.control_plane.folder import PromptFolder  # noqa: PLC0415 - as above
        from portkey_gateway.sandbox.control_plane.server import ControlPlane  # noqa: PLC0415 - as above

        if not prompts.is_dir():
            raise SandboxError(f"There is no folder {prompts} with prompts.")
        behind = Behind(PromptFolder(prompts), lambda: self._gateway.url, self._provider_headers)
        return _start(ControlPlane(behind, self._port), self._port)

    def _provider_headers(self, slug: str) -> Mapping[str, str] | None:
        """The headers by which the gateway reaches a provider, as Portkey's model catalog keeps them."""
        if slug not in (_BOTH if self._with_openai else ("anthropic",)):
            return None
        options = self.options("openai" if slug == "openai" else "anthropic")
        return {
            "x-portkey-provider": options["provider"],
            "x-portkey-custom-host": options["custom_host"],
            "authorization": f"Bearer {options['provider_api_key']}",
        }

    def _running(self) -> tuple[GatewayProcess, ClaudeServer]:
        if self._claude is None:
            raise SandboxError("The sandbox is not running. Write `with Sandbox() as sandbox:`, or call start() first.")
        return self._gateway, self._claude

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


def _start(server: _ServerT, port: int) -> _ServerT:
    try:
        return server.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from error
        raise
