"""Declaring parameters: constructor, metadata, types."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest
from sklearn.base import BaseEstimator, clone

from heavywater.errors import H2OTypeError
from heavywater.params import Message, Params, infos, metadata, param, parameters


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class Toy(Params):
    removed = {"sise": "it is called size"}

    size: Sequence[int] = param((3, 4), "Sizes.", level="critical", gridable=True, ge=1)
    shape: Literal["Round", "NotSoRound"] = param("Round", "Shape.", spellings={"circle": "Round"})
    weight: float | None = param(None, "Weight.", gt=0)
    data: object | None = param(None, "Data.", wire="Key<Frame>")
    seed: int = param(-1, "Seed.", wire="long", ours=True)


class Face(BaseEstimator, Toy):
    pass


def test_the_constructor_stores_what_it_is_given():
    sizes, data = [7], object()
    toy = Toy(size=sizes, data=data, shape="nonsense")
    assert toy.size is sizes
    assert toy.data is data
    assert toy.shape == "nonsense"
    assert vars(toy) == {"size": sizes, "shape": "nonsense", "weight": None, "data": data, "seed": -1}


@pytest.mark.parametrize("cls", [Toy, Face])
def test_an_unknown_parameter_is_named_with_a_guess(cls):
    with pytest.raises(H2OTypeError, match=rf"{cls.__name__} has no parameter 'seeed' \(did you mean 'seed'\?\)"):
        cls(seeed=1)


def test_every_unknown_parameter_is_named():
    with pytest.raises(H2OTypeError, match="(?s)'seeed'.*'wait'"):
        Toy(seeed=1, wait=2)


def test_a_former_name_is_explained():
    with pytest.raises(H2OTypeError, match="'sise'; it is called size"):
        Toy(sise=3)


def test_parameters_have_names():
    with pytest.raises(H2OTypeError, match=r"by name, as in Toy\(size=...\)"):
        Toy([3])


def test_the_signature_is_that_of_the_dataclass():
    for cls in (Toy, Face):
        found = inspect.signature(cls).parameters
        assert list(found) == ["size", "shape", "weight", "data", "seed"]
        assert all(p.kind is p.KEYWORD_ONLY for p in found.values())
        assert found["size"].default == (3, 4)


def test_clone_and_copies_keep_the_values():
    face = Face(size=(9,), seed=3)
    assert clone(face).get_params() == face.get_params() == copy.deepcopy(face).get_params()
    assert Face().set_params(seed=4).seed == 4


def test_what_is_known_about_each_parameter():
    i = infos(Face)
    assert list(i) == ["size", "shape", "weight", "data", "seed"]
    assert [v.type for v in i.values()] == ["int[]", "enum", "double", "Key<Frame>", "long"]
    assert [v.optional for v in i.values()] == [False, False, True, True, False]
    assert i["size"].sequence
    assert i["size"].kind is int
    assert i["shape"].values == ("Round", "NotSoRound")
    assert i["data"].kind is object


def test_metadata_leaves_our_own_parameters_out():
    assert [m["name"] for m in metadata(Toy)] == ["size", "shape", "weight", "data"]
    assert metadata(Toy, ours=True)[-1]["name"] == "seed"
    assert metadata(Toy)[0] == {
        "name": "size", "label": "size", "help": "Sizes.", "required": False, "type": "int[]", "default_value": [3, 4],
        "level": "critical", "values": [], "gridable": True, "is_member_of_frames": [],
        "is_mutually_exclusive_with": [],
    }  # fmt: skip
    shown = metadata(Toy, given={"size": [5]}, actual={"size": [6]})[0]
    assert (shown["input_value"], shown["actual_value"]) == ([5], [6])


def test_messages_read_as_h2o_writes_them():
    assert str(Message("size", "error", "size is wrong")) == "ERRR on field: _size: size is wrong"
    assert str(Message("size", "warn", "size is odd")) == "size is odd"


@pytest.mark.slow
def test_mypy_knows_the_parameters(tmp_path):
    code = tmp_path / "script.py"
    code.write_text(
        "from heavywater.algos.deeplearning.params import DeepLearningParams\n"
        "class Estimator(DeepLearningParams):\n    algo = 'deeplearning'\n"
        "Estimator(hidden=[3], activation='Tanh')\n"
        "Estimator(hiden=[3])\n"
        "Estimator(activation='Tahn')\n"
    )
    options = ["--follow-imports=silent", "--cache-dir", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "mypy", *options, str(code)]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert 'script.py:5: error: Unexpected keyword argument "hiden" for "Estimator"; did you mean "hidden"?' in out
    assert 'script.py:6: error: Argument "activation" to "Estimator" has incompatible type' in out
    assert "script.py:4" not in out
