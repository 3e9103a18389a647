"""Learning rates by size: what of a method's rate suits a base of so many parameters."""

from __future__ import annotations


def share_of_whole_weights(parameters: int) -> float:
    """Where whole weights move: (7e9 / parameters)^(1/3), between 0.5 and 4: smaller models bear larger steps.

    A rule of thumb through what is usual (2e-5 at 7 billion, half of it at 70); not measured by us.
    """
    return float(min(4.0, max(0.5, (7e9 / max(1, parameters)) ** (1 / 3))))
