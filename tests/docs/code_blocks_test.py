#!/usr/bin/env python3
"""Configurations in the documentation are ones that the programs take: ```nginx by `nginx -t` with our
modules, ```haproxy by `haproxy -c`, ```leastwise by `leastwise-spoa --check-config`, ```sh by `bash -n`.
One that can not be run has <!-- not run: why --> in the line before, and is counted.

    code_blocks_test.py ROOT BUILD
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import nginx_block
import pages

ROOT, BUILD = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
del sys.argv[1:3]
MODULES = tuple(BUILD / f"nginx_module/ngx_{kind}_leastwise_module.so" for kind in ("http", "stream"))
AGENT = BUILD / "spoe_agent/leastwise-spoa"
# Output, drawings, and what other tests look at.
TOLD = ("", "text", "json", "lua", "promql", "yaml", "diff", "cpp")
SCRIPT = "function score(endpoint, request) return endpoint.in_flight end\n"


def run(*command):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout


def prepare(folder):
    """The files that configurations name."""
    (folder / "state").mkdir()
    folder.chmod(0o755)
    (folder / "file.lua").write_text(SCRIPT)
    code, text = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", "/CN=localhost", "-keyout", folder / "file.key", "-out",
                     folder / "file.crt")
    assert code == 0, text
    both = (folder / "file.key").read_text() + (folder / "file.crt").read_text()
    (folder / "file.pem").write_text(both)


def check_nginx(text, folder):
    is_stream = bool(re.search(r"#.*\bstream\b", text.split("\n", 1)[0]))
    try:
        whole = nginx_block.complete(text, folder, MODULES, is_stream)
    except ValueError as wrong:
        return str(wrong)
    (folder / "nginx.conf").write_text(whole)
    code, said = run("nginx", "-t", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "e.log")
    return "" if code == 0 else said + whole


def check_haproxy(text, folder):
    """With what every configuration has, and without ports and files of this machine."""
    agent = "" if "backend leastwise_agent" in text or "leastwise" not in text else (
        "\nbackend leastwise_agent\n    mode tcp\n    server agent 127.0.0.1:9876\n")
    head = "" if re.search(r"(?m)^defaults", text) else (
        "defaults\n    mode http\n    timeout connect 1s\n    timeout client 9s\n    timeout server 9s\n")
    if not re.search(r"(?m)^(backend|frontend|listen|defaults|global)\b", text):
        text = "backend app\n" + text
    front = "" if re.search(r"(?m)^(frontend|listen)\b", text) else (
        f"\nfrontend pieces\n    bind {folder}/front.sock\n    default_backend app\n")
    whole = head + text + front + agent
    whole = whole.replace("/etc/haproxy/leastwise.spoe.conf",
                          str(ROOT / "examples/haproxy/leastwise.spoe.conf"))
    whole = re.sub(r"\S+\.pem\b", str(folder / "file.pem"), whole)
    for name in set(re.findall(r"default_backend\s+(\S+)", whole)):
        if not re.search(rf"(?m)^(backend|listen) {name}\b", whole):
            whole += f"\nbackend {name}\n    server s1 127.0.0.1:1\n"
    (folder / "haproxy.cfg").write_text(whole)
    code, said = run("haproxy", "-c", "-f", folder / "haproxy.cfg")
    return "" if code == 0 else said + whole


def check_agent(text, folder):
    if "listen" not in text and "mode weights" not in text:
        text = "listen 127.0.0.1:9876;\n" + text
    if not re.search(r"(?m)^backend ", text):
        text += "\nbackend app { }\n"
    text = text.replace("/etc/leastwise/token", str(folder / "token"))
    (folder / "token").write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "token").chmod(0o600)
    text = re.sub(r"\blua \S+\.lua;", f"lua {folder}/file.lua;", text)
    (folder / "leastwise.conf").write_text(text)
    code, said = run(AGENT, "--check-config", "-c", folder / "leastwise.conf")
    return "" if code == 0 else said + text


def check_shell(text, folder):
    (folder / "script.sh").write_text(text)
    code, said = run("bash", "-n", folder / "script.sh")
    return "" if code == 0 else said


CHECKS = {"nginx": check_nginx, "haproxy": check_haproxy, "leastwise": check_agent, "sh": check_shell}


class CodeBlocks(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        prepare(self.folder)

    def test_are_taken_by_the_programs(self):
        counts = collections.Counter()
        for page in pages.pages(ROOT):
            for block in page.blocks:
                with self.subTest(str(block)):
                    self.assertIn(block.language, (*CHECKS, *TOLD), "no such language of a block")
                    if block.not_run:
                        counts["marked as not run"] += 1
                    elif check := CHECKS.get(block.language):
                        counts[block.language] += 1
                        said = check(block.text, self.folder)
                        self.assertTrue(said == "", said)
                    else:
                        counts["text"] += 1
        print(", ".join(f"{k} {n}" for k, n in sorted(counts.items())), file=sys.stderr)
        for language in CHECKS:
            self.assertGreater(counts[language], 0, f"no block of {language} was found")

    def test_what_is_wrong_is_found(self):
        for language, text in (("nginx", "upstream a { leastwise fastest; server 127.0.0.1:1; }"),
                               ("nginx", "upstream a { leastwise;"),
                               ("nginx", "location / { leastwise_decay 8s; }"),
                               ("haproxy", "backend app\n    balance fastest\n"),
                               ("leastwise", "backend app { decay 8x; }"),
                               ("sh", "if true; then")):
            with self.subTest(language + ": " + text):
                self.assertNotEqual(CHECKS[language](text, self.folder), "")


if __name__ == "__main__":
    unittest.main()
