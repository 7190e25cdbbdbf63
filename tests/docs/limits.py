"""The limits that docs/limits.md tells, and where the code has them: (file, constant, its value
there, what the page shows). INTERNAL are bounds of no interest outside."""

LIMITS = [
    ("core/include/leastwise/endpoint.h", "kMaxEndpoints", "65536", "| 65536 |"),
    ("core/include/leastwise/endpoint.h", "kMaxEndpointName", "191", "| 191 |"),
    ("core/include/leastwise/endpoint.h", "kMaxWeight", "65535", "| 1 to 65535 |"),
    ("core/src/pick/pick_context.h", "kMost", "64", "`adaptive` scores all | 64 |"),
    ("core/include/leastwise/pool.h", "kMaxProcesses", "256", "old configurations included | 256 |"),
    ("core/include/leastwise/pool.h", "kMostEjection", "std::chrono::hours(24)", "| 24 hours |"),
    ("core/src/words/routes.h", "kSlots", "256", "routes of an upstream or backend | 256 |"),
    ("core/include/leastwise/route.h", "kMostPath", "256", "a route is made of | 256 |"),
    ("core/include/leastwise/route.h", "kMostText", "95", "| 95 and 8 |"),
    ("core/src/words/route.cc", "kMostSegments", "8", "| 95 and 8 |"),
    ("core/include/leastwise/networks.h", "kMost", "16", "networks in `locality` | 16 |"),
    ("nginx_module/src/shared/slots.cc", "kMostSlots", "4096", "(`leastwise_slots`) | 4096 |"),
    ("core/include/leastwise/residency.h", "kMostResidency", "std::uint64_t{1} << 30", "1 MiB to 1 GiB |"),
    ("core/src/guard/load_report.cc", "kMostFactor", "2", "| 2 times |"),
    ("core/reports/orca.h", "kMostReportBytes", "4096", "report in a header | 4096 |"),
    ("core/include/leastwise/probe.h", "kMostAnswer", "64 * 1024", "probe or a scrape | 64 KiB |"),
    ("nginx_module/src/probe/target.cc", "kMostAtOnce", "128", "same time | 128 |"),
    ("core/include/leastwise/probe.h", "kMost", "8", "of a probe | 8 |"),
    ("core/include/leastwise/scrape.h", "kMostTerms", "12", "terms of a scrape | 12 |"),
    ("core/include/leastwise/scrape.h", "kMostInterval", "std::chrono::seconds(15)", "100ms to 15s"),
    ("core/control/body.h", "kMostBody", "16 * 1024", "control takes | 16 KiB |"),
    ("core/control/elsewhere.h", "kMostElsewhere", "512 * 1024", "other balancers have | 512 KiB |"),
    ("core/control/elsewhere.h", "kMostBalancers", "255", "control is told of | 255 |"),
    ("core/control/elsewhere.cc", "kMost", "1e6", "of a server elsewhere | 1000000 |"),
    ("spoe_agent/src/serve/http.h", "kMostBody", "16 * 1024", "control takes | 16 KiB |"),
    ("nginx_module/src/state/changes.h", "kMostState", "std::size_t{64} << 20",
     "`leastwise_state` | 64 MiB |"),
    ("core/lua/arena.h", "kSize", "std::size_t{16} << 20", "memory of a script | 16 MiB |"),
    ("core/lua/script.h", "kCallBudget", "1", "time of a call | 1 ms |"),
    ("spoe_agent/src/config/file.cc", "kMostBackends", "1000", "backends | 1000 |"),
    ("spoe_agent/src/config/file.cc", "kMaxBackendName", "100", "name of a backend | 100 |"),
    ("spoe_agent/src/serve/descriptors.h", "kMostConnections", "4096", "of HAProxy | 4096,"),
    ("spoe_agent/src/haproxy/datagrams.h", "kMaxLine", "8192", "log line | 8192 |"),
    ("spoe_agent/src/haproxy/request_id.h", "kMaxIdLength", "256", "id of a request | 256 |"),
    ("spoe_agent/src/balance/tickets.h", "kMostStay", "std::chrono::hours(1)", "| 1 hour |"),
    ("spoe_agent/src/spop/pick_message.h", "kMaxServers", "255", "| 255 arguments |"),
    ("spoe_agent/src/haproxy/runtime_client.h", "kMostBytes", "std::size_t{64} << 20",
     "runtime API | 64 MiB |"),
    ("spoe_agent/src/balance/weight_answers.h", "kMostName", "512", "of an agent-check | 512 |"),
    ("spoe_agent/src/config/token.h", "kMostToken", "256", "control token | 16 to 256 |"),
    ("core/sharing/gathering.h", "kMostTellers", "255", "that are heard (`share`) | 255 |"),
    ("core/sharing/report.h", "kMostServers", "4096", "report of a balancer (`share`) | 4096 |"),
    ("spoe_agent/src/share/redis.h", "kMostReply", "std::size_t{4} << 20", "Redis (`share`) | 4 MiB |"),
    ("spoe_agent/src/share/redis.h", "kMostWait", "std::chrono::seconds(2)", "at once (`share`) | 2 s |"),
    ("spoe_agent/src/config/redis_url.cc", "kMostPrefix", "64", "of keys (`share`) | 64 |"),
    ("spoe_agent/src/share/trouble_news.h", "kMostCauses", "8", "within a minute (`share`) | 8 |"),
]

INTERNAL = [
    ("core/sharing/gathering.h", "kMostTimes"),            # in docs/sharing.md
    ("core/include/leastwise/config.h", "kMost"),          # a name of ORCA
    ("core/include/leastwise/explain.h", "kMostLeftOut"),  # on the page
    ("core/include/leastwise/picker.h", "kMost"),          # failures of one request
    ("core/include/leastwise/prompt.h", "kMaxPoints"),     # follows from their lengths
    ("nginx_module/src/shared/directives.h", "kMost"),     # room in nginx's table
    ("nginx_module/src/state/learned.h", "kMostLearned"),  # follows from the servers
    ("nginx_module/src/stream/request.h", "kMost"),        # of a request for the status
    ("spoe_agent/src/serve/http.h", "kMostHead"),
    ("spoe_agent/src/serve/request_reader.h", "kMostAuthorization"),
    ("spoe_agent/src/serve/server.h", "kMostDescriptors"),
    ("spoe_agent/src/steer/steering.h", "kMostWeight"),    # HAProxy's own
    ("spoe_agent/src/haproxy/runtime_client.h", "kMostAsked"),
    ("spoe_agent/src/spop/types.h", "kMaxFrameSize"),      # negotiated with HAProxy
]
