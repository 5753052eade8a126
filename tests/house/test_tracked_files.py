"""What may stand in tracked files, whatever their language."""

import json
import re
from pathlib import Path

from tests.house import tree

# Spelled with character classes so that this file does not find itself.
REGISTRIES = re.compile(
    r"p[y]pi\.org|python[h]osted\.org|registry\.n[p]mjs|yarnpk[g]\.com|proxy\.g[o]lang"
    r"|mave[n]\.org|mave[n]\.apache|crate[s]\.io|dock[e]r\.io|ghcr\.i[o]|deb\.debia[n]",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(?:work|root|home/\w+|Users/\w+)/\w")
TEXT = {".py", ".md", ".toml", ".txt", ".in", ".json", ".ts", ".svelte", ".css", ".html", ".js"}
TEXT |= {".yml", ".yaml", ".sh", ".cfg", ".ini", ""}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def test_no_tracked_file_names_a_package_registry() -> None:
    named = [
        f"{tree.relative(path)}:{number}: {line.strip()[:80]}"
        for path in _text_files()
        for number, line in _lines(path)
        if REGISTRIES.search(line)
    ]

    assert not named


def test_no_tracked_file_names_a_path_of_somebodys_machine() -> None:
    named = [
        f"{tree.relative(path)}:{number}: {line.strip()[:80]}"
        for path in _text_files()
        for number, line in _lines(path)
        if MACHINE_PATHS.search(line)
    ]

    assert not named


def test_every_locked_requirement_carries_a_hash_and_no_address() -> None:
    locks = sorted((tree.ROOT / "requirements").glob("*.txt"))
    assert locks

    for lock in locks:
        text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]

        assert [line for line in lines if not HASH.search(line)] == []
        assert [line for line in lines if "://" in line or "index-url" in line] == []


def test_the_lock_of_the_web_client_carries_hashes_and_no_address() -> None:
    lock = json.loads((tree.ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    installed = {name: entry for name, entry in lock["packages"].items() if name}

    assert installed
    assert [name for name, entry in installed.items() if "resolved" in entry] == []
    assert [name for name, entry in installed.items() if "integrity" not in entry] == []


def test_the_licence_is_the_unchanged_agpl() -> None:
    text = (tree.ROOT / "LICENSE").read_text(encoding="utf-8")

    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.splitlines()) == 661


def _text_files() -> list[Path]:
    return [path for path in tree.tracked_files() if path.suffix in TEXT]


def _lines(path: Path) -> list[tuple[int, str]]:
    return list(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
