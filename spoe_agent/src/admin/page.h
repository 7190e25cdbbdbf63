// The page at "/": self-contained, reads /status each second. Names are set as text, never as
// markup, so that no name of a server can become part of the page.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_PAGE_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_PAGE_H_

#include <string_view>

namespace leastwise::agent {

inline constexpr std::string_view kStatusHtml = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Leastwise</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse; margin: .5em 0 1.5em }
th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
.down, .draining, .stale { color: #b00020 }
#agent { color: #555 }
</style>
</head>
<body>
<h1>Leastwise</h1>
<p id="agent">waiting for /status</p>
<div id="pools"></div>
<script>
"use strict";
const columns = [
  ["server", p => p.server], ["state", p => p.state], ["weight", p => p.weight],
  ["in flight", p => p.active], ["picks/s", p => rate(p)], ["picks", p => p.leastwise.picks],
  ["mean ms", p => p.response_time.toFixed(2)],
  ["slowness", p => p.leastwise.known ? p.leastwise.slowness.toFixed(2) : "unknown"],
  ["errors", p => (100 * p.leastwise.error_share).toFixed(1) + " %"],
];
const routeColumns = [
  ["route", r => r.route ?? "?"], ["family", r => r.family ?? ""],
  ["cost ms", r => r.cost_ms === null ? "unknown" : r.cost_ms.toFixed(2)],
  ["spread", r => r.spread.toFixed(2)], ["answers", r => r.samples],
];
const mostRoutes = 20;
let before = new Map(), beforeAt = 0, seconds = 1;

function rate(peer) {
  const old = before.get(peer.name);
  return old === undefined ? "" : ((peer.leastwise.picks - old) / seconds).toFixed(0);
}
function add(parent, tag, text, cls) {
  const e = parent.appendChild(document.createElement(tag));
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
function showPool(root, name, pool) {
  add(root, "h2", name + ": " + pool.policy +
      (pool.model.learned ? "" : " (nothing learned yet)"));
  const table = add(root, "table"), head = add(table, "tr");
  for (const [title] of columns) add(head, "th", title);
  const byName = (a, b) => a.server.localeCompare(b.server, undefined, {numeric: true});
  for (const peer of pool.peers.sort(byName)) {
    const row = add(table, "tr", undefined, peer.state);
    for (const [, value] of columns) add(row, "td", value(peer));
  }
  showRoutes(root, pool.routes);
}
function showRoutes(root, routes) {
  if (routes.length === 0) return;
  const table = add(root, "table"), head = add(table, "tr");
  for (const [title] of routeColumns) add(head, "th", title);
  for (const route of routes.sort((a, b) => b.samples - a.samples).slice(0, mostRoutes)) {
    const row = add(table, "tr");
    for (const [, value] of routeColumns) add(row, "td", value(route));
  }
  if (routes.length > mostRoutes) add(root, "p", `${routes.length} routes; all are in /status`);
}
function show(status) {
  const at = performance.now();
  seconds = Math.max(.001, (at - beforeAt) / 1000);
  const root = document.createElement("div");
  for (const [name, pool] of Object.entries(status.upstreams)) showPool(root, name, pool);
  document.getElementById("pools").replaceChildren(root);
  before = new Map(Object.values(status.upstreams).flatMap(u => u.peers)
      .map(p => [p.name, p.leastwise.picks]));
  beforeAt = at;
  const a = status.agent, line = document.getElementById("agent");
  line.className = a.haproxy.configured && a.haproxy.stale ? "stale" : "";
  line.textContent = `asked ${a.picks.asked}, picked ${a.picks.picked}, open ${a.feedback.open}, ` +
      `log lines ${a.feedback.lines}, lost ${a.feedback.lost}, HAProxy ` +
      (!a.haproxy.configured ? "not configured" : a.haproxy.stale ? "does not answer" : "answers");
}
async function refresh() {
  try {
    show(await (await fetch("status")).json());
  } catch (e) {
    document.getElementById("agent").textContent = "no answer: " + e;
  }
  setTimeout(refresh, 1000);
}
refresh();
</script>
</body>
</html>
)html";

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_PAGE_H_
