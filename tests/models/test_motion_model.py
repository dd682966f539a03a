import numpy as np
import pytest
import torch

from orate.corpora.motion_tracks import MotionTrack, lip_gap, person_neutrals, relative_poses, rotation_vectors
from orate.errors import OrateError
from orate.models.blinks import BlinkProcess
from orate.models.motion_config import MotionConfig
from orate.models.motion_discriminators import MotionSequenceDiscriminator, MotionSyncDiscriminator
from orate.models.motion_generator import MotionGenerator, load_motion, save_motion
from orate.models.motion_session import MotionSession
from orate.models.motion_step import MotionStep
from orate.models.sway import SwayProcess
from orate.render.head import load_head
from orate.render.pose import HeadPose, rotation_matrix
from orate.training.motion_basis import EYELIDS, fit_basis
from orate.training.motion_sway import fit_sway

SMALL = MotionConfig(channels=16, dilations=(1, 2), content_code=16, decoder_channels=16)


@pytest.fixture(scope="module")
def generator() -> MotionGenerator:
    torch.manual_seed(0)
    made = MotionGenerator(SMALL)
    made.basis.normal_(0, 0.1)
    made.sway[0] = 0.9 * torch.eye(13)
    made.sway_innovation.copy_(0.02 * torch.eye(13))
    return made.eval().requires_grad_(False)


def test_session_is_independent_of_cutting(generator):
    features = np.random.default_rng(0).normal(size=(40, 2, 384)).astype(np.float32)
    whole = MotionSession(generator, seed=3).push(features)
    session = MotionSession(generator, seed=3)
    parts = [session.push(features[a:b]) for a, b in ((0, 1), (1, 18), (18, 18), (18, 40))]
    for name in ("coefficients", "lids", "rotation", "translation"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name)), name
    assert not np.array_equal(MotionSession(generator, seed=4).push(features).rotation, whole.rotation)


def test_motion_waits_for_the_speech_that_it_looks_ahead_to(generator):
    ahead = MotionGenerator(SMALL.model_copy(update={"look_ahead": 2}))
    ahead.load_state_dict(generator.state_dict())
    ahead.eval().requires_grad_(False)
    features = np.random.default_rng(0).normal(size=(12, 2, 384)).astype(np.float32)
    at_once = MotionSession(generator, seed=3).push(np.concatenate([features, features[-1:], features[-1:]]))
    session = MotionSession(ahead, seed=3)
    parts = [session.push(features[:1]), session.push(features[1:5]), session.push(features[5:]), session.finish()]
    assert [len(part.lids) for part in parts] == [0, 3, 7, 2]
    made = np.concatenate([part.coefficients for part in parts])
    assert np.array_equal(made[:, :24], at_once.coefficients[2:, :24])  # the mouth is two frames of speech further
    blinks = np.concatenate([part.lids for part in parts])
    assert np.array_equal(np.concatenate([part.rotation for part in parts])[:, 0] != 0, np.ones(12, bool))
    assert blinks.shape == (12, 2)


def test_one_frame_of_speech_gives_one_frame_of_motion():
    ahead = MotionGenerator(SMALL.model_copy(update={"look_ahead": 2})).eval().requires_grad_(False)
    session = MotionSession(ahead)
    assert len(session.finish().lids) == 0
    assert len(session.push(np.zeros((1, 2, 384), np.float32)).lids) == 0
    assert len(session.finish().lids) == 1


def test_generator_is_causal_and_steps_match_the_whole(generator):
    torch.manual_seed(1)
    speech, identity = torch.randn(1, 20, 2, 384), torch.zeros(1, SMALL.identity_axes)
    whole, _ = generator(speech, identity)
    changed = speech.clone()
    changed[:, 12:] += 1
    assert torch.equal(generator(changed, identity)[0][:, :12], whole[:, :12])
    first, state = generator(speech[:, :7], identity)
    second, _ = generator(speech[:, 7:], identity, state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=1e-4, atol=1e-5)


def test_frame_by_frame_is_the_network(generator):
    torch.nn.init.normal_(generator.motion_decoder.sway_out.weight, 0, 0.1)
    speech, axes = torch.randn(1, 20, 2, 384), torch.ones(SMALL.identity_axes)
    noise, slow = torch.randn(1, 20, SMALL.noise_code), torch.randn(1, 20, 13)
    step = MotionStep(generator, axes)
    spoken, moved = [], []
    for index, frame in enumerate(speech[0].numpy()):
        coefficients, content = step(frame)
        spoken.append(coefficients)
        scaled = slow[0, index] / generator.sway_scale
        moved.append(step.sway(content, noise[0, index].numpy(), scaled.numpy()))
    assert np.array(spoken) == pytest.approx(generator(speech, axes[None])[0][0].numpy(), abs=1e-4)
    whole = generator.move(speech, axes[None], noise, slow)[0].numpy()
    assert np.array(moved) == pytest.approx(whole, abs=1e-4)
    assert np.abs(whole - (slow / generator.sway_scale)[0].numpy()).max() > 0.01


def test_saved_model_is_the_same(generator, tmp_path):
    save_motion(generator, tmp_path)
    loaded = load_motion(tmp_path)
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-3)
    (tmp_path / "motion.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(OrateError, match="damaged"):
        load_motion(tmp_path)


@pytest.mark.parametrize("rate", [0.0, 12.0, 20.0, 30.0])
def test_blinks_come_at_the_rate_asked_for_and_last_as_blinks_do(rate):
    closures = BlinkProcess(rate, seed=1).push(np.full(25 * 1800, 0.8))
    closed = np.concatenate([[False], closures > 0.1, [False]])
    edges = np.flatnonzero(np.diff(closed.astype(int)))
    lengths = (edges[1::2] - edges[::2]) / 25
    assert len(lengths) / 30 == pytest.approx(rate, rel=0.1, abs=0.01)
    if rate:
        assert lengths.min() >= 0.15
        assert lengths.max() <= 0.45


def test_blinks_refuse_a_rate_out_of_range():
    with pytest.raises(ValueError, match="blink rate"):
        BlinkProcess(61)


def test_sway_fitted_to_a_process_has_its_deviation_and_no_drift():
    random = np.random.default_rng(0)
    true = SwayProcess(np.array([1.6 * np.eye(3), -0.65 * np.eye(3)]), 0.1 * np.eye(3), 5)
    stretches = [true.push(np.full(400, 0.85)) + random.normal(0, 0.001, (400, 3)) for _ in range(20)]
    matrices, innovation = fit_sway(stretches)
    made = SwayProcess(matrices, innovation, 2).push(np.full(15_000, 0.85))
    assert made.std(0) == pytest.approx(np.mean([x.std(0) for x in stretches], 0), rel=0.25)
    assert np.abs(made[7_500:].mean(0)).max() < 0.5 * made.std(0).max()


def test_basis_leaves_eyelids_alone_and_keeps_the_mouth():
    random = np.random.default_rng(0)
    shapes = np.einsum("fk,kpc->fpc", random.normal(size=(300, 5)), random.normal(size=(5, 478, 3))).astype(np.float32)
    basis, projection = fit_basis(shapes, 32)
    again = np.tensordot(np.tensordot(shapes, projection, ([1, 2], [1, 2])), basis, 1)
    assert np.abs(basis[:, list(EYELIDS)]).max() == 0
    assert again[:, [13, 14, 61]] == pytest.approx(shapes[:, [13, 14, 61]], abs=1e-3)


def test_rotation_vectors_invert_the_matrix():
    vector = np.array([0.1, -0.3, 0.2])
    assert rotation_vectors(rotation_matrix(vector)[None])[0] == pytest.approx(vector)


def test_relative_poses_are_turns_in_head_axes():
    still = rotation_matrix(np.array([0.2, 0.5, 0.0])) @ np.diag([1.0, -1.0, -1.0])
    turns = [rotation_matrix(np.array([0.0, angle, 0.0])) for angle in (-0.1, 0.0, 0.1)]
    poses = [HeadPose(10.0, turn @ still, np.zeros(3)) for turn in turns]
    rotation, _ = relative_poses(poses)
    assert rotation[:, 1] == pytest.approx([-0.1, 0, 0.1], abs=1e-6)
    assert np.abs(rotation[:, [0, 2]]).max() < 1e-6


def test_neutral_has_closed_lips_and_mirroring_twice_is_nothing():
    random = np.random.default_rng(0)
    shape = np.repeat(load_head().landmarks[None], 40, 0).astype(np.float32)
    shape[10:, 14, 1] -= 1.0
    zeros = np.zeros((40, 3), np.float32)
    scores = random.random((40, 52)).astype(np.float32)
    track = MotionTrack("a", shape, scores, zeros + 0.1, zeros, (), False, False)
    neutral = person_neutrals([track])["a"]
    assert lip_gap(neutral) == pytest.approx(lip_gap(shape[0]))
    twice = track.mirrored().mirrored()
    assert np.array_equal(twice.shape, track.shape)
    assert np.array_equal(twice.lids, track.lids)
    assert not np.array_equal(track.mirrored().lids, track.lids)


def test_critics_judge_each_clip():
    assert MotionSequenceDiscriminator(6, 8)(torch.randn(3, 20, 6)).shape == (3,)
    assert MotionSyncDiscriminator(10, 4, 8)(torch.randn(3, 5, 10), torch.randn(3, 5, 4)).shape == (3,)
