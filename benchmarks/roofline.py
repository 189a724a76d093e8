"""The machine's roof, and how far below it each kernel stays.

Measured are the bytes per second of reading, changing and writing an array that lies in the first-level, second-level or
last-level cache or in memory, and the multiply-and-adds per second of a product of matrices, with one thread and with
all. A kernel cannot be faster than its bytes (`benchmarks.costs`) at the rate of the cache that its weights fit into, nor
than its operations at the rate of multiply-and-adds; the lower of the two is its roof.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

from benchmarks import costs
from heavywater.core.mlp import fast_forward, forward_tiles, serial
from heavywater.core.mlp import forward as forward_kernel
from heavywater.core.mlp.batch import BatchTrainer
from heavywater.core.mlp.hyper import hyper
from heavywater.core.mlp.init import initialise
from heavywater.core.mlp.layout import CROSSENTROPY, SOFTMAX, Inputs, Topology
from heavywater.core.mlp.team import TeamTrainer

LEVELS = {"L1": 16 << 10, "L2": 384 << 10, "L3": 6 << 20, "memory": 256 << 20}
"""Bytes of each thread's array: well inside that cache, and beyond all of them."""
UNITS = (717, 200, 200, 10)
"""The default network on MNIST without its constant columns."""
RECORD_UNITS = (717, 1024, 1024, 2048, 10)
"""The record network, half of whose hidden units and a fifth of whose inputs are dropped for each row."""
ROWS = 4000
DENSITY = 0.2
"""Non-zero inputs of a row of MNIST without its constant columns."""
BATCH = 32
RECORD_BATCH = 128


@njit(cache=True, nogil=True, fastmath=True)
def change(x: np.ndarray, factor: np.float32, times: int) -> None:
    """Read, change and write every number, over and over."""
    for _ in range(times):
        for i in range(len(x)):
            x[i] = x[i] * factor + factor


def best(work: Callable[[], float], repeats: int) -> float:
    """Least of some measured seconds."""
    return min(work() for _ in range(repeats))


def together(work: Callable[[int], None], threads: int) -> float:
    """Seconds until all threads have done their part."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: None, range(threads)))
        began = time.perf_counter()
        list(pool.map(work, range(threads)))
        return time.perf_counter() - began


def bandwidth(size: int, threads: int, *, seconds: float = 0.05) -> float:
    """Bytes per second, read and written, of all threads together, each in an array of `size` bytes of its own."""
    arrays = [np.zeros(max(16, size // 4), np.float32) for _ in range(threads)]
    factor = np.float32(0.5)
    change(arrays[0], factor, 1)

    def pass_over(times: int) -> float:
        return together(lambda k: change(arrays[k], factor, times), threads)

    times = 1
    while pass_over(times) < seconds:
        times *= 2
    took = best(lambda: pass_over(times), 3)
    return 2.0 * arrays[0].nbytes * threads * times / took


def multiply_adds(threads: int, *, size: int = 768, seconds: float = 0.1) -> float:
    """Float32 multiply-and-adds per second of numpy's product of two matrices."""
    from threadpoolctl import threadpool_limits

    a, b = (np.random.default_rng(k).random((size, size), np.float32) for k in range(2))
    with threadpool_limits(threads):
        a @ b
        times = 1
        while (took := _products(a, b, times)) < seconds:
            times *= 2
        took = min(took, best(lambda: _products(a, b, times), 3))
    return float(size) ** 3 * times / took


def _products(a: np.ndarray, b: np.ndarray, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        a @ b
    return time.perf_counter() - began


def example(units: tuple[int, ...], rows: int, density: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs like images, and classes that can be learned from them."""
    random = np.random.default_rng(0)
    teacher = random.standard_normal((units[0], units[-1]))
    x = random.standard_normal((rows, units[0])).astype(np.float32)
    if density < 1:
        x = np.abs(x) * (random.random(x.shape) < density)
    return np.ascontiguousarray(x, np.float32), (x @ teacher).argmax(axis=1).astype(np.float64)


def settings(optimiser: str, *, dropout: float = 0.0, hidden: int = 2) -> Any:
    momentum = 0.9 if optimiser == "momentum" else 0.0
    return hyper(
        input_dropout=0.4 * dropout, hidden_dropout=(dropout,) * hidden if dropout else (),
        activation="Rectifier", output=SOFTMAX, loss=CROSSENTROPY, adaptive=optimiser == "adadelta", rho=0.99,
        epsilon=1e-8, rate=0.05, momentum_start=momentum, momentum_stable=momentum, seed=1,
    )  # fmt: skip


def rate_of(trainer: Any, rows: int, seconds: float) -> float:
    """Rows per second of a trainer, over at least `seconds`, after one pass."""
    order = np.arange(rows)
    trainer.run(order, 0)
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        done += trainer.run(order, rows + done)
    return done / (time.perf_counter() - began)


def live_shares(network: Any, h: Any, x: Inputs) -> list[float]:
    """Share of switched-on units of each hidden layer."""
    layers = len(network.topology.units) - 2
    some = x.take(np.arange(min(200, x.nrow)))
    return [float((forward_kernel.hidden_activations(network, h, some, l) > 0).mean()) for l in range(layers)]


def kernel(
    name: str, threads: int, *, seconds: float, units: tuple[int, ...] | None = None, rows: int = ROWS
) -> dict[str, Any]:
    """Rows per second of one kernel and what it did for them."""
    record = name.endswith("record network")
    sparse = record or name == "online sparse"
    dropout = 0.5 if record else 0.0
    if units is None:
        units = RECORD_UNITS if record else UNITS
    batches = name.startswith("mini-batch")
    if record:
        rows = min(rows, 2 * RECORD_BATCH if batches else 300)
    density = DENSITY if sparse else 1.0
    optimiser = "momentum" if name == "mini-batch momentum" else "adadelta"
    x, y = example(units, rows, density)
    inputs = Inputs.from_dense(x)
    h = settings(optimiser, dropout=dropout, hidden=len(units) - 2)
    network = initialise(Topology(units), seed=1, classifier=True, activation="Rectifier")
    network.allocate(h)
    if name == "exact":
        wide = Inputs.of(inputs, np.float64)
        count = max(50, rows // 10)
        order, seeds = np.arange(count), np.arange(count)
        serial.train(network, h, wide, y, None, order, seeds, 0)
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            done += serial.train(network, h, wide, y, None, order, seeds, count + done)
        speed = done / (time.perf_counter() - began)
        cost = costs.exact(units, live=live_shares(network, h, wide))
    elif name == "predict":
        wide = Inputs.of(inputs, np.float64)
        fast_forward.predict(network, h, wide, threads=threads)
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            fast_forward.predict(network, h, wide, threads=threads)
            done += rows
        speed = done / (time.perf_counter() - began)
        cost = costs.forward(units, rows_per_block=forward_tiles.BLOCK)
    else:
        batch = RECORD_BATCH if record else BATCH
        if batches:
            trainer: Any = BatchTrainer(network, h, inputs, y, batch=batch, threads=threads)
        else:
            trainer = TeamTrainer(network, h, inputs, y, threads=threads)
        speed = rate_of(trainer, rows, seconds)
        trainer.write_back()
        live = [(1 - dropout) * s for s in live_shares(network, h, Inputs.of(inputs, np.float64))]
        kept = density * (1 - h.input_dropout)
        if batches:
            cost = costs.mini_batch(
                units, optimiser=optimiser, batch=batch, threads=threads, density=kept, live=live if record else None
            )
        else:
            cost = costs.online(
                units, optimiser=optimiser, live=live, density=kept, by_input=sparse, kept=[1 - dropout] * len(live)
            )
        trainer.close()
    return {"kernel": name, "threads": threads, "rows_per_second": speed, **cost.__dict__}


def under_the_roof(measured: dict[str, Any], bytes_per_second: float, operations_per_second: float) -> dict[str, Any]:
    """A kernel's measurement with its two roofs in rows per second, the one that binds, and the share reached."""
    by_bytes = bytes_per_second / measured["bytes"]
    by_operations = operations_per_second / measured["operations"]
    speed = measured["rows_per_second"]
    return measured | {
        "bytes_per_second": speed * measured["bytes"],
        "flops_per_second": speed * measured["flops"],
        "binds": "bytes" if by_bytes < by_operations else "operations",
        "share_of_bytes_roof": speed / by_bytes,
        "share_of_operations_roof": speed / by_operations,
        "share_of_roof": speed / min(by_bytes, by_operations),
    }


KERNELS = (
    ("online dense", True),
    ("online sparse", True),
    ("online sparse, record network", True),
    ("mini-batch adadelta", True),
    ("mini-batch momentum", True),
    ("mini-batch adadelta, record network", True),
    ("exact", False),
    ("predict", True),
)
"""Name, and whether it can use several threads."""


def run(threads: int, *, quick: bool) -> dict[str, Any]:
    """Roof and kernels; see the module's description."""
    counts = sorted({1, threads})
    roof = {
        str(n): {
            "bytes_per_second": {level: bandwidth(size, n) for level, size in LEVELS.items()},
            "multiply_adds_per_second": multiply_adds(n),
        }
        for n in counts
    }
    measured = []
    rates: dict[tuple[int, int], float] = {}
    for name, parallel in KERNELS:
        for n in counts if parallel else [1]:
            one = kernel(name, n, seconds=0.4 if quick else 2.0, rows=1000 if quick else ROWS)
            measured.append(one)
            # The roof is what the machine can do: the best of several looks, so that other programs do not lower it.
            size = one["store"] // n, n
            rates[size] = max(rates.get(size, 0.0), bandwidth(*size))
            best_so_far = roof[str(n)]
            best_so_far["multiply_adds_per_second"] = max(
                best_so_far["multiply_adds_per_second"], multiply_adds(n, seconds=0.05)
            )
    found = []
    for one in measured:
        n = one["threads"]
        rate = rates[one["store"] // n, n]
        found.append(under_the_roof(one, rate, roof[str(n)]["multiply_adds_per_second"]) | {"roof_bytes": rate})
    return {"roof": roof, "levels": LEVELS, "kernels": found, "units": list(UNITS)}
