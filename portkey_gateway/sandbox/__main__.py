"""`python -m portkey_gateway.sandbox`: the sandbox in a terminal, until Ctrl-C."""

import argparse
import signal
import sys
from types import FrameType

from portkey_gateway.sandbox.error import SandboxError
from portkey_gateway.sandbox.progress import silent, to_stderr

SNIPPET = """
# Then, in Python:
#   from portkey_langchain import ChatPortkey
#   print(ChatPortkey(model="{model}").invoke("Hello!").text)
# or:
#   from portkey_llamaindex import Portkey
#   print(Portkey(model="{model}").complete("Hello!").text)
"""
OPENAI_SNIPPET = """
# OpenAI, and Claude when it fails:
#   config = {config}
#   print(ChatPortkey(model="{model}", config=config).invoke("Hello!").text)
# Its embeddings:
#   options = {options}
#   print(len(PortkeyEmbeddings(model="text-embedding-3-small", **options).embed_query("Hello!")))
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox in the foreground and return the exit code: 0 when it was asked to stop, 1 when it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m portkey_gateway.sandbox",
        description="Run the open-source Portkey gateway with an emulated Claude behind it, until Ctrl-C.",
    )
    parser.add_argument("--port", type=int, default=8787, help="where the gateway listens (8787; 0: any free port)")
    parser.add_argument("--claude-port", type=int, default=8788, help="where the Claude listens (8788; 0: any)")
    parser.add_argument("--openai", action="store_true", help="run an emulated OpenAI too")
    parser.add_argument("--openai-port", type=int, default=8789, help="where the OpenAI listens (8789; 0: any)")
    parser.add_argument("--prompts", metavar="FOLDER", help="a folder with prompts, for Portkey's prompt library")
    parser.add_argument("--quiet", action="store_true", help="print the variables to export and nothing else")
    options = parser.parse_args(arguments)

    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, _interrupt)
    progress = silent if options.quiet else to_stderr
    try:
        from portkey_gateway.sandbox import Sandbox  # noqa: PLC0415 - where its extra is missing, it says so

        with Sandbox(
            port=options.port,
            claude_port=options.claude_port,
            openai=options.openai,
            openai_port=options.openai_port,
            prompts=options.prompts,
            progress=progress,
        ) as sandbox:
            for name, value in sandbox.env().items():
                sys.stdout.write(f"export {name}={value}\n")
            if not options.quiet:
                sys.stdout.write(SNIPPET.format(model=sandbox.model))
            if options.openai and not options.quiet:
                sys.stdout.write(
                    OPENAI_SNIPPET.format(
                        model=sandbox.openai_model, config=sandbox.config(), options=sandbox.options("openai")
                    )
                )
            sys.stdout.flush()
            progress("The sandbox is running. Ctrl-C stops it.")
            sandbox.wait()
    except KeyboardInterrupt:
        progress("The sandbox has stopped.")
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
