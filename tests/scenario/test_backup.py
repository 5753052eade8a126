"""Backups under load come back byte for byte; damaged ones come back not at all."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.cast import Person, World, ok, open_world
from tintype.config import ConfigError
from tintype.entry import backup as backups
from tintype.entry.backup import MANIFEST, BackupRefused, Manifest, back_up, restore
from tintype.entry.folder import RESTORING
from tintype.entry.settings import DATABASE
from tintype.kernel.clock import SystemClock


def _silent(name: str, size: int) -> None:
    del name, size


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def _backed_up(world: World, target: Path) -> Manifest:
    data = world.server.settings.data
    return await asyncio.to_thread(back_up, data, target, SystemClock(), _silent)


async def _writes_until(ada: Person, done: asyncio.Event) -> int:
    """Changes that are acknowledged while something else is going on."""
    count = 0
    while not done.is_set():
        count += 1
        await ada.send("PATCH", "/v1/accounts/me", {"bio": f"bio {count}"})
    return count


@pytest.fixture
async def copied(world: World, tmp_path: Path) -> Path:
    """A backup that was made of a small world while somebody wrote."""
    ada = await world.join("ada")
    await ada.post("dawn")
    done = asyncio.Event()
    writing = asyncio.create_task(_writes_until(ada, done))
    await asyncio.sleep(0.05)
    await _backed_up(world, tmp_path / "backup")
    done.set()
    assert await writing > 0
    return tmp_path / "backup"


async def test_a_backup_under_writes_is_restored_byte_for_byte(
    copied: Path, tmp_path: Path
) -> None:
    restored = tmp_path / "again" / "data"

    manifest = restore(copied, restored, _silent)

    assert _hashes(restored) == {file.path: file.sha256 for file in manifest.files}
    with closing(sqlite3.connect(restored / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_restored_server_knows_all_that_was_acknowledged_before(
    world: World, tmp_path: Path
) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    post = await ada.get(f"/v1/posts/{dawn}")
    await _backed_up(world, tmp_path / "backup")

    restore(tmp_path / "backup", tmp_path / "again" / "data", _silent)
    again = await open_world(tmp_path / "again")

    reader = Person(again, ada.id, "ada", ada.token, again.client)
    assert await reader.get(f"/v1/posts/{dawn}") == post
    url = post["slides"][0]["renditions"][0]["url"]
    before = (await world.client.get(url)).content
    assert ok(await reader.call("GET", "/v1/feed"))["items"][0]["id"] == dawn
    assert (await again.client.get(url)).content == before
    await again.close()


async def test_every_file_but_work_in_progress_is_copied(copied: Path, world: World) -> None:
    data = world.server.settings.data

    media = {name for name in _hashes(data / "blobs") if not name.startswith("tmp/")}

    assert media == set(_hashes(copied / "blobs"))
    assert (copied / "secret").stat().st_mode & 0o777 == 0o600
    assert not (copied / "scratch").exists()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _some_blob(backup: Path) -> Path:
    files = [path for path in (backup / "blobs").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit in a photo": lambda backup: _flip(_some_blob(backup)),
    "a flipped bit in the database": lambda backup: _flip(backup / DATABASE),
    "a missing photo": lambda backup: _some_blob(backup).unlink(),
    "a cut database": lambda backup: (backup / DATABASE).write_bytes(b"SQLite format 3\0"),
    "a flipped bit in the manifest": lambda backup: _flip(backup / MANIFEST),
    "no manifest": lambda backup: (backup / MANIFEST).unlink(),
}


async def test_a_damaged_backup_is_refused_before_anything_is_written(
    copied: Path, tmp_path: Path
) -> None:
    for number, (what, damage) in enumerate(DAMAGE.items()):
        broken, target = tmp_path / f"broken-{number}", tmp_path / f"target-{number}"
        await asyncio.to_thread(_copy_tree, copied, broken)
        damage(broken)

        with pytest.raises(BackupRefused):
            restore(broken, target, _silent)

        assert not target.exists(), what


def _copy_tree(source: Path, target: Path) -> None:
    for name in _hashes(source):
        kept = target / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes((source / name).read_bytes())


async def test_no_server_starts_on_a_restore_that_was_interrupted(
    copied: Path, tmp_path: Path
) -> None:
    target = tmp_path / "again" / "data"
    restore(copied, target, _silent)
    (target / RESTORING).touch()

    with pytest.raises(ConfigError, match="interrupted"):
        await open_world(tmp_path / "again")


async def test_nothing_is_restored_over_what_is_there(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")

    with pytest.raises(BackupRefused, match="not empty"):
        restore(copied, tmp_path / "full", _silent)

    assert _hashes(tmp_path / "full").keys() == {"letter.txt"}


async def test_a_backup_goes_into_no_folder_that_holds_something(
    copied: Path, world: World
) -> None:
    with pytest.raises(BackupRefused, match="not empty"):
        await _backed_up(world, copied)


def test_a_manifest_can_not_lead_out_of_its_backup(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    with closing(sqlite3.connect(data / DATABASE)) as connection:
        connection.execute("CREATE TABLE facts (one INTEGER)")
    back_up(data, backup, SystemClock(), _silent)
    (tmp_path / "outside").write_text("not yours")
    files = [*backups._read_manifest(backup).files, backups.File("../outside", 9, "0" * 64)]
    evil = Manifest(1, "0.1.0", "now", files, backups._digest(files))
    (backup / MANIFEST).write_bytes(msgspec.json.encode(evil))

    with pytest.raises(BackupRefused, match="leads out"):
        restore(backup, tmp_path / "target", _silent)
