"""The gate and the waits, in simulated rounds."""

from __future__ import annotations

import asyncio

from evalsuite.models.limits import Backoff, Gate, Pace


def crowded(gate: Gate) -> list[asyncio.Future[int]]:
    """More callers than the gate will ever let in."""
    return [asyncio.ensure_future(gate.enter()) for _ in range(2000)]


def play(gate: Gate, refused: int) -> int:
    """One round in which so many calls are refused, spread over the round; the width behind it."""
    n, epoch = gate._active, gate._epoch
    for number in range(n):
        if refused and number % (n // refused) == 0 and number // (n // refused) < refused:
            gate.overloaded(epoch)
        else:
            gate.succeeded(epoch)
        gate.leave()
    return gate.limit


def test_a_gate_doubles_with_each_clean_round_up_to_its_ceiling() -> None:
    async def run() -> None:
        gate = Gate(4, 64)
        crowd = crowded(gate)
        await asyncio.sleep(0)
        assert [play(gate, 0) for _ in range(5)] == [8, 16, 32, 64, 64]
        for task in crowd:
            task.cancel()

    asyncio.run(run())


def test_a_gate_is_halved_when_all_is_refused_but_once_for_all_calls_of_that_moment() -> None:
    async def run() -> None:
        gate = Gate(64, 64)
        crowd = crowded(gate)
        await asyncio.sleep(0)
        epoch = gate._epoch
        for _ in range(64):
            gate.overloaded(epoch)
            gate.leave()
        assert (gate.limit, gate.cuts) == (32, 1)
        for task in crowd:
            task.cancel()

    asyncio.run(run())


def test_an_odd_refusal_costs_little_and_recovery_is_slow_beyond_the_cut() -> None:
    async def run() -> None:
        gate = Gate(64, 64)
        crowd = crowded(gate)
        await asyncio.sleep(0)
        assert play(gate, 2) == 62
        assert play(gate, 0) in (62, 63)
        assert play(gate, 16) in (46, 47, 48)
        for task in crowd:
            task.cancel()

    asyncio.run(run())


def test_a_gate_never_closes() -> None:
    gate = Gate(1, 8)
    for epoch in range(10):
        gate.overloaded(epoch)
    assert gate.limit == 1


def test_a_gate_that_is_not_full_does_not_open() -> None:
    async def run() -> None:
        gate = Gate(4, 64)
        for _ in range(100):
            epoch = await gate.enter()
            gate.succeeded(epoch)
            gate.leave()
        assert gate.limit == 4

    asyncio.run(run())


def test_places_go_in_order_and_a_cancelled_waiter_loses_none() -> None:
    async def run() -> None:
        gate = Gate(1, 1)
        await gate.enter()
        order: list[int] = []

        async def wait(number: int) -> None:
            await gate.enter()
            order.append(number)

        tasks = [asyncio.ensure_future(wait(number)) for number in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.sleep(0)
        gate.leave()
        tasks[1].cancel()  # in the same moment in which it was let in
        await asyncio.sleep(0.01)
        assert order == [2]
        gate.leave()
        assert gate.active == 0

    asyncio.run(run())


def test_the_most_generous_wish_holds_until_the_endpoint_objects() -> None:
    gate = Gate(4, 8)
    gate.widen(32, 64)
    assert (gate.limit, gate.ceiling) == (32, 64)
    for _ in range(32):
        gate.overloaded(0)
    gate.widen(64, 64)
    assert gate.limit == 16


def test_waits_double_are_spread_and_never_undercut_the_servers_wish() -> None:
    backoff = Backoff(1.0, 8.0)
    for failures, ceiling in ((1, 1.0), (2, 2.0), (4, 8.0), (50, 8.0)):
        waits = [backoff.seconds(failures) for _ in range(200)]
        assert ceiling / 2 <= min(waits) < max(waits) <= ceiling
        assert max(waits) - min(waits) > ceiling / 8
    assert all(7.0 <= backoff.seconds(1, 7.0) <= 8.7 for _ in range(100))


def test_a_pace_hands_out_evenly_spaced_starts() -> None:
    async def run() -> list[float]:
        pace, loop = Pace(100), asyncio.get_running_loop()
        times = []

        async def one() -> None:
            await pace.wait()
            times.append(loop.time())

        await asyncio.gather(*(one() for _ in range(6)))
        return times

    times = asyncio.run(run())
    assert times[-1] - times[0] >= 0.049
