"""Promises of taste while Redis is dead, frozen, full, refusing, or holds what is not ours."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis

from services.gateway.ranking_generations import KIND
from services.gateway.sealed import Keys, Sealed
from tests.redis_process import RedisProcess, running_redis
from tests.taste_shop import OTHER_RULES, Clicking, Shop, opened

KEYS = Keys(b"shared")
USER = "u-1"
UN, UF = KEYS.key("un", USER.encode()), KEYS.key("uf", USER.encode())
OWNER = KEYS.owner(USER.encode())


class Troubled:
    """A shop, its Redis, a plain client of that, and a shopper of whom factors are kept."""

    def __init__(self, shop: Shop, server: RedisProcess) -> None:
        self.shop = shop
        self.server = server
        self.admin: Redis = Redis.from_url(server.url)
        self.shopper = Clicking(shop, USER)

    async def settle(self) -> None:
        """Two clicks, and factors that are kept and used."""
        await self.shopper.click()
        await self.shopper.click()
        for _ in range(2):
            await self.read()
        assert await self.admin.get(UF)

    async def kept(self) -> Sealed:
        """What Redis holds of the shopper."""
        value = await self.admin.get(UF)
        assert isinstance(value, bytes)
        kept = Sealed.unpack(value, owner=OWNER)
        assert kept is not None
        return kept

    async def read(self) -> None:
        """Asks through each gateway; any answer that is not of the whole history fails."""
        for gateway in self.shop.gateways:
            await self.shopper.read(gateway)

    async def go_on(self) -> None:
        """Clicks and reads as if nothing was the matter."""
        for _ in range(4):
            await self.read()
            await self.shopper.click()
            await self.read()


@pytest.fixture
async def troubled(tmp_path: Path) -> AsyncIterator[Troubled]:
    with running_redis(tmp_path) as server:
        async with opened(tmp_path, server.url) as shop:
            made = Troubled(shop, server)
            await made.settle()
            yield made
            await made.admin.aclose()


async def test_a_redis_that_is_killed_and_comes_back_is_never_believed(troubled: Troubled) -> None:
    troubled.server.kill()
    await troubled.go_on()
    troubled.server.start()
    await troubled.go_on()


async def test_a_redis_that_freezes_and_thaws_is_never_believed(troubled: Troubled) -> None:
    troubled.server.freeze()
    await troubled.go_on()
    troubled.server.thaw()
    await troubled.go_on()


@pytest.mark.parametrize("reader", [0, 1])
async def test_a_click_that_a_frozen_redis_missed_is_known_once_it_thaws(
    troubled: Troubled, reader: int
) -> None:
    # The value from before the click is still there, and its nonce stands: the first gateway
    # could not tell the other.
    before = await troubled.admin.get(UN)
    troubled.server.freeze()
    await troubled.shopper.click()
    troubled.server.thaw()
    # What the gateway sent meanwhile may have arrived: undo it.
    await troubled.admin.set(UN, before or b"")
    await troubled.shopper.read(troubled.shop.gateways[reader])


async def test_a_full_redis_is_never_believed(troubled: Troubled) -> None:
    await troubled.admin.config_set("maxmemory-policy", "noeviction")
    await troubled.admin.config_set("maxmemory", "1")
    await troubled.go_on()
    # A full one takes no new nonce: the old one went away instead.
    assert await troubled.admin.get(UN) is None
    await troubled.admin.config_set("maxmemory", "0")
    await troubled.go_on()


async def test_a_redis_that_refuses_is_never_believed(troubled: Troubled) -> None:
    await troubled.admin.config_set("requirepass", "another")
    await troubled.admin.client_kill_filter(_type="normal", skipme=True)
    await troubled.go_on()
    await troubled.admin.config_set("requirepass", "pw-of-the-test")
    await troubled.go_on()


async def test_a_redis_that_forgets_is_asked_again(troubled: Troubled) -> None:
    for keys in ([UN], [UF], [UN, UF]):
        await troubled.admin.delete(*keys)
        await troubled.go_on()


Forge = Callable[[Troubled, Sealed], bytes]
FORGED: dict[str, Forge] = {
    "nothing": lambda troubled, kept: b"",
    "garbage": lambda troubled, kept: b"\x00\xffgarbage" * 9,
    "another user's": lambda troubled, kept: _with(kept, owner=KEYS.owner(b"u-2")),
    "not a number": lambda troubled, kept: _with(kept, data=struct.pack("<f", float("nan")) * 8),
    "infinity": lambda troubled, kept: _with(kept, data=struct.pack("<f", float("inf")) * 8),
    "of an old generation": lambda troubled, kept: _with(
        kept, label=f"000009-0badc0de {kept.label.rpartition(' ')[2]}"
    ),
    "of an old history": lambda troubled, kept: _with(
        kept, label=f"{kept.label.rpartition(' ')[0]} 1.2.3"
    ),
    "of an old nonce": lambda troubled, kept: _with(kept, nonce=bytes(16)),
    "cut off": lambda troubled, kept: kept.pack()[:-3],
}
FOREIGN = np.full(8, 7.0, "<f4").tobytes()


def _with(
    kept: Sealed,
    *,
    label: str | None = None,
    owner: bytes | None = None,
    nonce: bytes | None = None,
    data: bytes = FOREIGN,
) -> bytes:
    return Sealed(label or kept.label, owner or kept.owner, nonce or kept.nonce, data).pack()


@pytest.mark.parametrize("what", FORGED)
async def test_what_does_not_prove_itself_is_never_used(troubled: Troubled, what: str) -> None:
    kept = await troubled.kept()
    await troubled.admin.set(UF, FORGED[what](troubled, kept))
    await troubled.read()
    await troubled.go_on()


async def test_a_value_that_proves_itself_is_used(troubled: Troubled) -> None:
    # Else the tests above would hold for a gateway that never believes anything.
    kept = await troubled.kept()
    await troubled.admin.set(UF, _with(kept))
    with pytest.raises(AssertionError, match="tastes of no history"):
        await troubled.read()


async def test_who_is_erased_while_redis_is_frozen_is_a_stranger_once_it_thaws(
    troubled: Troubled,
) -> None:
    troubled.server.freeze()
    assert await troubled.shop.gateways[0].histories.forget(USER) == 2
    troubled.server.thaw()
    for gateway in troubled.shop.gateways:
        assert (await gateway.liking(USER)).mode == "cold"


async def test_keys_of_another_kind_do_no_harm(troubled: Troubled) -> None:
    for key in (UN, UF):
        await troubled.admin.delete(key)
        await troubled.admin.lpush(key, "a list")
        await troubled.go_on()


async def test_gateways_of_different_secrets_do_not_believe_each_other(tmp_path: Path) -> None:
    # Their keys differ, so one does not hear of the clicks that the other was told.
    with running_redis(tmp_path) as server:
        async with opened(tmp_path, server.url, secrets=(b"one", b"other")) as shop:
            shopper = Clicking(shop, USER)
            for _ in range(6):
                await shopper.click()
                for gateway in shop.gateways:
                    await shopper.read(gateway)


async def test_readers_hammer_through_all_troubles(troubled: Troubled) -> None:
    release = troubled.shop.publish(2, OTHER_RULES)
    over = asyncio.Event()

    async def hammer() -> None:
        while not over.is_set():
            await troubled.read()

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(hammer())
        troubled.server.kill()
        await troubled.go_on()
        troubled.server.start()
        for name in ("reranker 1", "gateway 0", "reranker 0", "gateway 1"):
            troubled.server.freeze()
            await troubled.shopper.click()
            troubled.shop.member(name).follow(release)
            troubled.server.thaw()
            await troubled.go_on()
        over.set()
    assert await troubled.shopper.read(troubled.shop.gateways[0]) == release.generations[KIND]
