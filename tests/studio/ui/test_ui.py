"""The program as a whole: frame, look and log, as the pages' own configuration shows them."""

from __future__ import annotations

import re

from studio.settings import ASSETS
from studio.ui.frame import rail
from studio.ui.log_view import Chunk
from studio.ui.markup import heading, icon
from studio.ui.pages import PAGES
from studio.ui.theme import COLOURS, Whetstone
from tests.studio.ui.serving import PageServer


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `#rrggbb`."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def resolved(name: str, is_dark: bool) -> str:
    """A theme variable's colour, followed through its references."""
    theme = Whetstone()
    value = getattr(theme, f"{name}_dark" if is_dark else name)
    while value.startswith("*"):
        name = value[1:]
        value = COLOURS[name][is_dark] if name in COLOURS else getattr(theme, name)
    return str(value)


def test_words_stand_out_enough_from_what_they_stand_on() -> None:
    for is_dark in (False, True):
        for ground in (
            "body_background_fill",
            "background_fill_primary",
            "background_fill_secondary",
        ):
            for ink in ("body_text_color", "body_text_color_subdued", "link_text_color"):
                found = contrast(resolved(ink, is_dark), resolved(ground, is_dark))
                assert found >= 4.5, (ink, ground, is_dark, found)


def test_the_main_button_can_be_read_in_light_and_dark() -> None:
    for is_dark in (False, True):
        for state in ("", "_hover"):
            ground = resolved(f"button_primary_background_fill{state}", is_dark)
            assert contrast("#ffffff", ground) >= 4.5, (state, is_dark)


def test_states_can_be_read_on_their_own_ground() -> None:
    style = (ASSETS / "css" / "studio.css").read_text()
    for block in re.findall(r"(?::root|\.dark) \{(.*?)\n\}", style, re.DOTALL):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for name in ("good", "busy", "bad", "warn"):
            assert contrast(colours[name], colours[f"{name}-soft"]) >= 4.5, name


def test_the_rail_links_every_page_and_marks_the_present_one() -> None:
    for page in PAGES:
        markup = rail(page)
        assert all(f'href="/{each.path}"' in markup for each in PAGES)
        assert markup.count('aria-current="page"') == 1


def test_headings_are_text() -> None:
    assert "<h1>a &lt;b&gt;</h1>" in heading("a <b>", "words")


def test_every_icon_takes_the_texts_colour_and_is_hidden_from_screen_readers() -> None:
    for path in (ASSETS / "icons").glob("*.svg"):
        assert "currentColor" in icon(path.stem)
        assert 'aria-hidden="true"' in icon(path.stem)


def test_a_piece_of_log_tells_where_it_stands() -> None:
    value = Chunk(3, 10, 20, "text").as_value()

    assert value == {"job": 3, "from": 10, "to": 20, "first": False, "text": "text"}


def test_fonts_come_with_the_program_and_have_their_licence_beside_them(pages: PageServer) -> None:
    style = (ASSETS / "css" / "fonts.css").read_text()
    addresses = re.findall(r'url\("([^"]+)"\)', style)
    sizes = [len(pages.get(address).body) for address in addresses]

    assert all(address.startswith("/whetstone/fonts/") for address in addresses)
    assert min(sizes) > 5_000
    assert sum(sizes) < 400_000
    assert len(list((ASSETS / "fonts").glob("*-LICENSE.txt"))) == 2


def test_the_theme_names_no_font_of_elsewhere() -> None:
    theme = Whetstone()

    assert [sheet for sheet in theme._stylesheets if sheet] == []
    assert not re.findall(r'url\("?http|@import', theme._get_theme_css())


def test_every_page_answers_and_carries_no_gradio_extras(pages: PageServer) -> None:
    for page in PAGES:
        text = pages.get(f"/{page.path}", {"Accept": "text/html"}).text
        config = text.replace(" ", "")
        assert page.title in text
        assert '"footer_links":[]' in config
        assert '"run_history":false' in config


def test_every_event_is_hidden_from_the_api(pages: PageServer) -> None:
    info = pages.get("/gradio_api/info").text

    assert '"named_endpoints":{}' in info.replace(" ", "")
