"""The libraries are settled before they are imported."""

import gc
import subprocess
import sys

from studio import libraries


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


def test_importing_collects_nothing_and_leaves_collecting_as_it_was() -> None:
    with libraries.importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with libraries.importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
