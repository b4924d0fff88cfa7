"""A chart of bars in groups, as SVG that can be read on light and on dark pages."""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

Groups = Mapping[
    str, Mapping[str, float | None]
]  # a value for each group and name, where it has one

WIDTH, LEFT, RIGHT = 860, 220, 60  # pixels
BAR, GAP, LINE = 13, 18, 20
COLOURS = ["#0969da", "#1b9aaa", "#8250df", "#2da44e", "#d4732a", "#8c959f"]  # one for each name
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.value { font-size: 11px }
line { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } line { stroke: #9198a1 } }"""


def draw(title: str, unit: str, groups: Groups) -> str:
    """The chart, with a line at 1."""
    names = list(dict.fromkeys(name for bars in groups.values() for name in bars))
    colours = dict(zip(names, COLOURS, strict=True))
    longest = max(value for bars in groups.values() for value in bars.values() if value)
    scale = (WIDTH - LEFT - RIGHT) / max(longest, 1)
    top = 68 + LINE * (len(names) + 1) // 2
    lines = [*legend(colours)]
    bottom = top
    for group, bars in groups.items():
        shown = {name: value for name, value in bars.items() if value is not None}
        middle = bottom + BAR * len(shown) / 2 + 4
        lines.append(text(LEFT - 10, middle, group.replace("`", ""), "end"))
        for name, value in shown.items():
            lines.append(bar(LEFT, bottom, value * scale, colours[name]))
            lines.append(text(LEFT + value * scale + 5, bottom + 10, f"{value:.2f}", kind="value"))
            bottom += BAR
        bottom += GAP
    one = LEFT + scale
    lines.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{top - 6}" y2="{bottom - GAP + 6}"/>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{STYLE}\n</style>",
            text(20, 28, title, kind="title"),
            text(20, 50, unit),
            *lines,
            "</svg>\n",
        ]
    )


def legend(colours: Mapping[str, str]) -> Iterator[str]:
    """The names in two columns."""
    for number, (name, colour) in enumerate(colours.items()):
        x, y = 20 + WIDTH // 2 * (number % 2), 66 + LINE * (number // 2)
        yield bar(x, y, BAR, colour)
        yield text(x + 20, y + 10, name)


def bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}"/>'


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'
