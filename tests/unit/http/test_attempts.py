from __future__ import annotations

import pytest

from tintype.database import DatabaseUnavailable, TryAgain
from tintype.http.attempts import MOST, again


class Work:
    """Given back undone so often, then done."""

    def __init__(self, undone: int, error: type[Exception] = TryAgain) -> None:
        self.attempts = 0
        self._undone = undone
        self._error = error

    async def __call__(self) -> int:
        self.attempts += 1
        if self.attempts <= self._undone:
            raise self._error
        return self.attempts


@pytest.mark.parametrize("undone", range(MOST))
async def test_work_that_was_given_back_is_done_again(undone: int) -> None:
    assert await again(Work(undone)) == undone + 1


async def test_work_that_is_always_given_back_ends_as_an_outage() -> None:
    work = Work(99)

    with pytest.raises(DatabaseUnavailable):
        await again(work)

    assert work.attempts == MOST


async def test_a_plain_outage_is_not_tried_again() -> None:
    work = Work(1, DatabaseUnavailable)

    with pytest.raises(DatabaseUnavailable):
        await again(work)

    assert work.attempts == 1
