"""Promises of the imports of DeepFashion and of DVBPR."""

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.media import MediaStore
from offline.importing.deepfashion import plan_deepfashion
from offline.importing.dvbpr import plan_dvbpr
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import (
    changes,
    digests,
    events,
    imported,
    photo,
    products,
    put_photo,
    refusals,
)

DRESS = "WOMEN-Dresses-id_00006201-04"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_views_of_one_style_in_one_colour_are_one_product(tmp_path: Path, data: DataDir) -> None:
    folder = tmp_path / "set"
    put_photo(folder / "images" / f"{DRESS}_7_additional.jpg", "red")
    put_photo(folder / "images" / f"{DRESS}_1_front.jpg", "blue")
    put_photo(folder / "images" / "MEN-Tees_Tanks-id_00000007-01_1_front.jpg", "green")
    put_photo(folder / "images" / "holiday.jpg", "green")
    captions = {f"{DRESS}_7_additional.jpg": "A red  dress.", "x.jpg": 5}
    (folder / "captions.json").write_text(json.dumps(captions))
    report = imported(plan_deepfashion(folder), data)
    assert changes(report) == (2, 0, 0)
    assert [reason for _, _, reason in refusals(report)] == ["no name of a photo of DeepFashion"]
    dress, tee = products(data)[DRESS], products(data)["MEN-Tees_Tanks-id_00000007-01"]
    assert (dress.style_id, dress.title, dress.kind) == ("id_00006201", "Women Dresses", "dress")
    assert (dress.gender, dress.category) == ("women", ("Women", "Dresses"))
    assert dress.description == "A red dress."
    assert (tee.kind, tee.category) == ("", ("Men", "Tees Tanks"))
    media = MediaStore(data.media)
    assert [media.get(sha256) for sha256 in dress.images] == [photo("blue"), photo("red")]
    assert changes(imported(plan_deepfashion(folder), data)) == (0, 0, 2)


def test_boxes_of_in_shop_are_read_past_both_header_rows(tmp_path: Path, data: DataDir) -> None:
    folder = tmp_path / "shop"
    put_photo(folder / "img/WOMEN/Blouses_Shirts/id_00000001/02_1_front.jpg", "red")
    (folder / "Anno").mkdir()
    (folder / "Anno" / "list_bbox_inshop.txt").write_text(
        "3\n"
        "image_name clothes_type pose_type x_1 y_1 x_2 y_2\n"
        "img/WOMEN/Blouses_Shirts/id_00000001/02_1_front.jpg      1 1 50 49 208 182\n"
        "img/WOMEN/Blouses_Shirts/id_00000001/02_2_side.jpg       1 2 119 48 136\n"
        "img/WOMEN/Blouses_Shirts/id_00000001/02_3_back.jpg       1 3 50 49 40 182\n"
    )
    report = imported(plan_deepfashion(folder), data)
    assert [(line, reason) for _, line, reason in refusals(report)] == [
        (1, "no box (list_bbox_inshop.txt)"),
        (2, "no box (list_bbox_inshop.txt)"),
    ]
    shirt = products(data)["WOMEN-Blouses_Shirts-id_00000001-02"]
    assert dict(shirt.attributes) == {"garment": "upper body", "box": "50,49,208,182"}


def test_what_a_mask_calls_background_is_painted(tmp_path: Path, data: DataDir) -> None:
    folder = tmp_path / "set"
    (folder / "segm").mkdir(parents=True)
    (folder / "images").mkdir()
    Image.new("RGB", (64, 64), "red").save(folder / "images" / f"{DRESS}_1_front.jpg")
    parts = np.zeros((64, 64), np.uint8)
    parts[:, :32] = 5
    Image.fromarray(parts).save(folder / "segm" / f"{DRESS}_1_front_segm.png")
    other = "WOMEN-Dresses-id_00000002-01_1_front"
    put_photo(folder / "images" / f"{other}.jpg", "green")
    (folder / "segm" / f"{other}_segm.png").write_bytes(b"no mask")
    report = imported(plan_deepfashion(folder, masked="white"), data)
    assert report.refused == {}
    assert report.refused_photos == {"the photo cannot be painted by its mask": 1}
    found = products(data)
    painted = MediaStore(data.media).get(found[DRESS].images[0])
    assert painted is not None
    pixels = np.asarray(Image.open(io.BytesIO(painted)), np.int32)
    assert np.abs(pixels[8:56, 8:24] - (254, 0, 0)).max() < 8
    assert np.abs(pixels[8:56, 40:56] - 255).max() < 8
    assert found["WOMEN-Dresses-id_00000002-01"].images == ()
    before = digests(data)
    assert changes(imported(plan_deepfashion(folder, masked="white"), data)) == (0, 0, 2)
    assert digests(data) == before


def test_a_folder_without_photos_or_with_bad_captions_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="holds no photos"):
        plan_deepfashion(tmp_path)
    put_photo(tmp_path / f"{DRESS}_1_front.jpg", "red")
    (tmp_path / "captions.json").write_text("{")
    with pytest.raises(SetupError, match="is not JSON"):
        plan_deepfashion(tmp_path)


def noise(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def dvbpr(path: Path, users: object, *, protocol: int) -> Path:
    items = {
        n: {b"imgs": noise(n), b"asin": b"B%d" % n, b"categories": [[b"Women", b"Hats"]]}
        for n in range(3)
    }
    whole = np.empty(6, object)
    whole[:] = [users, {0: [{b"productid": 2}]}, {0: []}, items, 1, 3]
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": (6,)}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(whole, file, protocol=protocol)
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_dvbpr_is_read_as_data(protocol: int, tmp_path: Path, data: DataDir) -> None:
    users = {0: [{b"productid": 0}, {b"productid": np.int64(1), b"overall": 4.0}]}
    path = dvbpr(tmp_path / "set.npy", users, protocol=protocol)
    work = tmp_path / "work"
    report = imported(plan_dvbpr(path, work), data)
    assert changes(report) == (3, 0, 0)
    hat = products(data)["1"]
    assert (hat.title, hat.category, hat.gender) == ("Hats", ("Women", "Hats"), "women")
    assert dict(hat.attributes) == {"asin": "B1"}
    assert MediaStore(data.media).get(hat.images[0]) == noise(1)
    assert [(e.user_id, e.product_id, e.kind) for e in events(data)] == [
        ("u-0", "0", "purchase"),
        ("u-0", "1", "rating"),
        ("u-0", "2", "purchase"),
    ]
    assert not work.exists()
    assert changes(imported(plan_dvbpr(path, work), data)) == (0, 0, 3)


class Call:
    """Is pickled as a call."""

    def __init__(self, called: object, *arguments: object) -> None:
        self.call = (called, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize(
    ("planted", "why"),
    [
        (Call(os.mkdir, "PLANTED"), "posix.mkdir, which is not data"),
        (Call(eval, "1"), "eval, which is not data"),
        (Path("x"), "it names pathlib"),
        (Call(np.dtype, b"O", b"x", b"y"), ""),
    ],
)
def test_a_pickle_that_calls_is_refused_before_it_does(
    planted: object, why: str, tmp_path: Path
) -> None:
    planted_at = tmp_path / "planted"
    if isinstance(planted, Call) and planted.call[0] is os.mkdir:
        planted = Call(os.mkdir, str(planted_at))
    path = dvbpr(tmp_path / "set.npy", {0: [planted]}, protocol=2)
    if not why:
        # A type of numpy is data; as a review it says nothing.
        plan_dvbpr(path, tmp_path / "work")
        return
    with pytest.raises(SetupError, match=why):
        plan_dvbpr(path, tmp_path / "work")
    assert not planted_at.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no array", "no .npy file"),
        (b"", "no .npy file"),
        (b"CUT", "damaged"),
        (b"NUMBERS", "array of numbers"),
    ],
)
def test_what_is_no_set_of_dvbpr_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "set.npy"
    if content == b"CUT":
        whole = dvbpr(path, {0: []}, protocol=2).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif content == b"NUMBERS":
        np.save(path, np.arange(9))
    else:
        path.write_bytes(content)
    with pytest.raises(SetupError, match=why):
        plan_dvbpr(path, tmp_path / "work")
