"""SHiRA as a tuner: PEFT's plain way, which looks at values while it is attached."""

from studio.training.tuners.tuner import Tuner


class SHiRA(Tuner):
    """It draws the places of its weights."""

    needs_values = True


TUNER = SHiRA()
