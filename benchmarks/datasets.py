"""The tables that are trained on; MNIST and the small tables come from the folder of reference data."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("HEAVYWATER_SHARED", ROOT.parent / "shared"))
KEPT = ROOT / "build" / "benchmark-data"
"""No part of the path may begin with a dot: H2O would not see the file."""


@dataclass(frozen=True)
class Dataset:
    """Files of one table.

    Attributes
    ----------
    train, test : str
        Paths; the test file may be the training file.
    header : int
        1: the first line holds names, -1: it does not.
    response : str
        Name of the response.
    ignored : tuple of str
        Columns that are no predictors.
    text : tuple of str
        Columns that are categories whatever their values look like.
    """

    train: str
    test: str
    header: int
    response: str
    ignored: tuple[str, ...] = ()
    text: tuple[str, ...] = ()

    def as_job(self) -> dict[str, object]:
        return {**self.__dict__, "ignored": list(self.ignored), "text": list(self.text)}


def dataset(name: str) -> Dataset:
    """The table called `name`: mnist, airlines, iris.

    Raises
    ------
    FileNotFoundError
        When a file is not there; HEAVYWATER_SHARED names the folder of reference data.
    """
    if name == "mnist":
        folder = SHARED / "data" / "mnist"
        found = Dataset(str(folder / "train.csv.gz"), str(folder / "test.csv.gz"), -1, "C785", text=("C785",))
    elif name == "airlines":
        path = str(_unzipped(SHARED / "data" / "tabular" / "allyears2k_headers.zip"))
        leaks = ("DepDelay", "ArrDelay", "IsArrDelayed", "DepTime", "ArrTime", "ActualElapsedTime", "AirTime")
        found = Dataset(path, path, 1, "IsDepDelayed", ignored=(*leaks, "Cancelled", "CancellationCode", "Diverted",
                        "CarrierDelay", "WeatherDelay", "NASDelay", "SecurityDelay", "LateAircraftDelay",
                        "TaxiIn", "TaxiOut"), text=("IsDepDelayed",))  # fmt: skip
    elif name == "iris":
        path = str(SHARED / "data" / "tabular" / "iris_wheader.csv")
        found = Dataset(path, path, 1, "class", text=("class",))
    else:
        raise KeyError(name)
    for path in (found.train, found.test):
        if not Path(path).exists():
            raise FileNotFoundError(f"{path} is not there; HEAVYWATER_SHARED names the folder that holds data/")
    return found


def _unzipped(archive: Path) -> Path:
    """The only file of a zip archive, unpacked once, so that both systems read the same bytes."""
    if not archive.exists():
        raise FileNotFoundError(f"{archive} is not there; HEAVYWATER_SHARED names the folder that holds data/")
    out = KEPT / f"{archive.stem}.csv"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive) as z:
            name = next(n for n in z.namelist() if n.endswith(".csv") and not n.startswith("__MACOSX"))
            part = out.with_suffix(".part")
            part.write_bytes(z.read(name))
        part.rename(out)
    return out
