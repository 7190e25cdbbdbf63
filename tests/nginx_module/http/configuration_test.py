"""What nginx -t says to a configuration that can not be meant: file, line, the value and
what is accepted."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import harness

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples/nginx"
# Of the examples for stream: the file, and the variable that says where it is.
STREAM_MODULES = {
    "modules/ngx_stream_module.so": (
        "LEASTWISE_NGINX_STREAM", "/usr/lib/nginx/modules/ngx_stream_module.so"),
    "modules/ngx_stream_leastwise_module.so": ("LEASTWISE_NGINX_STREAM_MODULE", "")}
PORT = 20050
SERVER = "server 127.0.0.1:20051;"
STATUS = "server {{ listen 127.0.0.1:20050; location = /status {{ {} }} }}"
TIMES = "a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"
POLICIES = ("adaptive, least_conn, least_time, peak_ewma, two_choices, round_robin, weighted, "
            "hash or inference")
NETWORKS = "1 to 16 networks with commas between, as in 10.1.0.0/16,fd00::/8"
NAMES = 'letters, digits, "_", "-" and ".", not beginning with "leastwise_"'


def upstream(text):
    return "upstream app {\n" + text + "\n}"


# What stands in http{}, the line that is to blame counted from 1, and what is said.
BAD = [
    (upstream("leastwise adaptve;\n" + SERVER), 2,
     f'"leastwise": invalid value "adaptve": expected {POLICIES}'),
    (upstream("leastwise '';\n" + SERVER), 2,
     f'"leastwise": invalid value "": expected {POLICIES}'),
    (upstream("leastwise least_time header;\n" + SERVER), 2,
     '"leastwise" takes one policy, and not "header": which part of an answer counts is said by '
     '"leastwise_sample first_byte" or "leastwise_sample full"'),
    (upstream("leastwise adaptive fast 3;\n" + SERVER), 2,
     'invalid number of arguments in "leastwise" directive'),
    (upstream("leastwise;\nleastwise least_conn;\n" + SERVER), 3,
     '"leastwise" directive is duplicate'),
    ("leastwise;", 1, '"leastwise" directive is not allowed here'),
    (STATUS.format("leastwise;"), 1, '"leastwise" directive is not allowed here'),
    (upstream("leastwise;\nleastwise_speed 3;\n" + SERVER), 3,
     'unknown directive "leastwise_speed"'),
    (upstream("leastwise;\nleastwise_decay 1s1m;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "1s1m": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay 5x;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "5x": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay 50ms;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "50ms": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay 2h;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "2h": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay -8s;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "-8s": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay 99999999999999999999s;\n" + SERVER), 3,
     f'"leastwise_decay": invalid value "99999999999999999999s": expected {TIMES}'),
    (upstream("leastwise;\nleastwise_decay;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_decay" directive'),
    (upstream("leastwise;\nleastwise_decay 8s;\nleastwise_decay 9s;\n" + SERVER), 4,
     '"leastwise_decay" directive is duplicate'),
    (upstream("leastwise;\nleastwise_demand guess;\n" + SERVER), 3,
     '"leastwise_demand": invalid value "guess": expected static, speed or report'),
    (upstream("leastwise;\nleastwise_sample half;\n" + SERVER), 3,
     '"leastwise_sample": invalid value "half": expected auto, first_byte or full'),
    (upstream("leastwise;\nleastwise_outlier yes;\n" + SERVER), 3,
     '"leastwise_outlier": invalid value "yes": expected on or off'),
    (upstream("leastwise;\nleastwise_outlier_max 30;\n" + SERVER), 3,
     '"leastwise_outlier_max": invalid value "30": expected a part from 0% to 100%'),
    (upstream("leastwise;\nleastwise_outlier_max 101%;\n" + SERVER), 3,
     '"leastwise_outlier_max": invalid value "101%": expected a part from 0% to 100%'),
    (upstream("leastwise;\nleastwise_outlier_time 0s;\n" + SERVER), 3,
     '"leastwise_outlier_time": invalid value "0s": expected a time from 1s to 5m'),
    (upstream("leastwise;\nleastwise_report named_metrics.;\n" + SERVER), 3,
     '"leastwise_report": invalid value "named_metrics.": expected off, on, cpu_utilization, '
     "mem_utilization, application_utilization, utilization.NAME or named_metrics.NAME"),
    (upstream("leastwise;\nleastwise_locality 10.0.0.0/33;\n" + SERVER), 3,
     f'"leastwise_locality": invalid value "10.0.0.0/33": expected {NETWORKS}'),
    (upstream("leastwise;\nleastwise_failure http_404 429;\n" + SERVER), 3,
     '"leastwise_failure": invalid value "429": expected one or more of http_200 to http_599 and '
     "grpc_1 to grpc_16, as in http_429 http_404"),
    (upstream("leastwise;\nleastwise_failure;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_failure" directive'),
    (upstream("leastwise;\nleastwise_locality zone-a;\n" + SERVER), 3,
     f'"leastwise_locality": invalid value "zone-a": expected {NETWORKS}'),
    (upstream("leastwise;\nleastwise_locality_price 1.5;\n" + SERVER), 3,
     '"leastwise_locality_price": invalid value "1.5": expected a whole number from 0 to 1000'),
    (upstream("leastwise inference;\nleastwise_prompt_memory 512k;\n" + SERVER), 3,
     '"leastwise_prompt_memory": invalid value "512k": expected a size from 1m to 1g, as 65536k, 64m or 1g'),
    (upstream("leastwise;\nleastwise_affinity 1001;\n" + SERVER), 3,
     '"leastwise_affinity": invalid value "1001": expected a whole number from 0 to 1000'),
    (upstream("leastwise;\n\nleastwise_key $uri;\n" + SERVER), 4,
     '"leastwise_key" has no effect, since '),
    (upstream("leastwise least_conn;\nleastwise_affinity 5;\n" + SERVER), 3,
     '"leastwise_affinity" has no effect, since '),
    (upstream("leastwise_key $uri;\n" + SERVER), 2,
     '"leastwise_key" needs "leastwise" in upstream "app"'),
    (upstream("leastwise_observe on;\nleastwise_key $uri;\n" + SERVER), 3,
     '"leastwise_key" has no effect, since '),
    (upstream("leastwise;\nleastwise_probe;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_probe" directive'),
    (upstream("leastwise;\nleastwise_probe udp;\n" + SERVER), 3,
     '"leastwise_probe": invalid kind of probe "udp": expected http, tcp or grpc'),
    (upstream("leastwise;\nleastwise_probe http intervall=2s;\n" + SERVER), 3,
     '"leastwise_probe": unknown parameter "intervall=2s": expected interval=, jitter=, timeout=, '
     "passes=, fails=, port=, uri=, method=, host=, status=, body=, sni=, tls, mandatory"),
    (upstream("leastwise;\nleastwise_probe http timeout=5s;\n" + SERVER), 3,
     '"leastwise_probe": timeout=5s is longer than interval=2s: expected at most the interval'),
    (upstream("leastwise;\nleastwise_probe tcp;\nleastwise_probe http;\n" + SERVER), 4,
     '"leastwise_probe" directive is duplicate'),
    (upstream("leastwise;\nleastwise_report on cpu_utilization;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_report" directive'),
    (upstream("leastwise;\nleastwise_report scrap /metrics;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_report" directive'),
    (upstream("leastwise;\nleastwise_report scrape;\n" + SERVER), 3,
     '"leastwise_report": expected a path behind "scrape", as /metrics'),
    (upstream("leastwise;\nleastwise_report scrape /metrics preset=vlm;\n" + SERVER), 3,
     '"leastwise_report": invalid parameter "preset=vlm": expected node_exporter, vllm, sglang or'),
    (upstream("leastwise;\nleastwise_report scrape /metrics intervall=1s;\n" + SERVER), 3,
     '"leastwise_report": invalid parameter "intervall=1s": expected interval=, jitter=, timeout=,'),
    (upstream("leastwise_probe tcp;\n" + SERVER), 2,
     '"leastwise_probe" needs "leastwise" in upstream "app"'),
    (upstream("leastwise;\nleastwise_route '';\n" + SERVER), 3,
     '"leastwise_route": invalid value "": expected a text that is not empty'),
    (upstream("leastwise;\nleastwise_route $nosuch;\n" + SERVER), None,
     'unknown "nosuch" variable'),
    (upstream("leastwise_decay 8s;\n" + SERVER), 2,
     '"leastwise_decay" needs "leastwise" in upstream "app"'),
    (upstream("leastwise_zone app 1m;\n" + SERVER), 2,
     '"leastwise_zone" needs "leastwise" in upstream "app"'),
    (upstream("leastwise;\nleastwise_zone app;\n" + SERVER), 3,
     'invalid number of arguments in "leastwise_zone" directive'),
    (upstream("leastwise;\nleastwise_zone 'a b' 1m;\n" + SERVER), 3,
     f'"leastwise_zone": invalid zone name "a b": expected {NAMES}'),
    (upstream("leastwise;\nleastwise_zone '' 1m;\n" + SERVER), 3,
     f'"leastwise_zone": invalid zone name "": expected {NAMES}'),
    (upstream("leastwise;\nleastwise_zone leastwise_http_b 1m;\n" + SERVER), 3,
     f'"leastwise_zone": invalid zone name "leastwise_http_b": expected {NAMES}'),
    (upstream("leastwise;\nleastwise_zone app large;\n" + SERVER), 3,
     '"leastwise_zone": invalid zone size "large": expected bytes, or a number with k or m'),
    (upstream("leastwise;\nleastwise_zone app 0;\n" + SERVER), 3,
     '"leastwise_zone": invalid zone size "0": expected bytes, or a number with k or m'),
    (upstream("leastwise;\nleastwise_zone app 64k;\n" + SERVER), 3,
     r'"leastwise_zone": zone "app" is too small: 65536 bytes given, \d+k needed for the servers'
     ' of upstream "app"'),
    (upstream("leastwise;\nleastwise_zone app 1m;\nleastwise_zone two 1m;\n" + SERVER), 4,
     '"leastwise_zone" directive is duplicate'),
    (upstream("leastwise;\nleastwise_zone one 1m;\n" + SERVER)
     + "\nupstream two {\nleastwise;\nleastwise_zone one 2m;\n" + SERVER + "\n}", 8,
     '"leastwise_zone": zone "one" is that of upstream "app": expected another name'),
    ("limit_conn_zone $uri zone=one:1m;\n" + upstream("leastwise;\nleastwise_zone one 1m;\n"
                                                      + SERVER), None,
     'the shared memory zone "one" is already declared for a different use'),
    (upstream("leastwise;"), None, "no servers are inside upstream"),
    (upstream("leastwise;\nserver 127.0.0.1:20051 backup;"), None,
     'no servers in upstream "app"'),
    (upstream("leastwise;\nserver unix:/" + "x" * 90 + ";").replace("app", "a" * 120), 2,
     '"leastwise": the names of upstream "a{120}" and of its servers are too long: 216 bytes,'
     r" expected at most \d+ for both"),
    (STATUS.format("leastwise_status xml;"), 1,
     '"leastwise_status": invalid value "xml": expected html, json or prometheus'),
    (STATUS.format("leastwise_status json prometheus;"), 1,
     '"leastwise_status": invalid parameter "prometheus": expected, behind "html", control=/PATH/'),
    (STATUS.format("leastwise_status html control=//evil.test/;"), 1,
     '"leastwise_status": invalid parameter "control=//evil.test/": expected, behind "html"'),
    (STATUS.format("leastwise_status json control=/control/;"), 1,
     '"leastwise_status": invalid parameter "control=/control/": expected, behind "html"'),
    (STATUS.format("leastwise_status html control=/a/ b;"), 1,
     'invalid number of arguments in "leastwise_status" directive'),
    (STATUS.format("leastwise_status; leastwise_status;"), 1,
     '"leastwise_status" directive is duplicate'),
    (upstream("leastwise;\nleastwise_status;\n" + SERVER), 3,
     '"leastwise_status" directive is not allowed here'),
]

GOOD = [
    upstream("leastwise;\n" + SERVER),
    upstream("leastwise adaptive; leastwise_decay 100ms; leastwise_demand speed;"
             "leastwise_sample full; leastwise_outlier on; leastwise_outlier_time 30s;"
             "leastwise_outlier_max 50%; leastwise_route $host$uri; leastwise_zone app.1 1m;" + SERVER),
    upstream("leastwise; leastwise_switchback on;" + SERVER),
    upstream("leastwise weighted; leastwise_decay 1h;" + SERVER + "keepalive 4;"),
    upstream(SERVER),
]


class Configuration(unittest.TestCase):
    def check(self, text):
        """Exit code, what nginx -t says, and the line that `text` begins in."""
        nginx = harness.Nginx(PORT, text)
        self.addCleanup(subprocess.run, ["rm", "-rf", nginx.folder], check=True)
        with open(nginx.path("nginx.conf"), encoding="ascii") as f:
            first = f.read().split(text)[0].count("\n") + 1
        code, said = nginx.check()
        return code, said, nginx.path("nginx.conf"), first

    def test_refused_with_place_value_and_what_is_accepted(self):
        for text, line, message in BAD:
            with self.subTest(text):
                code, said, path, first = self.check(text)
                self.assertEqual(code, 1)
                place = "" if line is None else f" in {path}:{first + line - 1}\n"
                pattern = message if "\\d" in message or "{120}" in message else re.escape(message)
                self.assertRegex(said, r"\[emerg\] .*" + pattern + ".*" + re.escape(place))

    def test_accepted(self):
        for text in GOOD:
            with self.subTest(text):
                code, said, _, _ = self.check(text)
                self.assertEqual(code, 0, said)
                self.assertNotIn("[warn]", said)

    def test_the_examples_are_accepted(self):
        examples = sorted([*EXAMPLES.glob("*.conf"), *EXAMPLES.parent.glob("inference/nginx*.conf")])
        self.assertGreaterEqual(len(examples), 6, EXAMPLES)
        for example in examples:
            with self.subTest(example.name):
                text = example.read_text(encoding="utf-8")
                nginx = harness.Nginx(PORT)
                self.addCleanup(shutil.rmtree, nginx.folder)
                text = text.replace("modules/ngx_http_leastwise_module.so", harness.MODULE)
                for ours, variable in STREAM_MODULES.items():
                    text = text.replace(ours, os.environ.get(*variable))
                text = text.replace("/var/log/nginx", nginx.folder)
                with open(nginx.path("nginx.conf"), "w", encoding="utf-8") as f:
                    f.write(f"pid {nginx.folder}/pid; error_log {nginx.folder}/error.log;\n{text}")
                code, said = nginx.check()
                self.assertEqual(code, 0, said)

    @unittest.skipIf(harness.VERSION >= (1, 29, 7), "keepalive may stand anywhere since nginx 1.29.7")
    def test_keepalive_before_the_method_gives_the_warning_of_nginx(self):
        code, said, path, first = self.check(upstream("keepalive 4;\nleastwise;\n" + SERVER))
        self.assertEqual(code, 0)
        self.assertIn("[warn] ", said)
        self.assertIn(f"load balancing method redefined in {path}:{first + 2}", said)

    def test_another_method_behind_ours_is_told_to_have_taken_its_place(self):
        code, said, path, first = self.check(
            upstream(f"leastwise;\nleastwise_probe tcp;\nleast_conn;\n{SERVER}"))
        self.assertEqual(code, 0)
        self.assertIn(f'"leastwise" is off in upstream "app" in {path}:{first + 1}', said)
        self.assertIn("take one of the two out", said)

    def test_the_size_that_is_asked_for_is_enough(self):
        servers = "".join(f"server 127.0.0.1:{p};" for p in range(21000, 21100))
        text = upstream("leastwise;\nleastwise_zone app {};\n" + servers)
        _, said, _, _ = self.check(text.replace("{}", "64k"))
        size = re.search(r"(\d+k) needed", said).group(1)
        code, said, _, _ = self.check(text.replace("{}", size))
        self.assertEqual(code, 0, said)

    def test_default_zones_of_all_sizes(self):
        for n in (1, 2, 8, 9, 100, 1000):
            with self.subTest(n):
                servers = "".join(f"server 127.0.{i // 250}.{i % 250 + 1}:80;" for i in range(n))
                code, said, _, _ = self.check(upstream("leastwise;" + servers))
                self.assertEqual(code, 0, said)


if __name__ == "__main__":
    sys.exit(unittest.main())
