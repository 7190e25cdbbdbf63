// What the page shows of a server, worked out of what the status says and of what it said before.
const settle = 4;  // seconds in which a rate follows

// Requests per second by name, from the counts of the refreshes.
class Rates {
  constructor() { this.of = new Map(); }
  see(name, picks, now) {
    const old = this.of.get(name);
    if (!old || picks < old.picks) {
      this.of.set(name, {picks, now, rate: null});
      return null;
    }
    const passed = (now - old.now) / 1e3;
    if (passed < 0.2) return old.rate;
    const fresh = (picks - old.picks) / passed;
    const part = 1 - Math.exp(-passed / settle);
    const smooth = old.rate === null ? fresh : old.rate + part * (fresh - old.rate);
    this.of.set(name, {picks, now, rate: smooth < 0.01 ? 0 : smooth});
    return this.of.get(name).rate;
  }
}
const rates = new Rates();

function serverOf(peer, pool, now) {
  const own = peer.leastwise, w = own.window;
  const seen = rates.see(peer.name, own.picks, now);
  const answers = w ? w.answers : 0;
  const failures = w ? w.failures : 0;
  return {
    key: peer.name, peer, name: nameOf(peer.server), address: addressOf(peer.server),
    state: peer.state, look: lookOf(peer), reason: reasonOf(peer, pool), order: own.order,
    weight: peer.weight, active: peer.active, held: own.held,
    rate: seen ?? (w ? w.answers / w.seconds : null),
    steady: w ? w.answers / w.seconds : seen ?? 0,
    p50: w && answers ? w.p50_ms : null, p99: w && answers ? w.p99_ms : null,
    expected: peer.state === "up" ? own.predicted_ms : null, measured: own.known,
    classes: w ? w.responses : null, answers, failures,
    errors: answers ? failures / answers : null,
    load: own.report.utilisation, local: own.local,
    share: 0, fair: 0,
  };
}

// Shares of what the pool does, and those that weights alone would give.
function shareOut(servers) {
  const all = servers.reduce((sum, s) => sum + s.steady, 0);
  const takes = s => s.state === "up" && !s.peer.backup;
  const weightOf = s => s.weight * Math.max(0.1, s.peer.leastwise.warmth);
  const weights = servers.reduce((sum, s) => sum + (takes(s) ? weightOf(s) : 0), 0);
  for (const s of servers) {
    s.share = all > 0 ? s.steady / all : 0;
    s.fair = takes(s) && weights > 0 ? weightOf(s) / weights : 0;
    if (s.peer.leastwise.share !== null) s.fair = s.peer.leastwise.share;
  }
  const most = Math.max(...servers.map(s => Math.max(s.share, s.fair)), 1e-9);
  for (const s of servers) s.scale = most;
}

// What the head of a pool says.
function totalsOf(pool, servers) {
  const sum = of => servers.reduce((n, s) => n + of(s), 0);
  const answers = sum(s => s.answers), failures = sum(s => s.failures);
  const fresh = pool.history.find(m => m[2] > 0 && m[0] < 60);
  return {
    rate: sum(s => s.rate ?? 0), active: sum(s => s.active),
    up: servers.filter(s => s.state === "up").length, all: servers.length,
    errors: answers ? failures / answers : null,
    p50: fresh ? fresh[4] : null, p99: fresh ? fresh[5] : null,
  };
}
