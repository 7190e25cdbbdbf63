"""The pictures of docs/pictures. Figures in them are examples, and the pages say so."""

from svg import Picture


def standing():
    p = Picture(760, 330, "The module is in nginx. The agent stands beside HAProxy. The companion tells both "
                "which servers there are.")
    p.text(16, 28, "nginx", "strong")
    p.box(16, 40, 240, 170)
    for i in range(3):
        p.box(28 + 74 * i, 52, 68, 66, "worker", "module")
    p.box(28, 150, 216, 48, "shared memory", "what was learned, in flight", kind="own")
    for i in range(3):
        p.arrow((62 + 74 * i, 118), (62 + 74 * i, 150))
    p.text(500, 28, "HAProxy", "strong")
    p.box(500, 40, 244, 56, "leastwise-spoa", "the agent: what was learned", kind="own")
    p.box(500, 154, 244, 56, "HAProxy", "its own balance, if the agent is away")
    p.arrow((522, 154), (522, 96))
    p.text(530, 122, "which server?", "soft", size=12)
    p.arrow((625, 96), (625, 154))
    p.text(633, 122, "this", "soft", size=12)
    p.text(633, 138, "one", "soft", size=12)
    p.arrow((676, 154), (676, 96))
    p.text(684, 122, "how it", "soft", size=12)
    p.text(684, 138, "went", "soft", size=12)
    p.box(292, 40, 172, 56, "Kubernetes, DNS")
    p.arrow((378, 96), (378, 154))
    p.text(386, 130, "which servers", "soft", size=12)
    p.box(292, 154, 172, 56, "leastwise-companion", kind="own")
    p.arrow((292, 182), (256, 182))
    p.arrow((464, 182), (500, 182))
    for x, width in ((16, 240), (500, 244)):
        p.arrow((x + width / 2, 210), (x + width / 2, 262))
        p.text(x + width / 2 + 8, 240, "requests", "soft", size=12)
        p.box(x, 262, width, 48, "servers")
    p.text(378, 268, "only beside the traffic:", "soft", "middle", 12)
    p.text(378, 284, "no request passes it", "soft", "middle", 12)
    return p


def decision():
    p = Picture(760, 270, "Expected delay of five servers as bars. The second has the shortest one, 11 ms, and is chosen.")
    rows = (("s1", "as fast as most, 3 in flight", (("a", 10), ("b", 6))), ("s2", "a little slower, 1 in flight", (("a", 11),)),
            ("s3", "four times slower, idle", (("a", 40),)), ("s4", "30 % of requests fail, idle", (("a", 10), ("c", 44))),
            ("s5", "15 ms away, idle", (("a", 10), ("d", 15))))
    p.text(16, 26, "server", "soft", size=12)
    p.text(252, 26, "expected delay", "soft", size=12)
    for i, (name, about, bars) in enumerate(rows):
        y, x = 40 + 36 * i, 252
        p.text(16, y + 16, name, "strong")
        p.text(46, y + 16, about, "soft")
        for kind, length in bars:
            p.bar(x, y, length * 7, 22, kind)
            x += length * 7
        total = sum(length for _, length in bars)
        p.text(x + 8, y + 16, f"{total} ms, chosen" if name == "s2" else f"{total} ms", "mark" if name == "s2" else "")
    for i, (kind, word) in enumerate((("a", "answer"), ("b", "wait behind others"), ("c", "penalty for failures"),
                                      ("d", "distance"))):
        x = (252, 340, 492, 652)[i]
        p.bar(x, 236, 14, 14, kind)
        p.text(x + 20, 248, word, "soft", size=12)
    return p


def loop():
    p = Picture(760, 190, "A request comes, the server with the lowest expected delay is chosen, it answers, and the answer "
                "is learned from.")
    p.text(16, 67, "request")
    p.arrow((74, 62), (120, 62))
    p.box(120, 30, 220, 64, "choose", "lowest expected delay", kind="own")
    p.arrow((340, 62), (400, 62))
    p.box(400, 30, 120, 64, "server")
    p.arrow((520, 62), (600, 62))
    p.text(608, 67, "answer")
    p.arrow((560, 62), (560, 140), (340, 140))
    p.box(120, 114, 220, 56, "learn", "time, failure, in flight, route", kind="own")
    p.arrow((230, 114), (230, 94))
    return p


def change():
    p = Picture(760, 240, "Share of one of eight servers: 12 percent, next to nothing while it is slow, 12 percent again after it "
                "recovered.")
    p.text(16, 28, "share of requests of one server in eight (a sketch)", "soft", size=12)
    p.line((80, 44), (80, 190), (740, 190))
    p.line((80, 80), (740, 80), kind="line dash")
    p.text(72, 85, "12 %", "soft", "end", 12)
    p.text(72, 190, "0 %", "soft", "end", 12)
    p.line((80, 80), (250, 80), (258, 130), (272, 182), (540, 182), (552, 150), (570, 100), (592, 80), (740, 80), kind="curve")
    for x, word in ((250, "becomes slow"), (530, "recovers")):
        p.line((x, 44), (x, 190), kind="line dash")
        p.text(x, 210, word, "strong", "middle")
    p.text(400, 170, "tried, one request at a time", "soft", "middle", 12)
    p.text(740, 210, "time", "soft", "end", 12)
    return p


def weight():
    p = Picture(760, 220, "Two servers that are alike, of weight 2 and 1, get 67 and 33 percent. Where they differ, the expected "
                "delay is divided by the weight.")
    p.text(16, 28, "Servers that are alike: a share", "strong")
    for i, (name, part) in enumerate((("weight=2", 67), ("weight=1", 33))):
        y = 50 + 44 * i
        p.text(16, y + 18, name)
        p.bar(96, y, part * 3, 26, "a")
        p.text(104 + part * 3, y + 18, f"{part} %")
    p.line((384, 16), (384, 204), kind="line dash")
    p.text(408, 28, "Servers that differ: delay by weight", "strong")
    for i, (name, delay, by) in enumerate((("weight=2", 36, 2), ("weight=1", 12, 1))):
        y = 50 + 44 * i
        p.text(408, y + 18, name)
        p.bar(488, y, delay // by * 5, 26, "a")
        words = f"{delay} ms / {by} = {delay // by}" + (", chosen" if i else "")
        p.text(496 + delay // by * 5, y + 18, words, "mark" if i else "")
    p.text(16, 168, "At any load:", "soft", size=12)
    p.text(16, 186, "weights 19 and 1 are 95 and 5 %.", "soft", size=12)
    p.text(408, 168, "A weight does not make a slow server fast.", "soft", size=12)
    return p


def routes():
    p = Picture(760, 260, "Paths become routes, by folding what looks like an id; each route has a cost of its own.")
    for x, word in ((16, "request"), (290, "route"), (540, "learned cost (an example)")):
        p.text(x, 28, word, "soft", size=12)
    wanted = (("GET /api/list", 60), ("GET /api/report", 104), ("GET /user/123/orders", 148), ("GET /user/456/orders", 192))
    for word, y in wanted:
        p.text(16, y + 5, word)
    for (word, cost), y in ((("GET /api/list", 2), 60), (("GET /api/report", 120), 104), (("GET /user/*/orders", 20), 170)):
        p.box(290, y - 18, 220, 36, word, kind="own")
        p.bar(540, y - 11, max(3, cost), 22, "a")
        p.text(548 + max(3, cost), y + 5, f"{cost} ms")
    for y in (60, 104):
        p.arrow((180, y), (290, y))
    p.line((180, 148), (240, 148), (240, 192), (180, 192))
    p.arrow((240, 170), (290, 170))
    p.text(16, 240, "123 and 456 look like ids, and are folded into *.", "soft", size=12)
    return p


PICTURES = {"standing": standing, "decision": decision, "loop": loop, "change": change, "weight": weight,
            "routes": routes}
