"""What nginx -t says to a configuration of `stream` that can not be meant, and what it takes."""

import shutil
import unittest

import stream_servers as s

SERVER = "server 127.0.0.1:20651;"
USE = " server { listen 127.0.0.1:20652; proxy_pass game; }"


def upstream(text):
    return "\nupstream game {\n" + text + "\n}\n"


# What stands in stream{}, the line that is to blame counted from its first, and what is said.
BAD = [
    (upstream("leastwise adaptve;\n" + SERVER), 3,
     '"leastwise": invalid value "adaptve": expected adaptive, least_conn, '),
    (upstream("leastwise;\nleastwise least_conn;\n" + SERVER), 4,
     '"leastwise" directive is duplicate'),
    (upstream("leastwise;\nleastwise_decay 5x;\n" + SERVER), 4,
     '"leastwise_decay": invalid value "5x": expected a time from 100ms to 1h'),
    (upstream("leastwise_decay 5s;\n" + SERVER), 3, '"leastwise_decay" needs "leastwise"'),
    (upstream("leastwise;\nleastwise_report on;\n" + SERVER), 4,
     '"leastwise_report" reads HTTP answers and would do nothing in "stream": expected in an '
     'upstream of "http" only, leave it out here, or "scrape", a URI and what to read there'),
    (upstream("leastwise;\nleastwise_report scrape /;\n" + SERVER), 4,
     '"leastwise_report": nothing is asked for: expected preset=node_exporter, vllm, sglang'),
    (upstream("leastwise;\nleastwise_failure http_429;\n" + SERVER), 4,
     '"leastwise_failure" reads HTTP answers and would do nothing in "stream"'),
    (upstream("leastwise weighted;\nleastwise_demand report;\n" + SERVER), 4,
     '"leastwise_demand": invalid value "report": expected static or speed'),
    (upstream("leastwise;\nleastwise_probe tcp uri=/;\n" + SERVER), 4,
     '"leastwise_probe": unknown parameter "uri=/": expected interval=, '),
    (upstream("leastwise;\nleastwise_zone game 1k;\n" + SERVER), 4,
     '"leastwise_zone": zone "game" is too small'),
    (upstream("leastwise;\nleastwise_zone a 1m;\n" + SERVER)
     + "upstream other {\nleastwise;\nleastwise_zone a 1m;\n" + SERVER + "\n}", 9,
     '"leastwise_zone": zone "a" is that of upstream "game": expected another name'),
    ("\nserver { listen 127.0.0.1:20652;\nleastwise_status xml; }", 3,
     '"leastwise_status": invalid value "xml": expected html, json or prometheus'),
    ("\nserver { listen 127.0.0.1:20652;\nleastwise; }", 3,
     '"leastwise" directive is not allowed here'),
]

GOOD = [
    upstream("leastwise;\nleastwise_sample full; leastwise_outlier on; leastwise_slow_start 5s;\n"
             "leastwise_switchback on; leastwise_locality 10.0.0.0/8; leastwise_locality_price 3;\n"
             "leastwise_affinity 5; leastwise_key $remote_addr; leastwise_route $server_port;\n"
             "leastwise_zone game 1m; zone nginx 64k;\n" + SERVER) + USE,
    upstream("leastwise weighted; leastwise_demand speed;\n" + SERVER) + USE,
    upstream("leastwise weighted; leastwise_report scrape /metrics preset=node_exporter;\n"
             "leastwise_demand report;\n" + SERVER) + USE,
    upstream("leastwise; server unix:/tmp/leastwise_none.sock; server [::1]:20651;") + USE,
    upstream("leastwise; server 127.0.0.1:20651; server 127.0.0.1:20651 backup;") + USE,
]


class Configuration(unittest.TestCase):
    def check(self, stream):
        nginx = s.nginx(20650, stream)
        self.addCleanup(shutil.rmtree, nginx.folder)
        code, said = nginx.check()
        with open(nginx.path("nginx.conf"), encoding="ascii") as f:
            before = f.read().split(stream)[0].count("\n")
        return code, said, before

    def test_what_can_not_be_meant_is_refused_with_its_line_and_what_is_accepted(self):
        for text, line, said in BAD:
            with self.subTest(said):
                code, output, before = self.check(text)
                self.assertEqual(code, 1, output)
                self.assertIn(said, output)
                self.assertIn(f"nginx.conf:{before + line}", output)

    def test_what_is_meant_is_taken(self):
        for text in GOOD:
            with self.subTest(text):
                code, output, _ = self.check(text)
                self.assertEqual(code, 0, output)

    def test_a_zone_of_http_is_not_that_of_stream(self):
        nginx = s.nginx(20650, upstream("leastwise;\nleastwise_zone a 1m;\n" + SERVER) + USE,
                        http="upstream app { leastwise; leastwise_zone a 1m; " + SERVER + " }")
        self.addCleanup(shutil.rmtree, nginx.folder)
        code, output = nginx.check()
        self.assertEqual(code, 1, output)
        self.assertIn('zone "a" is already declared for a different use', output)


if __name__ == "__main__":
    unittest.main()
