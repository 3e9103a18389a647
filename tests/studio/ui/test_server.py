"""The page server as a process: one a home, found again, free of torch, deaf to variables."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.errors import AskedWrongly, StudioError
from studio.settings import Home
from studio.ui import server
from tests.studio.ui.serving import PATIENCE_S, ROOT, PageServer


def test_a_second_start_finds_the_first_and_ends_at_once(
    pages: PageServer, capfd: pytest.CaptureFixture[str]
) -> None:
    code = server.main(pages.home, port=None, open_window=False)

    assert code == 0
    assert pages.instance.address in capfd.readouterr().err
    assert pages.get("/config").status == 200


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_port_and_token_are_written_for_the_owner_only(pages: PageServer) -> None:
    file = pages.home.folder / "page.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_start_after_a_kill_keeps_port_and_token_so_that_an_open_window_goes_on(
    tmp_path: Path,
) -> None:
    first = PageServer(tmp_path / "home").start()
    before = first.instance
    first.kill()
    second = PageServer(tmp_path / "home").start()

    assert (second.instance.port, second.instance.token) == (before.port, before.token)
    assert second.stop() == 0


def test_a_wanted_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(StudioError, match=f"Port {port} is taken") as error:
            server.main(Home(tmp_path / "home"), port=port, open_window=False)

    assert error.value.code == "port_taken"


def test_a_home_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with pytest.raises(AskedWrongly, match="cannot be written to"):
        server.main(Home(blocked / "home"), port=None, open_window=False)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_the_running_server_has_not_loaded_torch(pages: PageServer) -> None:
    for path in ("/", "/jobs", "/try", "/export"):
        assert pages.get(path, {"Accept": "text/html"}).status == 200

    loaded = Path(f"/proc/{pages.pid}/maps").read_text()

    assert "libpython" in loaded or "python" in loaded
    assert "torch" not in loaded
    assert "tokenizers" not in loaded


def test_the_pages_import_neither_torch_nor_transformers_nor_peft() -> None:
    code = (
        "import sys, studio.ui.app\n"
        "print(sorted({'torch', 'transformers', 'peft', 'datasets'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert answer.stdout.strip() == "[]", answer.stderr


def test_variables_switch_nothing_on(tmp_path: Path) -> None:
    variables = {
        "GRADIO_SHARE": "True",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_ALLOWED_PATHS": "/etc",
        "GRADIO_ROOT_PATH": "/elsewhere",
        "GRADIO_MCP_SERVER": "True",
        "GRADIO_RUN_HISTORY": "True",
        "GRADIO_ANALYTICS_ENABLED": "True",
        "GRADIO_DEBUG": "1",
        "SPACE_ID": "x/y",
        "SYSTEM": "spaces",
    }
    pages = PageServer(tmp_path / "home", variables=variables).start()
    config = pages.get("/config").text
    file = pages.get("/gradio_api/file=/etc/hostname").status
    pages.kill()

    assert '"analytics_enabled":false' in config.replace(" ", "")
    assert "/elsewhere" not in config
    assert file == 403


def test_only_this_computer_is_listened_to(pages: PageServer) -> None:
    elsewhere = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None)}

    for address in {str(address) for address in elsewhere if "." in str(address)} - {"127.0.0.1"}:
        with socket.socket() as client:
            client.settimeout(2)
            assert client.connect_ex((address, pages.instance.port)) != 0


def test_the_hub_is_offline_while_gradio_is_imported_and_as_it_was_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with server._quiet_environment(Home(tmp_path).prepare()):
        inside = os.environ["HF_HUB_OFFLINE"]

    assert inside == "1"
    assert "HF_HUB_OFFLINE" not in os.environ


def test_of_three_starts_at_once_one_makes_a_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    starters = [PageServer(home).start(wait=False) for _ in range(3)]
    processes = [starter.process for starter in starters if starter.process is not None]
    end = time.monotonic() + PATIENCE_S
    while sum(each.poll() is not None for each in processes) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    codes = [each.returncode for each in processes if each.poll() is not None]
    running = [
        starter for starter in starters if starter.process and starter.process.poll() is None
    ]
    running[0].wait()
    alive = running[0].instance.is_alive()
    for starter in running:
        starter.kill()

    assert codes == [0, 0]
    assert len(running) == 1
    assert alive
