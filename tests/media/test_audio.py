from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from orate.errors import OrateError
from orate.media.audio import audio_duration, read_audio, stream_audio, write_audio

RATE = 16_000


def tone(rate: int, duration_s: float, hertz: float = 300.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * duration_s)) / rate)).astype(np.float32)


def cut(path: Path, share: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


@pytest.mark.parametrize(
    ("subtype", "error"),
    [
        ("PCM_U8", 1 / 127),
        ("PCM_16", 1e-4),
        ("PCM_24", 1e-6),
        ("PCM_32", 1e-6),
        ("FLOAT", 0),
        ("DOUBLE", 0),
        ("ALAW", 0.02),
    ],
)
def test_every_kind_of_wav(subtype: str, error: float, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(RATE, 0.5), RATE, subtype=subtype)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), tone(RATE, 0.5), rtol=0, atol=error)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a", "a.mka"])
def test_every_codec_gives_the_wave_in_its_place(name: str, encode_sound: Callable) -> None:
    path = encode_sound(name, tone(48_000, 1.0), 48_000, 1 if name == "a.ogg" else 2)
    got = read_audio(path, RATE)
    # of Ogg Vorbis FFmpeg cuts the last 128 samples, 3 ms
    assert len(got) == pytest.approx(RATE, abs=RATE * (0.003 if name == "a.ogg" else 0.001))
    middle = slice(1000, 15_000)  # encoders need a moment to begin and end
    assert np.corrcoef(got[middle], tone(RATE, 1.0)[middle])[0, 1] > 0.999
    assert audio_duration(path) == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("source_rate", [8_000, 16_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("block_s", [0.01, 0.37, 5.0])
def test_blocks_are_the_whole_cut_up(source_rate: int, block_s: float, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(source_rate, 1.3), source_rate)
    whole = read_audio(tmp_path / "a.wav", RATE)
    blocks = list(stream_audio(tmp_path / "a.wav", RATE, block_s))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert {len(block) for block in blocks[:-1]} <= {round(block_s * RATE)}
    assert len(whole) == pytest.approx(1.3 * RATE, abs=1)
    np.testing.assert_allclose(whole[500:-500], tone(RATE, 1.3)[500 : len(whole) - 500], atol=2e-4)


def test_a_part_is_a_slice_of_the_whole(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 66_150), 44_100)
    whole = read_audio(tmp_path / "a.wav", RATE)
    part = read_audio(tmp_path / "a.wav", RATE, start_s=0.3, duration_s=0.85)
    np.testing.assert_array_equal(part, whole[4800 : 4800 + 13_600])
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", RATE, start_s=1.2), whole[19_200:])
    with pytest.raises(OrateError, match=r"no sound from 9 s on: it is 1\.50 s long"):
        read_audio(tmp_path / "a.wav", RATE, start_s=9)


def test_channels_are_averaged_and_clipped(tmp_path: Path) -> None:
    channels = np.stack([tone(RATE, 0.2), -tone(RATE, 0.2), 3 * tone(RATE, 0.2)], axis=1)
    soundfile.write(tmp_path / "a.wav", channels, RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), tone(RATE, 0.2), atol=1e-6)
    soundfile.write(tmp_path / "b.wav", 4 * tone(RATE, 0.2), RATE, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "b.wav", RATE)).max() == 1
    assert np.abs(read_audio(tmp_path / "b.wav", 22_050)).max() == 1


def test_some_nan_is_silence_only_nan_an_error(tmp_path: Path) -> None:
    samples = tone(RATE, 0.5)
    samples[100:200], samples[300] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    got = read_audio(tmp_path / "a.wav", RATE)
    assert not got[100:200].any()
    assert got[300] == 0
    np.testing.assert_array_equal(got[400:], samples[400:])
    soundfile.write(tmp_path / "b.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(OrateError, match="not one finite sample"):
        read_audio(tmp_path / "b.wav", RATE)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
def test_a_file_that_breaks_off_says_so(name: str, encode_sound: Callable) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 10 * RATE)
    path = cut(encode_sound(name, noise, RATE), 0.6)
    with pytest.raises(OrateError, match=r"a\.\w+ (breaks off: of its|is not a sound file that can be read)"):
        read_audio(path, RATE)


def test_a_wav_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(RATE, 1.0), RATE)
    data = bytearray(path.read_bytes())
    at = data.find(b"data") + 4
    for size in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        data[at : at + 4] = size
        path.write_bytes(data)
        assert len(read_audio(path, RATE)) == RATE


def test_errors_are_sentences(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.txt").write_text("These are words.\n" * 100)
    (tmp_path / "junk.wav").write_bytes(np.random.default_rng(0).bytes(20_000))
    for name, sentence in {
        "missing.wav": "There is no file",
        ".": "is a folder",
        "empty.wav": "is empty",
        "none.wav": "holds no sound that can be decoded",
        "text.txt": "it holds text",
        "junk.wav": "is not a sound file",
        "nul\0.wav": "is not the name of a file",
    }.items():
        with pytest.raises(OrateError, match=sentence):
            read_audio(tmp_path / name, RATE)


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("take.wav", tone(RATE, 0.1), RATE)
    Path("take.wav").rename("http:take 2%.wav")
    assert len(read_audio("http:take 2%.wav", RATE)) == RATE // 10


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_written_sound_is_read_back(name: str, tmp_path: Path) -> None:
    write_audio(tmp_path / name, tone(RATE, 0.3), RATE)
    np.testing.assert_allclose(read_audio(tmp_path / name, RATE), tone(RATE, 0.3), atol=1e-4)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_writing_sound_fails_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OrateError, match="there is no folder"):
        write_audio(tmp_path / "no" / "a.wav", tone(RATE, 0.1), RATE)
    with pytest.raises(OrateError, match=r"name it \.wav or \.flac"):
        write_audio(tmp_path / "a.mp3", tone(RATE, 0.1), RATE)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_is_flat(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((48_000 * 300, 2), np.int16), 48_000)  # 57 MB decoded to mono floats
    blocks = stream_audio(tmp_path / "a.wav", 44_100)
    next(blocks)
    before = resident_bytes()
    assert max(resident_bytes() for _ in blocks) - before < 8 * 2**20
