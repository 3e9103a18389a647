"""Which parts and layers of this model learn: its modules as a tree with counts, and ranges of layers."""

from __future__ import annotations

import html
import json
from collections.abc import Collection, Sequence

from studio.methods import Base, Module
from studio.methods.module_tree import Branch, Leaf, module_tree
from studio.ui import words
from studio.ui.form import Control

WHICH = {"all-linear": "All linear layers", "attention": "Attention only", "": "Choose"}
LAYERS = (("all", "All"), ("last", "The last"), ("range", "From … to"), ("list", "Single ones"))


def targets_html(
    each: Control,
    place: str,
    base: Base | None,
    learning: Collection[Module],
    numbers: Sequence[Control] = (),
) -> str:
    """The choice of modules; `learning` are those that the settings choose now, `numbers` the settings
    that a single module may have a value of its own for.

    Without a base (its files are not here yet) the names are typed.
    """
    picks = "".join(
        f'<label><input type="radio" name="{place}-which" value="{value}">'
        f"<span>{title}</span></label>"
        for value, title in WHICH.items()
    )
    if base is None:
        typed = (
            '<input type="text" class="typed" placeholder="q_proj, v_proj" '
            f'aria-label="{html.escape(each.title)}: names of modules">'
        )
        return (
            f'<div data-kind="targets" data-name="{each.name}">'
            f'<div class="segments">{picks}</div>{typed}</div>'
        )
    tree = module_tree(base)
    chosen = set(learning)
    rows = "".join(_branch(branch, chosen, numbers) for branch in tree)
    heads = "".join(f'<th scope="col">{_short(number)}</th>' for number in numbers)
    return (
        f'<div data-kind="targets" data-name="{each.name}"><div class="segments">{picks}</div>'
        f'<p class="quiet" role="status">{_said(base, chosen)}</p>'
        f'<details data-key="{place}-tree"><summary>The layers of this model, one by one</summary>'
        f'<div class="scroll"><table class="rows modules"><thead><tr><th scope="col">Layer</th>'
        f'<th scope="col">How many</th><th scope="col">Widths</th><th scope="col">Weights</th>{heads}'
        f"</tr></thead>{rows}</table></div></details></div>"
    )


def _said(base: Base, chosen: Collection[Module]) -> str:
    weights = sum(module.inputs * module.outputs for module in chosen)
    whole = sum(module.inputs * module.outputs for module in base.linear)
    return (
        f"{len(chosen):,} of {len(base.linear):,} linear layers, "
        f"{words.share(weights, whole)} of their {whole:,} weights, take part."
    )


def _branch(branch: Branch, chosen: Collection[Module], numbers: Sequence[Control]) -> str:
    title = html.escape(branch.title or "the model")
    inner = "".join(_leaf(leaf, chosen, numbers) for leaf in branch.leaves)
    return (
        f'<tbody><tr class="branch"><th scope="rowgroup" colspan="{4 + len(numbers)}">{title}</th></tr>'
        f"{inner}</tbody>"
    )


def _leaf(leaf: Leaf, chosen: Collection[Module], numbers: Sequence[Control]) -> str:
    learning = sum(module in chosen for module in leaf.modules)
    state = "all" if learning == len(leaf.modules) else "some" if learning else "none"
    names = html.escape(json.dumps(leaf.targets))
    many = f"{len(leaf.modules)}" if state != "some" else f"{learning} of {len(leaf.modules)}"
    fused = f"<small>{html.escape(leaf.fused)}</small>" if leaf.fused else ""
    widths = ", ".join(f"{inputs:,} → {outputs:,}" for inputs, outputs in leaf.widths)
    own = "".join(
        f'<td><input type="number" data-pattern="{number.name}" data-of="{html.escape(leaf.targets[0])}" '
        f'min="0" step="any" placeholder="as above" '
        f'aria-label="{html.escape(number.title)}: {html.escape(leaf.title)}"></td>'
        for number in numbers
    )
    return (
        f'<tr><th scope="row"><label><input type="checkbox" data-targets="{names}" data-learns="{state}">'
        f"<span>{html.escape(leaf.title)}{fused}</span></label></th>"
        f"<td>{many}</td><td>{widths}</td><td>{leaf.weights:,}</td>{own}</tr>"
    )


def _short(number: Control) -> str:
    """`rank_pattern` is a rank of one's own."""
    return html.escape(f"Own {number.name.partition('_')[0]}")


def layers_html(each: Control, place: str, base: Base | None) -> str:
    """The choice of layers: all, the last ones, a range, or single ones by number."""
    highest = base.depth - 1 if base else None
    most = "" if highest is None else f' max="{highest}"'
    last = "" if highest is None else f' max="{highest + 1}"'
    options = "".join(f'<option value="{value}">{title}</option>' for value, title in LAYERS)
    of = "" if highest is None else f'<span class="quiet">layers 0 to {highest}</span>'
    return (
        f'<div class="layers" data-kind="layers" data-name="{each.name}">'
        f'<select id="{place}-input" data-part="how" aria-describedby="{place}-about">{options}</select>'
        f'<input type="number" data-part="last" min="1"{last} step="1" aria-label="How many layers">'
        f'<input type="number" data-part="from" min="0"{most} step="1" aria-label="First layer">'
        f'<input type="number" data-part="to" min="0"{most} step="1" aria-label="Last layer">'
        '<input type="text" data-part="list" placeholder="0, 4, 8" aria-label="Numbers of the layers">'
        f"{of}</div>"
    )
