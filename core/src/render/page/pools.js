// A pool: its figures and charts, its servers, the last decisions, routes, and the model.
const mostRoutes = 30;

const chooserWords = {
  control: "least_conn's turn, to compare with", fallback: "least_conn has the pool: adaptive did worse",
};

function modelFacts(pool) {
  const m = pool.model, d = m.decisions;
  const picks = Object.values(d).reduce((a, b) => a + b, 0);
  const reasons = Object.entries(d).filter(([, n]) => n > 0)
      .map(([k, n]) => [`decided: ${k.replaceAll("_", " ")}`, percent(n / picks)]);
  return [
    ["policy", pool.policy], ["model", m.learned ? "learned" : "learns still"],
    ["chooser", m.chooser === "policy" ? pool.policy : chooserWords[m.chooser] ?? m.chooser],
    ["mean work of a request", m.learned ? duration(m.mean_cost_ms) : none],
    ["slowness of the pool", digits(m.slowness)], ["servers share themselves out", percent(m.sharing)],
    ["mean wait", digits(m.mean_wait)], ["price of a wait", digits(m.price)], ["caution", digits(m.caution)],
    ...(m.policy_ms > 0 ? [["typical answer, adaptive", duration(m.policy_ms)]] : []),
    ...(m.least_conn_ms > 0 ? [["typical answer, least_conn", duration(m.least_conn_ms)]] : []),
    ...reasons, ["answers learned from", count(m.samples)], ["answers lost", count(m.samples_lost)],
    ["answers set aside", count(m.samples_set_aside)],
    ["processes", count(m.processes)], ["places for servers", `${count(m.endpoints)} of ${count(m.capacity)}`],
  ];
}

// Of a pool that only watches: what is, beside what would be.
function shadowFacts(shadow) {
  const now = shadow.current, then = shadow.leastwise;
  const pair = (a, b) => b === null ? `${duration(a)}, with Leastwise not known yet` :
      `${duration(a)}, with Leastwise ${duration(b)}`;
  return [
    ["would go to another server", percent(shadow.decisions ? shadow.differ / shadow.decisions : null)],
    ["mean answer", pair(now.mean_ms, then.mean_ms)], ["p99", pair(now.p99_ms, then.p99_ms)],
    ["failures", `${percent(now.failures)}, with Leastwise ${percent(then.mean_ms === null ? null : then.failures)}`],
    ["mean that the model expected of what is", duration(now.expected_ms)],
    ["answers compared", `${count(shadow.answers)} in ${seconds(shadow.seconds)}`],
    ["would go to servers that answer now", percent(shadow.covered)],
  ];
}

class PoolView {
  constructor(parent, name, id) {
    this.section = add(parent, "section", "pool");
    this.section.id = id;
    const head = add(this.section, "header");
    const title = add(head, "h2", "", name);
    title.id = id + "_title";
    this.section.setAttribute("aria-labelledby", title.id);
    this.policy = add(head, "span", "tag");
    this.learned = add(head, "span", "tag alert");
    this.makeCharts(add(this.section, "div", "figures"));
    this.servers = new Servers(this.section, name);
    this.makeBelow(add(this.section, "div", "below"), name);
  }
  makeCharts(parent) {
    const perSecond = i => m => m[i] / m[1];
    this.requests = new Chart(parent, "Requests per second", [{color: "--p50", value: perSecond(2)}], rate);
    this.times = new Chart(parent, "Answer times", [
      {name: "p50", color: "--p50", value: m => m[4]}, {name: "p99", color: "--p99", value: m => m[5]}], duration);
    this.errors = new Chart(parent, "Errors", [{color: "--c5", value: m => m[2] ? m[3] / m[2] : 0}], percent, 0.01);
    this.flight = add(parent, "div", "card figure");
    add(this.flight, "h3", "", "Servers");
    this.up = add(this.flight, "p", "value");
    this.inFlight = add(this.flight, "p", "quiet");
    this.notable = add(this.flight, "p", "quiet");
  }
  makeBelow(parent, name) {
    const decisions = add(parent, "section", "card");
    add(decisions, "h3", "", "Last decisions, two of a second");
    this.decisions = add(decisions, "ol", "decisions");
    this.decisions.tabIndex = 0;
    this.decisions.setAttribute("aria-label", "Last decisions of " + name);
    const routes = add(parent, "section", "card");
    add(routes, "h3", "", "Routes: what each kind of request costs");
    this.routes = add(routes, "div", "routes");
    this.routes.tabIndex = 0;
    this.routes.setAttribute("role", "group");
    this.routes.setAttribute("aria-label", "Routes of " + name);
    this.shadowCard = add(parent, "section", "card");
    this.shadowCard.hidden = true;
    add(this.shadowCard, "h3", "", "Shadow: what Leastwise would do");
    this.shadow = add(this.shadowCard, "dl", "facts");
    const model = add(parent, "section", "card");
    add(model, "h3", "", "Model and chooser");
    this.model = add(model, "dl", "facts");
  }
  update(name, pool, now) {
    const servers = pool.peers.map(p => serverOf(p, pool, now));
    shareOut(servers);
    const totals = totalsOf(pool, servers);
    setText(this.policy, pool.shadow ? pool.policy + ", only watching" : pool.policy);
    const alert = pool.model.chooser !== "policy" ? chooserWords[pool.model.chooser] ?? pool.model.chooser :
        pool.model.learned || !byTime.includes(pool.policy) ? "" : "nothing learned yet";
    setText(this.learned, alert);
    this.learned.hidden = !alert;
    this.showFigures(pool, servers, totals);
    this.servers.update(servers);
    this.showDecisions(pool);
    this.showRoutes(pool.routes);
    showFacts(this.model, modelFacts(pool));
    this.shadowCard.hidden = !pool.shadow;
    if (pool.shadow) showFacts(this.shadow, shadowFacts(pool.shadow));
    return totals;
  }
  showFigures(pool, servers, totals) {
    this.requests.showValue([{text: rate(totals.rate), small: "/s now"}]);
    this.times.showValue([{text: duration(totals.p50), small: "p50", color: "--p50"},
                          {text: duration(totals.p99), small: "p99", color: "--p99"}]);
    this.errors.showValue([{text: percent(totals.errors), small: "last minute"}]);
    for (const chart of [this.requests, this.times, this.errors]) chart.draw(pool.history);
    setText(this.up, `${count(totals.up)} of ${count(totals.all)} up`);
    setText(this.inFlight, `${count(totals.active)} in flight`);
    const odd = servers.filter(s => s.reason || s.state !== "up");
    const why = s => [s.state === "up" ? "" : s.state, s.reason].filter(Boolean).join(" ");
    const names = odd.slice(0, 2).map(s => `${s.name}: ${why(s)}`).join("; ");
    setText(this.notable, names + (odd.length > 2 ? ` and ${count(odd.length - 2)} more` : ""));
  }
  showDecisions(pool) {
    const lines = pool.decisions;
    if (this.isIdle) this.decisions.replaceChildren();  // "no request yet"
    this.isIdle = lines.length === 0;
    while (this.decisions.children.length > lines.length) this.decisions.lastChild.remove();
    lines.forEach((d, i) => {
      let li = this.decisions.children[i];
      if (!li) {
        li = add(this.decisions, "li");
        li.age = add(li, "span", "quiet");
        const text = add(li, "span");
        li.name = add(text, "strong");
        li.text = add(text, "span");
        li.why = add(text, "span", "why");
      }
      setText(li.age, d.age_s < 1 ? "now" : seconds(d.age_s));
      setText(li.name, nameOf(d.chosen.server));
      setText(li.text, ": " + explain(d, pool.policy, pool.shadow !== null));
      const isUsual = d.reason === "policy" || pool.shadow !== null;
      const why = [isUsual ? "" : pickedWords[d.reason] ?? d.reason, d.route ?? ""];
      setText(li.why, why.some(Boolean) ? ` (${why.filter(Boolean).join("; ")})` : "");
    });
    if (lines.length === 0) setText(add(this.decisions, "li"), "no request yet");
  }
  showRoutes(routes) {
    const shown = routes.slice().sort((a, b) => b.samples - a.samples).slice(0, mostRoutes);
    const key = JSON.stringify(shown);
    if (this.routes.key === key) return;
    this.routes.key = key;
    this.routes.replaceChildren();
    const table = add(this.routes, "table");
    const head = add(add(table, "thead"), "tr");
    for (const [i, label] of ["Route", "Costs", "Varies by", "Answers"].entries()) {
      add(head, "th", i === 0 ? "left" : "", label).scope = "col";
    }
    const body = add(table, "tbody");
    for (const r of shown) {
      const row = add(body, "tr");
      add(row, "td", "left", r.route ?? "without a name");
      add(row, "td", "", duration(r.cost_ms));
      add(row, "td", "", percent(r.spread));
      add(row, "td", "", count(r.samples));
    }
    if (routes.length > shown.length) {
      add(this.routes, "p", "quiet", `${count(routes.length)} routes; the others are in the JSON`);
    }
  }
}

function showFacts(list, facts) {
  facts.forEach(([name, value], i) => {
    let div = list.children[i];
    if (!div) {
      div = add(list, "div");
      div.name = add(div, "dt");
      div.value = add(div, "dd");
    }
    setText(div.name, name);
    setText(div.value, value);
  });
  while (list.children.length > facts.length) list.lastChild.remove();
}
