"""Near texts: what MinHash finds against comparing every text with every other."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.checks.minhash import LETTERS, NEAR, NearTexts, shingles, similarity, sketch


def near(texts: list[str], at_once: int = 100) -> list[int]:
    collected = NearTexts()
    for begin in range(0, len(texts), at_once):
        collected.add(texts[begin : begin + at_once])
    try:
        return collected.near_an_earlier_one().tolist()
    finally:
        collected.close()


def pieces(text: str) -> set[str]:
    return {text[place : place + LETTERS] for place in range(len(text) - LETTERS + 1)} or {text}


def near_by_brute_force(texts: list[str]) -> set[int]:
    """The texts of which an earlier one shares at least `NEAR` of all pieces: every pair is counted."""
    standing: dict[str, list[int]] = defaultdict(list)
    sets = [pieces(text) for text in texts]
    found = set()
    for place, own in enumerate(sets):
        shared: Counter[int] = Counter()
        for piece in own:
            shared.update(standing[piece])
            standing[piece].append(place)
        if any(n / (len(own) + len(sets[other]) - n) >= NEAR for other, n in shared.items()):
            found.add(place)
    return found


def edited_texts(count: int, seed: int) -> list[str]:
    """Texts of 4 to 90 words; three in ten are another one with some words changed."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(5_000)]
    texts: list[str] = []
    while len(texts) < count:
        if texts and rng.random() < 0.3:
            changed = rng.choice(texts).split()
            for _ in range(max(1, int(len(changed) * rng.choice([0.02, 0.05, 0.1, 0.2])))):
                changed[rng.randrange(len(changed))] = rng.choice(words)
        else:
            changed = rng.choices(words, k=rng.choice([4, 8, 15, 30, 60, 90]))
        texts.append(" ".join(changed))
    return texts


def test_against_brute_force_nothing_is_missed_or_made_up() -> None:
    texts = edited_texts(1_500, seed=3)
    truth, found = near_by_brute_force(texts), set(near(texts))

    assert len(truth) > 80
    assert len(found & truth) >= 0.95 * len(truth)
    assert len(found & truth) >= 0.98 * len(found)


def test_what_is_found_does_not_depend_on_how_the_texts_come() -> None:
    texts = edited_texts(300, seed=4)
    assert near(texts, 1) == near(texts, 7) == near(texts, 300)


def test_a_thousand_variants_of_one_text_are_all_found() -> None:
    text = "the quick brown fox jumps over the lazy dog and then goes home to sleep until the sun is up"
    assert near([f"{text} {number}" for number in range(1_000)]) == list(range(1, 1_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=12))
def test_every_text_has_the_pieces_that_reading_it_shows(texts: list[str]) -> None:
    hashes, places = shingles(texts)
    counts = np.bincount(places, minlength=len(texts))

    assert counts.tolist() == [max(1, len(text) - LETTERS + 1) for text in texts]
    for place, text in enumerate(texts):
        assert len(set(hashes[places == place].tolist())) == len(pieces(text.ljust(LETTERS, "\0")))


def test_a_sketch_estimates_the_similarity() -> None:
    text = "a letter about the kettle that leaks at its spout and the lamp that flickers when it is cold"
    other = text.replace("kettle", "mirror")
    first, second = sketch([text, other])
    truth = similarity(*(np.unique(shingles([each])[0]) for each in (text, other)))

    assert abs((first == second).mean() - truth) < 0.15
    assert (sketch([text])[0] == first).all()


def test_nothing_comes_of_nothing() -> None:
    assert near([]) == []
    assert near(["one"]) == []
    assert near(["x", "y", "zz"]) == []
