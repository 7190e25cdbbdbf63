"""What `leastwise-spoa --haproxy-config` printed, pasted as its reader does."""
import re


class Printed:
    """What the generator prints, by file."""

    def __init__(self, text):
        self.parts = {}
        for part in text.split("#### ")[1:]:
            head, body = part.split("\n", 1)
            self.parts.setdefault(head.split(": ")[0].rsplit("/", 1)[-1], []).append(body)

    def sections(self):
        """The lines to add, by the head of their section."""
        found, lines = {}, None
        for line in self.parts["haproxy.cfg"][0].splitlines():
            if line.startswith("    "):
                lines.append(line.strip())
            elif line and not line.startswith("#"):
                lines = found.setdefault(line.strip(), [])
        return found

    def added(self, section):
        lines = self.sections()[section]
        return len([line for line in lines if not line.startswith("#")])

    def paste(self, config):
        """As its reader does: at the end of each section, or in the place of a line."""
        new = [[head.strip(), body.splitlines()] for head, body in
               re.findall(r"^(\w+(?: \S+)?)[^\S\n]*\n((?:[ \t]+.*\n|\n|#.*\n)*)", config, re.M)]
        for head, lines in self.sections().items():
            body = next(body for name, body in new if name == head)
            old = None
            for line in lines:
                if line.startswith("# instead of: "):
                    old = line.removeprefix("# instead of: ")
                elif line.startswith("# without: "):
                    body.remove("    " + line.removeprefix("# without: "))
                elif old:
                    body[body.index("    " + old)] = "    " + line
                    old = None
                else:
                    body.append("    " + line)
        text = "".join(head + "\n" + "\n".join(body) + "\n" for head, body in new)
        return text + "".join(self.parts["haproxy.cfg"][1:])
