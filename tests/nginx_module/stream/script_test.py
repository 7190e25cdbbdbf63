"""`leastwise_lua` in `stream`: scripts choose for sessions."""

import json
import pathlib
import re
import unittest

import harness
import stream_servers as s

PORT, GAME = 20740, 20741
A, B = 20742, 20743


class Script(unittest.TestCase):
    def serve(self, text, policy="leastwise_lua policy.lua;"):
        self.enterContext(s.Servers(A, B))
        nginx = s.nginx(PORT, s.upstream(A, B, extra=policy) + s.listen(GAME))
        pathlib.Path(nginx.path("policy.lua")).write_text(text, encoding="ascii")
        return nginx

    def test_a_score_chooses(self):
        self.enterContext(self.serve(
            f"function score(e, session)\n"
            f"  if session.client ~= '127.0.0.1' or session:variable('server_port') ~= '{GAME}' then return 'x' end\n"
            f"  return e.name == '127.0.0.1:{B}' and 0 or 1\nend\n"))
        self.assertEqual({s.ask(GAME) for _ in range(12)}, {B})

    def test_route_and_key(self):
        nginx = self.enterContext(self.serve("function route(session) return 'from ' .. session.client end\n"
                                             "function key(session) return session.client end\n",
                                             "leastwise_lua policy.lua; leastwise_affinity 10;"))
        self.assertEqual(len({s.ask(GAME) for _ in range(12)}), 1)
        page = json.loads(nginx.get("/leastwise").body)["upstreams"]["stream/game"]
        self.assertIn("from 127.0.0.1", [r["route"] for r in page["routes"]])

    def test_a_script_that_fails_harms_no_session(self):
        nginx = self.enterContext(self.serve("function pick() while true do end end\n"))
        self.assertLessEqual({s.ask(GAME) for _ in range(12)}, {A, B})
        log = harness.wait_for(lambda: re.findall('"leastwise_lua" of upstream "stream/game" failed.*', nginx.log()),
                               "the log to tell")
        self.assertIn("took too long", log[0])

    def test_what_is_wrong_is_said_at_the_start(self):
        nginx = self.serve("function score(\n")
        code, said = nginx.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, r'"leastwise_lua": .*policy\.lua:\d+: .* in .*nginx\.conf:\d+')


if __name__ == "__main__":
    unittest.main()
