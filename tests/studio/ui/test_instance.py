"""One page server a home: its lock, its port, its token."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path

from studio.settings import Home
from studio.ui import instance as instances
from studio.ui.instance import Instance


def home_in(folder: Path) -> Home:
    """A home that is there."""
    return Home(folder / "home").prepare()


def test_only_one_holds_the_lock_of_a_home(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first = instances.lock(home)

    assert first is not None
    assert instances.lock(home) is None
    first.release()
    assert instances.lock(home) is not None


def test_two_homes_at_once_get_two_ports(tmp_path: Path) -> None:
    one, first = instances.take_port(Home(tmp_path / "one").prepare(), None)
    two, second = instances.take_port(Home(tmp_path / "two").prepare(), None)
    with one, two:
        assert first.port != second.port
        assert first.token != second.token


def test_a_home_gets_its_port_and_token_again(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    listening, first = instances.take_port(home, None)
    listening.close()
    again, second = instances.take_port(home, None)
    again.close()

    assert (first.port, first.token) == (second.port, second.token)


def test_on_another_port_the_token_is_made_anew_because_a_stranger_may_have_seen_the_old_one(
    tmp_path: Path,
) -> None:
    home = home_in(tmp_path)
    stranger, first = instances.take_port(home, None)
    with stranger:
        listening, second = instances.take_port(home, None)
        listening.close()

    assert second.port != first.port
    assert second.token != first.token


def test_a_stranger_on_the_port_is_not_taken_for_the_studio() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stranger = Instance(server.server_port, "token", 1)

    assert not stranger.is_alive()
    server.shutdown()
    server.server_close()


def test_a_torn_file_is_as_good_as_none(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    instances.instance_file(home).write_text('{"port": 84')

    assert instances.read(home) is None


def test_the_address_a_browser_is_started_with_does_not_hold_the_token() -> None:
    instance = Instance(8417, "secret-token", 1)

    assert "secret-token" not in instance.address_with_ticket()
    assert instance.address_with_token() == "http://127.0.0.1:8417/?token=secret-token"
