#!/usr/bin/env python3
"""The version is that of project() in CMakeLists.txt, and what can not read it there agrees; the changelog has it,
with a date, in the form of Keep a Changelog.

    version_test.py ROOT
"""
import datetime
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
GROUPS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
# (file, what stands there, how many parts of the version it has)
COPIES = [
    ("tests/package/CMakeLists.txt", r"find_package\(leastwise ([\d.]+) ", 2),
    ("examples/load_balancer/CMakeLists.txt", r"find_package\(leastwise ([\d.]+) ", 2),
    ("examples/kubernetes/kustomization.yaml", r'newTag: "([\d.]+)"', 3),
]


def read(path):
    return (ROOT / path).read_text()


def number(text):
    return tuple(int(n) for n in text.split("."))


VERSION = re.search(r"project\(leastwise VERSION (\d+\.\d+\.\d+) ", read("CMakeLists.txt")).group(1)


def releases(changelog):
    """(version, date, groups) of each, the newest first."""
    parts = re.split(r"(?m)^## ", changelog)[1:]
    assert parts[0].startswith("[Unreleased]\n"), "what is not released yet comes first"
    for part in parts[1:]:
        title = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", part.splitlines()[0])
        assert title, f"not [X.Y.Z] - YYYY-MM-DD: {part.splitlines()[0]}"
        yield title.group(1), datetime.date.fromisoformat(title.group(2)), re.findall(r"(?m)^### (.+)$", part)


class Version(unittest.TestCase):
    def test_is_the_same_everywhere(self):
        for path, form, parts in COPIES:
            found = re.findall(form, read(path))
            self.assertEqual(set(found), {".".join(VERSION.split(".")[:parts])}, path)

    def test_is_the_newest_of_the_changelog(self):
        found = list(releases(read("CHANGELOG.md")))
        self.assertEqual(found[0][0], VERSION)
        self.assertEqual([number(v) for v, _, _ in found], sorted((number(v) for v, _, _ in found), reverse=True))
        for version, _, groups in found:
            self.assertEqual(set(groups) - GROUPS, set(), version)

    def test_nothing_appeared_later(self):
        for page in (ROOT / "docs").glob("*.md"):
            for since in re.findall(r"[Aa]ppeared in(?: \|)? version ([\d.]+\d)", page.read_text()):
                self.assertLessEqual(number(since), number(VERSION), page.name)

    def test_a_changelog_without_a_date_is_found(self):
        with self.assertRaises(AssertionError):
            list(releases("## [Unreleased]\n\n## [1.0.0]\n"))


if __name__ == "__main__":
    unittest.main()
