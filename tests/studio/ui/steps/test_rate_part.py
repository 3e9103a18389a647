"""The offer of a learning rate: its curve and words."""

from __future__ import annotations

from studio.ui.steps import rate_part

POINTS = [[10.0 ** (power / 4 - 6), 3.0 + (power - 12) ** 2 / 100] for power in range(17)]


def test_the_curve_names_powers_of_ten_and_marks_the_suggestion() -> None:
    drawn = rate_part.curve_html(POINTS, 1e-4)

    assert all(f">1e{power}<" in drawn for power in (-6, -5, -4, -3, -2))
    assert 'class="mark"' in drawn
    assert 'class="mark"' not in rate_part.curve_html(POINTS, None)


def test_what_ran_away_does_not_press_the_rest_flat() -> None:
    calm = rate_part.curve_html(POINTS, None)
    wild = rate_part.curve_html([*POINTS, [0.1, 1e9], [0.2, float("nan")]], None)

    heights = [
        pair.split(",")[1] for pair in wild.partition('points="')[2].partition('"')[0].split()
    ]
    assert len(heights) == len(POINTS) + 1
    assert len(set(heights)) > len(POINTS) / 3
    assert calm


def test_words_stay_text() -> None:
    assert "&lt;b&gt;" in rate_part.result_html(
        {"points": POINTS, "suggested": None, "words": "<b>"}
    )


def test_too_few_points_draw_nothing() -> None:
    assert rate_part.curve_html(POINTS[:1], None) == ""
