from __future__ import annotations

from pathlib import Path

from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.entry.doctor_tiers import examine_tiers
from tintype.entry.settings import Settings


def _said(folder: Path, cold: Path) -> dict[str, tuple[str, str]]:
    settings = Settings(data=folder, disk=DiskSettings(free_floor=0, cold_path=cold))
    return {each.name: (each.level, each.detail) for each in examine_tiers(settings)}


def test_a_cold_folder_that_is_not_ready_fails_with_the_fix(tmp_path: Path) -> None:
    cold = tmp_path / "cold"
    cold.mkdir()

    level, detail = _said(tmp_path / "data", cold)["cold folder"]

    assert level == "failed"
    assert "tintype storage setup" in detail


def test_a_cold_folder_beside_the_data_is_told_to_gain_nothing(tmp_path: Path) -> None:
    cold, data = tmp_path / "cold", tmp_path / "data"
    data.mkdir()
    DiskBlobs(cold, secret=b"").close()

    said = _said(data, cold)

    assert said["cold folder"][0] == "ok"
    assert said["cold volume"][0] == "degraded"
