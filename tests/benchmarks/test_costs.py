"""The work per row against counting it weight by weight."""

from __future__ import annotations

import pytest

from benchmarks import costs


def counted(units, arrays, per_step, on, kept, nonzero, by_input):  # type: ignore[no-untyped-def]
    """Bytes and operations of one row, by walking over every weight; `on` and `nonzero` say which units and inputs
    are, `kept` which units are not dropped."""
    total = operations = 0
    for l in range(len(units) - 1):
        hidden = l < len(units) - 2
        for u in range(units[l + 1]):
            for i in range(units[l]):
                if l == 0 and by_input and not nonzero[i]:
                    continue
                updated = by_input and l == 0 or not hidden or on[l][u]
                fused = l == 0 and not by_input
                if l and hidden and not kept[l][u]:
                    continue
                operations += 1
                if not (fused and updated):
                    total += 4
                if updated:
                    total += 8 * arrays
                    operations += per_step + (1 if l else 0)
    return total, operations


@pytest.mark.parametrize("by_input", [False, True])
@pytest.mark.parametrize("optimiser", ["adadelta", "momentum", "sgd"])
def test_online_cost_is_the_sum_over_the_weights(optimiser: str, by_input: bool) -> None:
    units = (6, 4, 5, 3)
    on = [[True, False, False, True], [True, True, False, True, False]]
    kept = [[True, True, False, True], [True, True, True, True, False]]
    nonzero = [True, False, True, True, False, False]
    arrays, per_step, _ = costs.OPTIMISERS[optimiser]
    cost = costs.online(
        units,
        optimiser=optimiser,
        live=(2 / 4, 3 / 5),
        density=3 / 6 if by_input else 1.0,
        by_input=by_input,
        kept=(3 / 4, 4 / 5),
    )
    expected = counted(units, arrays, per_step, on, kept, nonzero, by_input)
    assert (cost.bytes, cost.operations) == pytest.approx(expected)
    assert cost.store == 4 * arrays * (24 + 20 + 15)


def test_dropout_lowers_the_work() -> None:
    units = (100, 50, 10)
    full = costs.online(units, optimiser="adadelta", live=(1.0,), by_input=True)
    less = costs.online(units, optimiser="adadelta", live=(0.5,), density=0.4, by_input=True)
    # the first layer goes by the inputs, the last one by its units, which all take part
    first, last = 5000, 500
    assert full.bytes == pytest.approx((first + last) * (4 + 24))
    assert less.bytes == pytest.approx((0.4 * first + last) * (4 + 24))
    assert less.operations < full.operations


def test_a_batch_shares_the_weights() -> None:
    units = (20, 10, 5)
    one, many = (costs.mini_batch(units, optimiser="momentum", batch=b) for b in (1, 50))
    assert one.bytes == pytest.approx(50 * many.bytes)
    # forward and gradient on all weights, errors on those of the last layer, an optimiser's step once per batch
    assert many.operations == pytest.approx(2 * 250 + 50 + 4 * 250 / 50)
    assert many.flops == pytest.approx(4 * 250 + 2 * 50 + 6 * 250 / 50)
    both = costs.mini_batch(units, optimiser="momentum", batch=50, threads=2)
    assert both.bytes > many.bytes
    assert both.operations == many.operations


def test_lists_leave_out_what_is_off() -> None:
    units, on = (6, 4, 5, 3), [[1, 1, 0, 1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0, 0], [1, 1, 1]]
    rows = range(8)
    counted = 0
    for l in range(3):
        for i in range(units[l]):
            for u in range(units[l + 1]):
                counted += len(rows) * (2 * on[l][i] + (on[l + 1][u] if l else 0)) + 14
    cost = costs.mini_batch(units, optimiser="adadelta", batch=len(rows), density=3 / 6, live=(2 / 4, 2 / 5))
    assert cost.operations * len(rows) == pytest.approx(counted)
    assert cost.bytes == costs.mini_batch(units, optimiser="adadelta", batch=len(rows)).bytes


def test_forward_reads_each_weight_once_per_block() -> None:
    cost = costs.forward((20, 10, 5), rows_per_block=64)
    assert cost.bytes == pytest.approx(8 * 250 / 64)  # float64
    assert cost.flops == 500


def test_exact_arithmetic_costs_more_than_fast() -> None:
    live = (0.5, 0.5)
    fast = costs.online((20, 10, 10, 5), optimiser="adadelta", live=live)
    exact = costs.exact((20, 10, 10, 5), live=live)
    assert exact.bytes > fast.bytes
    assert exact.operations == 2 * fast.operations
