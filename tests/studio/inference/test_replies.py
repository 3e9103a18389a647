"""Replies: each objective's model is used the way it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.data.examples import build
from studio.inference.replies import given, replies
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training import loading
from studio.training.heads import Head
from tests import tiny


def choice(name: str, **settings: Any) -> ObjectiveChoice:
    return TrainSpec.parse({"objective": {"name": name, **settings}}).objective


@pytest.mark.parametrize("several", [False, True])
def test_a_text_gets_every_label_with_its_probability_the_likeliest_first(
    tiny_model: Path, several: bool
) -> None:
    chosen = choice("classification", labels=["a", "b", "c"], several=several)
    model = loading.load_base(tiny_model, torch.float32, head=Head.of(chosen)).eval()
    tokenizer = loading.load_tokenizer(tiny_model)

    texts = ["A lamp.", "Where can I find a kettle under 10 euros?"]
    together = replies(chosen, model, tokenizer, texts)
    (alone,) = replies(chosen, model, tokenizer, texts[:1])

    shares = [share for _, share in together[0].labels]
    assert sorted(label for label, _ in together[0].labels) == ["a", "b", "c"]
    assert shares == sorted(shares, reverse=True)
    assert several or sum(shares) == pytest.approx(1, abs=1e-5)
    assert [share for _, share in alone.labels] == pytest.approx(shares, abs=1e-5)


def test_an_encoder_decoder_writes_without_repeating_what_it_read(tmp_path: Path) -> None:
    folder = tiny.make_encoder_decoder(tmp_path / "t5")
    model = loading.load_base(folder, torch.float32, head=Head("decoder")).eval()
    tokenizer = loading.load_tokenizer(folder)

    both = replies(choice("seq2seq"), model, tokenizer, ["lamp", "kettle " * 9], max_new_tokens=5)
    (alone,) = replies(choice("seq2seq"), model, tokenizer, ["lamp"], max_new_tokens=5)

    assert both[0] == alone


def test_of_a_text_only_the_first_words_are_given() -> None:
    (example,) = build([{"text": "word " * 40}], {"text": "text"}, "text").examples

    assert given(choice("text"), example) == " ".join(["word"] * 12)
