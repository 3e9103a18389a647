"""Outlines: the answers' places without asking the template for each, and never other ones."""

from __future__ import annotations

from typing import Any

import pytest

from studio.objectives import template
from studio.objectives.outline import Outline, outline_of
from studio.objectives.template import Talk, encode_talks
from tests import tiny

REWRITES = (
    "{% for m in messages %}"
    "{% set words = m.content %}"
    "{% if m.role == 'assistant' and not loop.last %}{% set words = words[:3] %}{% endif %}"
    "[{{ m.role }}] {{ words }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
ENDS_ONCE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% else %}<|im_end|>{% endif %}"
)
SHOUTS = (
    "{% for m in messages %}{{ m.role }}: "
    "{{ m.content | upper if '!' in m.content else m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
TEMPLATES = [tiny.CHAT_TEMPLATE, ENDS_ONCE, REWRITES, SHOUTS]


def talk(*contents: str, system: bool = False) -> Talk:
    """Question and answer in turns, behind a system message or not."""
    roles = (["system"] if system else []) + ["user", "assistant"] * len(contents)
    return Talk(
        [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    )


TALKS = [
    talk("Is it open?", "Yes, until nine."),
    talk("Is it open?", "No!"),
    talk("A", "B", "C", "D"),
    talk("A", "A", "A", "A A"),
    talk("Be kind.", "Köln? 🙂", "Ja, Köln. 🙂", "Danke", "Gern", system=True),
    talk("Blanks", "  around  "),
    talk("Twice", "<|im_end|>", "and", "<|im_end|>\nuser: no"),
]


@pytest.mark.parametrize("chat_template", TEMPLATES)
def test_outlines_train_the_very_tokens_that_asking_the_template_gives(
    chat_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.chat_template = chat_template
    quick = encode_talks(TALKS, tokenizer)
    monkeypatch.setattr(template, "_outline", lambda talk, tokenizer: None)

    assert encode_talks(TALKS, tokenizer) == quick


def test_many_conversations_at_once_are_what_each_is_alone() -> None:
    tokenizer = tiny.make_tokenizer()

    assert encode_talks(TALKS, tokenizer) == [encode_talks([each], tokenizer)[0] for each in TALKS]


def test_an_outline_is_fixed_text_around_what_is_said() -> None:
    def read(messages: Any) -> Any:
        question, answer = (turn["content"] for turn in messages)
        text = f"<{question}|{answer}>"
        return text, [(text.index("|") + 1, len(text))]

    found = outline_of(["user", "assistant"], read)

    assert found == Outline(("<", "|", ">"), (((1, 2), (2, 3)),))
    assert found.text(["why", "so"]) == "<why|so>"
    assert found.spans(["why", "so"]) == [(5, 8)]


def test_a_template_that_says_things_twice_or_not_at_all_has_no_outline() -> None:
    assert outline_of(["user"], lambda turns: (turns[0]["content"] * 2, [])) is None
    assert outline_of(["user"], lambda turns: ("nothing", [])) is None
    assert outline_of(["user"], lambda turns: (turns[0]["content"], [(3, 5)])) is None
