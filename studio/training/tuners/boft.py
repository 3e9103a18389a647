"""BOFT as a tuner: PEFT's plain way, which looks at values while it is attached."""

from studio.training.tuners.tuner import Tuner


class BOFT(Tuner):
    """It turns a die for the order of its inputs."""

    needs_values = True


TUNER = BOFT()
