// States, reasons and decisions in words. What is not known here is shown as it came.
const stateLooks = {
  up: "up", draining: "wait", checking: "wait", unavail: "out", unhealthy: "out", down: "down",
};
const reasonWords = {
  owner: "by its owner",
  max_fails: "failed too often (max_fails)",
  consecutive: "outlier: failures in a row",
  failures: "outlier: fails more than the others",
  latency: "outlier: slower than the others",
  operator: "left out by an operator",
  max_conns: "full (max_conns)",
  backup: "backup",
  probe: "active check",
};

// Of a server that may be picked: what costs it traffic under adaptive.
function handicapOf(own, pool) {
  if (pool.policy !== "adaptive" || !pool.model.learned) return "";
  if (own.error_share > 0.002) return "penalty: errors " + percent(own.error_share);
  const times = own.slowness / pool.model.slowness;
  if (own.known && times > 1.5) return `slow: ${digits(times)} × the pool's mean`;
  return own.report.factor > 1.1 ? `penalty: reports load, × ${digits(own.report.factor)}` : "";
}
function reasonOf(peer, pool) {
  const own = peer.leastwise;
  if (!own.reason) return peer.state === "up" ? handicapOf(own, pool) : "";
  let text = reasonWords[own.reason] ?? own.reason.replaceAll("_", " ");
  if (own.reason === "slow_start") text = "slow start " + percent(own.warmth);
  if (own.for_s > 0) text += ", " + seconds(own.for_s) + " left";
  return text;
}
function lookOf(peer) {
  if (peer.state === "up" && peer.leastwise.reason) return "warm";
  return stateLooks[peer.state] ?? "down";
}

const whyWords = {
  down: () => "down",
  draining: () => "draining",
  outlier: () => "an outlier",
  probe: () => "active check",
  max_fails: () => "failed too often",
  full: () => "full",
  // HAProxy says with each question whom it has no room for.
  tried: () => namesHaveAddresses ? "full or down" : "tried already",
  errors: p => "errors " + percent(p.figure),
  report: p => "reports load, × " + digits(p.figure),
  slow_start: p => "slow start " + percent(p.figure),
};
const pickedWords = {
  only: "the only one that may be picked",
  unlearned: "nothing is learned yet: as least_conn",
  backup: "no other server may be picked: a backup",
  panic: "none may be picked: all are used rather than none",
  front_end: "chosen by the proxy itself",
  affinity: "the server of this request's key",
  switchback: "least_conn's turn, to compare with",
  script_fault: "the script failed: as adaptive",
  script_passed: "left by the script to adaptive",
};
const byTime = ["adaptive", "least_time", "peak_ewma"];
const byCount = ["least_conn", "two_choices", "hash"];

function figureOf(party, policy) {
  if (byTime.includes(policy) && party.expected_ms !== null) return duration(party.expected_ms) + " expected";
  return party.in_flight + " in flight";
}
// Why not the other one, where the figures do not say it.
function comparison(d, policy) {
  const a = d.chosen.expected_ms, b = d.second.expected_ms;
  if (policy !== "adaptive" || a === null || b === null || a <= b) return "";
  return a <= 1.1 * b ? " (within chance: taken in turn)" : " (by weight, or more would wait there)";
}
function explain(d, policy, isWatched) {
  if (isWatched) return explainWatched(d, policy);
  const turns = policy === "round_robin" || policy === "weighted";
  let text = turns && d.reason === "policy" ? "its turn" : figureOf(d.chosen, policy);
  if (d.second && !turns) {
    text += `; ${nameOf(d.second.server)}: ${figureOf(d.second, policy)}` + comparison(d, policy);
  }
  const left = d.left_out.map(p => `${nameOf(p.server)} ${p.why === "errors" || p.why === "report" ? "penalty" : "left out"}: ` +
      (whyWords[p.why] ?? (() => p.why.replaceAll("_", " ")))(p));
  if (left.length) text += "; " + left.join(", ");
  return text;
}
// Another method chose; the second is who would have been picked, unless it is the same.
function explainWatched(d, policy) {
  const text = figureOf(d.chosen, policy);
  if (!d.second) return text + ", as Leastwise would have it";
  return `${text}; Leastwise would take ${nameOf(d.second.server)}: ${figureOf(d.second, policy)}`;
}
// HAProxy's servers have names, and their address behind an "@".
let namesHaveAddresses = false;
function nameOf(server) {
  return namesHaveAddresses ? server.slice(0, server.lastIndexOf("@")) : server;
}
function addressOf(server) {
  return namesHaveAddresses ? server.slice(server.lastIndexOf("@") + 1) : "";
}
