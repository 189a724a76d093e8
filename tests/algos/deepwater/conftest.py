"""Small images, and one thread: the networks here are tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heavywater as h2o
from heavywater.engine import session

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    from heavywater.algos.deepwater import build
    from heavywater.frame import folders

    monkeypatch.setattr(build, "_said", {"gpu"})  # the notice has a test of its own
    monkeypatch.setattr(folders, "_known", type(folders._known)())
    folders.restrict(None)
    before = session._current
    session.use(session.LocalSession(nthreads=1))
    h2o.no_progress()
    yield
    session.use(before)


def bars(n: int, seed: int = 1, side: int = 16, channels: int = 3) -> tuple[np.ndarray, list[str]]:
    """Images of lying, standing and slanting bars on noise, uint8 ``(n, side, side, channels)``, and their classes."""
    random = np.random.default_rng(seed)
    names = ["lying", "standing", "slanting"]
    labels = [names[i] for i in random.integers(0, 3, n)]
    images = random.integers(0, 60, (n, side, side, channels))
    for image, label in zip(images, labels):
        at = int(random.integers(4, side - 4))
        if label == "lying":
            image[at - 1 : at + 1] += 150
        elif label == "standing":
            image[:, at - 1 : at + 1] += 150
        else:
            i = np.arange(side)
            image[i, (i + at) % side] += 150
    return images.astype(np.uint8), labels


def write_images(folder: Path, n: int, seed: int = 1, **options) -> Path:
    """A CSV of paths and labels beside the images it names; returns its path."""
    from PIL import Image

    images, labels = bars(n, seed, **options)
    lines = ["uri,label"]
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for i, (image, label) in enumerate(zip(images, labels)):
        name = f"pictures/{seed}_{i}.png"
        Image.fromarray(image.squeeze() if image.shape[2] == 1 else image).save(folder / name)
        lines.append(f"{name},{label}")
    path = folder / f"list{seed}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path) -> h2o.H2OFrame:
    """The frame of such a list."""
    return h2o.import_file(str(path), header=1)


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A CSV of 90 images."""
    return write_images(tmp_path, 90)


SMALL = {
    "network": "lenet",
    "image_shape": [16, 16],
    "gpu": False,
    "seed": 7,
    "score_interval": 0,
    "mini_batch_size": 16,
}
"""Settings for those images."""
