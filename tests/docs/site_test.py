#!/usr/bin/env python3
"""The site of the documentation builds without a warning, asks no other server for anything, and has
no link or anchor that leads nowhere. Skipped, and says so, where mkdocs is not installed.

    site_test.py ROOT
"""
import html.parser
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(sys.argv[1]).resolve()
SKIPPED = 77
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "form": "action",
         "source": "src", "video": "src", "object": "data"}


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.add(attrs["id"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if LOADS.get(tag) in attrs:
            self.loads.append(attrs[LOADS[tag]])


def is_elsewhere(url):
    return bool(re.match(r"(?:[a-z]+:)?//", url.strip(), re.I))


def asked_elsewhere(name, text):
    """What a browser would load from another server."""
    if name.endswith(".css"):
        return [u for u in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s]+)", text) if is_elsewhere(u)]
    return [u for u in Links(text).loads if is_elsewhere(u)]


def broken_links(site):
    pages = {p: Links(p.read_text()) for p in site.rglob("*.html")}
    for page, found in pages.items():
        for link in found.links + found.loads:
            if re.match(r"(?:[a-z]+:|//)", link) or link.startswith("#") and link == "#":
                continue
            path, _, anchor = link.partition("#")
            path = urllib.parse.unquote(path.split("?")[0])
            target = (page.parent / path).resolve() if path not in ("", ".") else page
            if not target.exists():
                yield f"{page.relative_to(site)}: {link}: no such file"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{page.relative_to(site)}: {link}: no such title"


def main():
    assert asked_elsewhere("a.html", '<script src="https://cdn.example/x.js">') == ["https://cdn.example/x.js"]
    assert asked_elsewhere("a.css", "@import 'https://fonts.example/x.css';") == ["https://fonts.example/x.css"]
    assert asked_elsewhere("a.html", '<a href="https://example.org">, <img src="x.png">') == []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, ROOT / "cmake/docs_site.py", ROOT, folder], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=110, check=False)
        print(done.stdout, end="")
        if done.returncode != 0:
            sys.exit(SKIPPED if done.returncode == SKIPPED else f"FAILED: status {done.returncode}")
        site = pathlib.Path(folder) / "html"
        faults = [f"{f.relative_to(site)} loads {url}" for kind in ("*.html", "*.css")
                  for f in site.rglob(kind) for url in asked_elsewhere(f.name, f.read_text())]
        faults += broken_links(site)
        pages = len(list(site.rglob("*.html")))
        if faults or pages < 20:
            sys.exit("FAILED:\n" + "\n".join(faults) + f"\n{pages} pages")
        print(f"{pages} pages, nothing from elsewhere, no broken link")


if __name__ == "__main__":
    main()
