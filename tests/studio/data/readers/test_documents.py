"""Documents (TXT, Markdown, DOCX, PDF, HTML): passages, questions and answers, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.readers import read
from tests.studio.data.files import refusal, table_of, words_for
from tests.studio.data.office import write_docx, write_pdf

FAQ = [
    ("Where is the shop?", "By the river."),
    ("When is it open?", "From nine.\n\nTo five."),
    ("Do you repair?", "Yes."),
]


def test_paragraphs_become_passages_that_fit_a_row(tmp_path: Path) -> None:
    words = "A sentence of some length that says nothing. " * 12
    table = table_of(tmp_path / "a.txt", "\n\n".join([words] * 8))
    assert table.columns == ("text",)
    assert all(400 < len(row["text"]) <= 1_600 for row in table.rows)
    assert sum(row["text"].count("A sentence") for row in table.rows) == 96
    assert table.lines[1] > table.lines[0]


@pytest.mark.parametrize(
    ("asks", "answers"),
    [("Q:", "A:"), ("Frage 1:", "Antwort:"), ("问：", "答："), ("**Q:**", "**A:**")],
)
def test_marked_questions_and_answers_become_rows(tmp_path: Path, asks: str, answers: str) -> None:
    text = "\n".join(f"{asks} {question}\n{answers} {answer}" for question, answer in FAQ)
    table = table_of(tmp_path / "a.txt", f"About us\n\n{text}")
    assert [(row["question"], row["answer"]) for row in table.rows] == FAQ


def test_headings_that_ask_become_questions(tmp_path: Path) -> None:
    text = "# Our shop\n\nWelcome.\n\n" + "".join(f"## {q}\n\n{a}\n\n" for q, a in FAQ)
    table = table_of(tmp_path / "a.md", text)
    assert [(row["question"], row["answer"]) for row in table.rows] == FAQ


def test_code_in_markdown_stays_whole(tmp_path: Path) -> None:
    text = "---\ntitle: x\n---\n# Use\n\n```\n# no heading\n\na = 1\n```\n\nEnd.\n"
    (row,) = table_of(tmp_path / "a.md", text).rows
    assert row["text"].startswith("Use")
    assert "# no heading" in row["text"]
    assert "title" not in row["text"]


def test_a_word_document_gives_its_text_its_faq_or_its_table(tmp_path: Path) -> None:
    text = read(write_docx(tmp_path / "a.docx", ["One.", "Two."]))
    assert [row["text"] for row in text.rows] == ["One.\n\nTwo."]
    body = [part for q, a in FAQ for part in (("berschrift2", q), *a.split("\n\n"))]
    faq = read(write_docx(tmp_path / "b.docx", body))
    assert [(row["question"], row["answer"]) for row in faq.rows] == FAQ
    table = read(
        write_docx(tmp_path / "c.docx", ["Our mails", [["Q", "A"], ["1", "2"], ["3", "4"]]])
    )
    assert list(table.rows) == [{"Q": "1", "A": "2"}, {"Q": "3", "A": "4"}]


def test_a_pdf_gives_its_paragraphs_with_broken_lines_and_words_joined(tmp_path: Path) -> None:
    lines = ["This is a sentence that goes on over the end of the line and has a hy-", "phen.", ""]
    table = read(write_pdf(tmp_path / "a.pdf", [lines, ["Second page."]]))
    (row,) = table.rows
    assert row["text"] == (
        "This is a sentence that goes on over the end of the line and has a hyphen.\n\nSecond page."
    )


def test_a_pdf_loses_what_stands_at_the_edge_of_most_pages_and_says_so(tmp_path: Path) -> None:
    pages = [
        [
            "House rules",
            "",
            f"Rule {number} is kept by all who work here.",
            "",
            f"Page {number} of 4",
        ]
        for number in range(1, 5)
    ]
    table = read(write_pdf(tmp_path / "a.pdf", pages))
    text = "\n".join(str(row["text"]) for row in table.rows)
    assert [f"Rule {number} is kept by all who work here." in text for number in range(1, 5)]
    assert "House rules" not in text
    assert "Page" not in text
    assert any("'House rules', 'Page 1 of 4'" in note for note in table.notes)


def test_what_stands_in_the_middle_of_every_page_or_on_two_only_stays(tmp_path: Path) -> None:
    pages = [["One.", "Two.", "The same.", "Three.", "Four."][: 5 - number] for number in range(2)]
    assert "One." in str(list(read(write_pdf(tmp_path / "a.pdf", pages)).rows))
    same = [
        [f"Start {word}.", f"More {word}.", "In the middle.", f"Less {word}.", f"End {word}."]
        for word in ("one", "two", "three", "four")
    ]
    assert "In the middle." in str(list(read(write_pdf(tmp_path / "b.pdf", same)).rows))


def test_a_page_gives_its_text_without_scripts(tmp_path: Path) -> None:
    page = (
        "<html><head><title>t</title></head><script>evil()</script><p>One &amp; two</p><p>Three</p>"
    )
    (row,) = table_of(tmp_path / "a.html", page).rows
    assert row["text"] == "One & two\n\nThree"


def test_a_page_that_is_a_table_gives_its_rows_also_when_it_is_named_xls(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>q{n}</td><td>a<br>{n}</td></tr>" for n in range(3))
    page = f"<table><tr><th>question</th><th>answer</th></tr>{rows}</table>"
    for name in ("a.html", "a.xls"):
        table = table_of(tmp_path / name, page)
        assert table.columns == ("question", "answer")
        assert table.rows[0] == {"question": "q0", "answer": "a\n0"}


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
def test_a_locked_document_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((Path(__file__).parents[3] / "data" / f"locked.{name[2:]}").read_bytes())
    assert "password" in refusal(lambda: read(path))


def test_a_scan_without_text_is_told(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [[]])
    assert "recognised (OCR)" in refusal(lambda: read(path))


def test_entities_in_a_documents_xml_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    path = write_docx(tmp_path / "a.docx", ["One."], prolog=bomb)
    assert "entities of its own" in refusal(lambda: read(path))


def test_a_text_of_tabs_is_a_table_and_one_of_json_lines_too(tmp_path: Path) -> None:
    table = table_of(tmp_path / "a.txt", "question\tanswer\nWhere?\tHere\nWhen?\tNow\n")
    assert table.format == "csv"
    assert table_of(tmp_path / "b.txt", '{"q": "Where?", "a": "Here"}\n').format == "jsonl"


def test_a_heading_without_words_is_passed_over(tmp_path: Path) -> None:
    assert "holds no text" in words_for(tmp_path / "a.md", "# ")
    (row,) = table_of(tmp_path / "b.md", "# \n\nOne.\n").rows
    assert row["text"] == "One."
