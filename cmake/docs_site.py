#!/usr/bin/env python3
"""Builds the documentation as a static site, by mkdocs: docs/mkdocs.yml says what is where.

    docs_site.py ROOT FOLDER     the site goes to FOLDER/html

Pages link to files beside the documentation (examples, tests): those are copied, so that nothing of
the site lies elsewhere. Exit status 77 where mkdocs is not installed.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

MISSING = 77
LINK = re.compile(r"\]\(([^)\s#]+)((?:#[^)\s]*)?)\)")

# Made for a site of a known address: ours may lie in any folder.
OF_A_SERVER = ("404.html", "sitemap.xml", "sitemap.xml.gz")


def with_all_pages(config, docs):
    """Pages that the navigation does not have come last in it."""
    named = re.findall(r": (\S+\.md)$", config, re.M)
    others = [p for p in sorted(docs.glob("*.md")) if p.name not in named]
    title = {p.name: re.search(r"^# (.+)$", p.read_text(), re.M).group(1) for p in others}
    more = "".join(f"      - {json.dumps(title[p.name])}: {p.name}\n" for p in others)
    return config + ("  - More:\n" + more if more else "")


def is_page(path):
    return path.suffix == ".md"


def listing(folder, name):
    """A page for a folder: what is in it."""
    rows = "".join(f"- [{f.name}]({f.name + ('/index.md' if f.is_dir() else '')})\n"
                   for f in sorted(folder.iterdir()) if f.is_file() or not f.name.startswith("_"))
    return f"# {name}\n\n{rows}"


class Site:
    def __init__(self, root, pages):
        self.root, self.docs, self.pages = root, root / "docs", pages
        self.done = set()

    def place(self, source):
        """Where a file of the repository goes."""
        if source.is_relative_to(self.docs):
            return self.pages / source.relative_to(self.docs)
        # mkdocs passes over folders that begin with a dot.
        at = self.pages.joinpath("files", *(p.lstrip(".") for p in source.relative_to(self.root).parts))
        if source.is_dir():
            return at / "index.md"
        # Browsers show text, and download what they do not know.
        return at if source.suffix in (".md", ".png", ".svg", ".json", ".txt") else at.with_name(at.name + ".txt")

    def copy(self, source):
        target = self.place(source)
        if target in self.done:
            return target
        self.done.add(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            name = str(source.relative_to(self.root))
            text = listing(source, name)
            target.write_text(self.linked(text, source / "index.md", target))
        elif is_page(source):
            target.write_text(self.linked(source.read_text(), source, target))
        else:
            shutil.copyfile(source, target)
        return target

    def linked(self, text, source, target):
        """The text with its links as they are from `target`."""
        def replace(match):
            path, anchor = match.groups()
            if re.match(r"[a-z]+:", path):
                return match.group(0)
            wanted = pathlib.Path(os.path.normpath(source.parent / path))
            if wanted.name == "index.md" and not wanted.exists():
                wanted = wanted.parent
            if not wanted.exists() or not wanted.is_relative_to(self.root):
                return match.group(0)  # mkdocs says so
            if wanted.is_dir() and wanted.is_relative_to(self.docs):
                to = self.pages / wanted.relative_to(self.docs) / "index.md"
                if to not in self.done:
                    self.done.add(to)
                    to.parent.mkdir(parents=True, exist_ok=True)
                    to.write_text(self.linked(listing(wanted, wanted.name), wanted / "index.md", to))
            else:
                to = self.copy(wanted)
            return f"]({os.path.relpath(to, target.parent)}{anchor})"

        return LINK.sub(replace, text)


def main():
    root, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    if shutil.which("mkdocs") is None:
        print("SKIPPED: mkdocs is not installed (Debian: apt-get install mkdocs)")
        sys.exit(MISSING)
    pages = folder / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    pages.mkdir(parents=True)
    site = Site(root, pages)
    for source in sorted((root / "docs").rglob("*")):
        if source.is_file() and source.name != "mkdocs.yml":
            site.copy(source)
    config = with_all_pages((root / "docs/mkdocs.yml").read_text(), root / "docs")
    version = re.search(r"project\(leastwise VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text()).group(1)
    (folder / "mkdocs.yml").write_text(
        f"{config}extra: {{version: {json.dumps(version)}}}\ndocs_dir: {pages}\nsite_dir: {folder}/html\n"
        f"theme:\n  name: null\n  custom_dir: {root}/cmake/docs_theme\n")
    done = subprocess.run(["mkdocs", "build", "--strict", "-f", folder / "mkdocs.yml"], check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print("\n".join(line for line in done.stdout.splitlines() if re.search("WARNING|ERROR|Error", line)))
    for name in OF_A_SERVER:
        (folder / "html" / name).unlink(missing_ok=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
