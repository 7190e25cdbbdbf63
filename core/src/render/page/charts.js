// Small charts of the last ten minutes, from the pool's history: [age, span, answers, failures,
// p50, p99], the newest first.
const tenMinutes = 600;
const chartHeight = 50;
const svgSpace = "http://www.w3.org/2000/svg";

function svg(parent, tag, attributes) {
  const node = parent.appendChild(document.createElementNS(svgSpace, tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

class Chart {
  // series: [{name, color, value: moment => number}], format: number => text
  // least: what the scale goes to at least, so that little does not look like much.
  constructor(parent, title, series, format, least = 0) {
    this.least = least;
    this.title = title;
    this.series = series;
    this.format = format;
    const box = add(parent, "div", "card figure");
    add(box, "h3", "", title);
    this.value = add(box, "p", "value");
    this.svg = svg(box, "svg", {viewBox: `0 0 ${tenMinutes} ${chartHeight}`, preserveAspectRatio: "none", role: "img"});
    svg(this.svg, "line", {x1: 0, x2: tenMinutes, y1: chartHeight, y2: chartHeight, class: "base"});
    this.lines = series.map(s => {
      const area = series.length === 1 ? svg(this.svg, "path", {class: "area"}) : null;
      const line = svg(this.svg, "path", {class: "line"});
      line.style.stroke = `var(${s.color})`;
      if (area) area.style.fill = `var(${s.color})`;
      return {area, line};
    });
    const axis = add(box, "p", "axis");
    add(axis, "span", "", "10 min ago");
    this.note = add(axis, "span");
    add(axis, "span", "", "now");
    this.svg.addEventListener("pointermove", e => this.point(e));
    this.svg.addEventListener("pointerleave", () => this.showMost());
  }
  // What stands above the chart.
  showValue(parts) {
    const key = JSON.stringify(parts);
    if (this.shownParts === key) return;
    this.shownParts = key;
    this.value.replaceChildren();
    for (const {text, small, color} of parts) {
      if (color) add(this.value, "span", "key").style.background = `var(${color})`;
      this.value.append(text);
      if (small) add(this.value, "small", "", " " + small + "  ");
    }
  }
  draw(history) {
    const key = history.length + "/" + Math.round((history[0]?.[0] ?? 0) / 5);
    if (this.drawn === key) return;
    this.drawn = key;
    this.history = history;
    const values = this.series.map(s => history.map(s.value));
    this.most = Math.max(0, ...values.flat());
    const top = Math.max(this.most, this.least);
    const y = v => top > 0 ? chartHeight - (chartHeight - 4) * v / top : chartHeight;
    this.series.forEach((_, i) => {
      let path = "", last = null;
      history.forEach((m, k) => {
        const x = tenMinutes - m[0] - m[1] / 2;
        // A gap where nobody counted is no line.
        const joins = last !== null && last - x < 4 * m[1];
        path += `${joins ? "L" : "M"}${x.toFixed(1)} ${y(values[i][k]).toFixed(1)}`;
        last = x;
      });
      this.lines[i].line.setAttribute("d", path);
      this.lines[i].area?.setAttribute("d", this.areaOf(history, values[i], y));
    });
    this.showMost();
  }
  areaOf(history, values, y) {
    if (history.length < 2) return "";
    const x = m => (tenMinutes - m[0] - m[1] / 2).toFixed(1);
    const points = history.map((m, k) => `L${x(m)} ${y(values[k]).toFixed(1)}`).join("");
    return `M${x(history[0])} ${chartHeight}${points}L${x(history.at(-1))} ${chartHeight}Z`;
  }
  showMost() {
    const text = this.history?.length ? "most " + this.format(this.most) : "nothing yet";
    setText(this.note, text);
    this.svg.setAttribute("aria-label", `${this.title} in the last ten minutes, ${text}`);
  }
  point(event) {
    if (!this.history?.length) return;
    const box = this.svg.getBoundingClientRect();
    const age = tenMinutes * (1 - (event.clientX - box.left) / box.width);
    const near = this.history.reduce((a, b) => Math.abs(b[0] - age) < Math.abs(a[0] - age) ? b : a);
    const values = this.series.map(s => (s.name ? s.name + " " : "") + this.format(s.value(near)));
    setText(this.note, `${seconds(near[0])} ago: ${values.join(", ")}`);
  }
}
