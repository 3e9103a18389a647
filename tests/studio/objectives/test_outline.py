"""Outlines: the answers' places without asking the template for each, and never other ones."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

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


def tokenizers() -> dict[str, Any]:
    """Of every kind that parts texts in its own way, each trained on a few lines."""
    lines = [part for row in tiny.make_rows(28) for part in row]
    kinds: dict[str, tuple[Any, Any, Any, Any]] = {
        "bytes": (
            models.BPE(),
            None,
            pre_tokenizers.ByteLevel(add_prefix_space=False),
            trainers.BpeTrainer,
        ),
        "words": (
            models.WordPiece(unk_token="[UNK]"),
            normalizers.BertNormalizer(),
            pre_tokenizers.BertPreTokenizer(),
            trainers.WordPieceTrainer,
        ),
        "pieces": (
            models.Unigram(),
            normalizers.Sequence([normalizers.NFKC(), normalizers.Prepend("▁")]),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            trainers.UnigramTrainer,
        ),
        "legacy": (
            models.BPE(byte_fallback=True, unk_token="[UNK]"),
            normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
            None,
            trainers.BpeTrainer,
        ),
    }
    found = {}
    for name, (model, normalizer, parts, trainer) in kinds.items():
        backend = Tokenizer(model)
        if normalizer is not None:
            backend.normalizer = normalizer
        if parts is not None:
            backend.pre_tokenizer = parts
        options = {"unk_token": "[UNK]"} if name == "pieces" else {}
        made = trainer(
            vocab_size=400,
            special_tokens=["[UNK]", "<|im_start|>", "<|im_end|>"],
            show_progress=False,
            **options,
        )
        backend.train_from_iterator(lines, made)
        found[name] = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    return found


def test_the_trained_tokens_are_those_that_each_token_s_place_tells() -> None:
    source = random.Random(0)
    parts = [
        "kettle", " ", "  ", "\n", "Köln", "e\u0301", "🙂", "ﬁ", "你好", "<|im_end|>", "\u200b", "."
    ]  # fmt: skip
    asked = 0
    for tokenizer in tokenizers().values():
        added = frozenset(tokenizer.added_tokens_decoder)
        texts = ["".join(source.choices(parts, k=source.randint(1, 12))) for _ in range(300)]
        written = tokenizer(texts, add_special_tokens=False)
        for text, ids, encoding in zip(texts, written["input_ids"], written.encodings, strict=True):
            begin, end = sorted(source.choices(range(len(text) + 1), k=2))
            if begin == end:
                continue
            asked += 1
            by_places = [
                int(left < right and begin < right <= end) for left, right in encoding.offsets
            ]
            found = template.trained_mask(ids, encoding, [(begin, end)], len(text), added)
            assert found == by_places, (text, begin, end)
    assert asked > 1_000


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
