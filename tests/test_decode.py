"""Promises of the photo decoder: right pixels, hard limits, and no photo that hurts another."""

import io
import os
import signal
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.crop import Crop
from runtime.errors import DeadlineExceeded, InvalidArgument, Overloaded
from services.image_retriever import photo_worker
from services.image_retriever.decode import MAX_PHOTO_BYTES, PhotoDecoder, UndecodablePhoto
from services.image_retriever.decode_bulk import decode_many

RED, BLUE, WHITE = (220, 20, 20), (20, 20, 220), (255, 255, 255)


@pytest.fixture(scope="module")
def decoder() -> Iterator[PhotoDecoder]:
    decoder = PhotoDecoder()
    yield decoder
    decoder.close()


def encoded(photo: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    photo.save(out, kind, **options)
    return out.getvalue()


def halves(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """A photo whose left half is red and whose right half is blue."""
    photo = Image.new("RGB", (width, height), RED)
    photo.paste(BLUE, (width // 2, 0, width, height))
    return photo.convert(mode)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def is_close(pixel: np.ndarray, colour: tuple[int, int, int], within: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= within)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_centred_on_a_white_square(decoder: PhotoDecoder, kind: str) -> None:
    pixels = decoder.decode(encoded(halves(), kind, quality=95), size=30)
    assert pixels.shape == (30, 30, 3)
    assert pixels.dtype == np.uint8
    assert is_close(pixels[0, 15], WHITE)
    assert is_close(pixels[29, 15], WHITE)
    assert is_close(pixels[15, 3], RED)
    assert is_close(pixels[15, 26], BLUE)


def test_a_crop_is_taken_in_fractions_of_the_photo(decoder: PhotoDecoder) -> None:
    data = encoded(halves(), "PNG")
    right = decoder.decode(data, size=16, crop=Crop(0.5, 0.0, 0.5, 1.0))
    assert is_close(right[8, 8], BLUE)
    assert is_close(right[8, 2], BLUE)


def test_a_crop_is_taken_of_the_upright_photo(decoder: PhotoDecoder) -> None:
    # Orientation 6: the sensor lay on its side, so red (the sensor's left) is the upright top.
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(halves(), "JPEG", exif=exif, quality=95)
    whole = decoder.decode(data, size=30)
    assert is_close(whole[3, 15], RED)
    assert is_close(whole[26, 15], BLUE)
    bottom = decoder.decode(data, size=30, crop=Crop(0.0, 0.5, 1.0, 0.5))
    assert is_close(bottom[15, 15], BLUE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_mended_as_pillow_does(decoder: PhotoDecoder, orientation: int) -> None:
    from PIL import ImageOps

    photo = halves(48, 32)
    photo.paste((20, 220, 20), (0, 0, 12, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo, "PNG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert decoder.pixels_digest(data) == decoder.pixels_digest(encoded(wanted, "PNG"))


def test_transparency_lies_on_white(decoder: PhotoDecoder) -> None:
    photo = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    photo.paste((*RED, 255), (0, 0, 10, 20))
    for kind in ("PNG", "WEBP"):
        pixels = decoder.decode(encoded(photo, kind, lossless=True), size=20)
        assert is_close(pixels[10, 3], RED)
        assert is_close(pixels[10, 16], WHITE)


def test_a_palette_with_transparency_lies_on_white(decoder: PhotoDecoder) -> None:
    photo = Image.new("P", (20, 20), 0)
    photo.putpalette([*RED, *BLUE])
    photo.paste(1, (0, 0, 10, 20))
    pixels = decoder.decode(encoded(photo, "PNG", transparency=0), size=20)
    assert is_close(pixels[10, 3], BLUE)
    assert is_close(pixels[10, 16], WHITE)


def test_sixteen_bits_grey_cmyk_and_bilevel_become_rgb(decoder: PhotoDecoder) -> None:
    deep = Image.new("I;16", (20, 20), 32896)  # 128 * 257: middle grey
    assert is_close(decoder.decode(encoded(deep, "PNG"), size=20)[5, 5], (128, 128, 128), 1)
    grey = Image.new("L", (20, 20), 200)
    assert is_close(decoder.decode(encoded(grey, "JPEG"), size=20)[5, 5], (200, 200, 200), 2)
    ink = halves(40, 40, "CMYK")
    assert is_close(decoder.decode(encoded(ink, "JPEG", quality=95), size=20)[10, 3], RED, 16)
    bits = Image.new("1", (20, 20), 1)
    assert is_close(decoder.decode(encoded(bits, "PNG"), size=20)[5, 5], WHITE)
    faint = Image.new("LA", (20, 20), (0, 0))
    assert is_close(decoder.decode(encoded(faint, "PNG"), size=20)[5, 5], WHITE)


def test_only_the_first_frame_is_read(decoder: PhotoDecoder) -> None:
    frames = [Image.new("RGB", (20, 20), (20, 20, 20 + n)) for n in range(200)]
    first = Image.new("RGB", (20, 20), RED)
    for kind in ("PNG", "WEBP"):
        data = encoded(first, kind, save_all=True, append_images=frames, lossless=True)
        assert is_close(decoder.decode(data, size=20)[10, 10], RED)


def test_bytes_after_a_jpeg_change_nothing(decoder: PhotoDecoder) -> None:
    data = encoded(halves(), "JPEG")
    both = data + b"PK\x03\x04<script>alert(1)</script>" * 50
    assert decoder.pixels_digest(both) == decoder.pixels_digest(data)


def bad_photos() -> dict[str, bytes]:
    jpeg = encoded(Image.effect_noise((300, 300), 80).convert("RGB"), "JPEG")
    gif = encoded(halves(), "GIF", save_all=True, append_images=[halves()] * 199)
    return {
        "empty": b"",
        "bytes": b"\xff\xd8\xff" + bytes(MAX_PHOTO_BYTES),
        "format": gif,
        "format zero": bytes(4096),
        "format riff": b"RIFF\x00\x00\x00\x00WAVEfmt ",
        "broken cut": jpeg[: len(jpeg) // 2],
        "broken magic": b"\x89PNG\r\n\x1a\n" + jpeg,
        "broken polyglot": b"\xff\xd8\xff" + encoded(halves(), "PNG"),
        "broken webp": encoded(halves(), "WEBP")[:40],
        "pixels bomb": png_header(12_000, 12_000),
        "pixels wide": png_header(65_535, 65_535),
        "side long": png_header(20_000, 400),
        "side small": encoded(Image.new("RGB", (4, 4)), "PNG"),
        "aspect": encoded(Image.new("RGB", (1020, 20)), "PNG"),
    }


@pytest.mark.parametrize("name", list(bad_photos()))
def test_a_bad_photo_is_refused_with_its_reason(decoder: PhotoDecoder, name: str) -> None:
    before = decoder.pids()
    with pytest.raises(UndecodablePhoto) as caught:
        decoder.decode(bad_photos()[name], size=32)
    assert caught.value.reason == name.split()[0]
    assert caught.value.field == "photo"
    assert decoder.pids() == before, "a refusal must not cost a worker"


def test_the_bomb_needs_no_memory_to_refuse(decoder: PhotoDecoder) -> None:
    """The header decides: the worker's peak memory does not grow by the size of the canvas."""
    with pytest.raises(UndecodablePhoto):
        decoder.decode(png_header(12_000, 12_000), size=32)
    for pid in decoder.pids():
        status = Path(f"/proc/{pid}/status").read_text()
        peak_kib = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        assert peak_kib < 200_000


def test_a_large_jpeg_is_decoded_small(decoder: PhotoDecoder) -> None:
    """24 million pixels cost the memory of a draft, not of the photo (276 MB)."""
    fresh = PhotoDecoder(workers=1)
    try:
        pixels = fresh.decode(encoded(halves(6000, 4000), "JPEG"), size=96)
        assert is_close(pixels[48, 10], RED)
        status = Path(f"/proc/{fresh.pids()[0]}/status").read_text()
    finally:
        fresh.close()
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
    assert peak_kib < 120_000


def test_a_worker_imports_nothing_heavy(decoder: PhotoDecoder) -> None:
    decoder.decode(encoded(halves(), "PNG"), size=16)
    for pid in decoder.pids():
        loaded = Path(f"/proc/{pid}/maps").read_text()
        assert "PIL" in loaded
        assert not any(name in loaded for name in ("grpc", "torch", "faiss", "numpy"))


def test_a_worker_has_its_limits_and_no_environment(decoder: PhotoDecoder) -> None:
    decoder.decode(encoded(halves(), "PNG"), size=16)
    decoder.decode(encoded(halves(), "PNG"), size=16)
    for pid in decoder.pids():
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        space = next(line for line in limits if line.startswith("Max address space"))
        assert str(photo_worker.MEMORY_BYTES) in space
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""


def test_a_dead_decoder_costs_one_request(decoder: PhotoDecoder) -> None:
    good = encoded(halves(), "PNG")
    worker = PhotoDecoder(workers=1)
    try:
        worker.decode(good, size=16)
        (pid,) = worker.pids()
        os.kill(pid, signal.SIGSTOP)
        # The request is under way when the decoder dies of a segmentation fault.
        with ThreadPoolExecutor(1) as pool:
            doomed = pool.submit(worker.decode, good, size=16)
            os.kill(pid, signal.SIGSEGV)
            os.kill(pid, signal.SIGCONT)
            with pytest.raises(UndecodablePhoto) as caught:
                doomed.result(timeout=30)
        assert caught.value.reason == "crash"
        assert worker.decode(good, size=16).shape == (16, 16, 3)
        assert worker.pids() != [pid]
    finally:
        worker.close()


def test_a_stuck_decoder_is_killed_and_replaced() -> None:
    good = encoded(halves(), "PNG")
    worker = PhotoDecoder(workers=1, timeout_s=0.3)
    try:
        with_retries(worker, good)
        (pid,) = worker.pids()
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(UndecodablePhoto) as caught:
            worker.decode(good, size=16)
        assert caught.value.reason == "timeout"
        assert not Path(f"/proc/{pid}").exists()
        with_retries(worker, good)
    finally:
        worker.close()


def with_retries(worker: PhotoDecoder, data: bytes) -> None:
    """Decodes once, however busy the machine: a tight time limit may strike a good photo."""
    for _ in range(20):
        try:
            assert worker.decode(data, size=16, wait_s=60).shape == (16, 16, 3)
            return
        except UndecodablePhoto:
            continue
    raise AssertionError("the decoder never came back")


def test_a_full_queue_refuses_at_once() -> None:
    good = encoded(halves(), "PNG")
    worker = PhotoDecoder(workers=1, queue=1, timeout_s=60)
    try:
        worker.decode(good, size=16)
        (pid,) = worker.pids()
        os.kill(pid, signal.SIGSTOP)
        refused = threading.Semaphore(0)
        outcomes: list[object] = []

        def ask() -> None:
            try:
                outcomes.append(worker.decode(good, size=16, wait_s=60).shape)
            except Overloaded as error:
                outcomes.append(error)
                refused.release()

        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(ask)
            # One is being decoded and one waits, so the other two are turned away.
            refused.acquire(timeout=30)
            refused.acquire(timeout=30)
            os.kill(pid, signal.SIGCONT)
        assert [type(outcome) for outcome in outcomes].count(Overloaded) == 2
        assert outcomes.count((16, 16, 3)) == 2
    finally:
        worker.close()


def test_waiting_for_a_worker_has_an_end() -> None:
    good = encoded(halves(), "PNG")
    worker = PhotoDecoder(workers=1, timeout_s=60)
    try:
        worker.decode(good, size=16)
        os.kill(worker.pids()[0], signal.SIGSTOP)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(worker.decode, good, size=16)
            while not worker.busy():
                pass
            with pytest.raises(DeadlineExceeded):
                worker.decode(good, size=16, wait_s=0)
            os.kill(worker.pids()[0], signal.SIGCONT)
            running.result(timeout=30)
    finally:
        worker.close()


@pytest.mark.parametrize(
    "edges",
    [(0, 0, 0, 1), (-0.1, 0, 1, 1), (0.5, 0, 0.6, 1), (0, float("nan"), 1, 1), (0, 0, 1, -1)],
)
def test_a_crop_outside_the_photo_is_refused(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Crop(*edges)
    assert caught.value.field == "crop"


def test_a_thumbnail_keeps_the_shape_and_is_never_enlarged(decoder: PhotoDecoder) -> None:
    data = encoded(halves(600, 900), "JPEG")
    found = decoder.thumbnail(data, width=256)
    assert (found.width, found.height) == (600, 900)
    thumbnail = Image.open(io.BytesIO(found.payload))
    assert thumbnail.format == "WEBP"
    assert thumbnail.size == (256, 384)
    small = decoder.thumbnail(encoded(halves(60, 40), "PNG"), width=256)
    assert Image.open(io.BytesIO(small.payload)).size == (60, 40)


def test_equal_pixels_have_equal_digests(decoder: PhotoDecoder) -> None:
    assert decoder.pixels_digest(encoded(halves(), "PNG")) == decoder.pixels_digest(
        encoded(halves(), "WEBP", lossless=True)
    )
    assert decoder.pixels_digest(encoded(halves(), "PNG")) != decoder.pixels_digest(
        encoded(halves(40, 60), "PNG")
    )


def test_many_photos_come_out_in_order_and_refusals_stay_in_place(decoder: PhotoDecoder) -> None:
    photos = [
        encoded(Image.new("RGB", (20, 20), (n * 4, 0, 0)), "PNG") if n % 7 else b"no photo"
        for n in range(40)
    ]
    found = list(decode_many(photos, size=8))
    assert len(found) == 40
    for n, (data, pixels) in enumerate(zip(photos, found, strict=True)):
        if n % 7:
            assert isinstance(pixels, np.ndarray)
            assert np.array_equal(pixels, decoder.decode(data, size=8))
        else:
            assert isinstance(pixels, UndecodablePhoto)
            assert pixels.reason == "format"


def test_many_photos_are_read_as_they_are_needed() -> None:
    taken = 0

    def photos() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield encoded(halves(), "PNG")

    next(decode_many(photos(), size=8))
    assert taken <= 16


def on_carpet(seed: int = 0) -> Image.Image:
    """A red garment with a white stripe on a carpet of greens, and which pixels it is."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 60, (30, 24, 1)) + np.array([40, 90, 60])
    pixels = np.kron(tiles, np.ones((16, 16, 1))).astype(np.uint8)
    pixels[120:400, 90:300] = RED
    pixels[240:270, 90:300] = WHITE
    return Image.fromarray(pixels)


def test_a_garment_is_taken_off_its_background(decoder: PhotoDecoder) -> None:
    pixels, is_alone = decoder.decode_garment(encoded(on_carpet(), "PNG"), size=96)
    assert is_alone
    is_red = np.asarray((pixels[..., 0] > 150) & (pixels[..., 1] < 100))
    is_white = np.asarray((pixels > 230).all(axis=2))
    assert (is_red | is_white).mean() > 0.93, "nothing of the carpet is left"
    assert is_white[:3].all(), "the gallery is on white as well"
    assert is_red[:, 48].sum() > 60, "cut out, it fills the photo"
    middle = np.flatnonzero(is_red[:, 48])
    assert is_white[middle[0] : middle[-1], 48].sum() >= 5, "the stripe is no hole"


def test_a_crop_comes_before_the_background(decoder: PhotoDecoder) -> None:
    pixels, is_alone = decoder.decode_garment(
        encoded(on_carpet(), "PNG"), size=64, crop=Crop(0.0, 0.1, 1.0, 0.8)
    )
    assert is_alone
    assert ((pixels > 230).all(axis=2) | (pixels[..., 0] > 150)).mean() > 0.9


@pytest.mark.parametrize("kind", ["noise", "one colour", "no border", "the same colours"])
def test_what_cannot_be_told_apart_stays_as_it_is(decoder: PhotoDecoder, kind: str) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (200, 160, 3), dtype=np.uint8)
    if kind == "one colour":
        pixels[:] = RED
    elif kind == "no border":
        pixels[:] = np.linspace(60, 200, 200)[:, None, None].astype(np.uint8)
    elif kind == "the same colours":
        pixels[60:140, 50:110] = rng.permutation(pixels[60:140, 50:110].reshape(-1, 3)).reshape(
            80, 60, 3
        )
    data = encoded(Image.fromarray(pixels), "PNG")
    found, is_alone = decoder.decode_garment(data, size=64)
    assert not is_alone
    assert np.array_equal(found, decoder.decode(data, size=64))


def test_numpy_comes_with_the_first_background_alone() -> None:
    worker = PhotoDecoder(workers=1)
    try:
        worker.decode(encoded(halves(), "PNG"), size=16)
        (pid,) = worker.pids()
        assert "numpy" not in Path(f"/proc/{pid}/maps").read_text()
        worker.decode_garment(encoded(on_carpet(), "PNG"), size=16)
        assert worker.pids() == [pid]
        loaded = Path(f"/proc/{pid}/maps").read_text()
        assert "numpy" in loaded
        assert not any(name in loaded for name in ("grpc", "torch", "faiss"))
        with pytest.raises(UndecodablePhoto):
            worker.decode_garment(b"no photo", size=16)
    finally:
        worker.close()
