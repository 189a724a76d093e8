"""Taking a trained model elsewhere: MOJO and Java source for H2O's Java runtime, ONNX, and a bundle with its own scorer."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from heavywater.errors import H2OValueError, NotSupported
from heavywater.export.bundle import export_bundle
from heavywater.export.mojo import write_mojo
from heavywater.export.onnx_graph import write_onnx
from heavywater.export.pojo import pojo_text, write_pojo

if TYPE_CHECKING:
    from heavywater.models.model import Model

Location = str | os.PathLike[str]


class Exports:
    """Methods that write a trained model in other formats; see the page "Deploy" for what each can carry."""

    def _trained(self) -> Model:
        raise H2OValueError("this model is not trained yet; call train() first")

    def download_mojo(self, path: Location = ".", get_genmodel_jar: bool = False, genmodel_name: str = "") -> str:
        """Write the model as a MOJO, which H2O's Java runtime scores; returns the file's path.

        Parameters
        ----------
        path : str or path-like
            A folder, or the ``.zip`` file to write.
        get_genmodel_jar : bool
            H2O's option to add its Java runtime; there is no Java here, so only False is accepted.

        Raises
        ------
        NotSupported
            When the format cannot carry the model; names what stands in the way.
        """
        _no_jar(get_genmodel_jar)
        return str(write_mojo(self._trained(), self._target(path, ".zip")))

    def save_mojo(self, path: Location = "", force: bool = False, filename: str | None = None) -> str:
        """Write the model as a MOJO into the folder `path`; an existing file is kept unless `force`."""
        target = Path(path or ".") / filename if filename else self._target(path or ".", ".zip")
        return str(write_mojo(self._trained(), target, force=force))

    def download_pojo(
        self, path: Location | None = "", get_genmodel_jar: bool = False, genmodel_name: str = ""
    ) -> str | None:
        """Write the model as Java source into the folder `path`; print it when `path` is empty or None."""
        _no_jar(get_genmodel_jar)
        if not path:
            print(pojo_text(self._trained()))
            return None
        return str(write_pojo(self._trained(), path))

    def download_onnx(self, path: Location = ".") -> str:
        """Write the model as an ONNX graph with the preprocessing inside (needs the extra ``[onnx]``); returns the path."""
        return str(write_onnx(self._trained(), self._target(path, ".onnx")))

    def save_onnx(self, path: Location = "", force: bool = False, filename: str | None = None) -> str:
        """Write the model as an ONNX graph into the folder `path`; an existing file is kept unless `force`."""
        target = Path(path or ".") / filename if filename else self._target(path or ".", ".onnx")
        return str(write_onnx(self._trained(), target, force=force))

    def export_bundle(self, path: Location, force: bool = False) -> str:
        """Write the model, a scorer of one file that needs numpy alone, and golden rows into the folder `path`."""
        return str(export_bundle(self._trained(), path, force=force))

    def _target(self, path: Location, suffix: str) -> Path:
        target = Path(path).expanduser()
        if target.suffix == suffix:
            return target
        return target / (re.sub(r"[^\w.-]", "_", self._trained().key) + suffix)


def _no_jar(wanted: bool) -> None:
    if wanted:
        raise NotSupported("get_genmodel_jar=True: heavywater brings no Java runtime; take h2o-genmodel.jar from H2O")
