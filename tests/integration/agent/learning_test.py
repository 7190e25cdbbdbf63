"""Picks that teach nothing are noticed, and the reason is said.

Usage: learning_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import sys
import unittest

import stack
from stack import STATUS, Stack, get, load, say, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
FRONTEND = "    default_backend app"


class Learning(unittest.TestCase):
    def warning_with(self, edit, name, spoe_edit=()):
        """What is said when the frontend is that, while requests come."""
        def warned():
            load("--connections", 8, "--requests", 200)
            found = [w for w in s.status()["agent"]["warnings"] if w["name"] == name]
            return found[0]["text"] if found else None
        with Stack(edit=edit, spoe_edit=spoe_edit) as s:
            text = until(warned, 30)
            say(self, text=text)
            self.assertEqual(s.log("agent").count(text), 1, "once, not at each window")
            self.assertIn(f'leastwise_agent_learning_warning{{about="{name}"}} 1',
                          get(STATUS, "/metrics")[2])
            return text

    def test_lines_that_haproxy_leaves_out_are_missed(self):
        text = self.warning_with([(FRONTEND, "    option dontlog-normal\n" + FRONTEND)], "no_lines")
        self.assertIn("dontlog-normal", text)

    def test_ids_that_clients_choose_are_noticed(self):
        text = self.warning_with([], "repeated_ids", [("id=uuid(),", "id=str(same),")])
        self.assertIn("id=uuid()", text)

    def test_lines_of_another_form_are_noticed(self):
        text = self.warning_with([("leastwise id=%[", "mine id=%[")], "no_lines")
        self.assertIn("not ours", text)

    def test_nothing_is_said_while_all_is_well(self):
        with Stack() as s:
            until(lambda: load("--connections", 8, "--requests", 400) and
                  s.status()["agent"]["feedback"]["by_log"] > 2000, 30)
            agent = s.status()["agent"]
            self.assertEqual(agent["warnings"], [])
            self.assertGreater(agent["decided"]["percent"], 90)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
