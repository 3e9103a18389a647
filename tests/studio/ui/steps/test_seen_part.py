"""What the model sees, as HTML: tokens with their part in the loss, and the lengths in words."""

from __future__ import annotations

from typing import Any

from studio.ui.steps import seen_part

LENGTHS: dict[str, Any] = {
    "rows": 20,
    "is_sampled": False,
    "longest": 90,
    "median": 30,
    "tokens": 700,
    "max_length": 64,
    "cut_rows": 2,
    "lost_tokens": 35,
    "lost_rows": 0,
    "bins": [{"from": 1, "to": 45, "rows": 15}, {"from": 46, "to": 90, "rows": 5}],
}


def token(text: str, *, trained: bool = False, special: bool = False) -> dict[str, Any]:
    return {"text": text, "trained": trained, "special": special}


def test_learnt_tokens_are_marked_by_more_than_colour_and_texts_are_escaped() -> None:
    row = {"tokens": [token("<s>", special=True), token("Hi\n"), token("<b>", trained=True)]}
    shown = seen_part.seen_html([row], LENGTHS)
    assert '<span class="token special" title="only read">&lt;s&gt;</span>' in shown
    assert '<span class="token learnt" title="learnt">&lt;b&gt;</span>' in shown
    assert "↵" in shown
    assert "underlined" in shown


def test_of_a_long_row_the_rest_is_counted() -> None:
    row = {"tokens": [token("x")] * (seen_part.MOST_TOKENS + 5)}
    assert "and 5 more tokens" in seen_part.seen_html([row], LENGTHS)


def test_what_is_cut_and_what_is_lost_is_said() -> None:
    said = seen_part.lengths_words(LENGTHS)
    assert "20 rows of 30 tokens in the middle, the longest 90." in said
    assert "2 rows are cut at 64 tokens: 35 tokens (5.00 % of all) would not be learnt." in said
    lost = seen_part.lengths_words({**LENGTHS, "lost_rows": 1})
    assert "Of 1 row nothing would be left to learn" in lost
    assert "None is cut" in seen_part.lengths_words({**LENGTHS, "cut_rows": 0})


def test_the_bars_have_the_sentence_as_their_text_and_the_limit_across() -> None:
    drawn = seen_part.lengths_html(LENGTHS)
    assert 'role="img" aria-label="20 rows' in drawn
    assert 'class="limit"' in drawn
    assert drawn.count("<rect") == 2


def test_without_data_it_says_what_is_missing() -> None:
    assert seen_part.WAITING in seen_part.seen_html([], {})
