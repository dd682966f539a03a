"""The operator's page: one HTML file without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from orate.study.findings import in_words, range_in_words, who_took_part
from orate.study.folder import Study
from orate.study.results import Results
from orate.study.statistics import Share

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --mark: #2a6fb0; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 74rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { max-width: 46rem; } .small { opacity: .8; font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; background: var(--soft); }
.bar { display: block; position: relative; width: 12rem; height: 1.1rem; background: var(--soft); }
.bar i { position: absolute; top: .2rem; bottom: .2rem; background: var(--mark); opacity: .45; }
.bar b { position: absolute; top: 0; bottom: 0; width: 3px; margin-left: -1px; background: var(--mark); }
.bar u { position: absolute; top: 0; bottom: 0; left: 50%; border-left: 1px dashed currentColor; }
"""


def results_page(study: Study, results: Results, live: bool = False) -> str:
    """The results as a page.

    Args:
        study: the study.
        results: its results.
        live: whether it is served, with the tables and the clips beside it.
    """
    parts = [
        f"<h1>{escape(study.title)}</h1>",
        f'<p class="small">Model {escape(study.model)}; {len(study.clips)} clips of {study.seconds:g} s, '
        f"{study.clips_per_person} a person, half of them real. {who_took_part(results)}</p>",
        _downloads() if live else "",
        _whole(results) if results.answers else "<p>There is no answer to count yet.</p>",
        _people(results) if results.people else "",
        _clips(results, live),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>Results: {escape(study.title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _whole(results: Results) -> str:
    rows = [
        ["all clips", *_cells(results.all)],
        ["real clips (said to be real)", *_cells(results.real)],
        ["generated clips (seen through)", *_cells(results.generated)],
    ]
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in in_words(results))
    return f"<h2>In all</h2>{_table(['', *SHARE_HEADINGS], rows)}{sentences}"


def _people(results: Results) -> str:
    rows = [
        [
            *(str(row.person), *_cells(row.all), _of(row.real), _of(row.generated)),
            *(f"{row.seconds:.1f}", f"{row.plays:.1f}", "" if row.finished else "stopped early"),
        ]
        for row in results.people
    ]
    headings = ["person", *SHARE_HEADINGS, "of real", "of generated", "seconds", "plays", ""]
    note = "<p class='small'>Seconds: median time of an answer from the clip's first start. Plays: mean of a clip.</p>"
    return f"<h2>People</h2>{_table(headings, rows)}{note}"


def _clips(results: Results, live: bool) -> str:
    rows = [
        [
            f"{escape(row.key)}{_links(row.files) if live else ''}",
            escape(row.speaker) + (" (unseen)" if row.unseen else ""),
            _of(row.real),
            *_cells(row.generated),
        ]
        for row in results.clips
    ]
    headings = ["clip", "speaker", "real: right", *(f"generated: {heading}" for heading in SHARE_HEADINGS[:1])]
    note = "<p class='small'>The clips that were taken for real most often come first.</p>"
    return f"<h2>Clips</h2>{note}{_table([*headings, *SHARE_HEADINGS[1:]], rows)}"


SHARE_HEADINGS = ["right", "share", "95% interval", ""]


def _cells(share: Share) -> list[str]:
    value, interval = share.value, share.interval
    if value is None or interval is None:
        return ["0 / 0", "", "", ""]
    low, high = (100 * end for end in interval)
    bar = (
        f'<span class="bar"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><u></u>'
        f'<b style="left:{100 * value:.1f}%"></b></span>'
    )
    return [_of(share), f"{value:.1%}", range_in_words(interval), bar]


def _of(share: Share) -> str:
    return f"{share.right} / {share.total}"


def _links(files: tuple[str, str]) -> str:
    real, generated = files
    return f' <a href="clips/{real}">real</a> <a href="clips/{generated}">generated</a>'


def _downloads() -> str:
    links = " ".join(f'<a href="{name}.csv">{name}.csv</a>' for name in ("people", "clips", "answers"))
    return f"<p>{links}. Reload the page for newer answers.</p>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings are text, cells are HTML."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
