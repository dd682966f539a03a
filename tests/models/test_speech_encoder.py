"""The encoder computes what Whisper's does; streams give the same features however the sound was cut."""

from pathlib import Path

import numpy as np
import pytest
import torch
from speech_sound import made_sound

from orate.errors import OrateError
from orate.models.engines.speech_engine import OpenVinoSpeechEngine, SpeechEngine, TorchSpeechEngine, speech_engine
from orate.models.speech_encoder import (
    WINDOW_SAMPLES,
    SpeechEncoder,
    encode_speech,
    load_speech_encoder,
    speech_frames,
    whole_means,
)
from orate.models.speech_features import log_mel, log_power, mel_filters
from orate.models.speech_means import position_means, streaming_means
from orate.models.speech_stream import WINDOWS, SpeechStream

REFERENCE = np.load(Path(__file__).parent / "data" / "speech_reference.npz")
F32_MAX, BF16_MEAN, BF16_MAX = 0.005, 0.02, 0.5


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    return load_speech_encoder()


@pytest.fixture(scope="module")
def engine(encoder: SpeechEncoder) -> SpeechEngine:
    return OpenVinoSpeechEngine(encoder, "f32")


class Counting:
    """An engine that only tells rows where they are, so that frames can be followed through windows."""

    name = "counting"
    precision = "f32"

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, mel: torch.Tensor) -> np.ndarray:
        self.calls += 1
        rows = mel.numpy().T.reshape(mel.shape[1] // 2, -1)
        return np.pad(rows, ((0, 0), (0, 384 - rows.shape[1])))


def streamed(stream: SpeechStream, sound: np.ndarray, sizes: list[int]) -> np.ndarray:
    parts, start, turn = [], 0, 0
    while start < len(sound):
        size = sizes[turn % len(sizes)]
        parts.append(stream.push(sound[start : start + size]))
        start, turn = start + size, turn + 1
    return np.concatenate([*parts, stream.finish()])


def test_mel_is_the_one_that_was_given_to_the_reference() -> None:
    mel = log_mel(torch.from_numpy(made_sound(3.2)))
    assert mel.shape == (80, 320)
    np.testing.assert_allclose(mel[::8, ::16].numpy(), REFERENCE["mel"], atol=2e-3)
    # each band is a triangle of area 1; lines are 40 Hz apart, so wide ones come near it
    np.testing.assert_allclose(mel_filters()[50:].sum(dim=1) * 40, 1, atol=0.05)


def test_mel_of_a_tone_is_loud_in_its_band_only() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    mel = log_mel(torch.stack([tone, tone / 10]))
    centre = (mel_filters() * torch.arange(201) * 40).sum(1) / mel_filters().sum(1)
    assert abs(centre[mel[0, :, 50].argmax()] - 1000) < 40
    # a tenth of the amplitude is two decades of power less, and Whisper divides by 4
    torch.testing.assert_close(mel[0].max() - mel[1].max(), torch.tensor(0.5), atol=1e-3, rtol=0)
    assert (mel.amax((1, 2)) - mel.amin((1, 2))).max() <= 2 + 1e-5
    with pytest.raises(ValueError, match="399"):
        log_mel(torch.zeros(399))


def test_encoder_agrees_with_ctranslate2(encoder: SpeechEncoder) -> None:
    with torch.inference_mode():
        rows = encoder(log_mel(torch.from_numpy(made_sound(3.2)))[None])[0]
    assert rows.shape == (160, 384)
    difference = np.abs(rows[::12, ::24].numpy() - REFERENCE["rows"])
    assert difference.max() < 0.02
    assert difference.mean() < 0.002


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (1, 1), (640, 1), (641, 2), (16_000, 25)])
def test_whole_sounds_have_two_rows_a_frame(encoder: SpeechEncoder, samples: int, frames: int) -> None:
    assert speech_frames(samples) == frames
    assert encode_speech(encoder, made_sound(1)[:samples]).shape == (2 * frames, 384)


def test_long_sounds_are_encoded_in_overlapping_windows(encoder: SpeechEncoder) -> None:
    sound = made_sound(30)
    rows = encode_speech(encoder, sound)
    assert rows.shape == (1500, 384)
    step = 26 * 16_000
    with torch.inference_mode():
        first = encoder(log_mel(torch.from_numpy(sound[:WINDOW_SAMPLES]))[None])[0]
        second = encoder(log_mel(torch.from_numpy(np.append(sound[step:], np.zeros(8000, np.float32))))[None])[0]
    torch.testing.assert_close(rows[:1350], first[:1350])
    torch.testing.assert_close(rows[1350:], second[50:200])


def test_centred_features_are_without_the_mean_of_their_position(encoder: SpeechEncoder) -> None:
    sound = made_sound(2)
    difference = encode_speech(encoder, sound) - encode_speech(encoder, sound, centred=True)
    torch.testing.assert_close(difference, position_means()[:100], atol=1e-4, rtol=0)
    # the same sound, later in a clip: alike only where the position is taken away
    later = np.concatenate([made_sound(7.4), sound])
    wanted = slice(2 * 200, 2 * 230)
    alike = {}
    for centred in (False, True):
        early = encode_speech(encoder, later[16_000 * 5 :], centred=centred)[slice(150, 210)]
        late = encode_speech(encoder, later, centred=centred)[wanted]
        alike[centred] = torch.cosine_similarity(early, late, dim=1).mean()
    assert alike[True] > alike[False] + 0.1


def test_engines_agree(encoder: SpeechEncoder, engine: SpeechEngine) -> None:
    mel = log_mel(torch.from_numpy(made_sound(3.2)))
    exact = TorchSpeechEngine(encoder).encode(mel)
    assert np.abs(engine.encode(mel) - exact).max() < F32_MAX
    fast = speech_engine(encoder)
    difference = np.abs(fast.encode(mel) - exact)
    assert difference.mean() < BF16_MEAN
    assert difference.max() < BF16_MAX
    with pytest.raises(OrateError, match="no engine 'x'"):
        speech_engine(encoder, "x")
    with pytest.raises(OrateError, match="runs on the CPU"):
        speech_engine(encoder, "openvino", "cuda")


@pytest.mark.parametrize("mode", ["streaming", "offline"])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.4, 3.33, 25.01])
def test_frames_do_not_depend_on_the_blocks(mode: str, seconds: float) -> None:
    sound = made_sound(seconds)
    whole = streamed(SpeechStream(Counting(), mode, centred=False), sound, [len(sound) or 1])
    assert whole.shape == (max(1, np.ceil(seconds * 25)), 2, 384)
    for sizes in ([1, 5000, 333], [640], [16_000]):
        cut = streamed(SpeechStream(Counting(), mode, centred=False), sound, sizes)
        np.testing.assert_array_equal(cut, whole)


def test_stream_in_blocks_is_bit_for_bit_the_same(engine: SpeechEngine) -> None:
    sound = made_sound(4.1)
    whole = streamed(SpeechStream(engine, "streaming"), sound, [len(sound)])
    np.testing.assert_array_equal(streamed(SpeechStream(engine, "streaming"), sound, [1111, 3, 8000]), whole)


@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_a_frame_is_final_when_its_look_ahead_is_there_and_hears_nothing_later(mode: str) -> None:
    sound = made_sound(26)
    stream = SpeechStream(Counting(), mode, centred=False)
    ahead = round(stream.look_ahead_s * 16_000)
    whole = streamed(SpeechStream(Counting(), mode, centred=False), sound, [len(sound)])
    got, first = 0, 0.0
    for end in range(320, len(sound), 320):
        made = stream.push(sound[end - 320 : end])
        got += len(made)
        if len(made) and not first:
            first = end
        assert got >= min(1, (end - ahead) // 640 + 1)
        # frame k, at 640 k, has to be there once 640 k + look-ahead samples are
        assert end < ahead or got * 640 > end - ahead
    assert first == ahead
    kept = 5 * 640
    changed = sound.copy()
    changed[kept + ahead :] = 0.5
    np.testing.assert_array_equal(
        streamed(SpeechStream(Counting(), mode, centred=False), changed, [7000])[: 5 + 1], whole[: 5 + 1]
    )


def test_spectra_of_windows_are_those_of_their_sound() -> None:
    sound = made_sound(2)
    stream = SpeechStream(Counting(), "streaming", centred=False)
    spectra = stream._spectra
    spectra.add(sound)
    for start, end in ((0, 5), (4, 20), (6, 21)):
        window = spectra.window(start, end, 40)
        heard = np.zeros(40 * 640 + 400, np.float32)
        heard[: (end - start) * 640] = sound[start * 640 : end * 640]
        expected = log_power(torch.from_numpy(heard)).numpy()[:, :160]
        # log_power hears mirrored sound at the beginning, the window what was really there
        np.testing.assert_allclose(window[:, 2:], expected[:, 2:], atol=1e-3)


def test_settings_are_those_promised() -> None:
    streaming, offline = WINDOWS["streaming"], WINDOWS["offline"]
    assert streaming.look_ahead_s <= 0.2
    assert streaming.past == 75
    assert offline.future >= 25
    assert len(streaming_means()) == 2 * (streaming.past + streaming.hop)
    assert len(position_means()) >= 2 * offline.length


@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_memory_is_flat(mode: str) -> None:
    stream = SpeechStream(Counting(), mode, centred=False)
    longest = 0
    for _ in range(60):
        stream.push(np.full(16_000, 0.1, np.float32))
        spectra = stream._spectra
        longest = max(longest, len(spectra._waiting) + 4 * spectra._made.shape[1])
    assert longest < (2 * WINDOWS[mode].length + 25) * 640


def test_offline_stream_is_near_whole_clips(encoder: SpeechEncoder, engine: SpeechEngine) -> None:
    sound = made_sound(13)
    whole = encode_speech(encoder, sound, centred=True)
    stream = torch.from_numpy(streamed(SpeechStream(engine, "offline"), sound, [16_000]).reshape(-1, 384))
    alike = torch.cosine_similarity(stream, whole, dim=1)
    assert alike[50:].mean() > 0.8  # 0.96 on speech
    assert alike[500:].mean() > torch.cosine_similarity(stream[500:], whole.roll(2, 0)[500:], dim=1).mean() + 0.02


def test_a_finished_stream_says_so() -> None:
    stream = SpeechStream(Counting(), "streaming", centred=False)
    stream.finish()
    for call in (stream.finish, lambda: stream.push(np.zeros(1, np.float32))):
        with pytest.raises(RuntimeError, match="finished"):
            call()
    with pytest.raises(ValueError, match="mode 'live'"):
        SpeechStream(Counting(), "live")
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        SpeechStream(Counting(), "offline", centred=False).push(np.zeros((2, 3), np.float32))


def test_missing_and_damaged_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(OrateError, match="is missing"):
        load_speech_encoder(tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no weights")
    with pytest.raises(OrateError, match="is damaged"):
        load_speech_encoder(tmp_path / "x.safetensors")


def test_means_of_a_whole_sound_follow_its_windows() -> None:
    means = whole_means(2000)  # 40 s: a window of 28 s, and one that begins 2 s before its end
    assert means.shape == (2000, 384)
    table = position_means()
    assert torch.equal(means[:1350], table[:1350])
    assert torch.equal(means[1350:], table[50 : 50 + 650])
