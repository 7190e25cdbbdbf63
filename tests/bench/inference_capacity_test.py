"""The search of inference_capacity.py, over rates of which it is known what is carried."""
import unittest

from inference_capacity import CLOSE, search


class Search(unittest.TestCase):
    def test_brackets_what_is_carried_from_wherever_it_begins(self):
        for begin in (.3, 9.9, 10, 10.1, 300):
            tried = []
            low, high = search(lambda rate, tried=tried: tried.append(rate) or rate <= 10, begin, 1000)
            self.assertTrue(low <= 10 < high <= low * CLOSE, (begin, low, high))
            self.assertEqual(len(tried), len(set(tried)), "a rate was tried twice")

    def test_goes_no_higher_than_told(self):
        tried = []
        self.assertEqual(search(lambda rate: tried.append(rate) or True, 5, 7), (7, None))
        self.assertEqual(max(tried), 7)
        self.assertEqual(search(lambda _: True, 7, 7), (7, None))

    def test_what_is_not_carried_below_the_most_is_bracketed(self):
        low, high = search(lambda rate: rate <= 6, 7, 7)
        self.assertTrue(low <= 6 < high <= low * CLOSE)


if __name__ == "__main__":
    unittest.main()
