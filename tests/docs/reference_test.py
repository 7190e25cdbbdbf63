#!/usr/bin/env python3
"""Every name of the code is in the reference: directives, variables, metrics, reasons, settings, log
fields, keys and codes of control, limits. Each check is tried on a page without one of its names, too.

    reference_test.py ROOT
"""
import pathlib
import re
import sys
import unittest

from limits import INTERNAL, LIMITS

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()


def read(path):
    return (ROOT / path).read_text()


def names(path, pattern):
    """What the pattern finds in the file, each once."""
    found = sorted(set(re.findall(pattern, read(path))))
    assert found, f"{path}: nothing looks like {pattern}"
    return found


def strings_of(path, declaration):
    """The strings of an array: declaration … = { … };"""
    text = read(path)
    body = re.search(declaration + r"[^{;]*=\s*\{(.*?)\};", text, re.S)
    assert body, f"{path}: no {declaration}"
    return [s for s in re.findall(r'"([^"]*)"', body.group(1)) if s]


def under(folder, pattern, among="*.cc"):
    found = {m for f in (ROOT / folder).rglob(among) for m in re.findall(pattern, f.read_text())}
    assert found, f"{folder}: nothing looks like {pattern}"
    return sorted(found)


def first_strings(path, declaration):
    """Of an array of {"name", …} the names."""
    body = re.search(declaration + r".*?\n\}+;", read(path), re.S)
    assert body, f"{path}: no {declaration}"
    return re.findall(r'^\s*\{"(\w+)"', body.group(0), re.M)


def entries():
    """(what, names in the code, page, how a name stands there)"""
    code = r"`{}`"
    title = r"(?m)^## {}$"
    yield ("directive of both", under("core/src/tune", r'\.name = "(\w+)"', "directives.cc"),
           "directives.md", title)
    yield ("policy", names("core/src/policies/policies.def", r"(?m)^LEASTWISE_POLICY\((\w+)\)"),
           "directives.md", r"(?m)^\| `{}` \|")
    yield ("directive of nginx", under("nginx_module/src", r'\.add\("(leastwise_\w+)"'),
           "reference_nginx.md", title)
    yield ("variable", variables(),
           "reference_nginx.md", r"`\${}`")
    yield ("setting of the agent",
           first_strings("spoe_agent/src/config/file.cc", r"AgentSetting kSettings\[\]")
           + ["backend", "mode"], "reference_agent.md", title)
    yield ("setting of the companion",
           first_strings("spoe_agent/src/companion/settings.cc", r"CompanionSetting kSettings\[\]"),
           "reference_companion.md", title)
    yield ("log field", names("spoe_agent/src/haproxy/feedback_line.cc", r'key == "(\w+)"'),
           "reference_agent.md", r"`{}=`")
    yield ("argument of SPOE", names("spoe_agent/src/spop/pick_message.cc", r'name == "(\w+)"'),
           "reference_agent.md", code)
    yield ("metric", names("core/src/render/prometheus.cc", r'"(leastwise_\w+)"')
           + under("spoe_agent/src/admin", r'"(leastwise_agent_\w*[a-z])"', "status.cc"),
           "metrics.md", r"`{}`")
    yield ("counter of the agent", names("spoe_agent/src/admin/status.cc", r'\{"(\w+)", "[A-Z]'),
           "metrics.md", r"`leastwise_agent_(?:picks|feedback|share)_{}_total`")
    yield from words(r"(?m)^\| `{}` \|")
    yield ("warning", names("spoe_agent/src/balance/learning_watch.cc", r'warn\("(\w+)"')
           + names("spoe_agent/src/balance/learning_watch.h", r'kNotSteered = "(\w+)"'),
           "reasons.md#Warnings of the agent", code)
    yield ("code of control", sorted({c for f in ("nginx_module/src", "spoe_agent/src/admin")
                                      for c in under(f, r'\d{3}, "([A-Z]\w+)"')}),
           "reasons.md#Errors of control", code)
    yield ("key of control", first_strings("core/control/body.cc", r"kKeys\[\]"), "control.md",
           r'(?:`{0}`|"{0}":)')
    yield ("action of control", names("nginx_module/src/control/target.cc", r'text == "(\w+)"')
           + [a for a in strings_of("spoe_agent/src/admin/control.cc", r"kActions\[\]")],
           "control.md", r"/{}`")
    yield ("option of the agent", names("spoe_agent/src/options.cc", r'"(?:-\w,)?(--[\w-]+)'),
           "man/leastwise-spoa.8", r"{}")


def variables():
    return [name for file in ("shared", "http")
            for name in names(f"nginx_module/src/{file}/variables.cc", r'\{"(leastwise_\w+)", print_')]


def page_text(place):
    """PAGE, or the part of PAGE#TITLE below that title."""
    page, _, title = place.partition("#")
    text = read("docs/" + page).replace("\\-", "-")
    return next(p for p in re.split(r"(?m)^## ", text) if p.startswith(title + "\n")) if title else text


def words(row):
    """Of docs/reasons.md, each below its title."""
    yield ("reason of a pick", strings_of("core/src/pick/picker.cc", r"kReasonNames\[\]"),
           "reasons.md#Why a server was chosen", row)
    yield ("left out", strings_of("core/src/pick/explain.cc", r"kLeftOutNames\[\w+\]"),
           "reasons.md#Why a server was left out of a decision", row)
    states = "reasons.md#States of a server"
    yield "state", strings_of("core/src/render/standing.h", r"kStates"), states, row
    yield ("reason of a state", names("core/src/render/standing.h", r'return \{"\w+", "(\w+)"'), states,
           r"(?m)^\| `\w+` \| `{}` \|")
    yield ("ejection", [n for n in strings_of("core/src/render/view.cc", r"kEjectionNames\[\w+\]")
                        if n != "none"], states, r"(?m)^\| `unhealthy` \| `{}` \|")
    yield ("result", strings_of("core/src/learn/outcome.cc", r"kNames"),
           "reasons.md#Results of an attempt", row)
    yield ("result of a probe", first_strings("core/src/render/probe.cc", r"kWords\{\{"),
           "reasons.md#What a probe or a scrape found", row)
    yield ("chooser", strings_of("core/src/render/view.cc", r"kNames\[\]"), "reasons.md#Who balances",
           row)


def missing(found, page, form):
    """Names that do not stand on the page."""
    return [n for n in found if not re.search(form.format(re.escape(n)), page)]


class Reference(unittest.TestCase):
    def test_has_every_name_of_the_code(self):
        total = 0
        for what, found, page, form in entries():
            with self.subTest(what):
                text = page_text(page)
                self.assertEqual(missing(found, text, form), [], f"not in docs/{page}")
                # The check itself can fail: a page without the name is noticed.
                for name in found:
                    without = re.sub(form.format(re.escape(name)), "", text)
                    self.assertIn(name, missing(found, without, form), what)
                total += len(found)
        print(f"{total} names", file=sys.stderr)

    def test_has_no_variable_that_the_code_has_not(self):
        known = set(variables())
        for page in (ROOT / "docs").glob("*.md"):
            used = set(re.findall(r"\$(leastwise_\w+[a-z])", page.read_text()))
            self.assertEqual(used - known, set(), page.name)

    def test_each_directive_says_syntax_default_and_context(self):
        for page in ("directives.md", "reference_nginx.md", "reference_agent.md", "reference_companion.md"):
            for part in re.split(r"(?m)^## ", read("docs/" + page))[1:]:
                if "| Syntax |" not in part:
                    continue
                for row in ("| Default |", "| Context |", "| Appeared in |"):
                    self.assertIn(row, part, f"{page}: {part.splitlines()[0]}")

    def test_each_context_is_that_of_the_code(self):
        words = {"NGX_HTTP_UPS_CONF": "upstream in http", "NGX_STREAM_UPS_CONF": "upstream in http, stream",
                 "NGX_HTTP_LOC_CONF": "location in http", "NGX_STREAM_SRV_CONF": "server in stream"}
        parts = re.split(r"(?m)^## ", read("docs/reference_nginx.md"))
        for module in ("http", "stream"):
            added = re.findall(r'\.add\("(leastwise_\w+)", (NGX_\w+)',
                               read(f"nginx_module/src/{module}/directives.cc"))
            self.assertNotEqual(added, [])
            for name, flag in added:
                told = next(p for p in parts if p.startswith(name + "\n"))
                context = re.search(r"(?m)^\| Context \| (.*) \|$", told).group(1)
                self.assertIn(words[flag], context, name)

    def test_limits_are_those_of_the_code(self):
        page = read("docs/limits.md")
        for path, declaration, value, shown in LIMITS:
            with self.subTest(f"{path} {declaration}"):
                form = re.escape(declaration) + r"(?:\s*=\s*|\{)" + re.escape(value) + r"(?!\w)"
                self.assertTrue(re.search(form, read(path)),
                                f"docs/limits.md says {shown!r}, and the code has another value")
                self.assertTrue(shown in page, f"docs/limits.md does not say {shown!r}")

    def test_every_limit_is_told_or_internal(self):
        told = {(path, d.split()[-1]) for path, d, _, _ in LIMITS} | set(INTERNAL)
        found = set()
        for folder in ("core/include", "core/control", "core/reports", "nginx_module/src",
                       "spoe_agent/src"):
            for file in (ROOT / folder).rglob("*.h"):
                for name in re.findall(r"constexpr [\w:]+ (kM(?:ost|ax)\w+)\b(?=\s*=|\{)", file.read_text()):
                    found.add((str(file.relative_to(ROOT)), name))
        self.assertEqual(sorted(found - told), [],
                         "new limits: put them into docs/limits.md and tests/docs/limits.py")


if __name__ == "__main__":
    unittest.main()
