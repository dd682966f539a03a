import json
import os
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from speaking_mouths import RATE, SayingClips, mouth_clip, mouth_corpus

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.evaluation.grid_grammar import CHARACTERS, VOCABULARY, encode, greedy_text
from orate.evaluation.lip_reader import LipReader, LipReaderConfig, LipReaderNet, load_lip_reader, save_lip_reader
from orate.evaluation.lip_training import LIP_RECIPE, UNKNOWN, LipRecipe, LipTask, sentence_loss
from orate.evaluation.mouth_clips import MouthClips, SpeakerOrder
from orate.evaluation.mouth_crops import mouth_region
from orate.training.supervised_config import read_recipe
from orate.training.supervised_trainer import SupervisedTrainer

TINY = {"channels": [2, 4, 4], "features": 8, "hidden": 8}
RUN = {"batch_size": 3, "warm_up": 2, "ema": 0.5, "precision": "fp32", "save_every": 0, "validate_every": 0}


def recipe(steps: int, **fields) -> LipRecipe:
    run = {**RUN, "steps": steps, **fields.pop("run", {})}
    return LipRecipe.model_validate({"model": TINY, "clip_frames": 50, "run": run, **fields})


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Mouths to learn from, and held out."""
    folder = tmp_path_factory.mktemp("lips")
    corpus = mouth_corpus(folder)
    return [MouthClips(SayingClips(corpus, split, RATE), folder / "clips") for split in ("train", "validation")]


def trainer(chosen: LipRecipe, parts: list[MouthClips], folder) -> SupervisedTrainer:
    return SupervisedTrainer(LipTask(chosen, *parts), chosen, chosen.run, folder)


def test_there_are_two_outputs_a_frame_and_they_are_probabilities():
    net = LipReaderNet(LipReaderConfig.model_validate(TINY)).eval()
    outputs = net(torch.randn(2, 1, 30, 40, 56))
    assert outputs.shape == (2, 60, 28)
    torch.testing.assert_close(outputs.exp().sum(-1), torch.ones(2, 60))


def test_the_loss_is_least_for_the_sentence_that_is_spelt():
    sentence = "bin blue at f two now"
    scores = torch.zeros(1, 2 * len(sentence), 28)
    scores[0, torch.arange(len(sentence)) * 2, encode(sentence)] = 9
    scores[0, torch.arange(len(sentence)) * 2 + 1, 0] = 9
    spelt = scores.log_softmax(-1)
    assert sentence_loss(spelt, [sentence]) < 0.1
    assert sentence_loss(spelt, ["bin blue at s two now"]) > sentence_loss(spelt, [sentence]) + 0.2


def test_it_learns_what_is_said(parts, tmp_path):
    figures = []
    chosen = recipe(60, vary=0, model={**TINY, "dropout": 0, "hidden": 16}, run={"learning_rate": 2e-2})
    trainer(chosen, parts, tmp_path).fit(lambda step, steps, new: figures.append(new))
    assert figures[-1]["ctc"] < 0.4 * figures[0]["ctc"]
    assert np.mean([new["words"] for new in figures[5:9]]) < figures[0]["words"]
    assert "words" not in figures[-1]  # they help at the beginning only


def test_a_run_in_two_parts_gives_the_numbers_of_one(parts, tmp_path):
    chosen = recipe(4)
    assert trainer(chosen, parts, tmp_path / "whole").fit() is None

    def stop(step: int, steps: int, figures: dict[str, float]) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert trainer(chosen, parts, tmp_path / "parts").fit(stop) == signal.SIGTERM
    again = trainer(chosen, parts, tmp_path / "parts")
    assert again.step == 2
    assert again.fit() is None
    whole, joined = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], joined[name]) for name in whole)


def test_a_folder_of_another_recipe_is_refused(parts, tmp_path):
    trainer(recipe(1), parts, tmp_path)
    trainer(recipe(2), parts, tmp_path)  # a run may become longer
    with pytest.raises(OrateError, match="another recipe"):
        trainer(recipe(2, hide=5), parts, tmp_path)


def test_held_out_sentences_are_validated_by_speaker(parts):
    chosen = recipe(1)
    task = LipTask(chosen, *parts)
    figures = task.validate(task.net.eval(), torch.device("cpu"))
    assert set(figures) == {"wer/s1", "greedy/s1", "wer/unseen", "greedy/unseen"}
    assert all(0 < figure <= 2 for figure in figures.values())


def test_frames_get_the_word_that_is_said_then(parts):
    task = LipTask(recipe(1, vary=0), *parts)
    numbers = task._words(0, torch.arange(50))  # six words of 8.3 frames
    assert [VOCABULARY[number - 1] for number in numbers[[0, 7, 9, 30, 49]]] == ["bin", "bin", "blue", "f", "now"]
    held_out = LipTask(recipe(1, vary=0), parts[1], parts[1])
    assert (held_out._words(1, torch.arange(50)) == UNKNOWN).all()


def test_letters_stand_in_their_words_and_spell_the_sentence(parts):
    task = LipTask(recipe(1, vary=0), *parts)
    numbers = task._letters(0, torch.arange(50))
    scores = torch.full((100, len(CHARACTERS)), -9.0)
    scores[torch.arange(100), numbers] = 0
    assert greedy_text(scores.numpy()) == "bin blue at f two now"
    assert "".join(CHARACTERS[number] for number in numbers[:16] if number) == "bin "
    slower = task._letters(0, torch.arange(50) // 2)  # only the first half is seen
    assert greedy_text(np.eye(len(CHARACTERS))[slower.numpy()]).startswith("bin blue at")
    held_out = LipTask(recipe(1, vary=0), parts[1], parts[1])
    assert (held_out._letters(1, torch.arange(50)) == UNKNOWN).all()


def test_tempo_varies_a_little_and_time_goes_on(parts):
    task = LipTask(recipe(1), *parts)
    for seed in range(20):
        frames = task._frames(0, torch.Generator().manual_seed(seed))
        assert frames.min() >= 0
        assert frames.max() <= 49
        assert (frames.diff() >= 0).all()
        assert (frames - torch.arange(50)).abs().max() <= 10


def test_clips_are_read_once_and_are_those_of_the_shards(parts, tmp_path, monkeypatch):
    corpus = ClipDataset(mouth_corpus(tmp_path, 2), "train", RATE)
    MouthClips(corpus, tmp_path / "clips")
    monkeypatch.setattr(ClipDataset, "__getitem__", None)  # nothing is decoded again
    clips, made = MouthClips(corpus, tmp_path / "clips"), mouth_clip("s1_1", 1)
    assert clips.keys == ["s1_0", "s1_1"]
    assert np.abs(clips.region(1).astype(int) - mouth_region(made.frames)).max() <= 4
    np.testing.assert_allclose(clips.sound(1), made.audio, atol=1e-4)
    assert clips.padded_region(1, 60).shape == (60, 48, 64)
    assert (clips.padded_region(1, 60)[50:] == clips.padded_region(1, 60)[49]).all()


def test_speakers_with_few_clips_come_up_more_often():
    order = SpeakerOrder(["a"] * 90 + ["b"] * 10, 1.0)
    random = torch.Generator().manual_seed(0)
    drawn = [index for _ in range(100) for index in order.draw(4, random)]
    assert 0.4 < np.mean([index >= 90 for index in drawn]) < 0.6


def test_weights_come_back_and_the_reader_reads(tmp_path):
    net = LipReaderNet(LipReaderConfig.model_validate(TINY)).eval()
    save_lip_reader(net, tmp_path / "net", {"steps": 1})
    again = load_lip_reader(tmp_path / "net")
    clip = mouth_clip("a", 0, 30)
    read, before = LipReader(again).logarithms(clip.frames), LipReader(net).logarithms(clip.frames)
    np.testing.assert_allclose(read, before, atol=2e-2)
    assert isinstance(LipReader(again)(clip.frames), str)
    assert isinstance(LipReader(again).greedy(clip.frames), str)


def test_damaged_weights_are_told(tmp_path):
    save_lip_reader(LipReaderNet(LipReaderConfig.model_validate(TINY)), tmp_path, {})
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(OrateError, match="checksum"):
        load_lip_reader(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(OrateError, match=r"config\.json"):
        load_lip_reader(tmp_path)


def test_clips_that_say_nothing_of_grid_are_refused(parts, tmp_path):
    silent = MouthClips(ClipDataset(mouth_corpus(tmp_path, 2), "train", RATE), tmp_path / "clips")
    with pytest.raises(OrateError, match="GRID"):
        LipTask(recipe(1), silent, silent)


def test_recipes_are_read_and_wrong_ones_told(tmp_path):
    assert read_recipe(LipRecipe, LIP_RECIPE).run.steps > 0
    (tmp_path / "wrong.yaml").write_text("model: {layers: 3}", encoding="utf-8")
    with pytest.raises(OrateError, match=r"model\.layers"):
        read_recipe(LipRecipe, tmp_path / "wrong.yaml")
    (tmp_path / "wrong.yaml").write_text("7", encoding="utf-8")
    with pytest.raises(OrateError, match="sections"):
        read_recipe(LipRecipe, tmp_path / "wrong.yaml")
    assert json.loads(read_recipe(LipRecipe, LIP_RECIPE).model_dump_json())["kind"] == "lip-reader"
