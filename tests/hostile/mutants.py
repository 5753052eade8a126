"""Thousands of files that nobody wrote: whole ones with a few bytes changed, moved or married.

The same seed and number always give the same file, so that one that failed can be made again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import msgspec

from tests.hostile import seeds

_HEADER = 700
_NUMBERS = (
    b"\0\0\0\0",
    b"\0\0\0\1",
    b"\0\0\0\7",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xfe",
    b"\0\1\0\0",
)
_SHORT_NUMBERS = (b"\0\0", b"\0\1", b"\xff\xff", b"\x7f\xff", b"\x80\0")
_FEW_FILMS = 20

Dice = random.Random


class Mutant(msgspec.Struct, frozen=True):
    """One changed file: which kind it was, and whether that is a film."""

    number: int
    kind: str
    film: bool
    data: bytes

    @property
    def name(self) -> str:
        return f"mutant {self.number} of a {self.kind}"


def mutants(seed: int, count: int, start: int = 0) -> Iterator[Mutant]:
    """Mutants ``start`` to ``start + count`` of this seed; one in twenty was a film."""
    for number in range(start, start + count):
        yield mutant(seed, number)


def mutant(seed: int, number: int) -> Mutant:
    """The mutant of this number."""
    dice = random.Random(f"{seed} {number}")
    film = number % _FEW_FILMS == 0
    kinds = seeds.films() if film else seeds.photos()
    kind = dice.choice(sorted(kinds))
    data = bytearray(kinds[kind])
    for _ in range(dice.choice((1, 1, 1, 2, 4, 8, 32))):
        if data:
            dice.choice(_CHANGES)(dice, data)
    if dice.random() < 0.06:
        other = {**seeds.photos(), **seeds.films()}
        _splice(dice, data, other[dice.choice(sorted(other))])
    return Mutant(number, kind, film, bytes(data))


def _place(dice: Dice, data: bytearray) -> int:
    """Anywhere, but every other time in the header: headers are short, and lie best."""
    most = min(len(data), _HEADER) if dice.random() < 0.5 else len(data)
    return dice.randrange(most)


def _flip(dice: Dice, data: bytearray) -> None:
    data[_place(dice, data)] ^= 1 << dice.randrange(8)


def _replace(dice: Dice, data: bytearray) -> None:
    data[_place(dice, data)] = dice.randrange(256)


def _cut_out(dice: Dice, data: bytearray) -> None:
    at = _place(dice, data)
    del data[at : at + dice.choice((1, 2, 4, dice.randrange(1, 200)))]


def _double(dice: Dice, data: bytearray) -> None:
    at = _place(dice, data)
    data[at:at] = data[at : at + dice.randrange(1, 200)] * dice.choice((1, 1, 2, 40))


def _swap(dice: Dice, data: bytearray) -> None:
    length = dice.randrange(1, 64)
    one, other = sorted((_place(dice, data), _place(dice, data)))
    if one + length <= other:
        held = data[one : one + length]
        data[one : one + length] = data[other : other + length]
        data[other : other + length] = held


def _number(dice: Dice, data: bytearray) -> None:
    """A length or a count that lies, of four bytes or of two, in either order."""
    value = dice.choice(_NUMBERS if dice.random() < 0.7 else _SHORT_NUMBERS)
    at = _place(dice, data)
    data[at : at + len(value)] = value if dice.random() < 0.5 else value[::-1]


def _nudge(dice: Dice, data: bytearray) -> None:
    """A number that is nearly right."""
    at = _place(dice, data)
    near = int.from_bytes(data[at : at + 4], "big") + dice.choice((-1, 1, -8, 8, 256, 1 << 24))
    data[at : at + 4] = (near % (1 << 32)).to_bytes(4, "big")


def _rename(dice: Dice, data: bytearray) -> None:
    """The name of one box, chunk or marker where another one stands."""
    one, other = _place(dice, data), _place(dice, data)
    data[one : one + 4] = data[other : other + 4]


def _shorten(dice: Dice, data: bytearray) -> None:
    del data[dice.randrange(len(data)) :]


def _fill(dice: Dice, data: bytearray) -> None:
    at = _place(dice, data)
    length = min(dice.randrange(1, 300), len(data) - at)
    data[at : at + length] = dice.choice((b"\0", b"\xff", b"\xaa")) * length


_CHANGES: tuple[Callable[[Dice, bytearray], None], ...] = (
    _flip,
    _flip,
    _replace,
    _replace,
    _cut_out,
    _double,
    _swap,
    _number,
    _number,
    _nudge,
    _rename,
    _shorten,
    _fill,
)


def _splice(dice: Dice, data: bytearray, other: bytes) -> None:
    """The beginning of one file and the end of another."""
    if data:
        del data[dice.randrange(len(data)) :]
    data += other[dice.randrange(len(other)) :]
