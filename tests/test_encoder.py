"""Promises of the encoders: one space, one fingerprint, and padding that changes nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from runtime.errors import SetupError
from services.image_retriever.architecture import (
    CONFIG,
    WEIGHTS,
    Architecture,
    Preprocessing,
    Trained,
)
from services.image_retriever.encoder import ClipEncoder, Encoder, Parts, open_encoder
from services.image_retriever.open_models import open_model
from services.image_retriever.precision import device_of, dtype_of
from services.image_retriever.text_tower import mean_of_words, text_tower
from services.image_retriever.tokenizer import FIRST_WORD, UNKNOWN, WordTokenizer
from services.image_retriever.vision import import_open_clip

TEXTS = [
    "red dress",
    "red",
    "a long red summer dress for women with dots and a wide hem to wear on the beach at noon",
    "dress summer dots",
]
WORDS = ("dress", "red", "tshirt", "summer", "dots", "women", "beach")
TINY = Architecture(dim=24, width=32, heads=2, layers=2)


def trained(seed: int = 0, *, words: tuple[str, ...] = WORDS) -> Trained:
    tokenizer = WordTokenizer.learn([*words, *words])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Trained(TINY.build(tokenizer, 32), tokenizer, TINY, Preprocessing(32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    trained().write(folder)
    return folder


@pytest.fixture(scope="module")
def ours(folder: Path) -> Encoder:
    return open_encoder(folder, precision="fp32")


@pytest.fixture(scope="module")
def open_parts() -> Parts:
    """ViT-B-32 with random weights: the tower of most models on the hub."""
    return Parts(*open_model("open_clip:ViT-B-32/random"))


@pytest.fixture(scope="module")
def theirs(open_parts: Parts) -> Encoder:
    return ClipEncoder(open_parts, precision="fp32")


@pytest.fixture(params=["ours", "theirs"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    found: Encoder = request.getfixturevalue(request.param)
    return found


def photos(count: int, size: int) -> list[np.ndarray]:
    generator = np.random.default_rng(5)
    return list(generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def test_vectors_are_unit_rows_of_one_length(encoder: Encoder) -> None:
    texts, known = encoder.encode_texts(TEXTS)
    pictures = encoder.encode_photos(photos(3, encoder.image_size))
    assert texts.shape == (len(TEXTS), encoder.dim)
    assert pictures.shape == (3, encoder.dim)
    assert texts.dtype == pictures.dtype == np.float32
    assert known.all()
    for rows in (texts, pictures):
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_in_gives_nothing_out(encoder: Encoder) -> None:
    rows, known = encoder.encode_texts([])
    assert rows.shape == (0, encoder.dim)
    assert known.shape == (0,)
    assert encoder.encode_photos([]).shape == (0, encoder.dim)


def test_a_text_has_the_same_vector_alone_and_among_others(encoder: Encoder) -> None:
    many = TEXTS * 30
    together, _ = encoder.encode_texts(many)
    for place, text in enumerate(TEXTS):
        alone, _ = encoder.encode_texts([text])
        assert np.abs(together[place::4] - alone).max() < 1e-5


def test_a_photo_has_the_same_vector_alone_and_among_others(encoder: Encoder) -> None:
    pictures = photos(3, encoder.image_size)
    together = encoder.encode_photos(pictures)
    for place, picture in enumerate(pictures):
        assert np.abs(together[place] - encoder.encode_photos([picture])[0]).max() < 1e-5


def test_cutting_the_padding_changes_no_vector_of_an_open_model(
    open_parts: Parts, theirs: Encoder
) -> None:
    ids = torch.from_numpy(open_parts.tokenizer.encode(TEXTS))
    with torch.inference_mode():
        whole = open_parts.model.encode_text(ids)  # type: ignore[operator]
    assert int(text_tower(open_parts.model).lengths(ids).max()) < ids.shape[1]
    cut, _ = theirs.encode_texts(TEXTS)
    assert np.abs(functional.normalize(whole, dim=-1).numpy() - cut).max() < 1e-5


def test_cutting_the_padding_changes_no_vector_of_ours() -> None:
    model = trained()
    model.model.eval()
    tower = model.model.text
    ids = torch.from_numpy(model.tokenizer.encode(TEXTS))
    with torch.inference_mode():
        whole = mean_of_words(tower, ids)  # type: ignore[arg-type]
        for row, features in zip(ids, whole, strict=True):
            words = int((row != 0).sum())
            alone = mean_of_words(tower, row[None, :words])[0]  # type: ignore[arg-type]
            assert torch.allclose(alone, features, atol=1e-5)


def test_a_tower_that_reads_its_padding_keeps_it() -> None:
    """SigLIP pools at the last position, of a text that is padded to its full length."""
    open_clip = import_open_clip()
    text = {"context_length": 20, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1}
    model = open_clip.CustomTextCLIP(
        embed_dim=8,
        vision_cfg={"timm_model_name": "resnet10t", "image_size": 32},
        text_cfg={**text, "no_causal_mask": True, "pool_type": "last"},
    )
    assert text_tower(model).lengths(torch.zeros(3, 20, dtype=torch.long)).tolist() == [20] * 3


def test_a_text_without_a_known_word_is_zeros_and_says_so(ours: Encoder) -> None:
    rows, known = ours.encode_texts(["red dress", "xqzzy", "", "   "])
    assert known.tolist() == [True, False, False, False]
    assert not rows[1:].any()


def test_an_empty_text_says_nothing_to_an_open_model(theirs: Encoder) -> None:
    rows, known = theirs.encode_texts(["", "red", "\u200b "])
    assert known.tolist() == [False, True, False]
    assert not rows[0].any()


def test_tee_and_t_shirt_are_one_word(ours: Encoder) -> None:
    rows, known = ours.encode_texts(["red tee", "red t-shirt", "red T shirt", "red tees"])
    assert known.all()
    assert np.abs(rows - rows[0]).max() < 1e-6


def test_unknown_words_have_one_number_and_long_texts_end(folder: Path) -> None:
    tokenizer = WordTokenizer.open(folder)
    ids = tokenizer.encode(["red xqzzy dress", "dress " * 40])
    assert ids.shape == (2, tokenizer.positions)
    assert ids[0, 1] == UNKNOWN
    assert ids[0, 0] >= FIRST_WORD
    assert (ids[1] >= FIRST_WORD).all()


def test_a_vocabulary_holds_words_that_occur_often_enough_commonest_first() -> None:
    tokenizer = WordTokenizer.learn(["red dress", "red dress", "red skirt"])
    assert tokenizer.words == ("red", "dress")


def test_a_photo_of_another_size_is_refused(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="not uint8"):
        encoder.encode_photos(photos(1, encoder.image_size + 1))


def test_what_is_written_opens_with_the_same_fingerprint_and_vectors(
    folder: Path, ours: Encoder
) -> None:
    made = trained()
    assert made.fingerprint() == ours.fingerprint
    fresh = ClipEncoder(
        Parts(made.model, made.tokenizer, made.preprocessing), precision="fp32", device="cpu"
    )
    assert np.abs(fresh.encode_texts(TEXTS)[0] - ours.encode_texts(TEXTS)[0]).max() < 1e-6
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoder.json",
        "vocabulary.json",
        "weights.safetensors",
    ]


def test_a_fingerprint_follows_all_that_moves_a_vector() -> None:
    made = trained()
    others = [
        trained(1),
        trained(words=(*WORDS[1:], WORDS[0], "skirt")),
        replace(made, preprocessing=replace(made.preprocessing, mean=(0.4, 0.5, 0.5))),
        replace(made, preprocessing=replace(made.preprocessing, template="a photo of {}")),
        replace(made, preprocessing=replace(made.preprocessing, background="grey-square")),
        replace(made, tokenizer=WordTokenizer([*made.tokenizer.words[::-1]])),
    ]
    prints = {made.fingerprint(), *(other.fingerprint() for other in others)}
    assert len(prints) == len(others) + 1


def test_bf16_gives_nearly_the_same_vectors_under_the_same_fingerprint(
    folder: Path, ours: Encoder
) -> None:
    half = open_encoder(folder, precision="bf16")
    assert half.fingerprint == ours.fingerprint
    pictures = photos(2, ours.image_size)
    texts = (half.encode_texts(TEXTS)[0] * ours.encode_texts(TEXTS)[0]).sum(axis=1)
    seen = (half.encode_photos(pictures) * ours.encode_photos(pictures)).sum(axis=1)
    assert texts.min() > 0.999
    assert seen.min() > 0.999


def test_random_weights_are_the_same_each_time(theirs: Encoder) -> None:
    again = open_encoder("open_clip:ViT-B-32/random", precision="fp32")
    assert again.fingerprint == theirs.fingerprint


def test_a_local_folder_of_safetensors_opens(tmp_path: Path) -> None:
    model_config: dict[str, object] = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 12, "width": 16, "heads": 2, "layers": 1},
    }
    config = {"model_cfg": model_config, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3]}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    made = import_open_clip().CLIP(**model_config)
    state = {name: value.contiguous() for name, value in made.state_dict().items()}
    save_file(state, tmp_path / "open_clip_model.safetensors")
    model, _, preprocessing = open_model(str(tmp_path))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert (preprocessing.image_size, preprocessing.mean) == (32, (0.1, 0.2, 0.3))
    assert open_encoder(tmp_path).dim == 16


def test_weights_in_a_pickle_are_not_read(tmp_path: Path) -> None:
    open_clip = import_open_clip()
    config = {"model_cfg": open_clip.get_model_config("ViT-B-32")}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(SetupError, match="safetensors"):
        open_encoder(tmp_path)


def test_a_hub_that_does_not_answer_is_told_with_the_way_out(tmp_path: Path) -> None:
    specs = ["hf-hub:Marqo/marqo-fashionSigLIP", "open_clip:ViT-B-32/laion2b_s34b_b79k"]
    program = (
        "import sys\n"
        "from runtime.errors import SetupError\n"
        "from services.image_retriever.encoder import open_encoder\n"
        "for spec in sys.argv[1:]:\n"
        "    try:\n"
        "        open_encoder(spec)\n"
        "    except SetupError as error:\n"
        "        print(error)\n"
    )
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", program, *specs],
        env=offline,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(told) == 2
    assert all(line.startswith("cannot fetch") and "local folder" in line for line in told)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nothing", "no encoder"),
        ("open_clip:ViT-B-32/nobody", "tags"),
        ("open_clip:No-Such/random", "no encoder"),
    ],
)
def test_an_unknown_encoder_is_told(spec: str, says: str) -> None:
    with pytest.raises(SetupError, match=says):
        open_encoder(spec)


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="open_clip_config"):
        open_encoder(tmp_path)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "vocabulary.json"])
def test_a_damaged_artifact_is_told(name: str, tmp_path: Path) -> None:
    trained().write(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SetupError, match="train it again"):
        open_encoder(tmp_path)


def test_precision_and_device_fail_by_name() -> None:
    assert dtype_of("bf16", "cpu") is torch.bfloat16
    assert dtype_of("fp32", "cpu") is torch.float32
    assert dtype_of("auto", "cpu") in (torch.bfloat16, torch.float32)
    with pytest.raises(SetupError, match="precision"):
        dtype_of("fp8", "cpu")
    with pytest.raises(SetupError, match="device"):
        device_of("toaster")


def test_open_clip_is_one_module_however_often_it_is_imported() -> None:
    assert import_open_clip() is import_open_clip()


def test_threads_are_set_by_the_caller(folder: Path) -> None:
    before = torch.get_num_threads()
    try:
        open_encoder(folder, threads=1)
        assert torch.get_num_threads() == 1
        open_encoder(folder)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
