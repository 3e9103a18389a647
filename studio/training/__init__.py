"""Training: loading, adapters, batches, the pure step, the loop, checkpoints. This floor uses torch."""

import logging
import os

# Whatever trains, tries or exports uses files that are here already; only fetching asks the Hub.
os.environ["HF_HUB_OFFLINE"] = "1"

# PEFT imports bitsandbytes, which at once complains of kernels that only its own 4-bit speed-up needs.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
