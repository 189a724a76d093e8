"""Every Python listing of the Deep Learning booklets runs: with the import line changed, and unchanged by the command.

Addresses of data are replaced by local files.  The quick run takes the first rows of MNIST and fewer epochs where a
listing says a thousand; the slow one takes everything as printed.
"""

from __future__ import annotations

import gzip
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from heavywater.errors import H2OConnectionError
from tests.docs.listings import ALL, OF_2015, OF_2024, REMOTE, Listing

pytestmark = pytest.mark.filterwarnings("ignore:.*(constant and empty columns|fold models ended early|No validation)")
ROWS = {"train": 1500, "test": 400}

CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "5.2.2-quantile-regression": lambda n: n["dl"].predict(n["splits"][1]).names == ["predict"],
    "6.1-import": lambda n: n["train"].ncol == n["test"].ncol == 785,
    "6.2-trial-run": lambda n: n["model"].confusion_matrix(valid=True).error < 0.75,
    "6.2.1-cross-validation": lambda n: len(n["model_cv"].cross_validation_models()) >= 2,
    "6.2.2-results": lambda n: "Status of Neuron Layers" in repr(n["model"]) and n["model_cv"].mse(xval=True) > 0,
    "6.2.2-predictions": lambda n: n["pred"].names == ["predict", *(f"p{d}" for d in range(10))],
    "6.3.1-variable-importances": lambda n: n["model_vi"].varimp()[0][2] == 1.0,
    "6.4.1-cartesian-grid": lambda n: len(n["model_grid"]) == 6 and not n["model_grid"].failures,
    "6.4.1-grid-results": lambda n: "misclassification" in repr(n["model_grid"].get_grid("misclassification")),
    "6.4.2-random-grid": lambda n: 1 <= len(n["model_grid"]) <= 10 and not n["model_grid"].failures,
    "6.5-checkpoint": lambda n: n["model_chkp"]._model.output["epochs"] > n["model"]._model.output["epochs"],
    "6.5-save": lambda n: Path(n["model_path"]).is_file(),
    "6.5-load": lambda n: n["saved_model"].mse() == n["model"].mse(),
    "6.5-get": lambda n: n["model"].key == n["model_chkp"].key,
    "7.2-anomaly-detection": lambda n: (
        sorted(n["recon_error"].as_data_frame()["Reconstruction.MSE"].to_numpy().argsort()[-3:]) == [20, 21, 22]
    ),
}
"""What must be true after a listing."""


@pytest.fixture(scope="module")
def files(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address in the booklet → the first rows in a local file."""
    folder = tmp_path_factory.mktemp("listings")
    found = {}
    for part, rows in ROWS.items():
        short = folder / f"{part}.csv.gz"
        with gzip.open(shared / "data" / "mnist" / f"{part}.csv.gz", "rt") as f, gzip.open(short, "wt", 1) as out:
            out.writelines(line for line, _ in zip(f, range(rows)))
        found[f"{REMOTE}/bigdata/laptop/mnist/{part}.csv.gz"] = str(short)
    return found | small_files(shared)


def small_files(shared: Path) -> dict[str, str]:
    data = shared / "data"
    return {
        f"{REMOTE}/smalldata/iris/iris_wheader.csv": str(data / "tabular" / "iris_wheader.csv"),
        **{
            f"{REMOTE}/smalldata/anomaly/{n}.csv": str(data / "anomaly" / f"{n}.csv")
            for n in ("ecg_discord_train", "ecg_discord_test")
        },
    }


def local(code: str, files: dict[str, str], replacements: dict[str, str]) -> str:
    """The code with its data on this machine, and with `replacements`, each of which must occur somewhere."""
    for address, path in files.items():
        code = code.replace(address, path)
    for old, new in replacements.items():
        code = code.replace(old, new)
    return code


class Session:
    """One edition's listings share their names, as in one interactive session."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.names, self.done = folder, {}, []  # type: ignore[var-annotated]

    def run(self, listing: Listing, code: str) -> None:
        code = code.replace("import h2o\n", "import heavywater as h2o\n").replace("from h2o.", "from heavywater.")
        if not self.names:
            code = code if "import" in code.split("\n")[0] else f"import heavywater as h2o\n{code}"
        script = self.folder / f"{listing.name}.py"
        script.write_text(code)
        model = self.names.get("model")
        found = runpy.run_path(str(script), self.names, run_name="__listing__")
        self.names.update({k: v for k, v in found.items() if not k.startswith("__")})
        if listing.keeps_model:
            self.names["model"] = model


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Session]]:
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("session")
    os.chdir(folder)
    yield {edition: Session(folder) for edition in ("2015", "2024")}
    os.chdir(before)


def test_every_listing_has_a_name_of_its_own() -> None:
    assert len({listing.name for listing in ALL}) == len(ALL) == 40
    assert {c for c in CHECKS if not any(listing.name.endswith(c) for listing in ALL)} == set()


def test_every_listing_is_in_the_booklets(shared: Path) -> None:
    """As many listings as the seeds announce; sections 3.2 and 3.3 print theirs without a heading."""
    for seed, listings in (("2015", OF_2015), ("2024-03", OF_2024), ("2024-11", OF_2024)):
        text = (shared / "seeds" / f"deep-learning-booklet-{seed}.txt").read_text()
        assert text.count("Example in Python") == len([x for x in listings if x.section not in ("3.2", "3.3")])


@pytest.mark.parametrize("listing", ALL, ids=lambda listing: listing.name)
def test_listing(
    listing: Listing, files: dict[str, str], sessions: dict[str, Session], capsys: pytest.CaptureFixture[str]
) -> None:
    session = sessions[listing.edition]
    code = local(listing.code, files, listing.quick)
    if listing.error:
        with pytest.raises(H2OConnectionError, match=listing.error):
            session.run(listing, code)
        return
    session.run(listing, code)
    check = CHECKS.get(f"{listing.section}-{listing.title.replace(' ', '-')}")
    if check is not None:
        assert check(session.names), listing.name


def script_of(listings: list[Listing], files: dict[str, str], quick: bool) -> str:
    """All listings of an edition as one unmodified script."""
    parts = []
    for listing in listings:
        code = local(listing.code, files, listing.quick if quick else {})
        if listing.error:
            continue
        if listing.keeps_model:
            code = f"_model = model\n{code}model = _model\n"
        parts.append(f"# {listing.edition}, section {listing.section}: {listing.title}\n{code}")
    return "\n".join(parts) + "\nprint('the end', h2o.__name__)\n"


@pytest.mark.parametrize("listings", [OF_2024, OF_2015], ids=["2024", "2015"])
def test_unchanged_under_the_command(listings: list[Listing], files: dict[str, str], tmp_path: Path) -> None:
    """`heavywater run script.py` runs them with ``import h2o`` as it stands."""
    script = tmp_path / "booklet.py"
    script.write_text(script_of(listings, files, quick=True))
    command = [sys.executable, "-m", "heavywater.cli", "run", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("the end heavywater\n")


@pytest.mark.long
@pytest.mark.parametrize("part", ["without searches", "with searches"])
def test_as_printed_on_all_of_mnist(part: str, shared: Path, tmp_path: Path) -> None:
    """The sixth edition with all rows and every number as printed."""
    data = shared / "data" / "mnist"
    files = small_files(shared) | {f"{REMOTE}/bigdata/laptop/mnist/{p}.csv.gz": str(data / f"{p}.csv.gz") for p in ROWS}
    searches = [x for x in OF_2024 if x.section.startswith("6.4")]
    needed = [x for x in OF_2024 if x.section in ("6.1", "6.2")]
    listings = [x for x in OF_2024 if x not in searches] if part == "without searches" else needed + searches
    script = tmp_path / "booklet.py"
    script.write_text(script_of(listings, files, quick=False))
    subprocess.run([sys.executable, "-m", "heavywater.cli", "run", str(script)], cwd=tmp_path, check=True, timeout=3000)
