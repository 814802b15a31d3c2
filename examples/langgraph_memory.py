"""A conversation that remembers, in LangGraph: each thread has its own memory, and its own label at the gateway.

``python -m examples.langgraph_memory`` runs on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is set
(``PORTKEY_MODEL`` names the model). It takes ``pip install langgraph``.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from examples.places import places
from portkey_langchain import ChatPortkey


def main() -> None:
    """Tell a name in one thread, and ask for it in both."""
    with places() as found:
        graph = build_graph(ChatPortkey(**found.chat, prompt_caching="auto"))
        for thread, said in (
            ("ann", "My name is Ann."),
            ("ben", "My name is Ben."),
            ("ann", "What is my name?"),
            ("ben", "What is my name?"),
        ):
            print(f"{thread}: {said}\n     {say(graph, thread, said)}")


def build_graph(model: ChatPortkey) -> Any:
    """Return a graph of one step, whose messages are kept by thread."""

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver(), name="chat")


def say(graph: Any, thread: str, words: str) -> str:
    """Say something in a thread, and return the answer."""
    config = {"configurable": {"thread_id": thread}, "metadata": {"user_id": thread}}
    answered = graph.invoke({"messages": [("human", words)]}, config)
    return str(answered["messages"][-1].text)


if __name__ == "__main__":
    main()
