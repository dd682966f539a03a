"""The words and tables of a dataset card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from orate.corpora.report import Report
from orate.corpora.shards import Index, Sample

MARK = "<!-- Written by orate prepare, and written again by the next run. Delete this line to keep your changes. -->"


@dataclass(frozen=True)
class Corpus:
    """What is known of a corpus: its name, who made it, and under which terms it is given out, as far as we know."""

    name: str
    source: str
    licence: str


CORPORA = {
    "grid": Corpus("GRID", "Cooke, Barker, Cunningham, Shao (2006), https://zenodo.org/records/3625687", "CC BY 4.0"),
    "tcd-timit": Corpus(
        "TCD-TIMIT", "Harte, Gillen (2015), https://doi.org/10.1109/TMM.2015.2407694", "given out for research use"
    ),
    "crema-d": Corpus(
        "CREMA-D",
        "Cao, Cooper, Keutmann, Gur, Nenkova, Verma (2014), https://github.com/CheyneyComputerScience/CREMA-D",
        "Open Database License 1.0, contents under the Database Contents License 1.0",
    ),
    "lrw": Corpus(
        "LRW", "Chung, Zisserman (2016), https://www.robots.ox.ac.uk/~vgg/data/lip_reading/", "BBC, research agreement"
    ),
    "synthetic": Corpus(
        "Synthetic people",
        "heads of ICT-FaceKit; motion and sound of the clips that lent them",
        "MIT for the heads; the lending clips' for motion and sound",
    ),
}
UNKNOWN = Corpus("A folder of videos", "yours", "yours to state here")
SPLITS = ("train", "validation", "test")
QUANTILES = (0.05, 0.5, 0.95)


def title(index: Index) -> str:
    """A name for the folder's content that its path does not enter."""
    return " + ".join(_corpus(name).name for name in _corpora(index)) + ": speaking faces"


def licences(index: Index) -> str:
    """The terms of each corpus in one line."""
    return "; ".join(f"{_corpus(name).name}: {_corpus(name).licence}" for name in _corpora(index))


def sources(index: Index) -> str:
    """Whom to name, in one line."""
    return "; ".join(f"{_corpus(name).name}: {_corpus(name).source}" for name in _corpora(index))


def description(report: Report) -> str:
    """The folder in two sentences."""
    samples, index = report.index.samples, report.index
    speakers = len({sample.speaker for sample in samples})
    return (
        f"{len(samples):,} clips, {_hours(samples, index.fps)} of {_count(speakers, 'speaker')}: faces cut to "
        f"{index.width} x {index.height} pixels at {index.fps:g} frames a second, with sound at {index.rate:,} Hz, "
        f"landmarks, motion and words. {len(report.dropped):,} further clips were left out by the checks."
    )


def markdown(report: Report, command: str, pictures: Sequence[tuple[str, str]], *, plotted: bool) -> str:
    """The card. ``pictures`` are paths and captions, the contact sheet first; ``plotted``: plots could be drawn."""
    index = report.index
    parts = [f"{MARK}\n# {title(index)}", description(report)]
    sheet = [picture for picture in pictures if picture[0].endswith("faces.png")]
    parts += [_image(*picture) for picture in sheet]
    parts += ["## Content", _by_group(index, "corpus", lambda sample: _corpus(sample.corpus).name)]
    parts += [_by_group(index, "split", lambda sample: sample.split, SPLITS)]
    unseen = {sample.speaker for sample in index.samples if sample.unseen_speaker}
    if unseen:
        parts.append(f"Held out whole, in no clip of the training part: {_count(len(unseen), 'speaker')}.")
    if any(sample.emotion for sample in index.samples):
        parts += ["## Emotions", _emotions(index)]
    parts += ["## Measured", _measured(index), _offsets(index)]
    parts += ["## Left out", _dropped(report)]
    others = [picture for picture in pictures if picture not in sheet]
    if others:
        parts += ["## Plots", *(_image(*picture) for picture in others)]
    elif not plotted:
        parts += ["## Plots", "None were drawn: Matplotlib was missing (`pip install 'orate[train]'`)."]
    parts += ["## Licence", _licence_list(index), "## How it was made", _made(index, command), _READING]
    return "\n\n".join(part for part in parts if part) + "\n"


def _corpora(index: Index) -> list[str]:
    return sorted({sample.corpus for sample in index.samples}) or [""]


def _corpus(name: str) -> Corpus:
    return CORPORA.get(name, UNKNOWN)


def _by_group(index: Index, what: str, group: Callable[[Sample], str], order: Sequence[str] = ()) -> str:
    groups: dict[str, list[Sample]] = {name: [] for name in order}
    for sample in index.samples:
        groups.setdefault(group(sample), []).append(sample)
    rows = [
        [name, f"{len(members):,}", _hours(members, index.fps), f"{len({member.speaker for member in members}):,}"]
        for name, members in groups.items()
        if members
    ]
    return _table([what, "clips", "length", "speakers"], rows)


def _emotions(index: Index) -> str:
    counts = Counter((sample.emotion or "not told", sample.emotion_level) for sample in index.samples)
    rows = [[emotion, level, f"{count:,}"] for (emotion, level), count in sorted(counts.items())]
    return _table(["emotion", "level", "clips"], rows)


def _measured(index: Index) -> str:
    samples = index.samples
    columns: list[tuple[str, Iterable[float | None], str]] = [
        ("length, s", (sample.frames / index.fps for sample in samples), ".2f"),
        ("crop pixels a pixel of the picture", (sample.magnification for sample in samples), ".2f"),
        ("yaw, degrees", (sample.yaw_deg for sample in samples), ".1f"),
        ("pitch, degrees", (sample.pitch_deg for sample in samples), ".1f"),
        ("roll, degrees", (sample.roll_deg for sample in samples), ".1f"),
        ("share with a voice", (sample.voiced if sample.voiced >= 0 else None for sample in samples), ".2f"),
        ("stored crop against what was cut, dB PSNR", (sample.psnr_db for sample in samples), ".1f"),
    ]
    rows = []
    for name, values, form in columns:
        known = [value for value in values if value is not None]
        if known:
            low, middle, high = np.quantile(known, QUANTILES)
            # + 0: no "-0.0"
            rows.append([name, *(f"{round(float(value), int(form[1])) + 0:{form}}" for value in (low, middle, high))])
    return _table(["of the kept clips", "5% below", "median", "5% above"], rows)


def _offsets(index: Index) -> str:
    counts = Counter(sample.offset for sample in index.samples)
    if not counts.keys() - {""}:
        return "The audio-visual offset was not measured."
    corrected = [sample.offset_s * 1000 for sample in index.samples if sample.offset == "corrected"]
    text = "Audio-visual offset: " + ", ".join(
        f"{count:,} {state or 'not measured'}" for state, count in sorted(counts.items(), key=lambda pair: -pair[1])
    )
    if corrected:
        text += f"; corrected by {min(corrected):.0f} to {max(corrected):.0f} ms, median {np.median(corrected):.0f} ms"
    return text + "."


def _dropped(report: Report) -> str:
    if not report.dropped:
        return "Nothing."
    total = len(report.dropped) + len(report.index.samples)
    counts = Counter(clip.reason for clip in report.dropped)
    rows = [
        [reason, f"{count:,}", f"{count / total:.1%}"]
        for reason, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return _table(["reason", "clips", "share of all"], rows) + "\n\nEach by name in report.json."


def _licence_list(index: Index) -> str:
    lines = [f"- {_corpus(name).name} ({_corpus(name).source}): {_corpus(name).licence}" for name in _corpora(index)]
    return "\n".join(lines) + (
        "\n\nThe terms are as far as known to orate; the corpus' own are what counts. The crops show people: what may "
        "be done with them depends on their consent and on the law as well."
    )


def _made(index: Index, command: str) -> str:
    lines = []
    if command:
        lines.append(f"```\n{command}\n```\n")
    if index.made:
        lines.append(f"orate {index.made.version}, with these settings:\n")
        settings = {**index.made.settings, "shard_bytes": index.made.shard_bytes}
        lines.append(_table(["setting", "value"], [[name, f"{value}"] for name, value in sorted(settings.items())]))
        lines.append("")
    shards = len(index.shards)
    size = sum(shard.bytes for shard in index.shards)
    lines.append(
        f"{_count(shards, 'shard')}, {size / 1e9:,.2f} GB. Preparation draws nothing by chance: the same clips with "
        "the same settings and release give the same bytes, on any number of machines."
    )
    return "\n".join(lines)


_READING = """## Reading it

```python
from orate.corpora.dataset import ClipDataset

clips = ClipDataset("this/folder", split="train", audio_rate=16_000)
```

The shards are plain tar files for any WebDataset reader, and croissant.json describes them to any Croissant reader.
`orate prepare check this/folder` compares them with their checksums. The members are described in orate's
docs/data-format.md."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _image(path: str, caption: str) -> str:
    return f"![{caption}]({path})\n\n{caption}."


def _hours(samples: Iterable[Sample], fps: float) -> str:
    seconds = sum(sample.frames for sample in samples) / fps
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
