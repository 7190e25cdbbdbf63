"""Both modules in one nginx with Debian's Lua module (libnginx-mod-http-lua)."""

import json
import os
import unittest

import backend
import harness
import stream_servers as s

PORT, GAME = 20690, 20691
A, B, C, D = 20692, 20693, 20694, 20695
MODULES = "/usr/lib/nginx/modules/"
LUA = (MODULES + "ndk_http_module.so", MODULES + "ngx_http_lua_module.so")


@unittest.skipUnless(harness.IS_PACKAGED and all(map(os.path.exists, LUA)), "needs libnginx-mod-http-lua")
class Lua(unittest.TestCase):
    def test_lua_and_both_modules_serve_side_by_side(self):
        self.enterContext(backend.Backends(A, B))
        self.enterContext(s.Servers(C, D))
        loaded = "".join(f"load_module {m}; " for m in (*LUA, s.NGINX_STREAM, s.STREAM_MODULE))
        http = (f"upstream app {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}"
                f" server {{ listen 127.0.0.1:{PORT};"
                " location = /lua { content_by_lua_block { ngx.print('lua ', 6 * 7) } }"
                " location = /both { content_by_lua_block {"
                " ngx.print(ngx.location.capture('/').body, ' by lua') } }"
                " location / { proxy_pass http://app; } location = /leastwise { leastwise_status; } }")
        nginx = self.enterContext(harness.Nginx(
            PORT, http, main=f"{loaded} stream {{ {s.upstream(C, D)} {s.listen(GAME)} }}", workers=2))
        self.assertEqual(nginx.get("/lua").body, "lua 42")
        self.assertIn(nginx.get("/both").body, (f"{A} by lua", f"{B} by lua"))
        self.assertEqual({nginx.get().body for _ in range(8)}, {str(A), str(B)})
        self.assertEqual({s.ask(GAME) for _ in range(8)}, {C, D})
        nginx.reload()
        self.assertEqual(nginx.get("/lua").body, "lua 42")
        self.assertIn(s.ask(GAME), (C, D))
        pages = json.loads(nginx.get("/leastwise").body)["upstreams"]
        picks = {name: sum(p["leastwise"]["picks"] for p in pool["peers"]) for name, pool in pages.items()}
        self.assertEqual(picks, {"app": 9, "stream/game": 9})


if __name__ == "__main__":
    unittest.main()
