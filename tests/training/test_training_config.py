import re

import pytest

from orate.errors import OrateError
from orate.training.config import TrainConfig, bundled_configs, load_config

ABLATION = {"ablation/full", "ablation/no-frame", "ablation/no-l1", "ablation/no-sequence", "ablation/no-sync"}


def test_every_bundled_config_loads():
    assert set(bundled_configs()) == {"paper", "paper-small", *ABLATION}
    for name in bundled_configs():
        assert load_config(name).run.steps > 0


def test_the_paper_config_has_the_papers_values():
    config = load_config("paper")
    assert config == TrainConfig()  # the defaults are the paper's recipe
    assert (config.model.image_size, config.model.audio_rate, config.model.fps) == ((128, 96), 50_000, 25)
    assert config.model.encoder_channels == (64, 128, 256, 512, 1024)
    assert (config.model.identity_code, config.model.content_code, config.model.noise_code) == (128, 256, 10)
    assert (config.data.batch_size, config.data.clip_frames, config.data.draw_frames) == (16, 75, None)
    weights = config.losses
    assert (weights.l1, weights.frame, weights.sync, weights.sequence) == (600, 1.0, 0.8, 0.2)
    assert (weights.l1_upper, weights.l1_mouth, weights.lips, weights.adversarial_from) == (0, 0, 0, 0)
    rates = config.optimiser
    assert (rates.generator_lr, rates.frame_lr, rates.sequence_lr, rates.sync_lr) == (1e-4, 1e-4, 1e-5, 1e-5)
    assert (rates.decay_from_epoch, rates.decay_per_epoch, rates.noise_std) == (20, 0.9, 0.6)
    assert not any(config.augment.model_dump().values())
    assert config.data.mirror


def test_ablation_rows_differ_by_one_loss_alone():
    full = load_config("ablation/full").model_dump()
    for name in ABLATION - {"ablation/full"}:
        row = load_config(name).model_dump()
        missing = name.removeprefix("ablation/no-")
        assert row["losses"].pop(missing) == 0
        assert row == {**full, "losses": {key: value for key, value in full["losses"].items() if key != missing}}


def test_overrides():
    config = load_config("paper", ["run.steps=7", "model.base_channels=8", "data.draw_frames=null", "data.mirror=no"])
    assert (config.run.steps, config.model.base_channels, config.data.draw_frames) == (7, 8, None)
    assert config.data.mirror is False
    assert load_config("paper", ["optimiser.sync_lr=3e-5"]).optimiser.sync_lr == 3e-5


def test_a_file_may_leave_out_sections(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("run: {steps: 3}\n")
    assert load_config(str(path)) == load_config("paper", ["run.steps=3"])
    path.write_text("")
    assert load_config(str(path)) == TrainConfig()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run: {steps: 0}", r"'run\.steps'"),
        ("run: {stepps: 3}", r"'run\.stepps'"),
        ("losses: {l1: -1}", r"'losses\.l1'"),
        ("model: {image_height: 100}", "power of two"),
        ("run:", "'run'"),
        ("run: [", "not valid YAML"),
        ("- 3", "must hold sections"),
        ("just words", "must hold sections"),
        ("\x80\x81", "not a text file"),
    ],
)
def test_errors_of_a_file_are_one_sentence(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OrateError, match=told) as raised:
        load_config(str(path))
    assert str(path) in str(raised.value)
    assert one_sentence(str(raised.value))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("steps=3", "not an assignment"),
        ("run.steps", "not an assignment"),
        ("run.steps=[", "not valid YAML"),
        ("run.steps.more=3", r"run\.steps\.more=3"),
        ("run.steps=many", r"'run\.steps'"),
        ("nothing.here=3", "'nothing'"),
    ],
)
def test_errors_of_an_override_are_one_sentence(override, told):
    with pytest.raises(OrateError, match=told) as raised:
        load_config("paper", [override])
    assert one_sentence(str(raised.value))


def test_an_override_of_an_empty_section(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("run:\n")
    assert load_config(str(path), ["run.steps=3"]).run.steps == 3


def test_no_such_config_names_those_there_are():
    with pytest.raises(OrateError, match=r"no config 'papr'.*ablation/full.*paper-small"):
        load_config("papr")


def one_sentence(message: str) -> bool:
    return "\n" not in message and message.endswith(".") and not re.search(r"\.\.$", message)
