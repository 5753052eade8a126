"""What ``make engines`` believes to be there, and what it says about the rest."""

from pathlib import Path

import pytest

from tools.engines import catalog, install, kafka
from tools.engines.catalog import GoProgram

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalog, "CACHE", tmp_path)
    monkeypatch.setattr(catalog, "KAFKA_LIBRARIES", tmp_path / "kafka" / "libs")
    monkeypatch.setattr(catalog, "OWN_PYTHON", tmp_path / "python")
    (tmp_path / "bin").mkdir()
    return tmp_path


def test_a_built_program_of_another_version_is_not_there(cache: Path) -> None:
    old = GoProgram("tool", "example.com/tool", "v1.0.0", "tool")
    new = GoProgram("tool", "example.com/tool", "v1.0.1", "tool")

    old.path.write_text("a program")
    old.stamp.write_text("example.com/tool v1.0.0\n")

    assert old.is_there()
    assert not new.is_there()


def test_half_a_set_of_jars_is_not_kafka(cache: Path) -> None:
    (cache / "kafka" / "libs.new").mkdir(parents=True)
    (cache / "kafka" / "libs.new" / f"kafka-server-{catalog.KAFKA}.jar").touch()

    assert not catalog.kafka_is_there()


def test_looking_lists_what_is_missing_and_installs_nothing(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = install.main(["--check", "--all"])

    told = capsys.readouterr().out
    assert status == 1
    assert "MISSING  kafka\n" in told
    assert "MISSING  versitygw\n" in told
    assert "MISSING  helm\n" in told
    assert [path.name for path in cache.iterdir()] == ["bin"]


def test_the_version_that_is_fetched_is_the_one_that_is_started() -> None:
    assert catalog.KAFKA in kafka._SERVER
    assert catalog.KAFKA in (ROOT / "deploy" / "compose.yaml").read_text()


def test_every_version_of_a_built_program_is_pinned() -> None:
    pinned = [program.version for program in (*catalog.BUILT, catalog.HELM)]

    assert all(version.startswith("v") and version[1].isdigit() for version in pinned)


FLAKY = "n=$(cat tried 2>/dev/null || echo 0); echo $((n + 1)) > tried; [ $n -ge 2 ] || exit 1"


def test_what_the_network_spoils_twice_is_tried_a_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_PAUSE_S", 0.0)

    install._run(["sh", "-c", FLAKY], where=str(tmp_path), tries=3)

    assert (tmp_path / "tried").read_text() == "3\n"


def test_what_fails_every_time_says_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_PAUSE_S", 0.0)

    with pytest.raises(install.StepFailed, match="no such mirror"):
        install._run(["sh", "-c", "echo no such mirror; exit 1"], tries=2)
