"""Slots, GPUs and keys, taken by several at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nbpipe.execution.frozen import FrozenTarget
from nbpipe.execution.slots import AllSlots, Slots, hold_key
from nbpipe.store.locks import Lock
from tests.waiting import eventually


def told() -> tuple[list[str], object]:
    heard: list[str] = []
    return heard, heard.append


def test_a_slot_that_is_free_is_taken_without_a_word(tmp_path):
    async def use() -> list[str]:
        heard, tell = told()
        async with Slots(tmp_path, "1", 1, 0).hold(0, tell) as gpus:
            assert gpus == []
            assert not Lock(tmp_path / "slot-0").acquire()
        return heard

    assert asyncio.run(use()) == []
    assert Lock(tmp_path / "slot-0").acquire()


def test_no_more_hold_slots_at_once_than_there_are_and_who_waits_says_so_once(tmp_path):
    async def use() -> tuple[int, list[str]]:
        heard, tell = told()
        running = most = 0

        async def step(slots: Slots) -> None:
            nonlocal running, most
            async with slots.hold(0, tell):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.01)
                running -= 1

        one, two = Slots(tmp_path, "1", 2, 0), Slots(tmp_path, "2", 2, 0)
        await asyncio.gather(*(step(slots) for slots in (one, two, one, two, one)))
        return most, heard

    most, heard = asyncio.run(use())
    assert most == 2
    assert set(heard) == {"a slot"}
    assert len(heard) <= 5


def test_a_step_that_wants_all_gpus_gets_them_though_others_want_one_each(tmp_path):
    async def use() -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []
        held: set[int] = set()

        async def step(slots: Slots, wanted: int) -> None:
            async with slots.hold(wanted, lambda _: None) as gpus:
                assert not held & set(gpus)
                held.update(gpus)
                await asyncio.sleep(0.005)
                held.difference_update(gpus)
                seen.append(tuple(gpus))

        one, two = Slots(tmp_path, "1", 4, 3), Slots(tmp_path, "2", 4, 3)
        steps = [step(one, 1), step(two, 3), step(one, 2), step(two, 1), step(one, 3), step(two, 2)]
        await asyncio.wait_for(asyncio.gather(*steps), 30)
        return seen

    seen = asyncio.run(use())
    assert sorted(map(len, seen)) == [1, 1, 2, 2, 3, 3]
    assert all(gpus == tuple(sorted(set(gpus))) for gpus in seen)


def test_what_a_cancelled_step_held_is_free_again(tmp_path):
    async def use() -> None:
        slots = Slots(tmp_path, "1", 1, 1)

        async def step() -> None:
            async with slots.hold(1, lambda _: None):
                await asyncio.sleep(600)

        task = asyncio.create_task(step())
        await asyncio.to_thread(eventually, Lock(tmp_path / "gpu-0").held)
        waiting = asyncio.create_task(step())
        await asyncio.sleep(0.01)
        for each in (waiting, task):
            each.cancel()
            with pytest.raises(asyncio.CancelledError):
                await each
        async with asyncio.timeout(30), slots.hold(1, lambda _: None) as gpus:
            assert gpus == [0]

    asyncio.run(use())


def test_who_waits_for_a_key_hears_who_makes_it(tmp_path: Path):
    async def use(run: str, holder: str) -> list[str]:
        heard, tell = told()
        path = tmp_path / f"key-{run}-{holder}"
        other = Lock(path, holder)
        assert other.acquire()
        asyncio.get_running_loop().call_later(0.05, other.release)
        async with hold_key(path, run, tell):
            assert not Lock(path).acquire()
        return heard

    assert asyncio.run(use("7", "3")) == ["run 3, which makes it"]
    assert asyncio.run(use("7", "7")) == ["another step, which makes it"]


def test_every_target_has_slots_of_its_own(tmp_path):
    box = FrozenTarget("practice", {"slots": 1}, gpus=1)
    queue = FrozenTarget("slurm", {"slots": 2})
    slots = AllSlots(Slots(tmp_path, "1", 1, 0), tmp_path, "1", {"box": box, "hpc": queue})
    told: list[str] = []

    async def work() -> None:
        async with slots.of("local").hold(0, told.append), slots.of("box").hold(1, told.append) as gpus:
            assert gpus == [0]
            async with slots.of("hpc").hold(slots.gpus("hpc", 4), told.append) as given:
                assert given == []
        assert told == []

    asyncio.run(work())
    assert slots.gpus("box", 1) == 1
