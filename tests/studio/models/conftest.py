"""What the tests of models share: the stand-in of the Hub may be asked, whatever ran before."""

from __future__ import annotations

import pytest

from studio import libraries


@pytest.fixture(autouse=True)
def may_ask_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has trained is offline for good; all tests run in one process."""
    from huggingface_hub import constants

    for name in libraries.OFFLINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
