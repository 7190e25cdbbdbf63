// The table of a pool's servers. Rows stay and only what changed in them is written.
const atFirst = 50;  // rows; the rest on demand
const outOfSight = 100;  // rows that nobody sees, written with each refresh, by turns

// Knows which rows are on the screen, or nearly.
const sight = new IntersectionObserver(entries => {
  for (const entry of entries) {
    entry.target.row.isSeen = entry.isIntersecting;
    if (entry.isIntersecting) entry.target.row.write();
  }
}, {rootMargin: "400px"});

function setClasses(cell, s) {
  if (!cell.parts) {
    cell.parts = ["c2", "c3", "c4", "c5"].map(c => c);
    cell.bar = add(cell, "span", "classes");
    cell.bar.setAttribute("role", "img");
    cell.parts = cell.parts.map(c => add(cell.bar, "i", c));
  }
  const n = s.classes ?? [0, 0, 0, 0, 0, 0];
  const shown = [n[1] + n[2], n[3], n[4], n[5] + n[0]];
  shown.forEach((value, i) => setStyle(cell.parts[i], "flexGrow", String(value)));
  const text = s.classes ? `2xx ${count(shown[0])}, 3xx ${count(shown[1])}, 4xx ${count(shown[2])}, 5xx and none ${count(shown[3])}` : "no answer yet";
  if (cell.said !== text) {
    cell.said = text;
    cell.bar.setAttribute("aria-label", text);
    cell.bar.title = text;
  }
}
function setShare(cell, s) {
  if (!cell.fill) {
    const bar = add(cell, "span", "bar");
    bar.setAttribute("aria-hidden", "true");
    cell.fill = add(bar, "i", "fill");
    cell.fair = add(bar, "i", "fair");
    cell.text = add(cell, "span");
  }
  setStyle(cell.fill, "width", (100 * s.share / s.scale).toFixed(1) + "%");
  setStyle(cell.fair, "left", `calc(${(100 * s.fair / s.scale).toFixed(1)}% - 1px)`);
  setText(cell.text, percent(s.share));
  setTitle(cell, `${percent(s.share)} of the requests, fair share ${percent(s.fair)}`);
}
function setState(cell, s) {
  if (!cell.pill) {
    cell.pill = add(cell, "span");
    cell.why = add(cell, "span", "reason");
  }
  setClass(cell.pill, "pill " + s.look);
  setText(cell.pill, s.state);
  setText(cell.why, s.reason);
}
function setName(cell, s, row) {
  if (!cell.button) {
    cell.button = add(cell, "button");
    cell.button.type = "button";
    cell.button.setAttribute("aria-expanded", "false");
    cell.button.addEventListener("click", () => row.toggle());
    cell.sub = add(cell, "small");
  }
  setText(cell.button, s.name);
  const sub = [s.address, s.weight !== 1 ? "weight " + s.weight : "", s.local ? "" : "other zone"];
  setText(cell.sub, sub.filter(Boolean).join(" · "));
}
// Of whom nothing was measured of late the pool's mean is expected.
function setExpected(cell, s) {
  const known = s.expected === null || s.measured;
  setText(cell, (known ? "" : "≈ ") + duration(s.expected));
  setTitle(cell, known ? "" : "not measured of late: the pool's mean");
}
function setErrors(cell, s) {
  setText(cell, percent(s.errors));
  cell.classList.toggle("bad", s.errors > 0.01);
}
const plain = (of, write) => (cell, s) => setText(cell, write(of(s)));

const stateOrder = ["down", "unavail", "unhealthy", "checking", "draining"];
const columns = [
  {key: "server", label: "Server", cls: "left server", sort: s => s.order, set: setName},
  {key: "state", label: "State", cls: "left state", sort: s => (stateOrder.indexOf(s.state) + 9) % 9, set: setState},
  {key: "share", label: "Share of requests", cls: "left share", sort: s => -s.share, set: setShare},
  {key: "rate", label: "Requests/s", sort: s => -s.rate, set: plain(s => s.rate, rate)},
  {key: "active", label: "In flight", sort: s => -s.active, set: plain(s => s.active, count)},
  {key: "p50", label: "p50", sort: s => -s.p50, set: plain(s => s.p50, duration)},
  {key: "p99", label: "p99", sort: s => -s.p99, set: plain(s => s.p99, duration)},
  {key: "expected", label: "Expected", title: "What a request that came now would take there", sort: s => -s.expected, set: setExpected},
  {key: "classes", label: "Statuses", cls: "left classes_of", sort: s => s.classes ? -(s.classes[5] + s.classes[0]) : 0, set: setClasses},
  {key: "errors", label: "Errors", sort: s => -s.errors, set: setErrors},
  {key: "load", label: "Load", title: "How full the server says it is", sort: s => -(s.load ?? -1), set: plain(s => s.load, percent)},
];

// Of load that is asked for (`leastwise_report scrape`).
function scrapeFacts(report) {
  const facts = [];
  if (report.waiting !== null) facts.push(["waiting there", count(report.waiting)]);
  if (report.running !== null) facts.push(["running there", count(report.running)]);
  if (report.scrape) facts.push(["load asked for", `${report.scrape.last}, ${duration(report.scrape.age_s * 1000)} ago`]);
  return facts;
}

// Of other balancers that use the same servers (`share`).
function otherFacts(o) {
  const facts = [];
  if (o.elsewhere > 0) facts.push(["others have there", count(o.elsewhere)]);
  if (o.toll_ms > 0) facts.push(["toll for the others", "+ " + duration(o.toll_ms)]);
  return facts;
}

function factsOf(s) {
  const p = s.peer, o = p.leastwise;
  const results = Object.entries(o.results).filter(([, n]) => n > 0).map(([k, n]) => [k.replaceAll("_", " "), count(n)]);
  const ejections = Object.entries(o.ejections).filter(([, n]) => n > 0).map(([k, n]) => ["left out: " + k, count(n)]);
  return [
    ["requests", count(p.requests)], ["weight", String(p.weight)],
    ["max_conns", p.max_conns ? count(p.max_conns) : "no limit"],
    ["mean time to connect", duration(p.connect_time)], ["mean time to the header", duration(p.header_time)],
    ["mean time of an answer", duration(p.response_time)],
    ["slowness", o.known ? digits(o.slowness) : "unknown, the pool's mean counts"],
    ["the way there takes", duration(o.base_ms)], ["share of failures of late", percent(o.error_share)],
    ["fails towards max_fails", count(p.fails)], ["put down to the request", count(o.forgiven)],
    ["CPU, memory reported", percent(o.report.cpu) + ", " + percent(o.report.memory)],
    ...scrapeFacts(o.report),
    ["penalty for its load", "× " + digits(o.report.factor)],
    ...otherFacts(o),
    ["keep a place only", count(o.held)], ["on their way", count(o.in_transit)],
    ["sent, received", bytes(p.sent) + ", " + bytes(p.received)],
    ...results.map(([k, n]) => ["result: " + k, n]), ...ejections,
  ];
}

class Row {
  constructor(pool) {
    this.pool = pool;
    this.tr = document.createElement("tr");
    this.tr.row = this;
    this.isSeen = true;  // until it is known
    sight.observe(this.tr);
    this.tr.setAttribute("role", "row");
    this.cells = columns.map(c => {
      const td = add(this.tr, "td", c.cls);
      td.setAttribute("role", "cell");
      td.dataset.label = c.label;
      return td;
    });
  }
  write() {
    if (this.written === this.server) return;
    this.written = this.server;
    columns.forEach((c, i) => c.set(this.cells[i], this.server, this));
    if (this.detail) this.showFacts();
    this.controls?.update(this.server);
  }
  leave() {
    sight.unobserve(this.tr);
    this.tr.remove();
    this.detail?.remove();
  }
  toggle() {
    if (this.detail) {
      this.detail.remove();
      this.detail = this.controls = null;
    } else {
      this.detail = document.createElement("tr");
      this.detail.className = "detail";
      this.detail.setAttribute("role", "row");
      const td = add(this.detail, "td");
      td.setAttribute("role", "cell");
      td.colSpan = columns.length;
      if (control.path) this.controls = new ServerControls(td, this.pool, this.server);
      this.facts = add(td, "dl", "facts");
      this.tr.after(this.detail);
      this.showFacts();
    }
    this.cells[0].button.setAttribute("aria-expanded", String(Boolean(this.detail)));
  }
  showFacts() {
    const facts = factsOf(this.server);
    const key = JSON.stringify(facts);
    if (this.facts.key === key) return;
    this.facts.key = key;
    this.facts.replaceChildren();
    for (const [name, value] of facts) {
      const div = add(this.facts, "div");
      add(div, "dt", "", name);
      add(div, "dd", "", value);
    }
  }
}

class Servers {
  constructor(parent, poolName) {
    this.pool = poolName;
    this.rows = new Map();
    this.by = columns[0];
    this.turned = false;
    this.limit = atFirst;
    this.turn = 0;
    this.wanted = "";
    const box = add(parent, "section", "card servers");
    box.setAttribute("aria-label", "Servers of " + poolName);
    this.makeTools(box, poolName);
    const scroll = add(box, "div", "scroll");
    const table = add(scroll, "table");
    table.setAttribute("role", "table");
    table.setAttribute("aria-label", "Servers of " + poolName);
    this.makeHead(table);
    this.body = add(table, "tbody");
    this.body.setAttribute("role", "rowgroup");
    this.nothing = add(box, "p", "empty", "no server matches");
    this.more = add(box, "button", "more");
    this.more.type = "button";
    this.more.addEventListener("click", () => {
      this.limit = this.limit === Infinity ? atFirst : Infinity;
      this.show();
    });
  }
  makeTools(box, poolName) {
    const tools = add(box, "div", "tools");
    add(tools, "h3", "", "Servers");
    add(tools, "span", "grow");
    this.filter = add(tools, "input");
    this.filter.type = "search";
    this.filter.placeholder = "Filter: name, state, reason";
    this.filter.setAttribute("aria-label", `Filter the servers of ${poolName} by name, state or reason`);
    this.filter.addEventListener("input", () => {
      this.wanted = this.filter.value.trim().toLowerCase();
      this.show();
    });
    const by = add(tools, "select", "by");
    by.setAttribute("aria-label", `Sort the servers of ${poolName} by`);
    for (const c of columns) add(by, "option", "", c.label).value = c.key;
    by.addEventListener("change", () => this.sortBy(columns.find(c => c.key === by.value)));
    this.select = by;
  }
  makeHead(table) {
    const head = add(table, "thead");
    head.setAttribute("role", "rowgroup");
    const row = add(head, "tr");
    row.setAttribute("role", "row");
    this.heads = columns.map(c => {
      const th = add(row, "th", c.cls);
      th.scope = "col";
      th.setAttribute("role", "columnheader");
      const button = add(th, "button", "", c.label);
      button.type = "button";
      if (c.title) button.title = c.title;
      button.addEventListener("click", () => this.sortBy(c));
      return th;
    });
    this.markSort();
  }
  sortBy(column) {
    this.turned = this.by === column && !this.turned;
    this.by = column;
    this.select.value = column.key;
    this.markSort();
    this.show();
  }
  markSort() {
    columns.forEach((c, i) => {
      // Figures begin with the largest.
      const falls = (c.key !== "server" && c.key !== "state") !== this.turned;
      if (c === this.by) this.heads[i].setAttribute("aria-sort", falls ? "descending" : "ascending");
      else this.heads[i].removeAttribute("aria-sort");
    });
  }
  update(servers) {
    this.servers = servers;
    this.show();
  }
  matches(s) {
    return !this.wanted || `${s.name} ${s.address} ${s.state} ${s.reason} ${s.local ? "" : "other zone"}`.toLowerCase().includes(this.wanted);
  }
  show() {
    const sign = this.turned ? -1 : 1;
    const key = s => this.by.sort(s) ?? 0;
    const all = this.servers.filter(s => this.matches(s));
    all.sort((a, b) => sign * (key(a) - key(b)) || a.order - b.order);
    const shown = all.slice(0, this.limit);
    const before = this.rows;
    this.rows = new Map();
    for (const s of shown) {
      const row = before.get(s.key) ?? new Row(this.pool);
      before.delete(s.key);
      row.server = s;
      this.rows.set(s.key, row);
    }
    for (const row of before.values()) row.leave();
    this.write(shown.length);
    this.putInOrder();
    this.nothing.hidden = all.length > 0;
    this.more.hidden = all.length <= atFirst;
    setText(this.more, this.limit === Infinity ? `Show the first ${atFirst} only` : `Show all ${count(all.length)} servers`);
  }
  // What is seen, and some of the others: a screen reader finds them a few refreshes old.
  write(n) {
    let i = 0;
    for (const row of this.rows.values()) {
      const isDue = (i++ - this.turn + n) % n < outOfSight;
      if (row.isSeen || isDue || !row.written) row.write();
    }
    this.turn = n > 0 ? (this.turn + outOfSight) % n : 0;
  }
  putInOrder() {
    let at = this.body.firstChild;
    for (const row of this.rows.values()) {
      if (at === row.tr) at = row.tr.nextSibling;
      else this.body.insertBefore(row.tr, at);
      if (!row.detail) continue;
      if (at === row.detail) at = row.detail.nextSibling;
      else this.body.insertBefore(row.detail, at);
    }
  }
}
