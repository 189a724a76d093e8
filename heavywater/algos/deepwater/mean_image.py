"""The mean image that is subtracted from all others, from a file that may come from anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from heavywater.errors import H2OValueError


def read_mean_image(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """A mean image, float32 of exactly `shape`, from a file of numpy (.npy) or MXNet (.nd).

    Raises
    ------
    H2OValueError
        Its size is another one, or it holds several arrays.
    """
    if path.lower().endswith(".npy"):
        array = _read_npy(path, shape)
    else:
        from heavywater.networks.files import read_arrays

        arrays = read_arrays(Path(path), None)
        if len(arrays) != 1:
            raise H2OValueError(f"mean_image_file must hold one array; {path} holds {len(arrays)}")
        array = next(iter(arrays.values()))
    if array.size != int(np.prod(shape)):
        raise H2OValueError(
            f"mean_image_file: Invalid mean image data format: channels x height x width is {shape}, "
            f"{int(np.prod(shape))} numbers; {path} has {array.size}"
        )
    if not np.isfinite(array).all():
        raise H2OValueError(f"mean_image_file: {path} holds values that are not finite")
    return np.ascontiguousarray(array, np.float32).reshape(shape)


def _read_npy(path: str, shape: tuple[int, ...]) -> np.ndarray:
    size = Path(path).stat().st_size
    if size > 16 * int(np.prod(shape)) + 4096:
        raise H2OValueError(
            f"mean_image_file: {path} has {size:,} bytes, more than an image of the shape {shape} needs"
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, EOFError) as e:
        raise H2OValueError(f"mean_image_file: {path} is not an array of numpy: {e}") from None
