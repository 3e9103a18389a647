"""Documents as rows: question and answer where they are written as such, else passages of text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.data.table import Record, Row, Source
from studio.errors import DataProblem

PASSAGE_CHARACTERS = 1_500
"""A passage ends at the paragraph that fills it so far: about 400 tokens, less than a row may have."""

_SAMPLE_BLOCKS = 400
_MOST_SENTENCE = 4 * PASSAGE_CHARACTERS
# Question and answer, marked as in an FAQ or an interview, with or without a number.
_ASKS = re.compile(
    r"(?:\*\*)?(?:Q|Question|F|Frage|Pregunta|P|Pergunta|问题?|問題?|質問|Q&A)\s*\d{0,4}\s*(?:\*\*)?\s*"
    r"[:.)：．、]\s*(?:\*\*)?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ANSWERS = re.compile(
    r"(?:\*\*)?(?:A|Answer|Antwort|R|Réponse|Reponse|Respuesta|Resposta|答案?|回答)\s*\d{0,4}\s*(?:\*\*)?\s*"
    r"[:.)：．、]\s*(?:\*\*)?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ASKING = ("?", "？", "؟")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*")
QUESTION, ANSWER, TEXT = "question", "answer", "text"


@dataclass(frozen=True)
class Block:
    """A paragraph or a heading, and the line (or page) of the file on which it begins."""

    text: str
    line: int
    is_heading: bool = False


Blocks = Callable[[], Iterator[Block]]


def source_of(path: Path, format_name: str, blocks: Blocks) -> Source:
    """The rows of a document. Raises DataProblem where it holds no text."""
    sample = list(itertools.islice(blocks(), _SAMPLE_BLOCKS))
    if not sample:
        raise DataProblem(
            f"{path.name} holds no text that can be read. If it is a scan, its text must be "
            "recognised (OCR) first."
        )
    if _is_marked(sample):
        source = Source(path, format_name, lambda: _numbered(_marked(blocks())), (QUESTION, ANSWER))
        source.note("Questions and answers are marked in the text; each pair became a row.")
    elif _is_headed(sample):
        source = Source(path, format_name, lambda: _numbered(_headed(blocks())), (QUESTION, ANSWER))
        source.note("The headings are questions; each became a row with the text below it.")
    else:
        source = Source(path, format_name, lambda: _numbered(_passages(blocks())), (TEXT,))
        source.note(
            f"The text was split at its paragraphs into passages of about {PASSAGE_CHARACTERS:,} characters."
        )
    return source


def paragraphs(lines: Iterable[str]) -> Iterator[Block]:
    """Blocks of lines with blank ones between them; a line with a mark of its own begins a new one."""
    held: list[str] = []
    begin = 1
    for number, line in enumerate(lines, start=1):
        line = line.strip("\r\n\f\ufeff ")
        is_new = bool(held) and (_ASKS.match(line) or _ANSWERS.match(line))
        if held and (not line or is_new or sum(map(len, held)) > PASSAGE_CHARACTERS):
            yield Block("\n".join(held), begin)
            held = []
        if line:
            begin = begin if held else number
            held.append(line)
    if held:
        yield Block("\n".join(held), begin)


def _is_marked(sample: list[Block]) -> bool:
    """Whether most of the text stands in marked questions and answers."""
    asks = sum(bool(_ASKS.match(block.text)) for block in sample)
    answers = sum(bool(_ANSWERS.match(block.text)) for block in sample)
    return asks >= 2 and answers >= 2 and min(asks, answers) >= 0.2 * len(sample)


def _is_headed(sample: list[Block]) -> bool:
    """Whether the headings are questions, as in a list of frequent ones."""
    headings = [block for block in sample if block.is_heading]
    asking = sum(block.text.rstrip().endswith(_ASKING) for block in headings)
    return asking >= 2 and asking >= 0.6 * len(headings)


def _marked(blocks: Iterable[Block]) -> Iterator[tuple[Row, int]]:
    question, answer, line, is_answer = "", "", 0, False
    for block in blocks:
        asked, said = _ASKS.match(block.text), _ANSWERS.match(block.text)
        if asked:
            if question and answer:
                yield {QUESTION: question, ANSWER: answer}, line
            question, answer, line, is_answer = asked[1].strip(), "", block.line, False
        elif said and question:
            answer, is_answer = _joined(answer, said[1].strip()), True
        elif is_answer and not block.is_heading:
            answer = _joined(answer, block.text)
        elif question and not block.is_heading:
            question = _joined(question, block.text)
    if question and answer:
        yield {QUESTION: question, ANSWER: answer}, line


def _headed(blocks: Iterable[Block]) -> Iterator[tuple[Row, int]]:
    question, answer, line = "", "", 0
    for block in blocks:
        if block.is_heading:
            if question and answer:
                yield {QUESTION: question, ANSWER: answer}, line
            is_asking = block.text.rstrip().endswith(_ASKING)
            question, answer, line = block.text if is_asking else "", "", block.line
        elif question:
            answer = _joined(answer, block.text)
    if question and answer:
        yield {QUESTION: question, ANSWER: answer}, line


def _passages(blocks: Iterable[Block]) -> Iterator[tuple[Row, int]]:
    """Paragraphs together until a passage is full; a heading begins a new one unless little is held."""
    held, line = "", 1
    for block in blocks:
        for piece in _pieces(block.text):
            is_full = len(held) + len(piece) > PASSAGE_CHARACTERS
            if held and (is_full or (block.is_heading and len(held) > PASSAGE_CHARACTERS / 12)):
                yield {TEXT: held}, line
                held = ""
            line = line if held else block.line
            held = _joined(held, piece)
    if held:
        yield {TEXT: held}, line


def _pieces(text: str) -> Iterator[str]:
    """A paragraph, cut at the ends of its sentences where it is longer than a passage."""
    if len(text) <= PASSAGE_CHARACTERS:
        yield text
        return
    held = ""
    for sentence in _SENTENCE_END.split(text):
        while len(sentence) > _MOST_SENTENCE:
            yield from filter(None, (held, sentence[:_MOST_SENTENCE]))
            held, sentence = "", sentence[_MOST_SENTENCE:]
        if held and len(held) + len(sentence) > PASSAGE_CHARACTERS:
            yield held
            held = ""
        held = f"{held} {sentence}" if held else sentence
    if held:
        yield held


def _numbered(rows: Iterable[tuple[Row, int]]) -> Iterator[Record]:
    for number, (row, line) in enumerate(rows, start=1):
        yield Record(row, line, number)


def _joined(before: str, text: str) -> str:
    return f"{before}\n\n{text}" if before and text else before or text
