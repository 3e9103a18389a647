"""FRoD as a tuner: PEFT's plain way, which looks at values while it is attached."""

from studio.training.tuners.tuner import Tuner


class FRoD(Tuner):
    """It takes the base's weights apart."""

    needs_values = True


TUNER = FRoD()
