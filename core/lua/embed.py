#!/usr/bin/env python3
"""Makes binding.h, and prelude.lua with sandbox.lua, texts of the program: embed.py FOLDER OUTPUT.cc"""
import pathlib
import sys

CODE = """// Made by embed.py of binding.h and prelude.lua.
#include "lua/embedded.h"

namespace leastwise::lua::embedded {{

std::string_view binding() noexcept {{
  static constexpr char kText[] =
{binding};
  return {{kText, sizeof(kText) - 1}};
}}

std::string_view prelude() noexcept {{
  static constexpr char kText[] =
{prelude};
  return {{kText, sizeof(kText) - 1}};
}}

}}  // namespace leastwise::lua::embedded
"""


def literal(text):
    """As a C++ string, a line for each of the text's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return "\n".join(f'      "{line}\\n"' for line in escaped.rstrip("\n").split("\n"))


def main(folder, output):
    folder = pathlib.Path(folder)
    binding = (folder / "binding.h").read_text(encoding="utf-8")
    declarations = "\n".join("" if line.startswith("#") else line for line in binding.split("\n"))
    prelude = "".join((folder / name).read_text(encoding="utf-8")
                      for name in ("prelude.lua", "sandbox.lua"))
    code = CODE.format(binding=literal(declarations), prelude=literal(prelude))
    pathlib.Path(output).write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
