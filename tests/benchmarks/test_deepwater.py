"""The other side of Deep Water's benchmark does the same arithmetic, and its table finds its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks import deepwater, pages  # noqa: E402
from benchmarks.plain_networks import PLAIN, take_weights  # noqa: E402
from heavywater.networks.catalog import NAMES, build  # noqa: E402
from heavywater.networks.module import GraphModule  # noqa: E402

SIDES = {"lenet": 28, "mlp": 28, "alexnet": 63}


def twins(name: str) -> tuple[GraphModule, torch.nn.Module, torch.Tensor]:
    """A network of ours, its plain twin with the same weights, and images for both."""
    side = SIDES.get(name, 40)
    ours, plain = GraphModule(build(name, 10, (side, side)), (3, side, side), seed=1), PLAIN[name](10, 3, side)
    random = np.random.default_rng(1)
    arrays = ours.arrays()
    for n, a in arrays.items():  # those that begin at 0 or 1 would hide a mistake
        if n.endswith(("gamma", "beta", "bias", "moving_mean", "moving_var")):
            arrays[n] = (np.abs(a + random.normal(scale=0.1, size=a.shape)) + 1e-3).astype(np.float32)
    ours.load_arrays(arrays)
    take_weights(plain, arrays.values())
    return ours, plain, torch.from_numpy(random.normal(size=(3, 3, side, side)).astype(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_networks_compute_what_ours_compute(name: str) -> None:
    ours, plain, x = twins(name)
    learned = sum(t.numel() for t in ours.learned().values())
    assert sum(t.numel() for t in plain.parameters()) == learned
    ours.eval(), plain.eval()
    with torch.inference_mode():
        mine, theirs = ours(x), plain(x)
    assert float((mine - theirs).abs().max()) <= 2e-5 * float(theirs.abs().max())


def test_the_plain_networks_learn_what_ours_learn() -> None:
    ours, plain, x = twins("lenet")
    for net in (ours, plain):
        torch.nn.functional.cross_entropy(net(x), torch.tensor([1, 2, 3])).backward()
    for mine, theirs in zip(ours.learned().values(), plain.parameters(), strict=True):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_a_measurement_and_its_table(tmp_path: Path) -> None:
    found = {
        "networks": {"mlp": {w: deepwater.measure("mlp", w, 8, 4, 0.0, "cpu") for w in deepwater.WORK}},
        "machine": {"packages": {"torch": torch.__version__}, "processor": "any", "commit": "0"},
        "device": "cpu",
        "threads": 1,
        "batch": 4,
    }
    for work in found["networks"]["mlp"].values():
        assert all(work[k] > 0 for k in deepwater.SIDES)
        assert deepwater.ratio(work) > 0
    page = tmp_path / "page.md"
    page.write_text(f"before\n{deepwater.BEGIN}\nold\n{pages.END}\nafter\n")
    deepwater.into_docs(found, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| mlp | 8 | 80,810 |" in text
    assert "old" not in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="needs the lines"):
        deepwater.into_docs(found, page)
