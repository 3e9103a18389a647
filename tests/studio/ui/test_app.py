"""The pages as one Gradio program, in this process."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient
from gradio.routes import App

from studio.settings import Home
from studio.ui.app import build
from studio.ui.backstage import Backstage


def test_windows_left_open_are_remembered_no_larger_by_any_number_of_looks(tmp_path: Path) -> None:
    backstage = Backstage(Home(tmp_path / "home").prepare())
    store = backstage.orders.queue.store
    store.cancel(store.enqueue("train", {}).id)  # a past job: no dispatcher is needed
    app = App.create_app(build(backstage))
    windows = app.state_holder

    with TestClient(app) as client:
        config = client.get("/config").json()
        timers = {part["id"] for part in config["components"] if part["type"] == "timer"}
        ticks = [
            event
            for event in config["dependencies"]
            if any(component in timers for component, _ in event["targets"])
        ]
        assert len(ticks) >= 2
        for tick in ticks:
            shown: dict[int, object] = {}
            remembered = []
            for _ in range(6):
                asked = {
                    "fn_index": tick["id"],
                    "data": [shown.get(part) for part in tick["inputs"]],
                    "session_hash": str(tick["id"]),
                }
                answer = client.post("/gradio_api/run/predict", json=asked)
                assert answer.status_code == 200, answer.text
                shown |= zip(tick["outputs"], answer.json()["data"], strict=True)
                blocks = windows.session_data[str(tick["id"])].blocks_config.blocks
                remembered.append(len(blocks))
            assert len(set(remembered[1:])) == 1, remembered
