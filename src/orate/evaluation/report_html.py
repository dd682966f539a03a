"""The page of a report: one HTML file that asks for nothing but the files beside it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import isfinite

from orate.evaluation.report import CEILING, MODEL
from orate.evaluation.report_folder import CLIPS_FOLDER, KeptClip
from orate.evaluation.report_svg import blink_histogram, curves
from orate.evaluation.report_tables import ReportTable, shown

WORST = 10
LEGEND = {MODEL: "generated", CEILING: "real"}
ON_CARDS = ("mouth_correlation", "mouth_range", "mouth_lmd", "ssim", "mouth_sharpness", "av_offset", "jitter_ratio")
# Red for the model, blue for the real: told apart by people who do not see red and green apart.
STYLE = """
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#62626a;--line:#d9d9de;--card:#fff;--page:#f4f4f6;--made:#c8371f;
--real:#2458a8}
@media(prefers-color-scheme:dark){:root{--ink:#ececef;--soft:#a0a0a8;--line:#3a3a40;--card:#1f1f23;--page:#141416;
--made:#ff8a70;--real:#86b2ff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:76rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--page)}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0 0 .5rem;
overflow-wrap:anywhere}
p{margin:.4rem 0;max-width:48rem}.soft{color:var(--soft);font-size:.875rem}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:separate;border-spacing:0;font-size:.875rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.35rem .6rem;text-align:left;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{position:sticky;left:0;background:var(--card)}
tr:last-child td{border-bottom:0}.told td:last-child{white-space:normal;min-width:14rem}
.cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.8rem;min-width:0}
video,img,svg{display:block;width:100%;height:auto}video{max-width:24rem;margin:0 auto;background:#000}
img{margin:.6rem 0}dl{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.5rem 0 0;font-size:.875rem}
dl div{display:flex;gap:.4rem}dt{color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums}
.sides{display:flex;justify-content:space-around;max-width:24rem;margin:0 auto;font-size:.875rem;color:var(--soft)}
polyline{fill:none;stroke-width:2}polyline.model{stroke:var(--made)}polyline.ceiling{stroke:var(--real)}
rect.model{fill:var(--made)}rect.ceiling{fill:var(--real)}.axis{stroke:var(--line)}
.tick{fill:var(--soft);font-size:12px}.end{text-anchor:end}
.keys{white-space:nowrap}.chart{max-width:44rem}
.key{display:inline-block;width:.8em;height:.8em;border-radius:.15em;margin:0 .3em 0 .6em}
.key.model{background:var(--made)}.key.ceiling{background:var(--real)}
@media(max-width:30rem){.tick{font-size:20px}body{padding:.6rem}}
"""


def report_page(title: str, clips: list[KeptClip], tables: Iterable[ReportTable], notes: Iterable[str] = ()) -> str:
    """The whole page.

    Args:
        title: what was measured on what.
        clips: measured clips, in any order: the worst come first.
        tables: shown after the clips, the first one before them.
        notes: sentences on what was not measured.
    """
    drawn = [_table(table) for table in tables]
    body = [f"<h1>{escape(title)}</h1>", *(f'<p class="soft">{escape(note)}</p>' for note in notes)]
    body += [*drawn[:1], *([_blinks(clips), *_clips(clips)] if clips else []), *drawn[1:]]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(body) + "\n</body></html>\n"


def worst_first(clips: list[KeptClip]) -> list[KeptClip]:
    """Clips by the correlation of the mouth's opening with the real video's, least first.

    Where the real mouth is not known, and so nothing about it, a clip comes last; among equals, the one whose mouth is
    farther from the real one comes first.
    """

    def badness(clip: KeptClip) -> tuple[float, float]:
        figures = clip.figures.rows[MODEL]
        agreement, distance = figures["mouth_correlation"], figures["mouth_lmd"]
        return (agreement if isfinite(agreement) else 2.0, -distance if isfinite(distance) else 0.0)

    return sorted(clips, key=badness)


def _clips(clips: list[KeptClip]) -> list[str]:
    ordered = worst_first(clips)
    told = (
        "<p>In each video the real clip is on the left, the generated one on the right; in each sheet the real one is "
        f"above. The curves are the mouth's opening in eye distances: {_key()}</p>"
    )
    parts = [f"<h2>The worst {min(WORST, len(clips))} clips</h2>", told, _cards(ordered[:WORST])]
    if ordered[WORST:]:
        parts += ["<h2>The others, from worse to better</h2>", _cards(ordered[WORST:])]
    return parts


def _cards(clips: list[KeptClip]) -> str:
    return f'<div class="cards">{"".join(_card(clip) for clip in clips)}</div>'


def _card(clip: KeptClip) -> str:
    figures, path = clip.figures, f"{CLIPS_FOLDER}/{escape(clip.name)}"
    lines = [(LEGEND[row], row, figures.videos[row]) for row in (CEILING, MODEL) if row in figures.videos]
    drawn = curves(
        [(row, video.opening) for _, row, video in lines], figures.fps, f"Opening of the mouth in {figures.key}"
    )
    read = [
        ("said", figures.said),
        *((f"read, {name}", video.read) for name, _, video in lines if video.read is not None),
    ]
    words = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in read if text)
    numbers = "".join(
        f"<div><dt>{name}</dt><dd>{shown(figures.rows[MODEL][name])}</dd></div>"
        for name in ON_CARDS
        if isfinite(figures.rows[MODEL][name])
    )
    return (
        f'<section class="card"><h3>{escape(figures.key)} <span class="soft">{escape(figures.group)}</span></h3>'
        f'<video controls loop playsinline preload="none" poster="{path}-first.jpg" src="{path}.mp4"></video>'
        '<div class="sides"><span>real</span><span>generated</span></div>'
        f'<a href="{path}.jpg"><img loading="lazy" src="{path}.jpg" alt="Frames of {escape(figures.key)}, real above '
        f'generated"></a>{drawn}<dl>{words}</dl><dl>{numbers}</dl></section>\n'
    )


def _blinks(clips: list[KeptClip]) -> str:
    series, counts = [], []
    for row in (CEILING, MODEL):
        videos = [(clip.figures.videos[row], clip.figures.fps) for clip in clips if row in clip.figures.videos]
        seconds = sum(len(video.opening) / fps for video, fps in videos)
        lengths = [length for video, _ in videos for _, length in video.blinks]
        series.append((row, lengths))
        rate = len(lengths) / max(seconds, 1e-9)
        counts.append(f"{LEGEND[row]}: {len(lengths)} in {seconds:.0f} s, {rate:.2f} a second.")
    told = f"<p>How many blinks last how long: {_key()}</p><p>{' '.join(counts)} Bars leave out blinks cut off.</p>"
    return f'<h2>Blinks</h2>{told}<div class="card chart">{blink_histogram(series, "Blinks by their length")}</div>'


def _key() -> str:
    keys = (f'<span class="keys"><span class="key {row}"></span>{LEGEND[row]}</span>' for row in (CEILING, MODEL))
    return " ".join(keys)


def _table(table: ReportTable) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    notes = "".join(f'<p class="soft">{escape(note)}</p>' for note in table.notes)
    kind = "wide told" if table.columns[-1] == "meaning" else "wide"
    shown_table = f'<div class="{kind}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>{escape(table.title)}</h2>{shown_table}{notes}"
