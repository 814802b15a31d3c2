"""What goes wrong around the sandbox, said so that a reader knows what to do next."""


class SandboxError(Exception):
    """The sandbox could not be installed, started or kept running."""


class PortInUseError(SandboxError):
    """Another program already listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is already in use, perhaps by another sandbox. Stop what uses it, or choose another with "
            "--port (the gateway's), --claude-port (the emulated Claude's) or --openai-port (the emulated OpenAI's); "
            "0 takes any free one."
        )
        self.port = port


class MissingExtraError(SandboxError, ImportError):
    """The sandbox was asked for, but the packages it is built from are not installed."""

    def __init__(self, module: str, extra: str = "sandbox") -> None:
        super().__init__(f'The sandbox needs {module!r}. Install the extra: pip install "portkey-frameworks[{extra}]"')
