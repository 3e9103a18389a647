"""Starting texts: a text or the first questions, cut or repeated to length."""

from studio.objectives import Encoded
from studio.training.starting_text import starting_ids
from tests import tiny

ROWS = [Encoded([1, 2, 3, 9], [0, 0, 0, 1]), Encoded([4, 5, 9], [0, 0, 1])]


def test_without_a_text_the_first_questions_are_taken() -> None:
    assert starting_ids("", ROWS, None, 4) == [1, 2, 3, 4]
    assert starting_ids("", ROWS, None, 7) == [1, 2, 3, 4, 5, 1, 2]


def test_a_row_without_a_question_gives_all_of_it() -> None:
    assert starting_ids("", [Encoded([7, 8], [1, 1])], None, 3) == [7, 8, 7]


def test_a_text_is_read_by_the_tokenizer_without_special_tokens() -> None:
    tokenizer = tiny.make_tokenizer()

    ids = starting_ids("Is the lamp in stock?", ROWS, tokenizer, 40)

    assert tokenizer.decode(ids).startswith("Is the lamp in stock?Is the lamp")
    assert len(ids) == 40
