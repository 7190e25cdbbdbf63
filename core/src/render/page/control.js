// What an operator may do to a server, where `leastwise_control` is in reach: the answer of the
// status says where, in the header Leastwise-Control.
const control = {path: ""};

// Settings that control knows; null is "as configured".
const asConfigured = {weight: null, max_conns: null, max_fails: null, fail_timeout: null, down: null, drain: null, remote: null};

function controlUrl(pool, id) {
  const stream = pool.startsWith("stream/");
  const name = stream ? pool.slice("stream/".length) : pool;
  return `${control.path}9/${stream ? "stream" : "http"}/upstreams/${encodeURIComponent(name)}/servers/${id}`;
}

// `also`: a status that is as good as success.
async function ask(method, url, body, also) {
  const answer = await fetch(url, {
    method, cache: "no-store", headers: body ? {"Content-Type": "application/json"} : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (answer.ok || answer.status === also) return;
  let text = "";
  try { text = (await answer.json()).error.text; } catch { /* not of control: nginx's own page */ }
  throw new Error(`${answer.status}${text ? ": " + text : ""}`);
}

// Buttons of one server, which stay while its figures change, so that the focus does.
class ServerControls {
  constructor(parent, pool, server) {
    this.pool = pool;
    this.box = add(parent, "div", "actions");
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Change " + server.name);
    this.drain = this.button("", () => this.change({drain: this.isDraining ? null : true},
      this.isDraining ? "as configured" : "draining"));
    this.makeWeight(server);
    this.makeEject();
    this.button("Undo all", () => this.undo());
    this.said = add(this.box, "span", "said quiet");
    this.said.setAttribute("role", "status");
    this.update(server);
  }
  button(text, act) {
    const button = add(this.box, "button", "", text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }
  makeWeight(server) {
    const label = add(this.box, "label", "quiet", "Weight ");
    this.weight = add(label, "input", "weight");
    this.weight.type = "number";
    this.weight.min = 1;
    this.weight.max = 65535;
    this.weight.value = server.peer.weight;
    const set = () => this.change({weight: Number(this.weight.value)}, "weight " + this.weight.value);
    this.weight.addEventListener("keydown", event => { if (event.key === "Enter") set(); });
    this.button("Set", set).setAttribute("aria-label", "Set the weight of " + server.name);
  }
  makeEject() {
    const label = add(this.box, "label", "quiet", "Leave out for ");
    this.time = add(label, "select");
    for (const time of ["1m", "5m", "30m", "2h"]) add(this.time, "option", "", time).value = time;
    this.eject = this.button("", () => this.isEjected
      ? this.act("uneject", undefined, "back") : this.act("eject", {for: this.time.value}, "left out for " + this.time.value));
  }
  update(server) {
    this.server = server;
    this.isDraining = server.peer.state === "draining";
    this.isEjected = server.peer.leastwise.ejected !== "none";
    setText(this.drain, this.isDraining ? "End draining" : "Drain");
    setText(this.eject, this.isEjected ? "Bring back" : "Eject");
  }
  change(settings, done) {
    return this.run(() => ask("PATCH", this.url(), settings), done);
  }
  act(action, body, done) {
    return this.run(() => ask("POST", `${this.url()}/${action}`, body), done);
  }
  undo() {
    const shown = this.weight.value;
    return this.run(async () => {
      await ask("PATCH", this.url(), asConfigured);
      // Whether it is left out may have changed since the page was last renewed: 409 if it is not.
      await ask("POST", this.url() + "/uneject", undefined, 409);
    }, "as configured").then(() => {
      // What was typed meanwhile stays.
      if (this.weight.value === shown) this.weight.value = this.server.peer.weight;
    });
  }
  url() {
    return controlUrl(this.pool, this.server.peer.id);
  }
  async run(request, done) {
    setText(this.said, "…");
    try {
      await request();
      setClass(this.said, "said quiet");
      setText(this.said, "done: " + done);
    } catch (error) {
      setClass(this.said, "said bad");
      setText(this.said, "refused, " + error.message);
    }
    await refresh();
  }
}
