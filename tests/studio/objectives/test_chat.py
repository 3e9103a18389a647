"""Chat: the loss lies on the answers' tokens, as the template itself draws the line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from studio.data.examples import Message
from studio.errors import DataProblem
from studio.objectives.chat import OBJECTIVE, Settings
from tests import tiny

ALTERNATING = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m['role'] }}] {{ m['content'] }}"
    "<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
)
CLOSED = ALTERNATING.replace(
    "{% if add", "{% if not add_generation_prompt %}THE END{% endif %}{% if add"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny.make_tokenizer()


def conversation(*turns: tuple[str, str]) -> Any:
    messages = tuple(Message(role, content) for role, content in turns)
    return SimpleNamespace(messages=messages, tools=())


def trained(tokenizer: Any, *turns: tuple[str, str]) -> str:
    """The trained part as text."""
    row = OBJECTIVE.encode(conversation(*turns), tokenizer, Settings())
    assert len(row.ids) == len(row.mask)
    return str(tokenizer.decode([token for token, on in zip(row.ids, row.mask, strict=True) if on]))


def test_the_answer_and_its_end_are_trained_and_nothing_else(tokenizer: Any) -> None:
    assert (
        trained(tokenizer, ("user", "Why?"), ("assistant", "Since it is."))
        == "Since it is.<|im_end|>"
    )


def test_every_answer_of_a_conversation_is_trained(tokenizer: Any) -> None:
    turns = [("system", "Be kind."), ("user", "A?"), ("assistant", "One."), ("user", "B?")]

    assert trained(tokenizer, *turns, ("assistant", "Two.")) == "One.<|im_end|>Two.<|im_end|>"


def test_a_question_that_repeats_the_answer_is_not_trained(tokenizer: Any) -> None:
    assert trained(tokenizer, ("user", "Yes."), ("assistant", "Yes.")) == "Yes.<|im_end|>"


def test_a_template_that_closes_the_conversation_is_not_mistaken(tokenizer: Any) -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = CLOSED

    turns = [("user", "A?"), ("assistant", "One."), ("user", "B?"), ("assistant", "Two.")]
    assert trained(tokenizer, *turns) == "One.<|im_end|>Two.<|im_end|>THE END"


def test_a_row_without_an_answer_is_an_error_not_silence(tokenizer: Any) -> None:
    with pytest.raises(DataProblem, match="No token of this row"):
        OBJECTIVE.encode(conversation(("user", "Anyone?")), tokenizer, Settings())


def test_the_templates_own_refusal_reaches_the_person() -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = ALTERNATING

    with pytest.raises(DataProblem, match="roles must alternate"):
        OBJECTIVE.encode(conversation(("user", "A"), ("user", "B")), tokenizer, Settings())


def test_a_model_without_a_chat_template_is_refused_with_a_way_out() -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = None

    with pytest.raises(DataProblem, match="Instruct or Chat"):
        OBJECTIVE.encode(conversation(("user", "A"), ("assistant", "B")), tokenizer, Settings())


TOOL = {"type": "function", "function": {"name": "stock", "parameters": {}}}
WITH_TOOLS = (
    "{% for t in tools or [] %}[tool {{ t.function.name }}]{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "{% for c in m.tool_calls or [] %}<call {{ c.function.name }}>{% endfor %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Thoughts are shown in the last answer only, as reasoning models' templates do it.
FORGETFUL = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and not loop.last %}{{ m['content'].split('</think>')[-1] }}"
    "{% else %}{{ m['content'] }}{% endif %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def with_tools() -> Any:
    calls = ({"type": "function", "function": {"name": "stock", "arguments": {}}},)
    turns = (
        Message("user", "Is it there?"),
        Message("assistant", "", calls),
        Message("tool", "3 left"),
        Message("assistant", "Yes."),
    )
    return SimpleNamespace(messages=turns, tools=(TOOL,))


def test_the_call_of_a_tool_and_the_answer_are_trained_the_tool_s_words_are_not() -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = WITH_TOOLS

    row = OBJECTIVE.encode(with_tools(), tokenizer, Settings())

    trained = [token for token, on in zip(row.ids, row.mask, strict=True) if on]
    assert tokenizer.decode(trained) == "<call stock><|im_end|>Yes.<|im_end|>"
    assert "[tool stock]" in tokenizer.decode(row.ids)


def test_a_template_that_shows_no_tools_is_said_to_be_so() -> None:
    with pytest.raises(DataProblem, match="does not show tools"):
        OBJECTIVE.encode(with_tools(), tiny.make_tokenizer(), Settings())


def test_where_a_template_rewrites_earlier_answers_only_the_last_is_trained() -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = FORGETFUL
    turns = [("user", "A?"), ("assistant", "<think>so</think>One."), ("user", "B?")]

    assert trained(tokenizer, *turns, ("assistant", "<think>hm</think>Two.")) == (
        "<think>hm</think>Two.<|im_end|>"
    )
