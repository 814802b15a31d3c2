"""A fallback as it happens: OpenAI answers, fails, and Claude goes on with the same conversation."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from demo.screen import INDENT, note, said, step, table, title
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

FIRST, SECOND = "Say exactly: I am here.", "Say exactly: And I am still here."


def run(sandbox: Sandbox) -> None:
    """Show one config with both providers at work."""
    title("A fallback: OpenAI first, Claude behind it")
    options: dict[str, Any] = {
        "model": sandbox.openai_model,
        "base_url": sandbox.base_url,
        "config": sandbox.config("openai", "anthropic"),
        "max_retries": 0,
    }
    show_langchain(ChatPortkey(**options), sandbox)
    sandbox.openai.clear()
    show_llamaindex(Portkey(**options), sandbox)


def show_langchain(model: ChatPortkey, sandbox: Sandbox) -> None:
    """Two turns of one conversation; before the second OpenAI breaks down."""
    step("LangChain: two turns, and OpenAI down before the second")
    said("human", FIRST)
    first = model.invoke(FIRST)
    said("answer", first.text)
    break_down(sandbox)
    said("human", SECOND)
    second = model.invoke([HumanMessage(FIRST), first, HumanMessage(SECOND)])
    said("answer", second.text)
    show_who_answered([first.response_metadata, second.response_metadata], name="model_name")


def show_llamaindex(llm: Portkey, sandbox: Sandbox) -> None:
    """The same with LlamaIndex."""
    step("LlamaIndex: the same")
    asked = ChatMessage(FIRST)
    first = llm.chat([asked])
    said("answer", first.message.content or "")
    break_down(sandbox)
    second = llm.chat([asked, first.message, ChatMessage(SECOND)])
    said("answer", second.message.content or "")
    show_who_answered([first.raw, second.raw], name="model")


def break_down(sandbox: Sandbox) -> None:
    """Let OpenAI have an error for whatever comes."""
    sandbox.openai.inject(Fault("status", status=500, times=9))
    note(f"{'':>{INDENT}}(OpenAI answers with HTTP 500 from here on)")


def show_who_answered(answers: list[Any], *, name: str) -> None:
    """Tell which target of the config answered each turn."""
    heads = ("turn", "provider", "model", "target")
    rows = [(str(turn), told["provider"], told[name], told["target_index"]) for turn, told in enumerate(answers, 1)]
    note("")
    table([heads, *rows])
