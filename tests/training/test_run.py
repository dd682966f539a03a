"""A run as a whole: it resumes bit for bit, obeys signals, and leaves behind what it says."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from synthetic_corpus import HEIGHT, RATE, SHRINK, WIDTH, speaking_clip, write_corpus
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.media.audio import audio_duration
from orate.media.video import read_video, video_info
from orate.models.checkpoint import load_model, read_metadata
from orate.training.config import bundled_configs
from orate.training.record import PLATEAU_STEPS, Record
from orate.training.state import load_state
from orate.training.trainer import STATE_FILE
from orate.training.validation import draw_clips, validate

WAIT_S = 120
PHASES = ("losses.pixels_from=1", "losses.adversarial_from=2")


def assert_same(first, second, place: str = "") -> None:
    """Nested states equal bit for bit; the message names the first difference."""
    assert type(first) is type(second), place
    if isinstance(first, torch.Tensor):
        assert first.dtype == second.dtype, place
        assert torch.equal(first, second), place
    elif isinstance(first, dict):
        assert list(first) == list(second), place
        for key in first:
            assert_same(first[key], second[key], f"{place}/{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), place
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_same(one, other, f"{place}/{index}")
    else:
        assert first == second, place


@pytest.fixture(scope="module")
def recipe(shrunk):
    """paper-small with all its draws at random; it listens, then draws, then is judged: steps -> TrainConfig."""

    def make(steps: int, *overrides: str):
        return shrunk("paper-small", *PHASES, f"run.steps={steps}", *overrides)

    return make


@pytest.fixture(scope="module")
def whole(recipe, make_trainer, tmp_path_factory):
    """The state of seven steps in one go: two epochs of three steps and one step more."""
    folder = tmp_path_factory.mktemp("whole")
    assert make_trainer(recipe(7), folder).fit() is None
    return load_state(folder / STATE_FILE)


@pytest.mark.parametrize("stops", [[3], [4], [1, 5]], ids=["between epochs", "within an epoch", "twice"])
def test_resume_equals_uninterrupted(whole, recipe, make_trainer, tmp_path, stops):
    for stop in [*stops, 7]:
        trainer = make_trainer(recipe(stop), tmp_path)
        trainer.fit()
        assert trainer.step == stop
    state = load_state(tmp_path / STATE_FILE)
    assert set(state["gan"]) == {"learner", "optimiser", "average", "critics", "critic_optimisers"}
    assert set(state["gan"]["critics"]) == set(state["gan"]["critic_optimisers"]) == {"frame", "sync", "sequence"}
    assert_same(state, whole)


def test_saving_on_the_way_changes_nothing(whole, recipe, make_trainer, tmp_path):
    settings = ("run.save_every=2", "run.sample_every=3", "run.validate_every=2", "run.log_every=1")
    make_trainer(recipe(7, *settings), tmp_path, metrics=lambda real, made: {"level": float(made.mean())}).fit()
    assert_same(load_state(tmp_path / STATE_FILE), whole)


def test_another_seed_gives_other_weights(whole, recipe, make_trainer, tmp_path):
    make_trainer(recipe(7, "run.seed=1"), tmp_path).fit()
    other = load_state(tmp_path / STATE_FILE)["gan"]["average"]
    name = "frame_decoder.to_rgb.weight"
    assert not torch.equal(other[name], whole["gan"]["average"][name])


def test_every_network_learns(recipe, make_trainer, tmp_path):
    def weights(trainer):
        modules = {"learner": trainer.gan.learner, **trainer.gan.critics}
        return {f"{name}.{key}": value.clone() for name, m in modules.items() for key, value in m.named_parameters()}

    trainer = make_trainer(recipe(5), tmp_path)
    before = weights(trainer)
    trainer.fit()
    still = [name for name, value in weights(trainer).items() if torch.equal(value, before[name])]
    assert still == []


@pytest.mark.parametrize("name", bundled_configs())
def test_every_bundled_config_takes_two_steps(name, shrunk, make_trainer, tmp_path):
    config = shrunk(name, "run.steps=2", "losses.adversarial_from=0")
    figures = []
    make_trainer(config, tmp_path).fit(lambda step, total, latest: figures.append((step, total, latest)))
    assert [step for step, _, _ in figures] == [1, 2]
    wanted = {"l1"} | ({"lips"} if config.losses.lips else set())
    for critic in ("frame", "sync", "sequence"):
        if getattr(config.losses, critic):
            wanted |= {f"critic/{critic}", f"generator/{critic}"}
    assert set(figures[-1][2]) == wanted
    assert np.isfinite(list(figures[-1][2].values())).all()


def test_listening_draws_and_changes_no_pictures(recipe, make_trainer, tmp_path):
    trainer = make_trainer(recipe(4, "losses.pixels_from=2", "losses.adversarial_from=3"), tmp_path)
    decoder = [value.clone() for value in trainer.gan.learner.module.generator.frame_decoder.parameters()]
    seen = []

    def look(step, total, figures):
        now = trainer.gan.learner.module.generator.frame_decoder.parameters()
        seen.append((set(figures), all(map(torch.equal, decoder, now))))

    trainer.fit(look)
    assert seen[:2] == [({"lips"}, True)] * 2
    assert seen[2] == ({"lips", "l1"}, False)
    assert {"critic/sync", "generator/sync"} < seen[3][0]


def test_rates_decay_by_epochs(recipe, make_trainer, tmp_path):
    settings = ("optimiser.decay_from_epoch=1", "optimiser.decay_per_epoch=0.5", "optimiser.generator_lr=0.01")
    trainer = make_trainer(recipe(7, *settings), tmp_path)
    rates = []
    trainer.fit(lambda *_: rates.append(trainer.gan.optimiser.param_groups[0]["lr"]))
    assert rates == pytest.approx([0.01 * 0.5 ** max(0, step / 3 - 1) for step in range(7)])


def test_another_recipe_in_the_same_folder_is_refused(recipe, make_trainer, tmp_path):
    make_trainer(recipe(1), tmp_path).fit()
    for change in ("losses.l1=599", "run.seed=3", "model.base_channels=3", "augment.warp=0"):
        with pytest.raises(OrateError, match="holds a run of another config"):
            make_trainer(recipe(2, change), tmp_path)
    assert make_trainer(recipe(2, "run.save_every=1"), tmp_path).step == 1


def test_a_damaged_state_is_refused(recipe, make_trainer, tmp_path):
    make_trainer(recipe(1), tmp_path).fit()
    data = (tmp_path / STATE_FILE).read_bytes()
    (tmp_path / STATE_FILE).write_bytes(data[:-100])
    with pytest.raises(OrateError, match=f"{STATE_FILE} cannot be read"):
        make_trainer(recipe(2), tmp_path)


def test_a_corpus_of_another_form_is_refused(recipe, make_trainer, tmp_path):
    with pytest.raises(OrateError, match=r"crops of 32 x 24.*64 x 48"):
        make_trainer(recipe(1, "model.image_height=64", "model.image_width=48"), tmp_path / "run")
    with pytest.raises(OrateError, match=r"25 frames a second.*30"):
        make_trainer(recipe(1, "model.fps=30"), tmp_path / "run")
    with pytest.raises(OrateError, match="has 0 training clips"):
        make_trainer(recipe(1, "data.clip_frames=13"), tmp_path / "run")
    assert not (tmp_path / "run" / STATE_FILE).exists()


def test_curves_samples_and_model(recipe, make_trainer, corpus, tmp_path):
    settings = ("run.log_every=2", "run.validate_every=2", "run.sample_every=4", "run.sample_clips=2")
    trainer = make_trainer(recipe(4, *settings), tmp_path, metrics=lambda real, made: {"level": float(made.mean())})
    trainer.fit()
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "curves", "model", "samples", STATE_FILE}
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["losses"]["adversarial_from"] == 2
    curves = EventAccumulator(str(tmp_path / "curves")).Reload()
    names = {"train/l1", "train/lips", "train/critic/sync", "train/generator/frame", "train/frames_per_second"}
    assert names | {"validation/level"} <= set(curves.Tags()["scalars"])
    assert [event.step for event in curves.Scalars("train/l1")] == [2, 4]
    assert all(event.value > 0 for event in curves.Scalars("train/frames_per_second"))
    samples = sorted((tmp_path / "samples").rglob("*"))
    assert [path.name for path in samples] == ["step-0000004", "s1_held.mp4", "s9_new.mp4"]
    held_out = ClipDataset(corpus, "validation", RATE)
    for path, clip in zip(samples[1:], held_out, strict=True):
        check_sample(path, clip["video"].permute(0, 2, 3, 1).numpy())
    assert (tmp_path / "model" / "SHA256SUMS").is_file()
    assert read_metadata(tmp_path / "model")["steps"] == "4"
    loaded = load_model(tmp_path / "model").state_dict()
    for name, value in trainer.gan.average.generator.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.allclose(loaded[name], value, atol=1e-3, rtol=1e-3), name


def check_sample(path: Path, real: np.ndarray) -> None:
    """It plays: source, generated and real side by side, with sound."""
    info = video_info(path)
    assert (info.width, info.height, info.fps, info.has_audio) == (3 * WIDTH, HEIGHT, 25, True)
    assert audio_duration(path) == pytest.approx(len(real) / 25, abs=0.04)
    frames = np.stack([frame.image for frame in read_video(path)]).astype(int)
    assert len(frames) == len(real)
    assert np.abs(frames[:, :, 2 * WIDTH :] - real).mean() < 8
    assert np.abs(frames[:, :, :WIDTH] - real[0]).mean() < 8


def test_validation_draws_the_same_each_time(recipe, make_trainer, corpus, tmp_path):
    generator = make_trainer(recipe(1), tmp_path).gan.average.generator
    held_out = ClipDataset(corpus, "validation", RATE)
    first, second = (list(draw_clips(generator, held_out, 5)) for _ in range(2))
    assert [clip.key for clip in first] == ["s1_held", "s9_new"]
    for one, other in zip(first, second, strict=True):
        assert (one.generated == other.generated).all()
        assert one.generated.shape == one.real.shape == (12, HEIGHT, WIDTH, 3)
    assert [clip.key for clip in draw_clips(generator, held_out, 1)] == ["s1_held"]
    figures = iter([{"a": 1.0, "b": float("nan")}, {"a": 3.0, "b": 5.0}])
    assert validate(generator, held_out, 2, lambda real, made: next(figures)) == {"a": 2.0, "b": 5.0}


def test_a_sync_critic_that_learns_nothing_is_reported(recipe, tmp_path, caplog):
    record = Record(recipe(1), tmp_path)
    with caplog.at_level(logging.WARNING):
        for step in range(0, PLATEAU_STEPS, 100):
            record.scalars("train", {"critic/sync": 0.6931}, step)
        record.scalars("train", {"critic/sync": 0.5}, PLATEAU_STEPS)
        record.scalars("train", {"critic/sync": 0.6931}, PLATEAU_STEPS + 100)
        assert caplog.records == []
        record.scalars("train", {"critic/sync": 0.6935}, 2 * PLATEAU_STEPS + 100)
    record.close()
    assert "since step 2100" in caplog.text


def test_sigterm_saves_and_the_run_goes_on(recipe, corpus, make_trainer, tmp_path):
    """Stopped at any moment and continued, the run is the one that was never stopped."""
    sets = [word for setting in [*SHRINK, *PHASES, "run.save_every=2"] for word in ("--set", setting)]
    command = ["train", "paper-small", "--data", str(corpus), "-o", str(tmp_path / "run"), "--steps", "100000", *sets]
    program = [sys.executable, "-c", "from orate.cli.main import main; main()", *command]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as run:
        deadline = time.monotonic() + WAIT_S
        while not (tmp_path / "run" / STATE_FILE).exists() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        output, errors = run.communicate(timeout=WAIT_S)
    assert run.returncode == 143, errors
    assert output == ""
    step = load_state(tmp_path / "run" / STATE_FILE)["step"]
    assert f"Stopped and saved at step {step};" in errors
    assert "Traceback" not in errors
    continued = make_trainer(recipe(step + 2, "run.save_every=2"), tmp_path / "run")
    assert continued.step == step
    continued.fit()
    make_trainer(recipe(step + 2, "run.save_every=2"), tmp_path / "whole").fit()
    assert_same(load_state(tmp_path / "run" / STATE_FILE), load_state(tmp_path / "whole" / STATE_FILE))


def test_signals_are_handed_back(recipe, make_trainer, tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    trainer = make_trainer(recipe(50), tmp_path)
    stopped_by = trainer.fit(lambda step, *_: os.kill(os.getpid(), signal.SIGINT) if step == 2 else None)
    assert stopped_by == signal.SIGINT
    assert trainer.step == 2
    assert load_state(tmp_path / STATE_FILE)["step"] == 2
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_loader_processes_change_nothing(whole, recipe, make_trainer, tmp_path, corpus):
    """The draws do not depend on who loads; kept to what a run sees, for starting processes takes seconds."""
    batches = []
    for workers in (0, 2):
        trainer = make_trainer(recipe(2, f"data.workers={workers}"), tmp_path / str(workers))
        loaded = trainer._batches()
        batches.append([next(loaded)["video"] for _ in range(2)])
        loaded.close()
    assert_same(batches[0], batches[1])


def environment() -> dict[str, str]:
    source = str(Path(__file__).parents[2] / "src")
    paths = [source, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}


def test_a_corpus_without_held_out_clips_can_be_trained_on(recipe, make_trainer, tmp_path):
    data = write_corpus(tmp_path / "shards", [speaking_clip(f"s1_{number}", number) for number in range(2)])
    settings = ("run.validate_every=1", "run.sample_every=1")
    assert make_trainer(recipe(1, *settings), tmp_path / "run", metrics=lambda real, made: {}, data=data).fit() is None
    assert not (tmp_path / "run" / "samples").exists()


def test_a_run_begins_with_the_weights_of_another_model(tmp_path, make_trainer, recipe):
    first = make_trainer(recipe(2), tmp_path / "first")
    first.fit()
    trained = load_model(tmp_path / "first" / "model")
    second = make_trainer(recipe(4, "run.seed=7"), tmp_path / "second", start=trained)
    for begun in (second.gan.learner.module.generator, second.gan.average.generator):
        assert_same(dict(begun.state_dict()), dict(trained.state_dict()))
    second.fit()
    assert not torch.equal(
        next(load_model(tmp_path / "second" / "model").parameters()), next(iter(trained.parameters()))
    )
    # A run that goes on has its own weights.
    again = make_trainer(recipe(4, "run.seed=7"), tmp_path / "second", start=trained)
    assert_same(again.gan.state_dict()["average"], second.gan.state_dict()["average"])


def test_a_model_of_other_dimensions_is_no_beginning(tmp_path, make_trainer, recipe):
    first = make_trainer(recipe(1), tmp_path / "first")
    first.fit()
    with pytest.raises(OrateError, match=r"content_code"):
        make_trainer(
            recipe(1, "model.content_code=6"), tmp_path / "second", start=load_model(tmp_path / "first" / "model")
        )
