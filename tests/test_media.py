"""Promises of the media store."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from catalog.media import MAX_PHOTO_BYTES, MediaStore, media_type
from runtime.errors import InvalidArgument, TooLarge


def photo(form: str = "PNG", size: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.mark.parametrize(
    ("form", "kind"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
@pytest.mark.parametrize("durable", [True, False])
def test_a_photo_comes_back_by_its_hash(
    media: MediaStore, form: str, kind: str, durable: bool
) -> None:
    data = photo(form)
    sha256 = media.put(data, durable=durable)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert media.get(sha256) == data
    assert media_type(data) == kind
    path = media.path(sha256)
    assert path is not None
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a....", b"%PDF-1.7", b"<svg/>", b"RIFF\x00\x00\x00\x00WAVE", b"\x89PN"],
    ids=str,
)
def test_what_is_no_photo_is_refused(media: MediaStore, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        media.put(data)
    assert not list(tmp_path.rglob("*"))


def test_a_photo_over_the_limit_is_refused(media: MediaStore) -> None:
    whole = photo() + b"\0" * (MAX_PHOTO_BYTES - len(photo()))
    media.put(whole)
    with pytest.raises(TooLarge):
        media.put(whole + b"\0")


@pytest.mark.parametrize("name", ["", "../secret", "ab" * 31, "AB" * 32, "ab" * 32 + "/..", "\0"])
def test_a_name_that_is_no_hash_finds_nothing(media: MediaStore, name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    assert media.get(name) is None
    assert media.path(name) is None
    with pytest.raises(InvalidArgument):
        media.put_thumbnail(name, 256, photo())


def test_a_hash_that_was_never_put_finds_nothing(media: MediaStore) -> None:
    assert media.get("ab" * 32) is None
    assert media.path("ab" * 32) is None


def test_a_thumbnail_is_given_where_there_is_one_else_the_photo(media: MediaStore) -> None:
    small, large = photo("JPEG"), photo("JPEG", 64)
    sha256 = media.put(large)
    assert media.get(sha256, 256) == large
    media.put_thumbnail(sha256, 256, small)
    assert media.get(sha256, 256) == small
    assert media.get(sha256, 512) == large
    assert media.get(sha256) == large
    assert media.path(sha256, 512) is None


def test_a_thumbnail_of_another_width_or_kind_is_refused(media: MediaStore) -> None:
    sha256 = media.put(photo())
    for width, data in ((100, photo()), (256, b"no photo")):
        with pytest.raises(InvalidArgument):
            media.put_thumbnail(sha256, width, data)


def test_a_file_cut_short_is_healed_by_the_next_put(media: MediaStore) -> None:
    data = photo()
    path = media.path(media.put(data))
    assert path is not None
    path.write_bytes(data[:5])
    assert media.get(media.put(data)) == data


def test_many_threads_may_put_the_same_photo(media: MediaStore, tmp_path: Path) -> None:
    data = photo()
    with ThreadPoolExecutor(8) as threads:
        hashes = set(threads.map(lambda _: media.put(data), range(40)))
    assert len(hashes) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == list(hashes)
