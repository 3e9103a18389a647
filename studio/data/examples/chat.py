"""Chat: a conversation, from the columns of question and answer or from one that holds all turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from studio.data.cells import text
from studio.data.conversations import (
    ASSISTANT,
    USER,
    Message,
    answered,
    said,
    tools_in,
    turns_in,
)
from studio.data.examples.example import (
    Example,
    ExampleKind,
    Place,
    Role,
    asked,
    cell,
    words,
)
from studio.data.table import Row, column_of

_PAIR = {"prompt", "response"}


@dataclass(frozen=True)
class Conversation(Example):
    """The turns of a conversation, and the tools that it offers."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Everything before the last answer."""
        return self.messages[:-1]

    @property
    def question(self) -> str:
        """Everything before the last answer, as one text."""
        return said(self.prompt)

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.messages[-1].content

    def as_json(self) -> dict[str, Any]:
        """`{"messages": [{"role", "content"}]}`."""
        found: dict[str, Any] = {"messages": [turn.as_json() for turn in self.messages]}
        return found | ({"tools": list(self.tools)} if self.tools else {})


def pairs_in(rows: Sequence[Row], roles: Mapping[str, str]) -> Iterable[tuple[str, str] | None]:
    """Question and answer, where rows have one column of text for each; most data is of this kind."""
    if roles.keys() != _PAIR:
        return repeat(None, len(rows))
    return map(_pair, column_of(rows, roles["prompt"]), column_of(rows, roles["response"]))


def _pair(prompt: Any, response: Any) -> tuple[str, str] | None:
    if type(prompt) is not str or type(response) is not str:
        return None
    question, answer = text(prompt), text(response)
    return (question, answer) if question and answer else None


def make(row: Row, roles: Mapping[str, str], place: Place) -> Conversation:
    """A conversation out of a row."""
    # The long way takes three times as long.
    if roles.keys() == _PAIR and (
        pair := _pair(row.get(roles["prompt"]), row.get(roles["response"]))
    ):
        question, answer = pair
        return Conversation(place, (Message(USER, question), Message(ASSISTANT, answer)))
    tools = tools_in(cell(row, roles, "tools"))
    if "messages" in roles:
        turns = turns_in(cell(row, roles, "messages"))
        system = words(row, roles, "system")
        if system and turns[0].role != "system":
            turns = (Message("system", system), *turns)
        return Conversation(place, answered(turns), tools)
    turns = asked(row, roles)
    answer = words(row, roles, "response", "empty_answer")
    return Conversation(place, answered((*turns, Message("assistant", answer))), tools)


KIND = ExampleKind(
    name="chat",
    roles=(
        Role("prompt", "Question", "What the model is asked or given."),
        Role("input", "Text it is about", "Put below the question, where there is one (optional)."),
        Role("response", "Answer", "What the model should answer."),
        Role("system", "Instruction", "What the model is told about its part, once (optional)."),
        Role("history", "What was said before", "Earlier questions and answers (optional)."),
        Role("messages", "Conversation", "A whole conversation, as a list of messages."),
        Role("tools", "Tools", "What the model may call, as a list of tools (optional)."),
    ),
    role_sets=(frozenset({"prompt", "response"}), frozenset({"messages"})),
    make=make,
    pairs=pairs_in,
)
