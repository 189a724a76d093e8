"""Networks on images: found beside their list, decoded, scaled, learned from, and those that cannot be read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import heavywater as h2o
from heavywater.algos.deepwater.augment import augmented
from heavywater.algos.deepwater.decode import ImageFault, Recipe, decode, java_gray
from heavywater.errors import H2OValueError, InvalidParams
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from heavywater.frame import folders
from tests.algos.deepwater.conftest import SMALL, bars, read, write_images


def png(array: np.ndarray, mode: str | None = None, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(array, mode).save(out, kind)
    return out.getvalue()


def test_a_network_learns_images_whose_paths_are_relative_to_their_list(pictures):
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**SMALL, epochs=12, learning_rate=0.01)
    model.train(x="uri", y="label", training_frame=frame)
    assert model.actual_params["problem_type"] == "image"
    assert model.mean_per_class_error() < 0.05
    held_out = read(write_images(pictures.parent, 40, seed=2))
    assert model.model_performance(held_out).mean_per_class_error() < 0.15
    predictions = model.predict(held_out)
    assert predictions.names == ["predict", "lying", "slanting", "standing"]
    frame = predictions._frame()
    assert np.allclose(sum(frame.numeric(n) for n in frame.names[1:]), 1)


def test_colour_planes_come_in_the_order_red_green_blue_row_by_row():
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0, 0], image[0, 1, 1], image[1, 2, 2] = 10, 20, 30
    pixels = decode(png(image), Recipe(width=3, height=2, channels=3))
    assert pixels.shape == (3, 2, 3)
    assert (pixels[0, 0, 0], pixels[1, 0, 1], pixels[2, 1, 2]) == (10, 20, 30)
    assert int(pixels.sum()) == 60


def test_gray_images_fill_three_channels_and_colours_become_gray():
    gray = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    assert (decode(png(gray), Recipe(4, 4, 3)) == gray[None]).all()
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 30, 60, 92
    assert (decode(png(colour), Recipe(4, 4, 1, legacy=True)) == 60).all()  # 182 // 3
    luma = round(0.299 * 30 + 0.587 * 60 + 0.114 * 92)
    assert abs(int(decode(png(colour), Recipe(4, 4, 1))[0, 0, 0]) - luma) <= 1


def test_sixteen_bit_and_transparent_images():
    deep = (np.arange(16, dtype=np.uint16) * 4096).reshape(4, 4)
    assert (decode(png(deep), Recipe(4, 4, 1))[0] == (deep >> 8)).all()
    clear = np.full((4, 4, 4), 100, np.uint8)
    assert decode(png(clear), Recipe(4, 4, 3)).shape == (3, 4, 4)


def test_the_table_of_java_grays():
    table = java_gray()
    assert (int(table[0]), int(table[128]), int(table[255])) == (0, 188, 255)
    gray = np.full((4, 4), 128, np.uint8)
    assert (decode(png(gray), Recipe(4, 4, 3, gray_gamma=True)) == 188).all()
    colour = np.full((4, 4, 3), 128, np.uint8)
    assert (decode(png(colour), Recipe(4, 4, 3, gray_gamma=True)) == 128).all()


def test_legacy_enlarges_without_interpolation():
    image = np.array([[0, 255], [255, 0]], np.uint8)
    assert set(np.unique(decode(png(image), Recipe(8, 8, 1, legacy=True)))) == {0, 255}
    assert len(np.unique(decode(png(image), Recipe(8, 8, 1)))) > 2


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not a readable image"),
        (b"not an image at all", r"not a readable image \(cannot identify image file\)"),
        (png(bars(1)[0][0])[:300], "not a readable image"),
        (png(bars(1)[0][0], kind="JPEG")[:200], "not a readable image"),
        (png(np.zeros((1, 1), np.uint8)), "1 x 1 pixels"),
        (png(np.zeros((1, 40), np.uint8)), "40 x 1 pixels"),
    ],
)
def test_broken_images_are_faults(data, fault):
    with pytest.raises(ImageFault, match=fault):
        decode(data, Recipe(8, 8, 3))


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    bomb = png(np.zeros((9000, 9000), np.uint8))
    assert len(bomb) < 200_000
    with pytest.raises(ImageFault, match="9000 x 9000 pixels; at most"):
        decode(bomb, Recipe(8, 8, 1))


def test_missing_and_broken_images_stop_training_and_are_named(pictures):
    (pictures.parent / "pictures/1_3.png").unlink()
    (pictures.parent / "pictures/1_5.png").write_bytes(b"broken")
    frame = read(pictures)
    with pytest.raises(
        H2OValueError, match=r"2 of 90 rows have no usable image.*1_3\.png.*No such file.*1_5\.png.*on_missing"
    ):
        H2ODeepWaterEstimator(**SMALL, epochs=1).train(x="uri", y="label", training_frame=frame)


def test_rows_without_image_are_skipped_or_black(pictures):
    (pictures.parent / "pictures/1_3.png").unlink()
    text = pictures.read_text().replace("pictures/1_7.png", "")
    pictures.write_text(text)
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**SMALL, epochs=1, on_missing="skip")
    with pytest.warns(UserWarning, match="2 of 90 rows have no usable image.*left out"):
        model.train(x="uri", y="label", training_frame=frame)
    assert model._model.output["samples"] == 88
    with pytest.warns(UserWarning, match="2 of 90 rows"):
        predictions = model.predict(frame)
    assert predictions["predict"].isna().sum() == 2
    with pytest.warns(UserWarning, match="2 of 90 rows"):
        assert model.model_performance(frame).nobs() == 88
    black = H2ODeepWaterEstimator(**SMALL, epochs=1, on_missing="zeros")
    with pytest.warns(UserWarning, match="black images are used"):
        black.train(x="uri", y="label", training_frame=frame)
    assert black._model.output["samples"] == 90
    with pytest.warns(UserWarning, match="2 of 90 rows"):
        assert black.predict(frame)["predict"].isna().sum() == 0


def test_a_broken_image_stops_prediction_too(pictures):
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**SMALL, epochs=1).train(x="uri", y="label", training_frame=frame)
    (pictures.parent / "pictures/1_0.png").write_bytes(b"broken")
    with pytest.raises(H2OValueError, match=r"1 of 90 rows have no usable image.*1_0\.png"):
        model.predict(frame)


def test_pixels_are_scaled_per_channel_unless_the_network_comes_from_a_file(pictures):
    frame = read(pictures)
    model = H2ODeepWaterEstimator(**SMALL, epochs=0).train(x="uri", y="label", training_frame=frame)
    images = bars(90)[0].reshape(-1, 3)
    pixels = model._model.columns.pixels
    assert np.allclose(pixels.sub, images.mean(axis=0))
    assert np.allclose(pixels.mul, 1 / images.std(axis=0))
    bare = H2ODeepWaterEstimator(**SMALL, epochs=0, compat="deepwater").train(x="uri", y="label", training_frame=frame)
    assert (bare._model.columns.pixels.sub, bare._model.columns.pixels.mul) == ((0.0,) * 3, (1.0,) * 3)
    unit = H2ODeepWaterEstimator(**SMALL, epochs=0, pixel_scaling="unit").train(
        x="uri", y="label", training_frame=frame
    )
    assert unit._model.columns.pixels.mul == (1 / 255,) * 3


def test_a_mean_image_is_subtracted_and_saved_with_the_model(pictures, tmp_path):
    mean = np.random.default_rng(1).random((3, 16, 16)).astype(np.float32) * 100
    np.save(tmp_path / "mean.npy", mean)
    frame = read(pictures)
    settings = {**SMALL, "epochs": 0}
    model = H2ODeepWaterEstimator(**settings, mean_image_file=str(tmp_path / "mean.npy"))
    model.train(x="uri", y="label", training_frame=frame)
    path = h2o.save_model(model, str(tmp_path), force=True)
    (tmp_path / "mean.npy").unlink()
    again = h2o.load_model(path)
    assert np.array_equal(again._model.columns.pixels.mean_image, mean)
    bare = H2ODeepWaterEstimator(**settings, pixel_scaling="none").train(x="uri", y="label", training_frame=frame)
    x = bars(90)[0].transpose(0, 3, 1, 2).astype(np.float32)
    weights = model._model.net
    import torch

    with torch.inference_mode():
        wanted = torch.softmax(weights.module.eval()(torch.from_numpy(x - mean)), 1).numpy()
    assert np.allclose(model._model.answers(frame._frame()), wanted, atol=1e-5)
    assert not np.allclose(bare._model.answers(frame._frame()), wanted, atol=1e-3)


def test_a_mean_image_of_another_size_is_refused(pictures, tmp_path):
    np.save(tmp_path / "mean.npy", np.zeros((3, 15, 16), np.float32))
    frame = read(pictures)
    with pytest.raises(H2OValueError, match="mean_image_file.*720"):
        H2ODeepWaterEstimator(**SMALL, mean_image_file=str(tmp_path / "mean.npy")).train(
            x="uri", y="label", training_frame=frame
        )


def test_images_and_columns_of_a_table_together(pictures):
    frame = read(pictures)
    random = np.random.default_rng(3)
    hint = h2o.H2OFrame(
        {"hint": random.normal(size=90).tolist(), "colour": random.choice(["red", "blue"], 90).tolist()}
    )
    frame = frame.cbind(hint)
    frame["target"] = frame["hint"] * 3 + 1
    model = H2ODeepWaterEstimator(**SMALL, epochs=60, learning_rate=0.02, stopping_rounds=0)
    model.train(x=["uri", "hint", "colour"], y="target", training_frame=frame)
    assert model._model.columns.table_width == 4
    assert model.r2() > 0.9
    assert "uri" in model._model.output["names"]
    other = frame[:, ["uri", "colour"]].cbind(h2o.H2OFrame({"hint": [0.0] * 90}))
    assert abs(model.predict(other).mean()[0] - 1) < 0.8


def test_ambiguous_and_given_roots(tmp_path, monkeypatch):
    first, second = tmp_path / "a", tmp_path / "b"
    lists = [read(write_images(folder, 30)) for folder in (first, second)]
    settings = {**SMALL, "epochs": 0}
    with pytest.raises(H2OValueError, match="below several folders.*image_root"):
        H2ODeepWaterEstimator(**settings).train(x="uri", y="label", training_frame=lists[0])
    H2ODeepWaterEstimator(**settings, image_root=str(second)).train(x="uri", y="label", training_frame=lists[0])
    with pytest.raises(InvalidParams, match="image_root"):
        H2ODeepWaterEstimator(**settings, image_root=str(tmp_path / "c")).train(
            x="uri", y="label", training_frame=lists[0]
        )


def test_a_list_of_nothing_and_a_table_called_images(tmp_path):
    numbers = h2o.H2OFrame({"a": list(range(10)), "y": [0, 1] * 5})
    with pytest.raises(InvalidParams, match="problem_type='image' needs a predictor with paths"):
        H2ODeepWaterEstimator(problem_type="image", gpu=False).train(x="a", y="y", training_frame=numbers)
    empty = h2o.H2OFrame({"uri": ["x/1.png", "x/2.png"], "label": ["a", "b"]})
    empty["label"] = empty["label"].asfactor()
    with pytest.raises(H2OValueError, match="2 of 2 rows have no usable image"):
        H2ODeepWaterEstimator(**SMALL).train(x="uri", y="label", training_frame=empty)


def test_restricted_paths_keep_images_inside(pictures):
    from heavywater.errors import NotFound

    def only(text: str):
        raise NotFound(f"{text} is outside the folders")

    frame = read(pictures)
    folders.restrict(only)
    try:
        with pytest.raises(H2OValueError, match="outside the folders"):
            H2ODeepWaterEstimator(**SMALL, problem_type="image").train(x="uri", y="label", training_frame=frame)
    finally:
        folders.restrict(None)


def test_images_that_are_not_kept_give_the_same_model(pictures):
    frame = read(pictures)
    kept, anew = (
        H2ODeepWaterEstimator(**SMALL, epochs=1, cache_data=c).train(x="uri", y="label", training_frame=frame)
        for c in (True, False)
    )
    assert kept._model.checksum == anew._model.checksum


@pytest.mark.parametrize("name", ["flip", "crop", "rotate", "brightness", "erase"])
def test_each_augmentation_changes_images_and_repeats(name):
    import torch

    x = torch.from_numpy(bars(6)[0].transpose(0, 3, 1, 2).astype(np.float32))
    one, same, other = (augmented(torch, x, [name], np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.shape == x.shape
    assert torch.equal(one, same)
    assert not torch.equal(one, x)
    assert not torch.equal(one, other)
    if name == "flip":
        for a, b in zip(one, x):
            assert torch.allclose(a, b, atol=1e-2) or torch.allclose(a, b.flip(-1), atol=1e-2)


def test_augmentation_takes_part_in_training(pictures):
    frame = read(pictures)
    plain, changed, again = (
        H2ODeepWaterEstimator(**SMALL, epochs=1, augmentation=a).train(x="uri", y="label", training_frame=frame)
        for a in (None, ["flip", "crop"], ["flip", "crop"])
    )
    assert plain._model.checksum != changed._model.checksum == again._model.checksum


@pytest.mark.parametrize("least", [0.0, 1e9], ids=["several threads", "one thread"])
def test_images_are_the_same_however_many_threads_decode_them(pictures, monkeypatch, least):
    from heavywater.algos.deepwater import images

    (pictures.parent / "pictures/1_50.png").write_bytes(b"no image")
    monkeypatch.setattr(images, "_WORTHWHILE", least)
    column = images.ImageColumn(read(pictures)._frame(), "uri", Recipe(16, 16, 3), threads=3)
    found = column.pixels(np.arange(90))
    for i in (0, 7, 8, 9, 10, 49, 89):
        assert np.array_equal(found[i], decode((pictures.parent / f"pictures/1_{i}.png").read_bytes(), column.recipe))
    assert list(column.faults) == [50]
    assert not found[50].any()
