"""The libraries are settled before they are imported."""

import subprocess
import sys


def test_whatever_trains_is_offline_and_quiet_and_loads_no_compiler() -> None:
    code = (
        "import sys\n"
        "import studio.training.adapters, studio.training.loading\n"
        "from huggingface_hub import constants\n"
        "assert constants.HF_HUB_OFFLINE\n"
        "assert 'torch._inductor.compile_fx' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
