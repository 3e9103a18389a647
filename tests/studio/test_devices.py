"""The devices of this machine, found without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from studio import devices
from studio.devices import Device, Machine

CPU = Device("cpu:0", "cpu", 16 * 10**9, 8 * 10**9, "processor")
SMALL = Device("cuda:0", "cuda", 8 * 10**9, 7 * 10**9, "small")
LARGE = Device("cuda:1", "cuda", 24 * 10**9, 20 * 10**9, "large")


def test_every_machine_has_two_slots_for_files_and_one_for_its_processor() -> None:
    names = [slot.name for slot in devices.slots()]

    assert names[:3] == ["io:0", "io:1", "cpu:0"]
    assert all(name.startswith("cuda:") for name in names[3:])


def test_free_memory_never_exceeds_what_the_system_reports() -> None:
    processor = devices.processor()

    assert 0 < processor.free_bytes <= processor.total_bytes <= psutil.virtual_memory().total


def test_the_driver_s_table_becomes_devices_in_bytes() -> None:
    table = "0, NVIDIA GeForce RTX 4090, 24564, 24000\n1, Odd, Name, 8192, 100\n2, Shared, [N/A], [N/A]\n"

    found = devices.read_nvidia_table(table)

    assert [device.name for device in found] == ["cuda:0", "cuda:1"]
    assert found[0].free_bytes == 24000 * 2**20
    assert found[1].words.startswith("Odd, Name")


def test_nonsense_from_the_driver_is_no_device() -> None:
    assert devices.read_nvidia_table("NVIDIA-SMI has failed because it could not talk\n") == ()


def test_of_several_gpus_the_one_with_the_most_free_memory_is_meant() -> None:
    machine = Machine((SMALL, LARGE, CPU), 0)

    assert machine.device_for("auto") == LARGE
    assert machine.device_for("cuda") == LARGE
    assert machine.device_for("cpu") == CPU


def test_without_a_gpu_every_choice_means_the_processor() -> None:
    assert Machine((CPU,), 0).device_for("auto") == CPU


def test_the_disk_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert devices.machine(tmp_path / "not" / "made" / "yet").disk_free_bytes > 0


def test_asking_for_slots_does_not_load_torch() -> None:
    code = "import sys; from studio.devices import slots; slots(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("8 GB", 8 * 10**9),
        ("500m", 500 * 10**6),
        ("1.5G", 1_500_000_000),
        ("8000000000", 8 * 10**9),
        ("", None),
        (None, None),
        ("much", None),
    ],
)
def test_a_limit_of_memory_is_read_as_a_person_writes_it(said: str, limit: int | None) -> None:
    assert devices.memory_limit(said) == limit


def test_no_more_memory_is_counted_on_than_the_person_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(devices.LIMIT_VARIABLE, "300 MB")

    slot = next(slot for slot in devices.slots() if slot.kind == "cpu")
    assert devices.processor().total_bytes == devices.processor().free_bytes == 300_000_000
    assert (slot.free_bytes, slot.total_bytes) == (300_000_000, 300_000_000)


def test_the_kernel_s_table_of_amd_cards_becomes_devices(tmp_path: Path) -> None:
    for name, vendor, used in (
        ("card1", "0x1002", 10**9),
        ("card0", "0x8086", 0),
        ("card1-DP-1", "", 0),
    ):
        place = tmp_path / name / "device"
        place.mkdir(parents=True)
        (place / "vendor").write_text(f"{vendor}\n")
        (place / "mem_info_vram_total").write_text("16000000000\n")
        (place / "mem_info_vram_used").write_text(f"{used}\n")
    (tmp_path / "card2" / "device").mkdir(parents=True)

    (found,) = devices.read_amd_cards(tmp_path)

    assert (found.name, found.total_bytes, found.free_bytes) == ("cuda:0", 16 * 10**9, 15 * 10**9)
