"""Conversations in a cell: every usual spelling gives the same turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.data.cells import Unusable
from studio.data.conversations import Message, answered, is_conversation, tools_in, turns_in

HI, HELLO = Message("user", "Hi"), Message("assistant", "Hello")
CALL = {"name": "weather", "arguments": {"city": "Köln"}}


@pytest.mark.parametrize(
    "cell",
    [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
        [{"from": "user", "value": "Hi"}, {"from": "chatgpt", "value": "Hello"}],
        [{"speaker": "Customer", "text": "Hi"}, {"speaker": "Agent", "text": "Hello"}],
        [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            ["", "Hello"][1:] and HELLO.as_json(),
        ],
        [{"user": "Hi", "assistant": "Hello"}],
        [{"human": "Hi", "assistant": "Hello"}],
        [["Hi", "Hello"]],
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello"},
            ]
        },
        '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]',
        "\n\nHuman: Hi\n\nAssistant: Hello",
        "### Human: Hi\n### Assistant: Hello",
    ],
)
def test_every_usual_spelling_is_read(cell: Any) -> None:
    assert turns_in(cell) == (HI, HELLO)
    assert is_conversation(cell)


def test_a_call_of_a_tool_and_its_answer_keep_their_places() -> None:
    spelled = [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": json.dumps(CALL)},
        {"from": "observation", "value": "Rain"},
        {"from": "gpt", "value": "It rains."},
    ]
    turns = answered(turns_in(spelled))
    assert [turn.role for turn in turns] == ["user", "assistant", "tool", "assistant"]
    assert turns[1].tool_calls == ({"type": "function", "function": CALL},)
    openai = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": list(turns[1].tool_calls)},
        {"role": "tool", "content": "Rain"},
        {"role": "assistant", "content": "It rains."},
    ]
    assert answered(turns_in(openai)) == turns


def test_a_picture_in_a_turn_is_refused() -> None:
    part = {"type": "image_url", "image_url": {"url": "x"}}
    with pytest.raises(Unusable, match="not_text"):
        turns_in([{"role": "user", "content": [part]}])


def test_an_answer_of_a_tool_that_nobody_called_is_out_of_turn() -> None:
    with pytest.raises(Unusable, match="roles"):
        answered([HI, HELLO, Message("tool", "Rain"), HELLO])


@pytest.mark.parametrize("cell", [None, "Hi", "Human: Hi", "[1", "{", [], ["Hi"], [3], [{}], 7])
def test_what_is_no_conversation_is_told(cell: Any) -> None:
    assert not is_conversation(cell)


def test_tools_are_read_from_a_list_or_its_text() -> None:
    assert tools_in([CALL]) == tools_in(json.dumps([CALL])) == tools_in(CALL) == (CALL,)
    assert tools_in(None) == tools_in("") == ()
    with pytest.raises(Unusable, match="not_tools"):
        tools_in("[1]")
