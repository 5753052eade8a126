"""E14: every route answers every kind of caller about everything as the policy table says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.trust.matrix import FAULTS, check, probes, without_policy
from tests.trust.policy import OPERATIONS
from tests.trust.stage import Stage, set_up
from tintype.http import Access, Routes

pytestmark = [
    pytest.mark.trust,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

_SEEN_BY = {
    "blocks": ["read_post", "read_account", "follow", "post_page"],
    "privacy": ["read_post", "list_posts", "list_followers", "read_media"],
    "access": ["update_instance", "create_invite"],
    "owners": ["edit_post", "delete_post"],
    "telling": ["read_post", "list_likers"],
    "grants": ["read_granted_media"],
}
"""Fault → operations that meet it; the long version tries all."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_up(tmp_path_factory.mktemp("town")) as town:
        yield town


async def test_every_cell_of_the_matrix_is_what_the_policy_says(stage: Stage) -> None:
    report = await check(stage)

    assert report.violations == []
    assert report.cells > 5_000
    assert report.hidden > 2_000


async def test_every_address_of_the_application_has_a_policy(stage: Stage) -> None:
    called = {probe.name for probe in probes(stage.world.server.app.state.table)}

    assert called == set(OPERATIONS)
    assert without_policy(stage) == []


async def test_a_route_that_the_policy_does_not_know_fails(stage: Stage) -> None:
    table = Routes("test")

    @table.get("/v1/everything", access=Access.ANYONE)
    async def read_everything() -> None:
        """Leak."""

    with pytest.raises(KeyError, match="read_everything"):
        probes(table.table)


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_matrix_sees_a_planted_fault(stage: Stage, fault: str) -> None:
    with FAULTS[fault]():
        report = await check(stage, only=_SEEN_BY[fault])

    assert report.violations != []
