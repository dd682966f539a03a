"""Verdicts on files as they are met: untouched, stripped, encoded anew, cut, edited, forged, real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import c2pa
import numpy as np
import pytest
from certificates import certificate
from cryptography.hazmat.primitives.asymmetric import ed25519
from edited_files import reencode, remux

import orate
from orate import OrateError
from orate.media.image import write_image
from orate.media.video import read_video, video_info
from orate.provenance.marks import Marks
from orate.provenance.metadata import read_tags
from orate.provenance.own_certificate import own_pem
from orate.provenance.verify import ExitCode, State, Verdict, Verification, verify
from orate.provenance.watermark_detector import Reading

Write = Callable[..., Path]
FOUND, BROKEN, ABSENT = State.FOUND, State.BROKEN, State.ABSENT


def states(found: Verification) -> tuple[State, State, State]:
    return found.metadata.state, found.credentials.state, found.watermark.state


@pytest.fixture(scope="module")
def content_id(marked: Path) -> str:
    return str(video_info(marked).metadata["content_id"])


def test_an_untouched_file(marked: Path, content_id: str) -> None:
    found = orate.verify(marked)
    assert states(found) == (FOUND, FOUND, FOUND)
    assert (found.verdict, found.exit_code, found.intact) == (Verdict.GENERATED, 0, True)
    assert found.generated
    assert {layer.content_id for layer in (found.metadata, found.credentials, found.watermark)} == {content_id}
    assert found.content_id == content_id
    assert found.watermark.confidence is not None
    assert found.watermark.confidence > 1 - 1e-6
    assert found.credentials.states["consent"] == "Jane Doe, signed release of 1 May"
    assert found.credentials.states["seed"] == 3
    assert any("self-made" in note for note in found.notes), "who signed is not known"
    assert json.loads(json.dumps(found.as_json()))["layers"]["watermark"]["state"] == "found"


def test_a_file_without_its_metadata(marked: Path, content_id: str, tmp_path: Path) -> None:
    found = verify(remux(marked, tmp_path / "a.mp4"))
    assert states(found) == (ABSENT, ABSENT, FOUND)
    assert (found.verdict, found.intact, found.content_id) == (Verdict.GENERATED, None, content_id)


def test_a_file_that_was_encoded_anew(marked: Path, content_id: str, tmp_path: Path) -> None:
    comment = video_info(marked).metadata["comment"]  # what FFmpeg keeps by default
    found = verify(reencode(marked, tmp_path / "a.mp4", crf=26, tags={"comment": comment}))
    assert states(found) == (FOUND, ABSENT, FOUND)
    assert (found.verdict, found.content_id) == (Verdict.GENERATED, content_id)


def test_a_cut(marked: Path, content_id: str, tmp_path: Path) -> None:
    copied = verify(remux(marked, tmp_path / "a.mp4", dict(video_info(marked).metadata), end_s=0.2))
    assert states(copied) == (FOUND, ABSENT, FOUND)
    anew = verify(reencode(marked, tmp_path / "b.mkv", end_s=0.2))
    assert states(anew) == (ABSENT, ABSENT, FOUND)
    assert copied.content_id == anew.content_id == content_id


def test_bytes_that_were_changed(marked: Path, content_id: str, tmp_path: Path) -> None:
    data = bytearray(marked.read_bytes())
    data[-2000] ^= 1  # of the sound
    (tmp_path / "a.mp4").write_bytes(data)
    found = verify(tmp_path / "a.mp4")
    assert states(found) == (FOUND, BROKEN, FOUND)
    assert (found.verdict, found.intact, found.content_id) == (Verdict.GENERATED, False, content_id)
    assert "edited" in found.summary


def test_another_seed_in_the_tags(marked: Path, tmp_path: Path) -> None:
    """Metadata that were edited in place: the signature covers them."""
    data = marked.read_bytes()
    at = data.index(b"Jane Doe", data.index(b"moov"))
    (tmp_path / "a.mp4").write_bytes(data[:at] + b"John Roe" + data[at + 8 :])
    found = verify(tmp_path / "a.mp4")
    assert found.credentials.state is BROKEN
    assert found.credentials.states["consent"].startswith("Jane Doe"), "what was signed"


def test_a_screenshot(marked: Path, content_id: str, tmp_path: Path) -> None:
    frame = next(iter(read_video(marked))).image
    write_image(tmp_path / "a.png", frame)
    found = verify(tmp_path / "a.png")
    assert states(found) == (ABSENT, ABSENT, FOUND)
    assert found.content_id == content_id


def test_a_real_file(real: Path, tmp_path: Path) -> None:
    for file in (real, reencode(real, tmp_path / "a.mp4")):
        found = verify(file)
        assert states(found) == (ABSENT, ABSENT, ABSENT)
        assert (found.verdict, found.exit_code, found.intact) == (Verdict.UNKNOWN, ExitCode.UNKNOWN, None)
        assert not found.generated
        assert found.content_id is None
        assert "does not prove" in found.summary


def test_marks_that_were_pasted_on_a_real_file(real: Path, marked: Path, tmp_path: Path) -> None:
    """Somebody wants a real video to pass for a generated one."""
    tagged = remux(real, tmp_path / "tagged.mp4", dict(video_info(marked).metadata))
    data = marked.read_bytes()
    start = data.index(b"uuid") - 4
    box = data[start : start + int.from_bytes(data[start : start + 4], "big")]
    (tmp_path / "both.mp4").write_bytes(tagged.read_bytes() + box)
    (tmp_path / "manifest.mp4").write_bytes(real.read_bytes() + box)
    expected = {
        "tagged": (FOUND, ABSENT, ABSENT),
        "both": (FOUND, BROKEN, ABSENT),
        "manifest": (ABSENT, BROKEN, ABSENT),
    }
    for name, marks in expected.items():
        found = verify(tmp_path / f"{name}.mp4")
        assert states(found) == marks
        assert (found.verdict, found.exit_code) == (Verdict.DOUBTFUL, ExitCode.DOUBTFUL)
        assert not found.generated


def test_a_manifest_of_a_camera(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed content of others is none of orate, whole or damaged."""
    definition = {
        "claim_generator_info": [{"name": "Acme Camera", "version": "1"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                        }
                    ]
                },
            }
        ],
    }
    key, cut, certificates = own_pem().partition(b"-----BEGIN CERTIFICATE")
    info = c2pa.C2paSignerInfo(alg=b"ed25519", sign_cert=cut + certificates, private_key=key, ta_url=None)
    signed = tmp_path / "signed.mp4"
    with c2pa.Builder.from_json(definition) as builder, c2pa.Signer.from_info(info) as signer:
        builder.sign_file(str(real), str(signed), signer)
    found = verify(signed)
    assert states(found) == (ABSENT, ABSENT, ABSENT)
    assert "Acme Camera" in found.credentials.detail
    assert "digitalCapture" in found.credentials.detail
    data = bytearray(signed.read_bytes())
    monkeypatch.setattr("orate.provenance.verify.find_watermark", lambda _: Reading())  # seen above, takes a while
    for place in (len(data) - 2000, data.index(b"c2pa.created"), data.index(b"c2pa.claim.v2") + 60):
        changed = bytearray(data)
        changed[place] ^= 1
        (tmp_path / "damaged.mp4").write_bytes(changed)
        assert verify(tmp_path / "damaged.mp4").verdict is Verdict.UNKNOWN


def test_who_signed(write: Write, marked: Path, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, ed25519.Ed25519PrivateKey.generate())
    signed = write(tmp_path / "signed.mp4", Marks(certificate=chain, private_key=key), frames=3)
    unknown = verify(signed)
    assert (unknown.signer, unknown.trusted) == ("Acme Studio, Acme News", None)
    assert "in the name of Acme Studio" in unknown.credentials.detail
    assert any("any name" in note for note in unknown.notes)
    known = verify(signed, trust=chain)
    assert known.trusted
    assert known.credentials.detail.endswith("by Acme Studio, Acme News")
    other = verify(marked, trust=chain)
    assert (other.trusted, other.intact, other.verdict) == (False, True, Verdict.GENERATED)
    with pytest.raises(OrateError, match="holds no certificate"):
        verify(signed, trust=key)


def test_an_output_that_was_edited_with_a_program_that_signs(marked: Path, content_id: str, tmp_path: Path) -> None:
    """The program's manifest holds ours, and says what became of the file."""
    key, cut, certificates = own_pem().partition(b"-----BEGIN CERTIFICATE")
    info = c2pa.C2paSignerInfo(alg=b"ed25519", sign_cert=cut + certificates, private_key=key, ta_url=None)
    edited = tmp_path / "edited.mp4"
    with c2pa.Builder.from_json({"claim_generator_info": [{"name": "Acme Editor"}]}) as builder:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        with c2pa.Signer.from_info(info) as signer:
            builder.sign_file(str(marked), str(edited), signer)
    found = verify(edited)
    assert found.verdict is Verdict.GENERATED
    assert "Acme Editor" in found.credentials.detail
    assert any(content_id in note for note in found.notes)


def test_marks_of_two_files(write: Write, marked: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.mp4", Marks(credentials=False), seed=4)
    found = verify(remux(other, tmp_path / "mixed.mp4", dict(video_info(marked).metadata)))
    assert found.verdict is Verdict.GENERATED
    assert any("different content ids" in note for note in found.notes)
    assert found.content_id == read_tags(other).content_id.hex(), "the watermark counts"  # type: ignore[union-attr]


@pytest.mark.parametrize("left_out", ["metadata", "credentials", "watermark"])
def test_marks_that_were_left_out(left_out: str, write: Write, tmp_path: Path) -> None:
    found = verify(write(tmp_path / "a.mp4", Marks(**{left_out: False})))
    assert getattr(found, left_out).state is ABSENT
    assert [state for state in states(found) if state is FOUND] == [FOUND, FOUND]
    assert found.verdict is Verdict.GENERATED
    if left_out != "credentials":
        assert any(f"Left out when it was made: {left_out}" in note for note in found.notes)
    else:
        assert found.metadata.states["marks_left_out"] == "credentials"


def test_all_marks_off(write: Write, tmp_path: Path) -> None:
    none = Marks(metadata=False, credentials=False, watermark=False)
    assert verify(write(tmp_path / "a.mp4", none)).verdict is Verdict.UNKNOWN


def test_files_that_cannot_be_looked_at(marked: Path, tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("These are words." * 20)
    (tmp_path / "words.png").write_text("These are words." * 20)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "cut.mp4").write_bytes(marked.read_bytes()[:3000])
    for name in ("words.mp4", "words.png", "empty.mp4", "cut.mp4", "missing.mp4", "."):
        with pytest.raises(OrateError):
            verify(tmp_path / name)


def test_a_picture_of_noise(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    assert verify(tmp_path / "a.png").verdict is Verdict.UNKNOWN
