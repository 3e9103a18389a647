"""The failure cards, one file a family of causes."""

from studio.failures.card import Card
from studio.registry import discover

CARDS: dict[str, Card] = {
    card.code: card for family in discover(__name__, "CARDS", tuple).values() for card in family
}
"""Every card by its code."""
