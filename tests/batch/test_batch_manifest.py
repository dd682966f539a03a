"""Reading a manifest, and what its rows come to."""

from pathlib import Path

import pytest

from orate import OrateError
from orate.animator.batch.manifest import read_manifest
from orate.animator.batch.rows import Row, rows_of


def cells(folder: Path, text: str, encoding: str = "utf-8") -> list[dict[str, object]]:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return read_manifest(path)


def rows(folder: Path, *columns: dict[str, object], **defaults: object) -> list[Row]:
    given = [{"photo": "a.jpg", "audio": "b.wav", **more} for more in columns]
    return rows_of(given, folder / "out", folder, defaults)  # type: ignore[arg-type]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(tmp_path: Path, delimiter: str) -> None:
    text = '\ufeffPhoto,Audio,head-motion,consent\r\n\r\na.jpg,b.wav,,"Jane; a\tletter, signed"\r\nc.jpg, d.wav,0.5\r\n'
    if delimiter != ",":
        text = text.replace(", signed", " signed").replace("; a\t", " a ").replace(",", delimiter)
    first, second = cells(tmp_path, text)
    assert first["photo"] == "a.jpg"
    assert "head_motion" not in first
    assert str(first["consent"]).startswith("Jane")
    assert second == {"photo": "c.jpg", "audio": "d.wav", "head_motion": "0.5"}


def test_json_lines(tmp_path: Path) -> None:
    text = '{"photo": "a.jpg", "audio": "b.wav", "seed": 3, "label": true, "consent": null}\n\n{"photo": "c.jpg"}\n'
    assert cells(tmp_path, text) == [
        {"photo": "a.jpg", "audio": "b.wav", "seed": 3, "label": True},
        {"photo": "c.jpg"},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("photo,audio,sed\na,b,1", "unknown column 'sed'; known are photo, audio, output, seed,"),
        ('{"photo": "a", "audio": "b", "sed": 1}', "line 1, has an unknown column 'sed'"),
        ("photo,sound\n", "unknown column 'sound'"),
        ("photo\na.jpg", "has no column 'audio'"),
        ("photo,audio,photo\na,b,c", "has the column 'photo' twice"),
        ("photo,audio\n", "has no rows"),
        ("photo,audio\na,b,c", "line 2, has 3 cells but the header 2"),
        ('photo,audio\n"a,b', "cannot be read as CSV"),
        ('{"photo": "a", "audio": "b"}\n{"photo"', "line 2, cannot be read as JSON"),
        ('{"photo": "a", "audio": "b"}\n[1]', "line 2, is no object"),
        ("", "is empty"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_as_a_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OrateError, match=r"list\.csv") as error:
        cells(tmp_path, text)
    assert said in str(error.value)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OrateError, match="no text in UTF-8"):
        cells(tmp_path, "photo,audio\nJosé.jpg,b.wav", "latin-1")


def test_paths_are_relative_to_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    row, *_ = rows(
        tmp_path, {"photo": "people/a.jpg", "audio": "/sounds/b.wav", "label_font": "f.ttf", "model": "mine"}
    )
    assert row.job is not None
    assert (row.job.photo, row.job.audio) == (tmp_path / "people" / "a.jpg", Path("/sounds/b.wav"))
    assert row.job.options == {"label_font": str(tmp_path / "f.ttf"), "model": str(tmp_path / "mine")}
    assert row.photo == "people/a.jpg"


def test_a_row_says_otherwise_than_the_command_line(tmp_path: Path) -> None:
    first, second = rows(tmp_path, {}, {"seed": "0", "crop": "no", "fps": "30"}, seed=7, crop=True, emotion="sad")
    assert first.job is not None
    assert second.job is not None
    assert first.job.options == {"seed": 7, "crop": True, "emotion": "sad"}
    assert second.job.options == {"emotion": "sad", "fps": 30.0}


def test_outputs_have_names_that_follow_from_the_row(tmp_path: Path) -> None:
    given = rows(
        tmp_path, {}, {"photo": "x/Jane Doe.png", "audio": "C:\\s\\ä b.wav"}, {"output": "d/e"}, {"output": "f.MOV"}
    )
    assert [row.output for row in given] == ["0001-a-b.mp4", "0002-Jane_Doe-ä_b.mp4", "d/e.mp4", "f.MOV"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("../x.mp4", "would leave the folder"),
        ("a/../../x.mp4", "would leave the folder"),
        ("..\\x.mp4", "would leave the folder"),
        ("/elsewhere/x.mp4", "would leave the folder"),
        ("link/x.mp4", "would leave the folder"),
        (".batch/x.mp4", "keeps its own files"),
        ("x\0.mp4", "cannot be printed"),
        (3, "output must be text"),
        ("FIRST.mp4", "Row 1 has the output FIRST.mp4 too"),
        ("./first.mp4", "Row 1 has the output ./first.mp4 too"),
    ],
)
def test_outputs_stay_in_the_folder_and_differ(tmp_path: Path, output: object, said: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    first, second = rows(tmp_path, {"output": "first.mp4"}, {"output": output})
    assert first.job is not None
    assert second.job is None
    assert said in second.error


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("seed", "1.5", "seed must be a whole number, not '1.5'"),
        ("seed", 1.5, "seed must be a whole number"),
        ("seed", True, "seed must be a whole number"),
        ("fps", "nan", "fps must be a number"),
        ("fps", [25], "fps must be a number"),
        ("label", "maybe", "label must be true or false"),
        ("label_seconds", "long", "label_seconds must be a number"),
        ("emotion", 3, "emotion must be text"),
        ("photo", 3, "The row names no photo"),
    ],
)
def test_a_value_that_will_not_do_is_its_rows_error(tmp_path: Path, column: str, value: object, said: str) -> None:
    wrong, right = rows(tmp_path, {column: value}, {})
    assert right.job is not None
    assert wrong.job is None
    assert said in wrong.error
