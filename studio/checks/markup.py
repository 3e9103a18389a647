"""What a template or a web page left behind: tags, entities, placeholders, chat markers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from studio.checks.batch import Batch
from studio.checks.cells import each_text
from studio.checks.check import LEAVE_OUT, Check, Fix
from studio.checks.search import Hit, Search
from studio.data.table import Row

_TAG_NAMES = (
    "a|abbr|article|b|blockquote|body|br|center|div|em|font|footer|form|h[1-6]|head|header|hr|html"
    "|i|img|li|link|main|meta|nav|ol|p|pre|script|section|small|span|strong|style|sub|sup|table"
    "|tbody|td|th|thead|title|tr|u|ul"
)
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{2,6}|#x[0-9a-fA-F]{2,6}|[a-z]{1,2}uml);")
_MARKER = re.compile(
    r"<\|[a-z_]{2,30}\|>|\[/?INST\]|<<?/?SYS>?>|<(?:start|end)_of_turn>|<｜[^｜]{2,40}｜>"
    r"|^### (?:Instruction|Response|Input):",
    re.MULTILINE,
)
_PLACEHOLDER = re.compile(
    r"\{\{\s*[\w.]{1,40}\s*\}\}|\$\{\w{1,40}\}|<%=?[^%]{1,60}%>"
    r"|\[(?:your|insert|company|customer|client|name of)[ _][a-z _]{1,40}\]|\blorem ipsum\b",
    re.IGNORECASE,
)
# Signs without which the pattern cannot match. One look at the whole batch for single letters, which
# is the quickest, mostly settles it.
_KINDS = (
    ("chat markers", _MARKER, "<[#", ("<|", "INST]", "SYS>", "_of_turn", "<｜", "### ")),
    ("HTML tags", _TAG, "<", ("<",)),
    ("HTML entities", _ENTITY, "&", ("&",)),
    ("placeholders of a template", _PLACEHOLDER, "{<[", ("{", "<%", "[", "orem")),
)


def _left_over(batch: Batch) -> Iterator[Hit]:
    there = {sign for sign in "<[#&{" if sign in batch.all_text}
    has_lorem = "orem" in batch.all_text
    kinds = [
        (name, pattern, signs)
        for name, pattern, letters, signs in _KINDS
        if not there.isdisjoint(letters) or (has_lorem and "orem" in signs)
    ]
    if not kinds:
        return
    for place, text in enumerate(batch.texts):
        for name, pattern, signs in kinds:
            if any(sign in text for sign in signs) and (hit := pattern.search(text)):
                yield Hit(place, hit.start(), name)


_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)


def without_markup(text: str) -> str:
    """The text as a reader would see it: tags and chat markers gone, entities as their letters."""
    text = _BREAK.sub("\n", _HIDDEN.sub("", text))
    text = _MARKER.sub("", _TAG.sub("", text))
    if _ENTITY.search(text):
        text = html.unescape(text).replace("\u00a0", " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _clean(row: Row, roles: Mapping[str, str], data: Mapping[str, Any]) -> Row | None:
    return each_text(row, roles, _cleaned_where_needed)


def _cleaned_where_needed(text: str) -> str:
    if any(pattern.search(text) for pattern in (_TAG, _ENTITY, _MARKER)):
        return without_markup(text)
    return text


CHECK = Check(
    name="markup",
    title="Leftover markup and templates",
    why="The model learns to write tags, placeholders or chat markers into its answers.",
    begin=lambda circumstances: Search(_left_over, "something was left behind: {kinds}"),
    fixes=(Fix("clean", "Take tags and markers out", _clean), LEAVE_OUT),
)
