"""Preference: a better and a worse answer to the same question, or one answer and whether it is good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.data import cells
from studio.data.cells import Unusable
from studio.data.conversations import (
    ASSISTANT,
    Message,
    answered,
    is_conversation,
    said,
    turns_in,
)
from studio.data.examples.example import Example, ExampleKind, Place, Role, asked, cell, words
from studio.data.table import Row

VERDICTS = {
    **dict.fromkeys(("true", "1", "1.0", "yes", "y", "good", "like", "liked", "up"), True),
    **dict.fromkeys(("thumbs up", "thumbs_up", "👍", "desirable", "chosen", "accepted"), True),
    **dict.fromkeys(("positive", "gut", "ja", "richtig", "bon", "oui", "bueno", "sí", "si"), True),
    **dict.fromkeys(("bom", "sim", "好", "良い", "はい", "是", "+1", "correct", "right"), True),
    **dict.fromkeys(("false", "0", "0.0", "no", "n", "bad", "dislike", "disliked", "down"), False),
    **dict.fromkeys(("thumbs down", "thumbs_down", "👎", "undesirable", "rejected"), False),
    **dict.fromkeys(("negative", "schlecht", "nein", "falsch", "mauvais", "non", "malo"), False),
    **dict.fromkeys(("ruim", "não", "差", "悪い", "いいえ", "否", "-1", "incorrect"), False),
    "wrong": False,
}
"""What people write to say that an answer is good or bad."""


@dataclass(frozen=True)
class Preference(Example):
    """What came before, and the turns that answer it: the wanted ones, the unwanted ones.

    Of a row that holds one answer and a verdict the other one is empty.
    """

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]

    @property
    def is_pair(self) -> bool:
        """Whether there are two answers to compare."""
        return bool(self.chosen and self.rejected)

    @property
    def is_good(self) -> bool:
        """Whether the answer, or the first of the two, is a wanted one."""
        return bool(self.chosen)

    @property
    def question(self) -> str:
        """What came before, as one text."""
        return said(self.prompt)

    @property
    def answer(self) -> str:
        """The wanted answer, or the one that there is."""
        return said(self.chosen or self.rejected)

    def as_json(self) -> dict[str, Any]:
        """`{"prompt", "chosen", "rejected"}`, each a list of messages; or `{…, "response", "label"}`."""
        prompt, chosen, rejected = (
            [turn.as_json() for turn in turns]
            for turns in (self.prompt, self.chosen, self.rejected)
        )
        if self.is_pair:
            return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        return {"prompt": prompt, "response": chosen or rejected, "label": self.is_good}


def make(row: Row, roles: Mapping[str, str], place: Place) -> Preference:
    """A preference out of a row: of two answers, or of one with its verdict."""
    if "label" in roles:
        return _judged(row, roles, place)
    chosen = _answer(cell(row, roles, "chosen"))
    rejected = _answer(cell(row, roles, "rejected"))
    before = _before(row, roles)
    # Two whole conversations: what they have in common comes before the answers.
    shared = _shared(chosen, rejected)
    prompt = (*before, *chosen[:shared])
    if before and shared >= len(before) and chosen[: len(before)] == before:
        prompt = chosen[:shared]
    chosen, rejected = chosen[shared:], rejected[shared:]
    if not chosen or not rejected:
        raise Unusable("same_answers")
    answered((*prompt, *chosen))
    answered((*prompt, *rejected))
    return Preference(place, prompt, chosen, rejected)


def _judged(row: Row, roles: Mapping[str, str], place: Place) -> Preference:
    if "messages" in roles:
        turns = answered(turns_in(cell(row, roles, "messages")))
    else:
        answer = Message(ASSISTANT, words(row, roles, "response", "empty_answer"))
        turns = answered((*asked(row, roles), answer))
    prompt, answer_turns = turns[:-1], turns[-1:]
    if verdict(cell(row, roles, "label")):
        return Preference(place, prompt, answer_turns, ())
    return Preference(place, prompt, (), answer_turns)


def verdict(found: Any) -> bool:
    """Whether a cell says good or bad. Raises Unusable where it says neither."""
    said_ = " ".join(cells.text(found).casefold().split())
    if said_ not in VERDICTS:
        raise Unusable("not_a_verdict" if said_ else "empty_label")
    return VERDICTS[said_]


def _answer(found: Any) -> tuple[Message, ...]:
    """The turns of an answer: a text, a message, or a conversation that ends with it."""
    if isinstance(found, list | dict) or (isinstance(found, str) and is_conversation(found)):
        return turns_in(found)
    answer = cells.text(found)
    if not answer:
        raise Unusable("empty_answer")
    return (Message(ASSISTANT, answer),)


def _before(row: Row, roles: Mapping[str, str]) -> tuple[Message, ...]:
    if "messages" in roles:
        return turns_in(cell(row, roles, "messages"))
    return asked(row, roles) if "prompt" in roles else ()


def _shared(one: Sequence[Message], other: Sequence[Message]) -> int:
    """How many turns both begin with; a last answer is never shared."""
    count = 0
    for left, right in zip(one[:-1], other[:-1], strict=False):
        if left != right:
            break
        count += 1
    return count


KIND = ExampleKind(
    name="preference",
    roles=(
        Role("prompt", "Question", "What the model is asked or given."),
        Role("input", "Text it is about", "Put below the question, where there is one (optional)."),
        Role("chosen", "Better answer", "The answer that is wanted."),
        Role("rejected", "Worse answer", "The answer that is not wanted."),
        Role("response", "Answer", "One answer, where a column says whether it is good."),
        Role("label", "Good or bad", "Whether the answer is wanted: yes or no."),
        Role("system", "Instruction", "What the model is told about its part, once (optional)."),
        Role("history", "What was said before", "Earlier questions and answers (optional)."),
        Role("messages", "Conversation", "What came before, or all of it, as a list of messages."),
    ),
    role_sets=(
        frozenset({"prompt", "chosen", "rejected"}),
        frozenset({"messages", "chosen", "rejected"}),
        frozenset({"chosen", "rejected"}),
        frozenset({"prompt", "response", "label"}),
        frozenset({"messages", "label"}),
    ),
    make=make,
)
