"""Uni-LoRA as a tuner: PEFT's plain way, which looks at values while it is attached."""

from studio.training.tuners.tuner import Tuner


class UniLoRA(Tuner):
    """It counts how often each of its numbers is used."""

    needs_values = True


TUNER = UniLoRA()
