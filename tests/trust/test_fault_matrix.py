"""E5, E6, E20: whatever happens to a fleet, people go on, and in the end everything is right.

One fleet lives through it all. The other faults and the full outages:
``python -m tests.trust.fault_matrix --long``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engines_fleet import need_engines
from tests.engines_nginx import need
from tests.trust.fault_matrix import BUGS, Matrix
from tests.trust.faults import FAULTS, Fault
from tests.trust.fleet_judge import WATCHED
from tests.trust.fleet_outcome import HEAD
from tests.trust.fleet_properties import QUICK, TOGETHER, Properties

pytestmark = [
    pytest.mark.trust,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="module"),
]


def _need_everything() -> None:
    need_engines()
    need("toxiproxy-server", "the faults of a fleet were not tested")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrix() -> AsyncIterator[Matrix]:
    _need_everything()
    async with Matrix() as opened:
        yield opened
        print("\n" + "\n".join([HEAD, *(outcome.row() for outcome in opened.outcomes)]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def properties(matrix: Matrix) -> AsyncIterator[Properties]:
    opened = Properties(matrix.rig, matrix.doors)
    await opened.walkers.open("_named")
    yield opened
    await opened.audit.close()


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.always], ids=lambda fault: fault.name
)
async def test_people_live_through_whatever_happens(matrix: Matrix, fault: Fault) -> None:
    outcome = await matrix.live_through(fault)

    assert outcome.violations == []
    assert outcome.reads > 0
    assert outcome.deeds > 0


async def test_the_invariants_hold_by_their_names_while_processes_are_killed(
    properties: Properties,
) -> None:
    await properties.live(properties.shuffled(QUICK))
    await properties.settle()

    print("\n" + properties.report())
    assert properties.judge.violations == []
    assert [name for name in WATCHED if not properties.judge.checked[name]] == []


@pytest.mark.parametrize("bug", sorted(BUGS))
async def test_the_matrix_sees_a_planted_bug(matrix: Matrix, bug: str) -> None:
    outcome = await matrix.see(bug)

    assert outcome.violations != []


async def test_planted_bugs_turn_the_right_invariants_red(properties: Properties) -> None:
    seen = await properties.see(TOGETHER, mend=False)  # the last test: the fleet ends with it

    assert seen == {*TOGETHER}
