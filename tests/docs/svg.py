"""Draws in SVG: boxes, arrows, texts. Colours follow the reader's choice of light or dark, and nothing is
loaded from elsewhere."""

import xml.sax.saxutils

STYLE = """
.page { fill: #fff; } .box { fill: #f4f6f9; stroke: #b3bccb; } .own { fill: #fbe9e2; stroke: #c8441b; }
text { fill: #1d2330; } .soft { fill: #5b6475; } .strong { font-weight: bold; } .mark { fill: #b23a14; font-weight: bold; }
.line { stroke: #5b6475; fill: none; stroke-width: 1.5; } .head { fill: #5b6475; } .dash { stroke-dasharray: 4 4; }
.curve { stroke: #c8441b; fill: none; stroke-width: 2.5; }
.a { fill: #5f8fc7; } .b { fill: #9aa5b8; } .c { fill: #c8441b; } .d { fill: #c79a3a; }
@media (prefers-color-scheme: dark) {
.page { fill: #14181f; } .box { fill: #1e242e; stroke: #4a5568; } .own { fill: #3a2219; stroke: #e0714c; }
text { fill: #e4e8ef; } .soft { fill: #a5b0c2; } .mark { fill: #ff9a76; }
.line { stroke: #a5b0c2; } .head { fill: #a5b0c2; } .curve { stroke: #ff8a62; }
.a { fill: #6fa3e0; } .b { fill: #6b7688; } .c { fill: #e0714c; } .d { fill: #d9b25a; } }
"""


class Picture:
    """`title` is what a screen reader says."""

    def __init__(self, width, height, title):
        self.width = width
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="14">',
            f"<title>{xml.sax.saxutils.escape(title)}</title>", f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}" rx="8"/>']

    def text(self, x, y, words, kind="", anchor="start", size=None):
        length = 0.62 * (size or 14) * len(words)  # of the widest usual fonts, about
        left = x - length * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        assert 0 <= left and left + length <= self.width, f"does not fit: {words}"
        more = f' font-size="{size}"' if size else ""
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}"{more}>'
                          f"{xml.sax.saxutils.escape(words)}</text>")

    def box(self, x, y, width, height, *words, kind="box"):
        """The first word is strong, the others are below it."""
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        top = y + height / 2 + 5 - 9 * (len(words) - 1)
        for i, word in enumerate(words):
            size = 12 if i else 14 if len(word) * 9.5 < width else 13
            self.text(x + width / 2, top + 18 * i, word, "soft" if i else "strong", "middle", size)

    def bar(self, x, y, width, height, kind):
        self.parts.append(f'<rect class="{kind}" x="{x:g}" y="{y}" width="{width:g}" height="{height}"/>')

    def line(self, *points, kind="line"):
        self.parts.append(f'<polyline class="{kind}" points="{" ".join(f"{x:g},{y:g}" for x, y in points)}"/>')

    def arrow(self, *points):
        """Along the points, with a head at the last one."""
        self.line(*points)
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        back, side = (x - 9 * dx, y - 9 * dy), (5 * dy, 5 * dx)
        self.parts.append(f'<polygon class="head" points="{x},{y} {back[0] + side[0]},{back[1] + side[1]} '
                          f'{back[0] - side[0]},{back[1] - side[1]}"/>')

    def svg(self):
        return "\n".join(self.parts) + "\n</svg>\n"
