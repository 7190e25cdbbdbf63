#!/usr/bin/env python3
"""Links lead somewhere; words are spelled as in a dictionary or in words.txt; sentences have 25 words on
average at most; no words that a reader has to guess.

    prose_test.py ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import pages

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
PAGES = pages.pages(ROOT)
FOR_USERS = [p for p in PAGES if pages.is_for_users(p)]
MOST_WORDS = 25  # of a sentence, on average
FEWEST = 5       # sentences, below which an average says nothing

# Words of ours that others have another word for.
UNUSUAL = {
    r"\bdear(er|est)?\b": "expensive, penalised",
    r"\bby and by\b": "gradually",
    r"\btakes? the header off\b": "removes the header",
    r"\bcosts? (the server )?traffic\b": "the server gets less traffic",
    r"\bwho comes from\b": "for users of",
    r"\bnowadays\b": "today",
}


def broken(page, target):
    """What is wrong with a link, or None."""
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    file = (page.path.parent / path).resolve() if path else page.path
    if not file.exists():
        return "no such file"
    if anchor and file.suffix == ".md":
        other = pages.Page(file.parent, file)
        return None if anchor in other.anchors() else "no such title"
    return None


def average(page):
    counts = [len(re.findall(r"[\w'’%/.-]+", s)) for p in page.prose() for s in pages.sentences(p)]
    return sum(counts) / len(counts) if len(counts) >= FEWEST else 0


def unusual(text):
    return [f"{m.group(0)!r}: {better}" for pattern, better in UNUSUAL.items()
            if (m := re.search(pattern, text, re.I))]


def misspelled(texts, words):
    """{word: name of the first text that has it}, by hunspell; English of both sides of the sea."""
    listed = {}
    for name, text in texts:
        for word in re.findall(r"(?<![\w$/._-])[A-Za-z][a-z]+(?:['’][a-z]+)?(?![\w/_(=])", text):
            listed.setdefault(word.replace("’", "'"), name)
    done = subprocess.run(["hunspell", "-d", "en_US,en_GB", "-l"], input="\n".join(listed), text=True,
                          capture_output=True, check=True)
    known = {w.lower() for w in words}
    return {w: listed[w] for w in done.stdout.split() if w in listed and w.lower() not in known}


class Prose(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        found = [f"{p.name}:{n}: {t}: {why}" for p in PAGES for n, t in p.links() if (why := broken(p, t))]
        self.assertEqual(found, [])

    def test_sentences_are_short(self):
        found = {p.name: round(a, 1) for p in FOR_USERS if (a := average(p)) > MOST_WORDS}
        self.assertEqual(found, {}, f"words in a sentence, on average; at most {MOST_WORDS}")

    def test_words_are_the_fields_own(self):
        found = [f"{p.name}: {u}" for p in FOR_USERS
                 for text in (*p.prose(), *p.table_cells()) for u in unusual(text)]
        self.assertEqual(found, [])

    @unittest.skipUnless(shutil.which("hunspell"), "hunspell is not installed")
    def test_words_are_spelled_well(self):
        words = (ROOT / "tests/docs/words.txt").read_text().split()
        texts = [(p.name, t) for p in FOR_USERS for t in (*p.prose(), *p.table_cells())]
        self.assertEqual(misspelled(texts, words), {}, "mend it, or add it to tests/docs/words.txt")


class TheChecksThemselves(unittest.TestCase):
    """They can fail."""

    def page(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "page.md"
        path.write_text(text)
        return pages.Page(path.parent, path)

    def test_a_link_to_nothing_is_found(self):
        page = self.page("# A `b` title\n[x](gone.md) [y](#a-b-title) [z](#no)\n")
        self.assertEqual([broken(page, t) for _, t in page.links()],
                         ["no such file", None, "no such title"])

    def test_a_long_sentence_is_found(self):
        self.assertGreater(average(self.page(("word " * 30 + ".\n\n") * 5)), MOST_WORDS)
        self.assertLess(average(self.page(("word " * 10 + ".\n\n") * 5)), MOST_WORDS)

    def test_an_unusual_word_is_found(self):
        self.assertEqual(unusual("A dear request."), ["'dear': expensive, penalised"])

    @unittest.skipUnless(shutil.which("hunspell"), "hunspell is not installed")
    def test_a_misspelled_word_is_found(self):
        self.assertEqual(misspelled([("p", "A requets, a server, nginx.")], ["nginx"]), {"requets": "p"})


if __name__ == "__main__":
    unittest.main()
