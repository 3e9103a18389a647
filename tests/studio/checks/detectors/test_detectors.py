"""What the detectors find and what they leave alone; the figures over a whole file are in test_labelled.py."""

from __future__ import annotations

import pytest

from studio.checks.detectors import DETECTORS
from studio.checks.detectors.detector import find_all, masked


def found(text: str) -> list[tuple[str, str]]:
    return [
        (text[begin:end], detector.name)
        for (begin, end), detector in find_all(DETECTORS.values(), text)
    ]


@pytest.mark.parametrize(
    "number",
    [
        "Steuer-ID 86 095 742 719",
        "65 170839 J 003",
        "2 55 08 14 168 025 38",
        "12345678Z",
        "X1234567L",
        "NIF 123456789",
        "529.982.247-25",
        "078-05-1120",
        "QQ 12 34 56 C".replace("QQ", "AB"),
        "RSSMRA85T10A562S",
        "11010519491231002X",
        "756.9217.0769.85",
        "BSN 111222333",
        "PESEL 44051401359",
        "811218-9876",
    ],
)
def test_a_national_number_is_found_and_with_one_digit_changed_it_is_not(number: str) -> None:
    assert [name for _, name in found(f"Here: {number}, thank you.")] == ["national"]
    place = max(place for place, sign in enumerate(number[:-1]) if sign.isdigit())
    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    if number not in ("078-05-1120", "AB 12 34 56 C"):  # these two have no checksum
        assert "national" not in [name for _, name in found(f"Here: {wrong}, thank you.")]


@pytest.mark.parametrize(
    "text",
    [
        "Order 16404 of 12.05.2024 costs 1 299,00 EUR, see 10.0.0.1 and v1.22.333",
        "4111 1111 1111 1112 has a wrong check digit",
        "DE88 3704 0044 0532 0130 00 has a wrong checksum",
        "The picture icon@2x.png and the handle @someone",
        "Your password: please choose a new one",
        "Dear customer, hello team, thanks",
        "ISBN 978-3-16-148410-0, from 2019 to 2024, 3 x 250 g",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_what_lies_within_something_else_is_found_once() -> None:
    assert found("IBAN: DE89 3704 0044 0532 0130 00.") == [("DE89 3704 0044 0532 0130 00", "iban")]


def test_masking_keeps_the_text_around() -> None:
    text = "Mail ana@shop.example or call +49 30 901820."
    assert masked(DETECTORS.values(), text) == "Mail [EMAIL] or call [PHONE]."
    assert masked(DETECTORS.values(), "nothing here") == "nothing here"
