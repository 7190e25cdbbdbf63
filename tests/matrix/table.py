"""Writes docs/compatibility.md from what tests/matrix/run.sh left of each Debian release.

Usage: table.py PAGE nginx|haproxy CACHE RELEASE...

The other's part of the page stays as it is. What was not tested since it was built is said to be so, and makes the exit status 1.
"""

import pathlib
import sys
import xml.etree.ElementTree as tree

NGINX = """\
# Which nginx this works with
Written by `tests/matrix/run.sh`, which builds the modules in each Debian release with that release's compiler
and `nginx-dev`, loads them into the packaged nginx and runs their integration tests there. "mainline" is an nginx
that was built from its sources, in sid. A number is that of test files that passed; each holds several tests, and what
an nginx can not do its tests say and skip.

| Debian | nginx | g++ | http | stream | built by nginx | tested |
|---|---|---|---|---|---|---|
"""

HAPROXY = """\
# Which HAProxy the agent works with
Written by `tests/matrix/run.sh haproxy`, which builds the agent in each Debian release and runs its integration
tests there with the packaged HAProxy. A number is that of suites that passed; what a HAProxy can not do they say and skip.
`tests/run.sh` runs the same suites with Debian 12's own, 2.6.12. Both modes were also [measured](lab/haproxy_costs.md) with 2.6.12, 3.0.11 and 3.2.26.

| Debian | HAProxy | g++ | suites | tested |
|---|---|---|---|---|
"""


def column(name):
    """The column of a test, by its name in CTest."""
    if name.startswith("integration.agent."):
        return "agent"
    if name == "nginx_module.build":
        return "build"
    return "stream" if name.startswith("nginx_module.stream.") else "http"


def is_interrupted(case):
    failure = case.find("failure")
    return failure is not None and failure.get("message") == "INTERRUPT"


class Release:
    def __init__(self, name, folder, columns):
        self.name, self.columns = name, columns
        runs = sorted((folder / "results").glob("*.xml"))
        self.tested = bool(runs)
        self.passed, self.failed, self.skipped, self.left_out = {}, {}, {}, {}
        if not self.tested:
            return
        # What was run again counts as it ended the last time; what was interrupted did not.
        cases = [case for run in runs for case in tree.parse(run).getroot().iter("testcase")]
        last = {case.get("name"): case.get("status") for case in cases}
        interrupted = {case.get("name"): is_interrupted(case) for case in cases}
        last = {name: status for name, status in last.items() if not interrupted[name]}
        self.version, self.compiler, self.date = (folder / "versions").read_text().split()
        for test, status in last.items():
            kind = {"run": self.passed, "fail": self.failed}.get(status, self.skipped)
            kind.setdefault(column(test), []).append(test)
        for test in (folder / "all_tests").read_text().split():
            if test not in last:
                self.left_out.setdefault(column(test), []).append(test)

    def cell(self, name):
        passed, *others = (len(kind.get(name, []))
                           for kind in (self.passed, self.failed, self.left_out))
        if passed + sum(others) == 0:
            return "none"
        return f"{passed} of {passed + sum(others)}" if any(others) else f"all {passed}"

    def row(self):
        if not self.tested:
            return f"| {self.name} | | |{' |' * len(self.columns)} not tested |\n"
        cells = " | ".join(self.cell(c) for c in self.columns)
        return f"| {self.name} | {self.version} | {self.compiler} | {cells} | {self.date} |\n"

    def list(self, kind):
        names = sorted(name for names in kind.values() for name in names)
        return "".join(f"- {self.name}: `{name}`\n" for name in names)


# Of each part of the page, in its order: the head, the folder of the build, the columns of tests.
PARTS = {"nginx": (NGINX, "build", ("http", "stream", "build")), "haproxy": (HAPROXY, "build/agent", ("agent",))}


def other_parts(page):
    """What the page says already, by the first line of a part."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    parts = ["# " + part for part in ("\n" + text).split("\n# ")[1:]]
    return {part.split("\n")[0]: part.rstrip("\n") + "\n" for part in parts}


def main(page, part, cache, *names):
    page, (head, folder, columns) = pathlib.Path(page), PARTS[part]
    releases = [Release(name, pathlib.Path(cache) / name / folder, columns) for name in names]
    text = head + "".join(r.row() for r in releases)
    failures = "".join(r.list(r.failed) for r in releases)
    if failures:
        text += "\nFailed:\n\n" + failures
    left_out = "".join(r.list(r.left_out) for r in releases)
    if left_out:
        text += "\nNot run since it was built:\n\n" + left_out
    parts = other_parts(page) | {head.split("\n")[0]: text}
    order = [head.split("\n")[0] for head, _, _ in PARTS.values()]
    page.write_text("\n".join(parts[title] for title in order if title in parts), encoding="utf-8")
    print(text, end="")
    return 0 if not (failures or left_out) and all(r.tested for r in releases) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
