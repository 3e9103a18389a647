"""Errors: one form for people and programs."""

from studio.errors import AskedWrongly, FieldProblem, StudioError, did_you_mean


def test_an_error_is_the_contracts_document() -> None:
    error = AskedWrongly("No.", code="spec", fields=[FieldProblem("name", "Too long.")])

    assert error.as_json() == {
        "error": {
            "code": "spec",
            "words": "No.",
            "fields": [{"field": "name", "words": "Too long."}],
        }
    }
    assert (error.exit_code, StudioError("x").exit_code) == (2, 1)


def test_only_a_near_word_is_offered() -> None:
    assert did_you_mean("lara", ["lora", "full"]) == " Did you mean 'lora'?"
    assert did_you_mean("zzz", ["lora", "full"]) == ""
