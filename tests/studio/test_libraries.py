"""The libraries are settled before they are imported."""

import subprocess
import sys


def test_whatever_trains_is_offline_and_quiet() -> None:
    code = (
        "import studio.training.adapters, studio.training.loading\n"
        "from huggingface_hub import constants\n"
        "assert constants.HF_HUB_OFFLINE\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
