// Figures as text, and the few things that are asked of the document.
const thin = "\u202f";
const none = "–";

function add(parent, tag, cls, text) {
  const node = parent.appendChild(document.createElement(tag));
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

// What did not change is left alone: of a thousand rows that is most of the work.
function setText(node, text) {
  if (node.shown === text) return;
  node.shown = text;
  node.textContent = text;
}
function setClass(node, cls) {
  if (node.className !== cls) node.className = cls;
}
function setStyle(node, name, value) {
  const key = "style_" + name;
  if (node[key] === value) return;
  node[key] = value;
  node.style[name] = value;
}
function setTitle(node, text) {
  if (node.titled === text) return;
  node.titled = text;
  node.title = text;
}

// Three digits of it.
function digits(x) {
  if (x === 0) return "0";
  if (x >= 100) return Math.round(x).toLocaleString("en");
  return x.toFixed(x >= 10 ? 1 : 2).replace(/\.?0+$/, "");
}
function count(n) {
  if (n < 1e5) return Math.round(n).toLocaleString("en");
  return n < 1e6 ? digits(n / 1e3) + thin + "k" : n < 1e9 ? digits(n / 1e6) + thin + "M" : digits(n / 1e9) + thin + "G";
}
function rate(x) {
  if (x === null) return none;
  return x > 0 && x < 0.05 ? "< 0.1" : x < 10 ? x.toFixed(1) : count(x);
}
function duration(ms) {
  if (ms === null || ms === undefined) return none;
  if (ms < 0.001) return "0" + thin + "ms";
  if (ms < 1) return digits(ms * 1e3) + thin + "µs";
  return ms < 1e3 ? digits(ms) + thin + "ms" : digits(ms / 1e3) + thin + "s";
}
function percent(part) {
  if (part === null || part === undefined) return none;
  const p = 100 * part;
  return (p > 0 && p < 0.1 ? "< 0.1" : p < 10 ? p.toFixed(1).replace(/\.0$/, "") : Math.round(p)) + thin + "%";
}
function bytes(n) {
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (n < 1024) return digits(n) + thin + unit;
    n /= 1024;
  }
  return digits(n) + thin + "TiB";
}
function seconds(s) {
  return s < 90 ? Math.max(1, Math.round(s)) + thin + "s" : Math.round(s / 60) + thin + "min";
}
