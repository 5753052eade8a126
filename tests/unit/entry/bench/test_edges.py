"""A list of edges is taken in whatever it looks like; what is none is told with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tintype.entry.bench.edges import LONGEST_LINE, MOST_TOLD, Edges, Unreadable
from tintype.entry.bench.sorting import Sorted
from tintype.entry.bench.worlds import ends


def taken(path: Path) -> tuple[Edges, set[tuple[str, str]]]:
    """What a file held, and its follows by the ids of the file."""
    folder = path.parent / "runs"
    folder.mkdir()
    edges = Edges(Sorted(folder))
    edges.read(path, lambda _: None)
    names = {number: name.decode() for name, number in edges.numbers.items()}
    found = set()
    for batch in edges.follows.batches():
        for follower, followee in zip(*(each.tolist() for each in ends(batch)), strict=True):
            found.add((names[follower], names[followee]))
    return edges, found


def written(folder: Path, data: bytes, name: str = "edges.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_fields_are_separated_by_blanks_tabs_or_commas(tmp_path: Path) -> None:
    path = written(tmp_path, b"1 2\n2\t3\r\n3,1\n  4  ,\t1  \n")

    edges, found = taken(path)

    assert found == {("1", "2"), ("2", "3"), ("3", "1"), ("4", "1")}
    assert (edges.accounts, edges.malformed, edges.lines) == (4, 0, 4)


def test_ids_may_be_any_words_and_further_fields_are_ignored(tmp_path: Path) -> None:
    path = written(tmp_path, "@ada Bo 0.5 1700000000\nzoë 東京\n".encode())

    assert taken(path)[1] == {("@ada", "Bo"), ("zoë", "東京")}


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"# a graph\n1 2\n2 1\n"), "edges")

    assert taken(path)[1] == {("1", "2"), ("2", "1")}


def test_duplicates_and_accounts_that_follow_themselves_are_counted_and_dropped(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, b"1 2\n1 2\n2 2\n1,2\n2 1\n")

    edges, found = taken(path)

    assert found == {("1", "2"), ("2", "1")}
    assert edges.follows.taken == 4
    assert edges.of_oneself == 1


def test_comments_and_empty_lines_are_no_edges(tmp_path: Path) -> None:
    edges, found = taken(written(tmp_path, b"# FromNodeId ToNodeId\n\n   \n#1 2\n1 2"))

    assert found == {("1", "2")}
    assert edges.malformed == 0


def test_lines_that_are_none_are_told_with_their_number(tmp_path: Path) -> None:
    hostile = [b"1 2", b"alone", b"3 \x004", b"x" * 300 + b" 1", b"9 " * LONGEST_LINE, b"2 1"]
    edges, found = taken(written(tmp_path, b"\n".join(hostile)))

    assert found == {("1", "2"), ("2", "1")}
    assert edges.malformed == 4
    assert [said.split(":")[0] for said in edges.told] == ["line 2", "line 3", "line 4", "line 5"]
    assert edges.lines == 6


def test_of_very_many_such_lines_only_the_first_are_told(tmp_path: Path) -> None:
    edges, _ = taken(written(tmp_path, b"alone\n" * 1_000))

    assert edges.malformed == 1_000
    assert len(edges.told) == MOST_TOLD


def test_a_line_without_end_takes_no_memory_of_its_length(tmp_path: Path) -> None:
    edges, found = taken(written(tmp_path, gzip.compress(b"1" * 50_000_000 + b"\n1 2\n")))

    assert found == {("1", "2")}
    assert edges.malformed == 1


def test_broken_gzip_is_said_to_be_broken(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 1_000_000, (5_000, 2))
    whole = gzip.compress("\n".join(f"{a} {b}" for a, b in noise).encode())

    with pytest.raises(Unreadable, match="broken gzip"):
        taken(written(tmp_path, whole[: len(whole) // 2]))


def test_a_file_that_is_not_there_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="can not be read"):
        taken(tmp_path / "nothing.txt")


def test_how_far_it_is_adds_up_to_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, b"".join(b"%d %d\n" % (n, n + 1) for n in range(300_000)))
    (tmp_path / "runs").mkdir()
    heard: list[int] = []

    Edges(Sorted(tmp_path / "runs")).read(path, heard.append)

    assert sum(heard) == path.stat().st_size
    assert len(heard) > 1
