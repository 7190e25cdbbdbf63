"""Pages in Markdown: their code blocks, links, titles and prose."""

import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Block:
    page: "Page"
    line: int
    language: str
    text: str
    not_run: str  # why, from <!-- not run: … --> in the line before; empty: it is to be run

    def __str__(self):
        return f"{self.page.name}:{self.line}"


class Page:
    def __init__(self, root, path):
        self.path = path
        self.name = str(path.relative_to(root))
        self.lines = path.read_text().splitlines()
        self.blocks = []
        self.outside = []  # (number, line) of what is in no block
        self._split()

    def _split(self):
        block, indent, before = None, 0, ""
        for number, line in enumerate(self.lines, 1):
            fence = re.match(r"( *)```(\S*)", line)
            if block is not None:
                if fence:
                    self.blocks.append(block)
                    block = None
                else:
                    block.text += line[indent:] + "\n"
            elif fence:
                mark = re.match(r" *<!-- not run: (.*) -->$", before)
                indent = len(fence.group(1))
                block = Block(self, number, fence.group(2), "", mark.group(1) if mark else "")
            else:
                self.outside.append((number, line))
            before = line
        assert block is None, f"{self.name}:{block.line}: a code block without an end"

    def titles(self):
        return [m.group(2) for _, line in self.outside if (m := re.match(r"(#+) (.+)", line))]

    def anchors(self):
        """As GitHub makes them of titles."""
        found, seen = set(), {}
        for title in self.titles():
            text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            n = seen[slug] = seen.get(slug, -1) + 1
            found.add(f"{slug}-{n}" if n else slug)
        return found

    def links(self):
        """(line, target) of each link, images included."""
        for number, line in self.outside:
            line = re.sub(r"`[^`]*`", "", line)
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                yield number, target

    def paragraphs(self):
        """Prose: without code, tables, titles, comments and links' targets. An item of a list is one."""
        text = []
        for _, line in self.outside:
            is_indented = line.startswith("    ") and not text
            item = re.match(r"\s*(?:[-*]|\d+\.) +(.*)", line)
            if not line.strip() or line.startswith(("#", "|", "<", "![")) or is_indented:
                if text:
                    yield " ".join(text)
                text = []
            elif item:
                if text:
                    yield " ".join(text)
                text = [item.group(1)]
            else:
                text.append(line.strip())
        if text:
            yield " ".join(text)

    def prose(self):
        for paragraph in self.paragraphs():
            paragraph = re.sub(r"\]\([^)]*\)", "]", paragraph)
            paragraph = re.sub(r"`[^`]*`", "CODE", paragraph)
            yield re.sub(r"[*\[\]]|https?://\S+", "", paragraph)

    def table_cells(self):
        for _, line in self.outside:
            if line.startswith("|"):
                yield re.sub(r"`[^`]*`|\]\([^)]*\)", " ", line)


def sentences(paragraph):
    parts = re.split(r"(?<=[.!?])\s+(?=[\"'(A-Z0-9$])", paragraph)
    return [p for p in parts if re.search(r"[A-Za-z]{2}", p)]


def pages(root):
    """What users read, and whatever else has links."""
    root = pathlib.Path(root)
    found = sorted((root / "docs").rglob("*.md"))
    found += [root / n for n in ("README.md", "CONTRIBUTING.md", "nginx_module/README.md")]
    found += sorted((root / "examples").rglob("*.md")) + sorted((root / "tests").rglob("README.md"))
    return [Page(root, p) for p in found]


def is_for_users(page):
    """Not the decisions and diaries of those who work on it."""
    is_own = page.name.startswith(("docs/adr/", "docs/lab/", "tests/", "CONTRIBUTING"))
    return not is_own and page.name not in ("docs/design.md", "docs/releasing.md")
