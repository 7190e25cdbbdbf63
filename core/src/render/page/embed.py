#!/usr/bin/env python3
"""Makes the live page one text and its policy: embed.py page.html OUTPUT.cc

What page.html links (stylesheet, scripts, in the folder that it is in) goes into it, so that one
answer is the whole page. The policy names the hash of each: a browser runs that and nothing else.
"""
import base64
import hashlib
import pathlib
import re
import sys

CODE = """// Made by embed.py of the files in core/src/render/page/.
#include "leastwise/live_page.h"

namespace leastwise {{
namespace {{

constexpr char kPage[] =
{page};
constexpr char kPolicy[] =
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; script-src '{script}'; style-src '{style}'";

}}  // namespace

std::string_view live_page() noexcept {{ return {{kPage, sizeof(kPage) - 1}}; }}
std::string_view live_page_policy() noexcept {{ return {{kPolicy, sizeof(kPolicy) - 1}}; }}

}}  // namespace leastwise
"""


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def literal(text):
    """As a C++ string, a line for each of the text's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return "\n".join(f'    "{line}\\n"' for line in escaped.rstrip("\n").split("\n"))


def main(source, output):
    source = pathlib.Path(source)
    page = source.read_text(encoding="utf-8")
    style = (source.parent / "page.css").read_text(encoding="utf-8")
    scripts = re.findall(r'<script src="([a-z_]+\.js)"></script>\n?', page)
    script = '"use strict";\n' + "".join(
        (source.parent / name).read_text(encoding="utf-8") for name in scripts)
    page = page.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    page = re.sub(r'(<script src="[a-z_]+\.js"></script>\n?)+',
                  lambda _: f"<script>{script}</script>\n", page, count=1)
    code = CODE.format(page=literal(page), script=digest(script), style=digest(style))
    pathlib.Path(output).write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
