"""Training: loading, adapters, batches, the pure step, the loop, checkpoints. This floor uses torch."""

import logging

# PEFT imports bitsandbytes, which at once complains of kernels that only its own 4-bit speed-up needs.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
