#!/usr/bin/env python3
"""docs/pictures are what pictures.py draws; each is on a page, with words for those who do not see it.
Written anew with LEASTWISE_UPDATE_DOCS=1.

    pictures_test.py ROOT
"""
import os
import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree as tree

import pictures

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
FOLDER = ROOT / "docs/pictures"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DRAWINGS = re.compile("[─│┌┐└┘▶◀▼▲▒█▓]")


class Pictures(unittest.TestCase):
    def test_are_as_drawn(self):
        for name, draw in pictures.PICTURES.items():
            file = FOLDER / f"{name}.svg"
            if os.environ.get("LEASTWISE_UPDATE_DOCS"):
                file.write_text(draw().svg())
            self.assertEqual(file.read_text(), draw().svg(), f"{file}: LEASTWISE_UPDATE_DOCS=1 writes it")
        self.assertEqual({f.stem for f in FOLDER.iterdir()}, set(pictures.PICTURES))

    def test_are_xml_with_a_title_and_load_nothing(self):
        for file in FOLDER.iterdir():
            root = tree.parse(file).getroot()
            self.assertTrue(root.find("{http://www.w3.org/2000/svg}title").text, file)
            text = file.read_text().replace("http://www.w3.org/2000/svg", "")
            self.assertIsNone(re.search(r"href|url\(|@import|//", text), file)

    def test_each_is_on_a_page_with_words(self):
        shown = {}
        for page in PAGES:
            for words, name in re.findall(r"!\[([^]]*)\]\((?:docs/)?pictures/(\w+)\.svg\)", page.read_text()):
                self.assertGreater(len(words.split()), 4, f"{page.name}: {name}: describe it")
                shown[name] = page.name
        self.assertEqual(set(shown), set(pictures.PICTURES))

    def test_pages_for_users_draw_nothing_by_letters(self):
        for page in PAGES:
            if page.name != "design.md":
                self.assertIsNone(DRAWINGS.search(page.read_text()), page.name)


if __name__ == "__main__":
    unittest.main()
