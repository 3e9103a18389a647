"""The verdict: a need compared with what is free, in a sentence."""

from __future__ import annotations

import pytest

from studio.devices import Device
from studio.estimator.verdict import judge
from studio.occupants import Occupant

GB = 10**9
CARD = Device("cuda:0", "cuda", 24 * GB, 16 * GB, "a card")
HOLDERS = (Occupant("firefox", 2_100_000_000),)


@pytest.mark.parametrize(
    ("peak", "high", "fits", "words"),
    [
        (5.8, 6.1, True, "Fits with room (6.1 of 16.0 GB free)."),
        (14.0, 15.0, True, "Tight (15.0 of 16.0 GB free). Other programs should not grow while it "
         "runs. Most is held by firefox 2.1 GB."),
        (14.2, 17.9, False, "May not fit: needs 14.2 to 17.9 GB, 16.0 GB free. It would wait in the "
         "queue until other programs give memory back. Most is held by firefox 2.1 GB."),
        (19.0, 19.4, False, "Does not fit: needs 19.4 GB, 16.0 GB free. It would wait in the queue "
         "until other programs give memory back. Most is held by firefox 2.1 GB."),
        (57.0, 60.0, False, "Does not fit: needs 60.0 GB, 16.0 GB free. There are 24.0 GB in all: "
         "choose smaller settings."),
        (0.3, 0.4, True, "Fits with room (400 MB of 16.0 GB free)."),
    ],
)  # fmt: skip
def test_the_verdict_is_a_plain_sentence(peak: float, high: float, fits: bool, words: str) -> None:
    verdict = judge(int(peak * GB), int(high * GB), CARD, HOLDERS)

    assert (verdict.fits, verdict.words) == (fits, words)


@pytest.mark.parametrize("high", [6, 15, 18, 99])
def test_the_title_and_the_rest_say_what_the_sentence_says(high: int) -> None:
    verdict = judge(5 * GB, high * GB, CARD)

    assert verdict.words.startswith(verdict.title)
    assert verdict.detail.split()[-2] in verdict.words
    assert verdict.needs_bytes == high * GB


def test_the_document_holds_who_holds_the_memory() -> None:
    document = judge(15 * GB, 15 * GB, CARD, HOLDERS).to_json()

    assert list(document["held_by"]) == [{"name": "firefox", "bytes": 2_100_000_000}]
