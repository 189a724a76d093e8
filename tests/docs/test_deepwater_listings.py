"""Every Python listing of the Deep Water booklet runs with the import line changed; what is cut is in one table."""

from __future__ import annotations

import gzip
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from heavywater.networks.keras_found import keras_backend
from tests.docs.deepwater_listings import ALL, CUTS, DATA, ROWS, Listing

pytest.importorskip("torch")
pytest.importorskip("PIL")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:.*(finds no GPU|runs in PyTorch|Keras computes with|fold models ended early|last layer is replaced|"
        "arrays of .* were loaded|constant and empty)"
    ),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # in Keras itself
]

CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "5-quick-start": lambda n: n["model"]._model.output["epochs"] == 1.5 and 2 < n["model"].logloss(xval=True) < 4,
    "5.1-backends": lambda n: n["model"]._model.net.library == ("keras" if keras_backend() else "pytorch"),
    "5.2-gpu-and-cpu": lambda n: len(n["model"].cross_validation_models()) == 2,
    "6.2-images": lambda n: n["model"]._model.columns.shape == (3, 28, 28),
    "6.5.1-mxnet": lambda n: n["model"].mean_per_class_error() < 0.2,
    "6.5.2-tensorflow": lambda n: n["model"].logloss() > 0,
    "8.1-cartesian-search": lambda n: len(n["model_grid"]) == 4 and not n["model_grid"].failures,
    # two dropout ratios do not fit networks of three hidden layers; these are reported and left out
    "8.2-random-search": lambda n: (
        1 <= len(n["model_grid"]) <= 10 and all(len(f["hidden"]) == 3 for f in n["model_grid"].failed_params)
    ),
    "9-checkpoint": lambda n: (
        n["model_warm"]._model.output["epochs"] > n["model"]._model.output["epochs"]
        and n["model_warm"].logloss(valid=True) <= n["model"].logloss(valid=True) + 1e-6
    ),
    "10-ensemble": lambda n: n["stack_all"].auc(valid=True) > 0.9,
    "11-deep-features": lambda n: n["extracted_features"].shape == (ROWS["images"], 1025),
    "11-glm-on-deep-features": lambda n: n["glm_model"].logloss(valid=True) > 0,
    "11-similarity": lambda n: (
        n["similarity"].shape == (ROWS["images"] - 5, 3) and float(n["similarity"].max()) <= 1.0000001
    ),
    "13.1-mojo": lambda n: Path(n["path"]).stat().st_size > 1000,
}


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with the data of all listings."""
    made = tmp_path_factory.mktemp("deepwater")
    for part in ("train", "test"):
        with gzip.open(shared / "data" / "mnist" / f"{part}.csv.gz", "rt") as f:
            lines = [line for line, _ in zip(f, range(ROWS[part]))]
        with gzip.open(made / f"{part}.csv.gz", "wt", 1) as out:
            out.writelines(lines)
        with gzip.open(made / f"{part}-odd.csv.gz", "wt", 1) as out:
            for line in lines:
                pixels, digit = line.rstrip().rsplit(",", 1)
                out.write(f"{pixels},{int(digit) % 2}\n")
    source = shared / "data" / "images" / "mnist_png"
    (made / "images").mkdir()
    lines = (source / "train.csv").read_text().splitlines()[1 : ROWS["images"] + 1]
    (made / "images" / "train.csv").write_text("".join(f"{line}\n" for line in lines))
    os.symlink(source / "train", made / "images" / "train")
    deepwater = shared / "data" / "deepwater"
    for name in ("model_mnist_lenet_mx.json", "model_mnist_lenet_mx_params", "Inception_BN-symbol.json", "mean_224.nd"):
        shutil.copy(deepwater / name, made)
    shutil.copy(deepwater / "tf_meta" / "lenet_28x28x3_3.meta", made)
    before = Path.cwd()
    os.chdir(made)
    yield made
    os.chdir(before)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the listings before have defined."""
    return {}


def random_weights() -> None:
    """A file for the pre-trained weights of Inception-BN, which are not at hand: random ones, by our own writer."""
    from heavywater.networks.files import read_network, write_params
    from heavywater.networks.module import GraphModule

    graph = read_network(Path("Inception_BN-symbol.json"))
    write_params(Path("Inception_BN-0039.params"), GraphModule(graph, (3, 224, 224), 1).arrays())


def quick(code: str) -> str:
    code = code.replace("import h2o\n", "import heavywater as h2o\n").replace("from h2o.", "from heavywater.")
    for old, new in {**DATA, **CUTS}.items():
        code = code.replace(old, new)
    return code


def test_every_listing_is_there(shared: Path) -> None:
    text = (shared / "seeds" / "deep-water-booklet-2017.txt").read_text()
    assert len({listing.name for listing in ALL}) == len(ALL) == len(CHECKS)
    assert set(CHECKS) == {listing.name for listing in ALL}
    for heading in (
        "5.1 Backends",
        "6.2 Image Specification",
        "8.2 Random Search",
        "9 Model Checkpoints",
        "10 Ensemble",
    ):
        assert heading in text


@pytest.mark.parametrize("listing", ALL, ids=lambda listing: listing.name)
def test_listing(listing: Listing, folder: Path, names: dict[str, Any]) -> None:
    if "Inception_BN-0039" in listing.code:
        random_weights()
    script = folder / f"{listing.name}.py"
    script.write_text(quick(listing.code))
    found = runpy.run_path(str(script), dict(names), run_name="__listing__")
    names.update({k: v for k, v in found.items() if not k.startswith("__")})
    assert CHECKS[listing.name](names), listing.name
