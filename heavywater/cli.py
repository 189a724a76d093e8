"""The command ``heavywater``: run, train, predict, inspect."""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.machinery
import json
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from heavywater.errors import HeavywaterError

_WITH_OPTIONS = {
    "serve": ("heavywater.server.serve", "main", "serve H2O's REST API (heavywater[server])"),
    "deploy": ("heavywater.deploy.serve", "deploy", "serve the predictions of a model file (heavywater[server])"),
    "score": ("heavywater.deploy.serve", "score", "predict the rows of a CSV file with a model file"),
}
"""Commands that declare their own options: module, function, what they do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status (2: wrong arguments or input)."""
    parser = argparse.ArgumentParser(prog="heavywater", description="H2O's Deep Learning in Python, without a JVM.")
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser("run", help="run an unmodified script whose `import h2o` means heavywater")
    run.add_argument("script", type=Path)
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    run.set_defaults(do=_run)

    train = commands.add_parser("train", help="train a Deep Learning model on a file and save it")
    train.add_argument("data", help="training data: CSV, Parquet, ARFF, SVMLight; may be compressed, or an address")
    train.add_argument("-y", "--response", help="response column; none for an autoencoder")
    train.add_argument("-o", "--output", type=Path, required=True, help="model file to write")
    train.add_argument("--validation", help="validation data")
    train.add_argument("--classify", action="store_true", help="treat a numeric response as classes")
    help_text = "a parameter; the value is JSON or text"
    train.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE", help=help_text)
    train.add_argument("--force", action="store_true", help="replace an existing model file")
    train.set_defaults(do=_train)

    predict = commands.add_parser("predict", help="predict the rows of a file with a saved model")
    predict.add_argument("model", type=Path)
    predict.add_argument("data")
    predict.add_argument("-o", "--output", type=Path, help="CSV file to write; the terminal when left out")
    predict.set_defaults(do=_predict)

    inspect = commands.add_parser("inspect", help="print the report on a saved model")
    inspect.add_argument("model", type=Path)
    inspect.set_defaults(do=_inspect)

    for name, (_, _, text) in _WITH_OPTIONS.items():
        commands.add_parser(name, help=f"{text}; see `heavywater {name} --help`")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] and arguments[0] in _WITH_OPTIONS:
        options = argparse.Namespace(command=arguments[0], do=_elsewhere, arguments=arguments[1:])
    else:
        options = parser.parse_args(arguments)
    try:
        return int(options.do(options) or 0)
    except (HeavywaterError, OSError) as e:
        print(f"heavywater {options.command}: {e}", file=sys.stderr)
        return 2


def _elsewhere(o: argparse.Namespace) -> int:
    module, function, _ = _WITH_OPTIONS[o.command]
    return int(getattr(importlib.import_module(module), function)(o.arguments))


def _run(o: argparse.Namespace) -> None:
    if not o.script.is_file():
        raise FileNotFoundError(f"there is no script {str(o.script)!r}")
    answer_to_h2o()
    sys.argv = [str(o.script), *o.arguments]
    sys.path.insert(0, str(o.script.resolve().parent))
    runpy.run_path(str(o.script), run_name="__main__")


def _train(o: argparse.Namespace) -> None:
    import heavywater as h2o

    params = dict(_parameter(text) for text in o.param)
    frame = h2o.import_file(o.data)
    valid = h2o.import_file(o.validation) if o.validation else None
    if o.response is None:
        params["autoencoder"] = True
    elif o.classify:
        frame[o.response] = frame[o.response].asfactor()
        if valid is not None:
            valid[o.response] = valid[o.response].asfactor()
    model = h2o.H2ODeepLearningEstimator(**params)
    model.train(y=o.response, training_frame=frame, validation_frame=valid)
    print(model)
    path = h2o.save_model(model, o.output.parent, force=o.force, filename=o.output.name)
    print(f"saved to {path}")


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise HeavywaterError(f"--param needs NAME=VALUE, such as hidden=[50,50]; got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, {"True": True, "False": False, "None": None}.get(value, value)


def _predict(o: argparse.Namespace) -> None:
    import heavywater as h2o

    prediction = h2o.load_model(o.model).predict(h2o.import_file(o.data))
    if o.output:
        h2o.export_file(prediction, o.output, force=True)
        print(f"{prediction.nrow} rows written to {o.output}")
    else:
        print(prediction.as_data_frame().to_csv(index=False), end="")


def _inspect(o: argparse.Namespace) -> None:
    import heavywater as h2o

    print(h2o.load_model(o.model))


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets ``import h2o`` and ``from h2o.x import y`` find heavywater's modules of the same name."""

    def __init__(self) -> None:
        self._specs: dict[str, importlib.machinery.ModuleSpec | None] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name == "h2o" or name.startswith("h2o."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        inner = spec.name.replace("h2o", "heavywater", 1)
        try:
            module = importlib.import_module(_MOVED.get(inner, inner))
        except ModuleNotFoundError as e:
            if e.name != inner:
                raise
            text = f"{spec.name}: heavywater has no module of this name of H2O's"
            raise ModuleNotFoundError(text, name=spec.name) from None
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """The module is loaded already; it only gets back the description that the import system replaced."""
        replaced = module.__spec__
        if replaced is not None:
            module.__spec__ = self._specs.pop(replaced.name, replaced)


_MOVED = {"heavywater.frame": "heavywater.h2oframe"}
"""H2O's module names that mean something else here."""


def answer_to_h2o() -> None:
    """From now on ``import h2o`` in this process gives heavywater."""
    if not any(isinstance(f, _Alias) for f in sys.meta_path):
        sys.meta_path.insert(0, _Alias())


if __name__ == "__main__":
    sys.exit(main())
