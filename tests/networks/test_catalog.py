"""The predefined networks: weights and shapes against the papers and against what Deep Water built."""

from __future__ import annotations

import math

import pytest

from heavywater.errors import H2OValueError
from heavywater.networks.catalog import NAMES, build, smallest_size

OLD = [
    ("lenet", 28, 10, 432_080), ("lenet", 28, 1000, 928_070),
    ("alexnet", 224, 10, 58_322_314), ("alexnet", 224, 1000, 62_378_344),
    ("vgg", 320, 10, 235_762_058), ("vgg", 224, 10, 128_807_306), ("vgg", 224, 1000, 132_863_336),
    ("googlenet", 224, 10, 6_014_522), ("googlenet", 224, 1000, 10_070_552),
    ("inception_bn", 224, 10, 10_280_490), ("inception_bn", 224, 1000, 11_295_240),
    ("inception_bn", 299, 10, 10_362_410), ("inception_bn", 299, 1000, 19_487_240),
    ("resnet", 224, 10, 2_399_264), ("resnet", 224, 1000, 154_527_614), ("resnet", 32, 10, 863_264),
    ("resnet", 32, 1000, 927_614),
]  # fmt: skip
TODAY = [
    ("resnet18", 1000, 11_689_512), ("resnet50", 1000, 25_557_032), ("convnext_tiny", 1000, 28_589_128),
]  # fmt: skip
SHAPES = {
    ("lenet", 28): {"convolution0": (20, 24, 24), "pooling0": (20, 12, 12), "pooling1": (50, 4, 4), "flatten0": (800,)},
    ("alexnet", 224): {"convolution0": (96, 55, 55), "lrn0": (96, 27, 27), "lrn1": (256, 13, 13), "pooling2": (256, 6, 6)},
    ("vgg", 320): {"pool1": (64, 160, 160), "pool5": (512, 10, 10), "fc6": (4096,)},
    ("googlenet", 224): {
        "pooling0": (64, 55, 55), "pooling1": (192, 27, 27), "ch_concat_in3a_chconcat": (256, 27, 27),
        "ch_concat_in3b_chconcat": (480, 27, 27), "ch_concat_in4d_chconcat": (528, 13, 13),
        "ch_concat_in4e_chconcat": (832, 13, 13), "ch_concat_in5b_chconcat": (1024, 6, 6), "pooling4": (1024, 2, 2),
    },
    ("inception_bn", 224): {
        "ch_concat_3a_chconcat": (256, 27, 27), "ch_concat_3b_chconcat": (320, 27, 27),
        "ch_concat_3c_chconcat": (576, 14, 14), "ch_concat_4c_chconcat": (608, 14, 14),
        "ch_concat_4e_chconcat": (1056, 7, 7), "ch_concat_5b_chconcat": (1024, 7, 7), "global_pool": (1024, 1, 1),
        "conv_5b_double_3x3_1": (224, 7, 7),
    },
    ("inception_bn", 299): {"ch_concat_3a_chconcat": (256, 36, 36), "global_pool": (1024, 3, 3), "flatten": (9216,)},
    ("resnet", 224): {"level1_block9_relu": (16, 224, 224), "pooling0": (64, 49, 49)},
    ("resnet", 32): {"level3_block9_relu": (64, 8, 8), "pooling0": (64, 1, 1)},
}  # fmt: skip


@pytest.mark.parametrize(("name", "side", "classes", "weights"), OLD)
def test_weights_as_in_deep_water(name, side, classes, weights):
    assert build(name, classes, (side, side), 3, compat="deepwater").weights((3, side, side)) == weights


@pytest.mark.parametrize(("name", "classes", "weights"), TODAY)
def test_weights_as_in_the_papers(name, classes, weights):
    assert build(name, classes, (224, 224), 3).weights((3, 224, 224)) == weights


@pytest.mark.parametrize("key", SHAPES, ids=str)
def test_shapes_of_layers(key):
    name, side = key
    shapes = build(name, 10, (side, side), 3, compat="deepwater").shapes((3, side, side))
    assert {n: shapes[n] for n in SHAPES[key]} == SHAPES[key]


def test_running_statistics_beside_the_weights():
    for name, side, beside in (("inception_bn", 224, 20_032), ("resnet", 32, 4_070)):
        specs = build(name, 10, (side, side), 3, compat="deepwater").arrays((3, side, side))
        assert sum(math.prod(s.shape) for n, s in specs.items() if "_moving_" in n) == beside


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"mlp"}))
def test_every_network_takes_its_smallest_image_and_says_so_below_it(name):
    least = smallest_size(name)
    graph = build(name, 7, (least, least), 1)
    shapes = graph.shapes((1, least, least))
    assert shapes[graph.nodes[graph.head].name] == (7,)
    with pytest.raises(H2OValueError, match=f"at least {least}x{least} pixels"):
        build(name, 7, (least - 1, least), 1)


BIG = ("vgg", "inception_bn", "resnet50", "convnext_tiny")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in BIG else ()) for n in sorted(set(NAMES) - {"mlp"})]
)
def test_every_network_learns_a_step_with_columns_of_a_table(name):
    torch = pytest.importorskip("torch")
    from heavywater.networks.module import GraphModule

    side = max(32, smallest_size(name))
    module = GraphModule(build(name, 3, (side, side), 3, table_columns=5), (3, side, side), 1)
    x, table = torch.randn(2, 3, side, side), torch.randn(2, 5)
    out = module(x, table)
    assert out.shape == (2, 3)
    torch.nn.functional.cross_entropy(out, torch.tensor([0, 2])).backward()
    for n, w in module.learned().items():
        assert w.grad is not None, n
        assert bool(torch.isfinite(w.grad).all()), n
