"""What a decoder can reach once a stranger's file has taken it over: nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.hostile.canary import Canary
from tests.unit.codecs import mole, originals
from tintype.codecs import Codecs, CodecSettings, Kind, Limits, SandboxLevel
from tintype.codecs.model import Role
from tintype.codecs.wire import Failed, PhotoJob, Posting, Ready
from tintype.codecs.worker import Worker

ROOT = Path(__file__).resolve().parents[3]
STARTS_PROGRAMS = {"video": {"start a shell"}}
FULL = SandboxLevel(
    files=True,
    network=("namespace", "seccomp", "landlock"),
    calls=True,
    signals=True,
    privileges=True,
    limits=True,
)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same account."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


async def _taken_over(
    role: Role, folder: Path, aims: mole.Aims
) -> tuple[SandboxLevel, dict[str, str]]:
    """What a decoder of this role managed to do, with the rights that the server gives it."""
    worker = Worker(role, CodecSettings(scratch=folder))
    worker._folder = folder
    worker._empty_folders()
    (folder / "incoming" / "original").write_bytes(b"of somebody")
    posting: Posting = worker._posting()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.unit.codecs.mole", msgspec.json.encode(posting).decode()),
        msgspec.json.encode(aims).decode(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    job = msgspec.json.encode(PhotoJob(Kind.JPEG, Limits(), 60, ("jpeg",))) + b"\n"
    said, _ = await asyncio.wait_for(process.communicate(job), 30)
    ready, answer = said.splitlines()
    tried = msgspec.json.decode(answer, type=Failed).reason
    return msgspec.json.decode(ready, type=Ready).level, json.loads(tried)


@pytest.mark.parametrize("role", [Role.PHOTO, Role.VIDEO])
async def test_a_decoder_that_was_taken_over_reaches_nothing(
    role: Role, tmp_path: Path, canary: Canary, bystander: subprocess.Popen[bytes]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_bytes(b"of another account")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    aims = mole.Aims(canary.port, bystander.pid, str(outside), str(secret))

    level, tried = await _taken_over(role, scratch, aims)

    assert level == FULL
    managed = {name for name, outcome in tried.items() if outcome == "done"}
    assert managed == mole.allowed(_posting(scratch)).keys()
    assert canary.visits() == 0
    assert bystander.poll() is None
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (scratch / "incoming" / "original").read_bytes() == b"of somebody"


def _posting(folder: Path) -> Posting:
    return Posting(
        role=Role.PHOTO,
        incoming=str(folder / "incoming"),
        results=str(folder / "results"),
        memory=1,
        file_bytes=1,
        niceness=0,
    )


LEVELS = """
import asyncio, sys
from pathlib import Path
import msgspec
from tintype.codecs import Codecs, CodecSettings

async def tell(scratch, photo):
    codecs = Codecs(CodecSettings(scratch=scratch))
    await codecs.start()
    made = await codecs.process_photo(photo, scratch / "out")
    print(msgspec.json.encode(codecs.level()).decode(), len(made.renditions))
    await codecs.stop()

asyncio.run(tell(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.parametrize(
    ("missing", "name", "gaps"),
    [
        ("landlock", "partial", ("files",)),
        ("seccomp", "partial", ("system calls",)),
        ("both", "partial", ("files", "system calls", "signals")),
    ],
)
async def test_where_a_protection_is_missing_the_level_says_so_and_work_goes_on(
    missing: str, name: str, gaps: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(originals.photo("jpeg"))

    said = _as_without(missing, "-c", LEVELS, str(tmp_path / "scratch"), str(tmp_path / "photo"))

    level, made = said.rsplit(maxsplit=1)
    found = msgspec.json.decode(level, type=SandboxLevel)
    assert (found.name, found.gaps) == (name, gaps)
    assert made == "2"


def test_the_doctor_says_so_too(tmp_path: Path) -> None:
    said = _as_without("landlock", "-m", "tintype", "doctor", cwd=tmp_path)

    line = next(line for line in said.splitlines() if "sandbox" in line)
    assert "Level partial, not closed: files" in line


def _as_without(missing: str, *order: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.codecs.older_kernel", missing, sys.executable, *order],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout


async def test_the_level_is_that_of_the_weakest_decoder(tmp_path: Path) -> None:
    codecs = Codecs(CodecSettings(scratch=tmp_path))
    assert codecs.level().gaps == SandboxLevel().gaps

    await codecs.start()
    at_start = codecs.level()
    codecs._note(msgspec.structs.replace(FULL, files=False))
    await codecs.stop()

    assert at_start == FULL
    assert (codecs.level().name, codecs.level().gaps) == ("partial", ("files",))


def test_a_level_with_any_gap_is_not_full() -> None:
    gaps = [
        msgspec.structs.replace(FULL, **{name: type(getattr(FULL, name))()})
        for name in FULL.__struct_fields__
    ]

    assert FULL.name == "full"
    assert {level.name for level in gaps} == {"partial"}
    assert SandboxLevel(limits=True).name == "limits-only"
