"""Networks as data: what is accepted, what is refused, names, shapes, arrays, and the way through JSON."""

from __future__ import annotations

import pytest

from heavywater.errors import H2OValueError, ModelFileError, NotFound
from heavywater.networks.catalog import build
from heavywater.networks.graph import Builder, Graph, Node


def test_lenet_has_the_shapes_and_weights_of_its_table():
    graph = build("lenet", 10)
    assert list(graph.shapes((3, 28, 28)).values()) == [
        (3, 28, 28),
        (20, 24, 24),
        (20, 24, 24),
        (20, 12, 12),
        (50, 8, 8),
        (50, 8, 8),
        (50, 4, 4),
        (800,),
        (500,),
        (500,),
        (10,),
        (10,),
    ]
    assert graph.weights((3, 28, 28)) == 432_080
    assert graph.weights((1, 28, 28)) == 431_080
    assert graph.arrays((3, 28, 28))["fullyconnected0_weight"].shape == (500, 800)


def test_layers_are_found_with_and_without_output():
    graph = build("lenet", 10)
    assert graph.find("flatten0") == graph.find("flatten0_output")
    with pytest.raises(NotFound, match=r"no layer 'flaten0' \(did you mean 'flatten0_output'") as error:
        graph.find("flaten0")
    assert str(error.value).endswith("\n".join(graph.layers()))


def test_json_brings_the_same_graph_back():
    for name in ("lenet", "mlp"):
        graph = build(name, 3, table_columns=4)
        assert Graph.from_json(graph.to_json()) == graph


def test_a_part_of_a_network():
    part = build("lenet", 10).up_to("flatten0_output")
    assert part.layers()[-1] == "flatten0_output"
    assert part.shapes((1, 28, 28))[part.nodes[part.head].name] == (800,)


def test_another_number_of_classes():
    graph = build("lenet", 10).with_head(3)
    assert graph.shapes((3, 28, 28))["softmax"] == (3,)
    assert build("mlp", 10).with_head(4).weights((20,)) == build("mlp", 4).weights((20,))


def test_what_follows_the_head_says_the_loss():
    assert build("lenet", 2).loss == "softmax"
    assert build("lenet", 1).loss == "linear"


def test_every_problem_of_a_graph_is_named_at_once():
    nodes = (
        Node("data", "input"),
        Node("a", "convolushion", (0,)),
        Node("a", "convolution", (0, 0), {"filters": -1, "kernel": (3, 3), "paint": "red"}),
        Node("b", "activation", (7,), {"kind": "relu"}),
    )
    with pytest.raises(H2OValueError) as error:
        Graph(nodes, 9)
    text = str(error.value)
    assert "did you mean 'convolution'" in text
    assert "filters must be a whole number from 1 to 16,777,216; it is -1" in text
    assert "there is no attribute 'paint'" in text
    assert "convolution takes 1 inputs, not 2" in text
    assert "its inputs must be indices of earlier nodes; they are (7,)" in text
    assert "the name 'a' is given to two nodes" in text
    assert "the head must be the index of one of 4 nodes" in text


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"nodes": [], "head": 0},
        {"nodes": [["data", "input", [], {}]], "head": 1},
        {"nodes": [["data", "input", [], {}]], "head": True},
        {"nodes": [["data", "input", [], {}]], "head": 0, "code": "x"},
        {"nodes": [["data", "input", [], {}, 1]], "head": 0},
        {"nodes": [["data", "input", [], {}], ["a", "flatten", [1], {}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "flatten", ["0"], {}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", ["flatten"], [0], {}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "__import__", [0], {}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "dropout", [0], {"p": float("nan")}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "fullyconnected", [0], {"hidden": 1 << 40}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "reshape", [0], {"shape": ["x"]}]], "head": 1},
        {"nodes": [["data", "input", [], {}], ["a", "flatten", [0], {"names": {"weight": 3}}]], "head": 1},
        {"nodes": [["data", "input", [], {}]] * 30_000, "head": 0},
    ],
)
def test_json_from_strangers_is_refused(value):
    with pytest.raises(ModelFileError):
        Graph.from_json(value)


def test_sizes_are_known_before_anything_is_allocated():
    b = Builder()
    at = b.add("data", "input")
    huge = b.graph(b.add("fc", "fullyconnected", at, hidden=1 << 24))
    with pytest.raises(H2OValueError, match="weights; at most"):
        huge.arrays((1000,))
    b = Builder()
    at = b.add("data", "input")
    wide = b.graph(b.add("conv", "convolution", at, filters=1 << 20, kernel=(1, 1)))
    with pytest.raises(H2OValueError, match="numbers per row"):
        wide.shapes((3, 1000, 1000))


def test_an_image_too_small_names_the_smallest_size():
    with pytest.raises(H2OValueError, match="lenet needs images of at least 16x16 pixels; image_shape is 10x12"):
        build("lenet", 10, (10, 12))
    assert build("lenet", 10, (16, 16)).shapes((3, 16, 16))["pooling1"] == (50, 1, 1)


def test_windows_that_do_not_fit_are_explained():
    with pytest.raises(H2OValueError, match="'convolution0'.*window of 5 pixels is larger than its input of 4"):
        build("lenet", 10).shapes((3, 4, 4))
