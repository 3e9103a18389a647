"""The studio's look: warm paper and teal, dark and light as the system has it, with its own fonts."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.colors import Color
from gradio.themes.utils.fonts import Font
from gradio.themes.utils.sizes import Size

# Steps from lightest to darkest, as Gradio names them: c50, c100 … c950.
TEAL = Color(
    "#eef7f5",
    "#d6ebe8",
    "#aed7d2",
    "#7fbdb6",
    "#4f9f98",
    "#2d807a",
    "#1f6f6a",
    "#195a56",
    "#164946",
    "#133c3a",
    "#0a2423",
    name="teal",
)
STONE = Color(
    "#f9f8f6",
    "#f1efeb",
    "#e4e1da",
    "#cfcbc2",
    "#a09d96",
    "#73726d",
    "#5a5b5a",
    "#42464a",
    "#2a2f34",
    "#1e2226",
    "#16191c",
    name="stone",
)
RADIUS = Size("2px", "4px", "6px", "8px", "10px", "14px", "18px", name="whetstone_radius")
TEXT = Size("10px", "12px", "13px", "14px", "16px", "20px", "26px", name="whetstone_text")
SPACING = Size("1px", "2px", "5px", "7px", "10px", "14px", "20px", name="whetstone_spacing")

# (light, dark) of each of Gradio's theme variables that differs from its default.
COLOURS = {
    "body_background_fill": ("*neutral_50", "*neutral_950"),
    "body_text_color": ("#1f2328", "#e9e7e2"),
    "body_text_color_subdued": ("#5a5f65", "#a9aeb3"),
    "background_fill_primary": ("#ffffff", "*neutral_900"),
    "background_fill_secondary": ("*neutral_100", "#22272b"),
    "border_color_primary": ("*neutral_200", "#343a40"),
    "border_color_accent": ("*primary_600", "*primary_400"),
    "border_color_accent_subdued": ("*primary_200", "*primary_800"),
    "color_accent_soft": ("*primary_50", "#16312f"),
    "link_text_color": ("*primary_700", "*primary_300"),
    "link_text_color_hover": ("*primary_800", "*primary_200"),
    "link_text_color_active": ("*primary_800", "*primary_200"),
    "link_text_color_visited": ("*primary_700", "*primary_300"),
    "block_background_fill": ("transparent", "transparent"),
    "block_label_background_fill": ("transparent", "transparent"),
    "block_label_text_color": ("*body_text_color", "*body_text_color"),
    "block_title_text_color": ("*body_text_color", "*body_text_color"),
    "block_info_text_color": ("*body_text_color_subdued", "*body_text_color_subdued"),
    "panel_background_fill": ("transparent", "transparent"),
    "input_background_fill": ("#ffffff", "#171b1e"),
    "input_background_fill_focus": ("#ffffff", "#171b1e"),
    "input_border_color": ("*neutral_300", "#454c53"),
    "input_border_color_focus": ("*primary_600", "*primary_400"),
    "input_border_color_hover": ("*neutral_400", "#5a626a"),
    "input_placeholder_color": ("#6b7076", "#8d9399"),
    "checkbox_background_color": ("#ffffff", "#171b1e"),
    "checkbox_border_color": ("*neutral_400", "#5a626a"),
    "checkbox_background_color_selected": ("*primary_600", "*primary_500"),
    "checkbox_border_color_selected": ("*primary_600", "*primary_500"),
    "checkbox_label_background_fill": ("#ffffff", "#22272b"),
    "checkbox_label_background_fill_hover": ("*neutral_50", "#282e33"),
    "checkbox_label_background_fill_selected": ("*primary_50", "#16312f"),
    "checkbox_label_border_color": ("*neutral_200", "#343a40"),
    "checkbox_label_border_color_hover": ("*neutral_300", "#454c53"),
    "checkbox_label_border_color_selected": ("*primary_600", "*primary_400"),
    "checkbox_label_text_color_selected": ("*body_text_color", "*body_text_color"),
    "button_primary_background_fill": ("*primary_600", "*primary_600"),
    "button_primary_background_fill_hover": ("*primary_700", "*primary_500"),
    "button_primary_border_color": ("*primary_600", "*primary_600"),
    "button_primary_border_color_hover": ("*primary_700", "*primary_500"),
    "button_primary_text_color": ("#ffffff", "#ffffff"),
    "button_secondary_background_fill": ("#ffffff", "#262b30"),
    "button_secondary_background_fill_hover": ("*neutral_100", "#2e343a"),
    "button_secondary_border_color": ("*neutral_300", "#454c53"),
    "button_secondary_border_color_hover": ("*neutral_400", "#5a626a"),
    "button_secondary_text_color": ("*body_text_color", "*body_text_color"),
    "button_cancel_background_fill": ("#ffffff", "#262b30"),
    "button_cancel_background_fill_hover": ("#fdf1ef", "#3a2422"),
    "button_cancel_border_color": ("#d9a59d", "#7b453d"),
    "button_cancel_border_color_hover": ("#b3402f", "#d98a7d"),
    "button_cancel_text_color": ("#9c3325", "#f0a79b"),
    "button_cancel_text_color_hover": ("#9c3325", "#f0a79b"),
    "error_background_fill": ("#fdf1ef", "#3a2422"),
    "error_border_color": ("#d9a59d", "#7b453d"),
    "error_text_color": ("#8a2a1d", "#f0a79b"),
    "slider_color": ("*primary_600", "*primary_400"),
    "code_background_fill": ("*neutral_100", "#22272b"),
}
MEASURES = {
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_shadow": "none",
    "block_label_padding": "0px",
    "block_label_border_width": "0px",
    "block_title_text_size": "*text_md",
    "block_title_text_weight": "600",
    "block_info_text_size": "*text_sm",
    "body_text_size": "*text_md",
    "prose_text_size": "*text_md",
    "prose_header_text_weight": "600",
    "panel_border_width": "0px",
    "layout_gap": "16px",
    "form_gap_width": "0px",
    "container_radius": "*radius_md",
    "input_radius": "*radius_md",
    "input_padding": "9px 12px",
    "input_border_width": "1px",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px color-mix(in srgb, *primary_400 30%, transparent)",
    "input_text_size": "*text_md",
    "checkbox_label_shadow": "none",
    "checkbox_label_padding": "9px 12px",
    "checkbox_label_border_width": "1px",
    "checkbox_border_radius": "4px",
    "button_border_width": "1px",
    "button_large_radius": "*radius_md",
    "button_large_padding": "9px 18px",
    "button_large_text_size": "*text_md",
    "button_large_text_weight": "600",
    "button_medium_radius": "*radius_md",
    "button_medium_text_size": "*text_md",
    "button_medium_text_weight": "500",
    "button_small_radius": "*radius_sm",
    "button_small_padding": "5px 11px",
    "button_small_text_size": "*text_sm",
    "button_small_text_weight": "500",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "button_transition": "background-color .12s ease, border-color .12s ease",
}


class Whetstone(gr.themes.Base):  # type: ignore[misc]  # Gradio is not read by mypy
    """Gradio's base theme with the studio's fonts, colours and measures."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=TEAL,
            secondary_hue=TEAL,
            neutral_hue=STONE,
            radius_size=RADIUS,
            text_size=TEXT,
            spacing_size=SPACING,
            # Plain `Font`: the files come with assets/css/fonts.css, never from elsewhere.
            font=[Font("Inter Studio"), Font("system-ui"), Font("sans-serif")],
            font_mono=[Font("JetBrains Mono Studio"), Font("ui-monospace"), Font("monospace")],
        )
        self.name = "whetstone"
        values = dict(MEASURES)
        for name, (light, dark) in COLOURS.items():
            values[name] = light
            values[f"{name}_dark"] = dark
        super().set(**values)
