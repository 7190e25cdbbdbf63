"""`leastwise_lua`: scripts choose, and those that fail harm nobody."""

import pathlib
import re
import subprocess
import threading
import unittest

import backend
import harness

PORT = 21890
A, B, C, CANARY = 21891, 21892, 21893, 8089
EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples" / "lua"
LEAST_CONN = "function score(endpoint) return endpoint.in_flight / endpoint.weight end\n"


def upstream(script, name="app", ports=(A, B, C), extra=""):
    servers = " ".join(p if isinstance(p, str) else f"server 127.0.0.1:{p};" for p in ports)
    return f"upstream {name} {{ leastwise;\nleastwise_lua {script};\n{extra} {servers} }}"


def server(locations="location / { proxy_pass http://app; }"):
    return (f"server {{ listen 127.0.0.1:{PORT}; location = /leastwise {{ leastwise_status; }}"
            f" location = /metrics {{ leastwise_status prometheus; }} {locations} }}")


class Lua(unittest.TestCase):
    def serve(self, text, extra="", ports=(A, B, C), **options):
        """An nginx with this script, in its folder as policy.lua."""
        self.enterContext(backend.Backends(*(p for p in (A, B, C, CANARY))))
        nginx = harness.Nginx(PORT, upstream("policy.lua", ports=ports, extra=extra) + server(), **options)
        self.write(nginx, text)
        return self.enterContext(nginx)

    @staticmethod
    def write(nginx, text):
        pathlib.Path(nginx.path("policy.lua")).write_text(text, encoding="ascii")

    @staticmethod
    def example(name):
        return (EXAMPLES / f"{name}.lua").read_text(encoding="ascii")

    def check(self, script, block=None):
        nginx = harness.Nginx(PORT, (block or upstream("policy.lua")) + server())
        self.addCleanup(subprocess.run, ["rm", "-rf", nginx.folder], check=True)
        self.write(nginx, script)
        return nginx.check(), nginx

    # ---- at the start

    def test_what_is_wrong_is_said_with_both_places(self):
        for script, wanted in (
                ("function score(e)\n  return +\nend\n", r"policy\.lua:2: unexpected symbol near '\+'"),
                ("x = 1\n", r"policy\.lua: expected one of the functions score, pick, tick, route, key"),
                ("\nos.execute('true')\n", r"policy\.lua:2: attempt to index global 'os'"),
                ("while true do end\n", r"policy\.lua:1: took too long")):
            (code, said), nginx = self.check(script)
            self.assertEqual(code, 1)
            self.assertRegex(said, r'\[emerg\] .*"leastwise_lua": .*' + wanted + ".* in "
                             + re.escape(nginx.path("nginx.conf")) + r":\d+")
        (code, said), _ = self.check("", upstream("/nowhere.lua"))
        self.assertEqual(code, 1)
        self.assertIn("/nowhere.lua: can not be read", said)

    def test_two_that_choose_are_refused(self):
        for block, wanted in (
                (upstream("policy.lua").replace("leastwise;", "leastwise hash;"), "has a policy for that"),
                (upstream("policy.lua").replace("leastwise;", "leastwise_observe on;"), "leaves the choice to nginx"),
                (upstream("policy.lua").replace("leastwise;", ""), 'needs "leastwise"')):
            (code, said), _ = self.check(LEAST_CONN, block)
            self.assertEqual(code, 1, said)
            self.assertIn(wanted, said)

    # ---- what scripts decide

    def test_a_request_is_seen_whole(self):
        nginx = self.serve("""
            function route(r)
              return table.concat({r.method, r.host, r.path, r.query, r.client, tostring(r.body_length),
                                   r:header("X-Who") or "-", r:cookie("c") or "-", r:arg("a") or "-",
                                   r:variable("request_uri"), tostring(r:header("none")),
                                   tostring(r:variable("nosuch"))}, "|")
            end""")
        for _ in range(3):
            nginx.get("/x%41y?b=1&a=2", method="GET", headers={"x-who": "me", "Cookie": "b=1; c=3", "Host": "h.example"})
        routes = harness.wait_for(lambda: [r["route"] for r in nginx.status()["routes"] if r["samples"] >= 1], "a route")
        self.assertIn("GET|h.example|/xAy|b=1&a=2|127.0.0.1|nil|me|3|2|/x%41y?b=1&a=2|nil|nil", routes)

    def test_least_conn(self):
        nginx = self.serve(self.example("least_conn"))
        bodies = [nginx.get().body for _ in range(30)]
        self.assertEqual({bodies.count(str(p)) for p in (A, B, C)}, {10})
        self.assertEqual(self.faults(nginx), 0)

    def test_canary(self):
        nginx = self.serve(self.example("canary"), ports=(A, B, CANARY))
        for value, wanted in (("always", {str(CANARY)}), ("never", {str(A), str(B)})):
            self.assertEqual({nginx.get(headers={"X-Canary": value}).body for _ in range(20)}, wanted)
        self.assertEqual(self.faults(nginx), 0)

    def test_tenants_stay_on_two_servers(self):
        nginx = self.serve(self.example("tenants"))
        seen = {t: {nginx.get(headers={"X-Tenant": t}).body for _ in range(12)} for t in "abcdefgh"}
        self.assertTrue(all(len(bodies) <= 2 for bodies in seen.values()), seen)
        self.assertGreater(len({frozenset(bodies) for bodies in seen.values()}), 1, "all on the same")
        self.assertEqual(self.faults(nginx), 0)

    def test_cheapest_zone_first(self):
        nginx = self.serve(self.example("cheapest_zone"), extra="leastwise_locality 127.0.0.1;",
                           ports=(A, f"server 127.0.0.2:{B};", f"server 127.0.0.3:{C};"))
        self.assertEqual({nginx.get().body for _ in range(20)}, {str(A)})
        self.assertEqual(self.faults(nginx), 0)

    def test_free_memory_and_ab(self):
        for name in ("free_memory", "ab"):
            with self.subTest(name):
                nginx = harness.Nginx(PORT, upstream("policy.lua") + server())
                self.write(nginx, self.example(name))
                with backend.Backends(A, B, C), nginx:
                    self.assertEqual({nginx.get(f"/{i}").status for i in range(40)}, {200})
                    self.assertEqual(self.faults(nginx), 0)

    def test_a_reload_takes_up_the_changed_file(self):
        only = "function score(e) return e.name == '127.0.0.1:%d' and 0 or 1 end\n"
        nginx = self.serve(only % A, workers=2)
        self.assertEqual({nginx.get().body for _ in range(10)}, {str(A)})
        self.write(nginx, only % B)
        nginx.reload()
        self.assertEqual({nginx.get().body for _ in range(10)}, {str(B)})

    def test_tick_leaves_out(self):
        nginx = self.serve(f"""
            function tick(pool)
              for _, e in ipairs(pool.endpoints) do
                if e.name == "127.0.0.1:{A}" then pool.leave_out(e) end
              end
            end""")
        harness.wait_for(lambda: {nginx.get().body for _ in range(12)} == {str(B), str(C)}, "the tick")

    # ---- scripts that fail

    def faults(self, nginx, name="app"):
        found = re.search(r'leastwise_decisions_total\{[^}]*upstream="' + name + r'"[^}]*reason="script_fault"\} (\d+)',
                          nginx.get("/metrics").body)
        return int(found.group(1))

    def test_scripts_that_fail_harm_nobody(self):
        scripts = {
            "error": "error('why')", "loop": "while true do end", "compiled":
            "n = (n or 0) + 1 local i, most = 0, n > 90 and 1e18 or 100 while i < most do i = i + 1 end",
            "memory": "kept = kept or {} for i = 1, 1e6 do kept[#kept + 1] = {i} end",
            "escape": "os.execute('true')", "ffi": "require('ffi')", "type": "do return {} end"}
        self.enterContext(backend.Backends(A, B, C))
        blocks = "".join(upstream(f"{name}.lua", name) for name in scripts)
        locations = "".join(f"location /{name} {{ proxy_pass http://{name}; }}" for name in scripts)
        nginx = harness.Nginx(PORT, blocks + server(locations), workers=2)
        for name, body in scripts.items():
            pathlib.Path(nginx.path(f"{name}.lua")).write_text(
                f"function score(e)\n  {body}\n  return 1\nend\n", encoding="ascii")
        self.enterContext(nginx)
        failed = []

        def ask(name):
            for _ in range(60):
                if (answer := nginx.get(f"/{name}")).status != 200:
                    failed.append((name, answer.status))
        threads = [threading.Thread(target=ask, args=(name,)) for name in scripts for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])
        for name in scripts:
            log = harness.wait_for(lambda name=name: re.findall(rf'.*"leastwise_lua" of upstream "{name}".*', nginx.log()),
                                   f"the log to tell of {name}")
            self.assertLessEqual(len(log), 2)  # one for each worker
            self.assertIn('"adaptive" chose in its place', log[0])
            self.assertGreater(self.faults(nginx, name), 0)
        for pid in nginx.children():
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            anonymous = int(re.search(r"RssAnon:\s+(\d+)", status).group(1))
            if not harness.SANITIZED:
                self.assertLess(anonymous, 60_000)  # kB


if __name__ == "__main__":
    unittest.main()
