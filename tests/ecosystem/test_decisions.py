"""Middleware that lets a decision model judge: what it decides for, and who decides, are models of ChatPortkey."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Literal

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import TOOLS, Run, ainvoke, amessages, invoke, messages

MIDDLEWARE: Final[Any] = import_module("langchain.agents.middleware")
DECISIONS: Final[Any] = import_module("langchain_core.decisions")

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])
# LangChain has its router down as beta.
pytestmark = pytest.mark.filterwarnings("ignore:.*ModelRouterMiddleware.* is in beta")


class Risk(BaseModel):
    """How risky it is."""

    probability: float


class Route(BaseModel):
    """Who shall answer."""

    route: Literal["fast", "powerful"]


class Judge(DECISIONS.BaseDecisionModel):  # type: ignore[misc]  # newer than the LangChain that is type-checked
    """Asks a chat model for what is to be decided, as an object."""

    model: str = "judge"
    chat_model: ChatPortkey

    @property
    def _provider(self) -> str:
        return "portkey"

    def _classify(self, state: Any, questions: Any) -> Any:
        return self._answer({name: self._asking(question).invoke(str(state)) for name, question in questions.items()})

    async def _aclassify(self, state: Any, questions: Any) -> Any:
        return self._answer(
            {name: await self._asking(question).ainvoke(str(state)) for name, question in questions.items()}
        )

    def _asking(self, question: Any) -> Any:
        return self.chat_model.with_structured_output(Risk if question.type == "noul" else Route)

    def _answer(self, said: dict[str, Any]) -> Any:
        answers = {
            name: {"type": "noul", "noul": each.probability}
            if isinstance(each, Risk)
            else {"type": "choice", "choice": each.route, "probabilities": {each.route: 1.0}, "confidence": 1.0}
            for name, each in said.items()
        }
        return DECISIONS.ClassifierResponse.model_validate({"model": self.model, "answers": answers})


def use(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": given}


@any_run
@pytest.mark.parametrize("probability", [0.1, 0.9])
def test_a_call_that_is_judged_risky_is_not_run(
    model: ChatPortkey, sandbox: Sandbox, run: Run, *, probability: float
) -> None:
    sandbox.claude.reply_with(use("get_weather", city="Kiel"))
    sandbox.claude.reply_with(use("Risk", probability=probability))
    judging = MIDDLEWARE.AutoModeMiddleware(tools=["get_weather"], classifier=Judge(chat_model=model))
    told = run(create_agent(model, TOOLS, middleware=[judging]), "What is the weather in Kiel?")
    [result] = [message for message in told if isinstance(message, ToolMessage)]
    assert ("sunny in Kiel" in result.text) == (probability < 0.5)
    assert ("blocked" in result.text) == (probability > 0.5)
    assert told[-1].text


@any_run
@pytest.mark.parametrize(("route", "answers"), [("fast", "claude-haiku-4-5"), ("powerful", "claude-opus-4-5")])
def test_the_model_is_chosen(model: ChatPortkey, sandbox: Sandbox, run: Run, *, route: str, answers: str) -> None:
    sandbox.claude.reply_with(use("Route", route=route))
    choices = {
        "fast": MIDDLEWARE.ModelChoice(model=model.with_options(model="claude-haiku-4-5"), criteria="What is simple."),
        "powerful": MIDDLEWARE.ModelChoice(model=model.with_options(model="claude-opus-4-5"), criteria="All else."),
    }
    judge = Judge(chat_model=model)
    routing = MIDDLEWARE.ModelRouterMiddleware(choices=choices, instructions="Choose.", classifier=judge)
    told = run(create_agent(model, TOOLS, middleware=[routing]), "Say exactly: a")
    assert told[-1].text == "a"
    bodies: list[Any] = [request.body for request in sandbox.claude.requests]
    assert [body["model"] for body in bodies] == [sandbox.model, answers]
