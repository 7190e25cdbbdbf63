// Asks for the status again and again, and shows it.
const root = document.getElementById("pools");
const overview = document.getElementById("overview");
const live = document.getElementById("live");
const views = new Map();
let paused = false, timer = 0, answeredAt = 0, made = 0;

function showOverview(name, view, totals) {
  if (!view.link) {
    view.link = add(overview, "a");
    view.link.href = "#" + view.section.id;
    add(view.link, "strong", "", name);
    view.summary = add(view.link, "span", "quiet");
    view.trouble = add(view.link, "span", "bad");
  }
  setText(view.summary, `${rate(totals.rate)}/s · p99 ${duration(totals.p99)} · ${count(totals.up)} of ${count(totals.all)} up`);
  setText(view.trouble, totals.errors > 0.01 ? ` · errors ${percent(totals.errors)}` : "");
}

function showAgent(agent) {
  const box = document.getElementById("agent");
  box.hidden = !agent;
  if (!agent) return;
  const f = agent.feedback, h = agent.haproxy;
  const by_us = f.as_picked, by_proxy = f.elsewhere + f.unknown;
  const facts = [
    h.configured ? (h.stale ? "HAProxy's runtime API does not answer: " + h.error : "HAProxy answers") : "no haproxy_socket is configured",
    `asked ${count(agent.picks.asked)} times, answered ${percent(agent.picks.asked ? agent.picks.picked / agent.picks.asked : null)}`,
    `decided by Leastwise ${percent(by_us + by_proxy > 0 ? by_us / (by_us + by_proxy) : null)}`,
    `open ${count(f.open)}`, `log lines ${count(f.lines)}, lost ${count(f.lost)}`,
  ];
  for (const warning of agent.warnings) facts.push("Warning: " + warning.text);
  const key = facts.join();
  if (box.key === key) return;
  box.key = key;
  const list = document.createElement("ul");
  for (const fact of facts) add(list, "li", "", fact);
  box.replaceChildren(list);
}

function show(status) {
  const now = performance.now();
  answeredAt = now;
  namesHaveAddresses = status.proxy === "haproxy";
  setText(document.getElementById("proxy"), `${status.proxy === "nginx" ? "nginx" : "HAProxy"} · ${status.version}`);
  showAgent(status.agent);
  for (const [name, pool] of Object.entries(status.upstreams)) {
    if (!views.has(name)) views.set(name, new PoolView(root, name, "pool_" + made++));
    const view = views.get(name);
    showOverview(name, view, view.update(name, pool, now));
  }
  for (const [name, view] of views) {
    if (name in status.upstreams) continue;
    view.section.remove();
    view.link.remove();
    views.delete(name);
  }
  overview.hidden = views.size < 2;
  document.title = views.size === 1 ? views.keys().next().value + " – Leastwise" : "Leastwise";
}

function say(text, cls) {
  setText(live, text);
  setClass(live, "live " + cls);
}

// Every second of a few servers, less often of thousands.
function pauseAfter(status) {
  const servers = Object.values(status.upstreams).reduce((n, pool) => n + pool.peers.length, 0);
  return servers < 300 ? 1000 : servers < 3000 ? 2000 : 5000;
}

async function refresh() {
  clearTimeout(timer);
  let wait = 2000;
  try {
    const answer = await fetch("?json", {cache: "no-store"});
    if (!answer.ok) throw new Error("status " + answer.status);
    control.path = answer.headers.get("Leastwise-Control") ?? "";
    const text = await answer.text();
    const begun = performance.now();
    const status = JSON.parse(text);
    show(status);
    performance.clearMeasures("refresh");
    performance.measure("refresh", {start: begun});
    wait = pauseAfter(status);
    say(`live, every ${wait / 1000} s`, "");
  } catch (error) {
    const ago = answeredAt ? `, last ${seconds((performance.now() - answeredAt) / 1e3)} ago` : "";
    say(`no answer (${error.message})${ago}`, "stale");
  }
  if (!paused && !document.hidden) timer = setTimeout(refresh, wait);
}

document.getElementById("pause").addEventListener("click", event => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  event.target.textContent = paused ? "Go on" : "Pause";
  clearTimeout(timer);
  if (paused) say("paused", "paused");
  else refresh();
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && !paused) refresh();
});

// Without storage (a private window) the choice lasts until the page is left.
function kept(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}
const theme = document.getElementById("theme");
function setTheme(value) {
  theme.value = value;
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try { localStorage.setItem("leastwise_theme", value); } catch { /* as above */ }
}
theme.addEventListener("change", () => setTheme(theme.value));
setTheme(["light", "dark"].includes(kept("leastwise_theme")) ? kept("leastwise_theme") : "auto");
refresh();
