"""Networks that run: against plain PyTorch, with the same first weights everywhere, and with given weights."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.errors import H2OValueError
from heavywater.networks.catalog import build

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from heavywater.networks.graph import Builder  # noqa: E402
from heavywater.networks.module import GraphModule  # noqa: E402


def plain_lenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 20, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )


def test_lenet_computes_what_plain_pytorch_computes():
    module, plain = GraphModule(build("lenet", 10), (3, 28, 28), seed=3), plain_lenet()
    plain.load_state_dict(dict(zip(plain.state_dict(), map(torch.from_numpy, module.arrays().values()))))
    x = torch.rand(5, 3, 28, 28, generator=torch.Generator().manual_seed(1)) * 255
    assert torch.allclose(module(x), plain(x), rtol=1e-4, atol=1e-3)
    assert torch.allclose(module.features(x, "flatten0_output"), plain[:7](x), rtol=1e-4, atol=1e-3)
    assert module.features(x, "pooling1").shape == (5, 800)


def test_gradients_are_those_of_plain_pytorch():
    module, plain = GraphModule(build("lenet", 10), (3, 28, 28), seed=3), plain_lenet()
    plain.load_state_dict(dict(zip(plain.state_dict(), map(torch.from_numpy, module.arrays().values()))))
    x = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([1, 2, 3, 4])
    for net in (module, plain):
        nn.functional.cross_entropy(net(x), y).backward()
    for mine, theirs in zip(module.parameters(), plain.parameters()):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-3, atol=1e-5)


def test_a_seed_decides_the_first_weights():
    graph = build("lenet", 10)
    one, same, other = (GraphModule(graph, (3, 28, 28), seed=s).arrays() for s in (7, 7, 8))
    assert all(np.array_equal(one[n], same[n]) for n in one)
    assert not np.array_equal(one["convolution0_weight"], other["convolution0_weight"])
    # A value that any machine and any version of PyTorch must give.
    assert one["convolution0_weight"].ravel()[0] == pytest.approx(ONE_VALUE, abs=1e-7)


ONE_VALUE = -0.09041110426187515


def test_first_weights_are_uniform_in_the_bounds_of_glorot():
    weights = GraphModule(build("lenet", 10), (3, 28, 28)).arrays()
    limit = (6 / (25 * (20 + 50))) ** 0.5
    assert 0.98 * limit < np.abs(weights["convolution1_weight"]).max() <= limit
    assert not weights["convolution1_bias"].any()


def test_arrays_come_back_and_misfits_are_listed():
    module = GraphModule(build("lenet", 10), (3, 28, 28), seed=1)
    arrays = module.arrays()
    report = GraphModule(build("lenet", 10), (3, 28, 28), seed=2).load_arrays(arrays)
    assert report.missing == report.unexpected == ()
    assert set(report.loaded) == set(arrays)
    wrong = {**arrays, "fullyconnected1_weigth": np.zeros(3), "convolution0_bias": np.zeros(7)}
    del wrong["fullyconnected1_weight"]
    with pytest.raises(H2OValueError) as error:
        module.load_arrays(wrong)
    text = str(error.value)
    assert "missing: fullyconnected1_weight" in text
    assert "unknown: fullyconnected1_weigth (did you mean 'fullyconnected1_weight'?)" in text
    assert "convolution0_bias has the shape (7,); the network needs (20,)" in text
    with pytest.raises(H2OValueError, match="not finite numbers: convolution0_bias"):
        module.load_arrays({**arrays, "convolution0_bias": np.full(20, np.nan)})


def test_partial_loading_says_what_was_left():
    source = GraphModule(build("lenet", 1000), (3, 28, 28), seed=1).arrays()
    module = GraphModule(build("lenet", 10), (3, 28, 28), seed=2)
    report = module.load_arrays(source, partial=True)
    assert report.missing == ("fullyconnected1_weight", "fullyconnected1_bias")
    assert np.array_equal(module.arrays()["convolution0_weight"], source["convolution0_weight"])


def test_dropout_of_the_mlp_acts_in_training_only():
    graph = build("mlp", 3, hidden=[50], input_dropout_ratio=0.2, hidden_dropout_ratios=[0.5])
    module = GraphModule(graph, (20,), seed=1)
    x = torch.ones(4, 20)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))


def test_compat_mlp_begins_with_standard_normals_and_without_dropout():
    graph = build("mlp", 10, hidden=[200, 200], hidden_dropout_ratios=[0.5, 0.5], compat="deepwater")
    assert not [n for n in graph.nodes if n.op == "dropout"]
    weights = GraphModule(graph, (784,)).arrays()
    assert 0.98 < weights["fc1_w"].std() < 1.02
    assert graph.weights((784,)) == 199_210


def test_columns_beside_an_image_reach_the_head():
    module = GraphModule(build("lenet", 10, table_columns=4), (3, 28, 28)).eval()
    x, table = torch.rand(2, 3, 28, 28), torch.zeros(2, 4)
    assert module(x, table).shape == (2, 10)
    assert not torch.equal(module(x, table), module(x, table + 1))


def normalised_network(seed: int) -> GraphModule:
    """Convolutions with and without a normalisation of their own, whose statistics are not those at the beginning."""
    b = Builder()
    at = b.add("data", "input")
    for i in range(2):
        at = b.add(f"conv{i}", "convolution", at, filters=6, kernel=(3, 3), pad=(1, 1), bias=bool(i))
        at = b.add(f"bn{i}", "batchnorm", at, eps=1e-3)
        at = b.add(f"relu{i}", "activation", at, kind="relu")
    both = b.add("conv2", "convolution", at, filters=6, kernel=(1, 1), pad=(0, 0))
    norm = b.add("bn2", "batchnorm", both)
    at = b.add("plus", "elementwise", (both, norm), kind="add")
    at = b.add("flat", "flatten", b.add("pool", "pooling", at, kind="avg", **{"global": True}))
    module = GraphModule(b.graph(b.add("fc", "fullyconnected", at, hidden=3)), (3, 8, 8), seed=seed)
    random = np.random.default_rng(seed)
    module.load_arrays(
        {n: np.abs(random.normal(size=a.shape)).astype(np.float32) + 0.1 for n, a in module.arrays().items()}
    )
    return module


def test_scoring_folds_normalisations_and_gives_the_same_values():
    module = normalised_network(3).eval()
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    layers = ("conv0", "bn0", "bn1", "relu1", "conv2", "bn2", "plus", "fc")
    apart = {n: module.features(x, n).detach() for n in layers}  # with gradients nothing is folded
    with torch.inference_mode():
        assert torch.allclose(module(x), apart["fc"], rtol=1e-5)
        assert all(torch.allclose(module.features(x, n), apart[n], rtol=1e-5, atol=1e-5) for n in layers)
        assert set(module._folded) == {module.graph.find("bn0"), module.graph.find("bn1")}, (
            "bn2's convolution has two users"
        )


def test_folded_weights_follow_those_of_the_network():
    module, other = normalised_network(3).eval(), normalised_network(4)
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))

    def agrees() -> bool:
        with torch.no_grad():
            folded = module(x)
        return torch.allclose(folded, module(x), rtol=1e-5)

    assert agrees()
    module.load_arrays(other.arrays())
    assert agrees()
    module.train()
    module(x)  # moves the means
    with torch.no_grad():
        module.steps["1"].weight.mul_(2)
    module.eval()
    assert agrees()


def test_sums_overwrite_only_what_nobody_needs():
    module = normalised_network(3).double()
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    assert torch.autograd.gradcheck(module, (x.requires_grad_(),), fast_mode=True)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_normalisation_by_neighbouring_channels_is_that_of_pytorch(size):
    b = Builder()
    b.add("lrn", "lrn", b.add("data", "input"), nsize=size, alpha=0.3, beta=0.6, knorm=1.5)
    module, plain = GraphModule(b.graph(1), (7, 2, 3)).double(), nn.LocalResponseNorm(size, 0.3, 0.6, 1.5)
    x = torch.randn(4, 7, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.allclose(module(x), plain(x))
    weights = torch.arange(7.0)[:, None, None]
    mine, theirs = (torch.autograd.grad((f(x) * weights).sum(), x)[0] for f in (module, plain))
    assert torch.allclose(mine, theirs)
