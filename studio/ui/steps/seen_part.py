"""What the model sees: the first rows in its own tokens, what of them is learnt, and how long all rows are."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from studio.ui import words

ROWS = 3
MOST_TOKENS = 700
WIDTH, HEIGHT, BOTTOM = 640, 120, 18
WAITING = (
    "As soon as a model and a file are chosen, their rows appear here as the model reads them."
)
_LEGEND = (
    '<p class="legend quiet"><span class="token learnt">coloured and underlined</span> is learnt; the rest '
    'is only read. <span class="token special">Boxed</span> are the model\'s own marks.</p>'
)


def build() -> Any:
    """Make the card; gives the component that is updated."""
    with gr.Column(elem_classes="card", elem_id="seen-card"):
        gr.HTML("<h2>What the model sees</h2>", apply_default_css=False)
        return gr.HTML(waiting_html(), elem_id="seen", apply_default_css=False)


def waiting_html() -> str:
    """What stands there before there is anything to show."""
    return f'<p class="quiet">{WAITING}</p>'


def seen_html(rows: Sequence[Mapping[str, Any]], lengths: Mapping[str, Any]) -> str:
    """The rows token by token, and the lengths of all."""
    if not rows or not lengths:
        return waiting_html()
    shown = "".join(
        f'<li><div class="tokens" tabindex="0" role="region" aria-label="Row {number} in tokens">'
        f"{_tokens(row['tokens'])}</div></li>"
        for number, row in enumerate(rows, start=1)
    )
    return f'{lengths_html(lengths)}{_LEGEND}<ol class="seen">{shown}</ol>'


def _tokens(tokens: Sequence[Mapping[str, Any]]) -> str:
    """Tokens as words: runs of the same kind stand in one element, so that a reader hears sentences."""
    pieces: list[str] = []
    for token in tokens[:MOST_TOKENS]:
        kinds = "token" + " learnt" * bool(token["trained"]) + " special" * bool(token["special"])
        text = html.escape(str(token["text"])).replace("\n", '<span class="mark">↵</span>\n')
        what = "learnt" if token["trained"] else "only read"
        pieces.append(f'<span class="{kinds}" title="{what}">{text}</span>')
    left = len(tokens) - MOST_TOKENS
    more = (
        f'<span class="quiet"> … and {words.count(left, "more token")}</span>' if left > 0 else ""
    )
    return "".join(pieces) + more


def lengths_html(found: Mapping[str, Any]) -> str:
    """The lengths as bars with the chosen length across them, and the same in a sentence."""
    said = html.escape(lengths_words(found))
    kind = "bad" if found["lost_rows"] else "look" if found["cut_rows"] else "good"
    return f'<figure class="lengths {kind}">{_bars(found, said)}<figcaption>{said}</figcaption></figure>'


def lengths_words(found: Mapping[str, Any]) -> str:
    """How long the rows are, how many the chosen length cuts, and what is lost by that."""
    most = found["max_length"]
    about = "About: " if found["is_sampled"] else ""
    said = (
        f"{about}{words.count(found['rows'], 'row')} of {found['median']:,} tokens in the middle, the longest "
        f"{found['longest']:,}. "
    )
    if not found["cut_rows"]:
        return said + f"None is cut: the longest example may have {most:,} tokens."
    share = words.share(found["lost_tokens"], found["tokens"])
    said += (
        f"{words.count(found['cut_rows'], 'row is', 'rows are')} cut at {most:,} tokens: "
        f"{words.count(found['lost_tokens'], 'token')} ({share} of all) would not be learnt."
    )
    if found["lost_rows"]:
        said += (
            f" Of {words.count(found['lost_rows'], 'row')} nothing would be left to learn, so the "
            "training would be refused: raise 'Longest example', or leave them out."
        )
    return said


def _bars(found: Mapping[str, Any], said: str) -> str:
    bins = found["bins"]
    begin, end = bins[0]["from"], bins[-1]["to"]
    tallest = max(each["rows"] for each in bins)
    wide = WIDTH / len(bins)
    bars = "".join(
        f'<rect class="{"over" if each["from"] > found["max_length"] else "within"}" '
        f'x="{place * wide + 1:.1f}" width="{wide - 2:.1f}" y="{HEIGHT - high:.1f}" height="{high:.1f}">'
        f"<title>{each['from']:,} to {each['to']:,} tokens: {words.count(each['rows'], 'row')}</title></rect>"
        for place, each in enumerate(bins)
        if (high := each["rows"] / tallest * (HEIGHT - 8))
    )
    limit = ""
    if begin <= found["max_length"] < end:
        at = (found["max_length"] - begin + 1) / (end - begin + 1) * WIDTH
        limit = f'<line class="limit" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}"/>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + BOTTOM}" role="img" aria-label="{said}">{bars}{limit}'
        f'<text x="0" y="{HEIGHT + 14}">{begin:,}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{end:,} tokens</text></svg>'
    )
