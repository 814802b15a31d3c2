"""The sandbox: the real gateway with an emulated Claude behind it, for demos, notebooks and tests without keys."""

import asyncio
import errno
import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypedDict

from portkey_gateway.sandbox.claude.server import ClaudeServer
from portkey_gateway.sandbox.error import PortInUseError, SandboxError
from portkey_gateway.sandbox.gateway import GatewayProcess
from portkey_gateway.sandbox.progress import Progress, to_stderr


class SandboxOptions(TypedDict):
    """What points a model at the sandbox: keyword arguments of `ChatPortkey` and `Portkey`."""

    base_url: str
    provider: str
    provider_api_key: str
    custom_host: str


class Sandbox:
    """Runs both halves from `start` to `stop`, or inside `with` or `async with`.

    Starts and stops nest: each start asks for one stop, and the last stop ends both halves. A stopped sandbox may be
    started again.

    Args:
        port: Where the gateway listens; 0 takes a free port.
        claude_port: Where the emulated Claude listens; 0 takes a free port.
        progress: Receives the lines about the installation, which the first start on a machine needs.

    Example:
        ```python
        with Sandbox() as sandbox:
            model = ChatPortkey(model=sandbox.model, **sandbox.options())
            model.invoke("Hello")
        ```
    """

    provider = "anthropic"
    """Value of `x-portkey-provider`."""

    provider_api_key = "sk-ant-sandbox-not-a-secret"
    """A made-up key: the emulated Claude takes any that has Anthropic's shape."""

    model = "claude-sonnet-4-6"
    """A model to ask when the caller does not mind which."""

    def __init__(self, *, port: int = 0, claude_port: int = 0, progress: Progress = to_stderr) -> None:
        self._gateway = GatewayProcess(port, progress=progress)
        self._claude_port = claude_port
        self._claude: ClaudeServer | None = None
        self._started = ExitStack()
        self._users = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        where = f" base_url={self.base_url!r}" if self._users else ""
        return f"<{type(self).__name__}{where}>"

    def start(self) -> None:
        """Start both halves and return once both answer; in a running sandbox, only ask for one more stop.

        Raises:
            PortInUseError: A port that was asked for is taken.
            SandboxError: The gateway cannot be installed or started.
        """
        with self._lock:
            if not self._users:
                with ExitStack() as undo:
                    claude = self._start_claude()
                    undo.callback(claude.stop)
                    self._gateway.start()
                    undo.callback(self._gateway.stop)
                    self._started = undo.pop_all()
                self._claude = claude
            self._users += 1

    def stop(self) -> None:
        """Take one start back; the last one ends both halves. A sandbox that is not running stays as it is."""
        with self._lock:
            self._users = max(0, self._users - 1)
            if not self._users:
                self._claude = None
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
        return self._running()[0].url + "/v1"

    @property
    def custom_host(self) -> str:
        """The emulated Claude's address, which the gateway is to call instead of Anthropic's."""
        return self.claude.url + "/v1"

    def options(self) -> SandboxOptions:
        """Return the keyword arguments that point a model at the sandbox."""
        return {
            "base_url": self.base_url,
            "provider": self.provider,
            "provider_api_key": self.provider_api_key,
            "custom_host": self.custom_host,
        }

    def env(self) -> dict[str, str]:
        """Return the environment variables that point every model of a process at the sandbox."""
        return {f"PORTKEY_{name.upper()}": str(value) for name, value in self.options().items()}

    def _running(self) -> tuple[GatewayProcess, ClaudeServer]:
        if self._claude is None:
            raise SandboxError("The sandbox is not running. Write `with Sandbox() as sandbox:`, or call start() first.")
        return self._gateway, self._claude

    def _start_claude(self) -> ClaudeServer:
        claude = ClaudeServer(port=self._claude_port)
        try:
            claude.start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(self._claude_port) from error
            raise
        return claude

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
