"""The results of a study on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from orate.study.findings import in_words, range_in_words, who_took_part
from orate.study.folder import Study
from orate.study.results import Results
from orate.study.statistics import Share

MIN_WIDTH = 110  # where the output is no terminal


def print_results(study: Study, results: Results) -> None:
    """Print tables by person and clip, and what the figures say."""
    console = Console(width=max(MIN_WIDTH, Console().width), highlight=False, soft_wrap=True)
    if results.answers:
        people = Table("person", "right", "share", "95% interval", "of real", "of generated", "seconds", "plays")
        people.title = f"{study.model}: people"
        for row in results.people:
            times = (f"{row.seconds:.1f}", f"{row.plays:.1f}")
            people.add_row(str(row.person), *_cells(row.all), _of(row.real), _of(row.generated), *times)
        people.add_section()
        people.add_row("all", *_cells(results.all), _of(results.real), _of(results.generated))
        clips = Table("clip", "speaker", "real: right", "generated: right", "share", "95% interval")
        clips.title = f"{study.model}: clips, those taken for real most often first"
        for clip in results.clips:
            clips.add_row(clip.key, clip.speaker, _of(clip.real), *_cells(clip.generated))
        console.print(clips)
        console.print(people)
    console.print(who_took_part(results))
    for sentence in in_words(results):
        console.print(sentence)


def _cells(share: Share) -> tuple[str, str, str]:
    value, interval = share.value, share.interval
    if value is None or interval is None:
        return "0 / 0", "", ""
    return _of(share), f"{value:.1%}", range_in_words(interval)


def _of(share: Share) -> str:
    return f"{share.right} / {share.total}"
