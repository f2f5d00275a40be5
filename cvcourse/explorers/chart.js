// A chart of lines with bands around them, in SVG: for explorers that draw curves.

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// frame: {width, height, left, right}; right keeps room for the labels at the ends of the lines.
function chart({ width, height, left = 46, right = 90, label }) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "cv-canvas cv-chart", role: "img",
    "aria-label": label });
  const [top, bottom] = [10, 40];

  // x, y: {low, high, ticks, title, log}; lines: [{values: [[x, y] …], band: [[x, low, high] …], role, name, dashed}].
  function draw({ x, y, lines, marks = [] }) {
    const scale = ({ low, high, log }, from, to) => (value) => {
      const [a, b, v] = log ? [low, high, Math.max(value, low)].map(Math.log10) : [low, high, value];
      return from + (to - from) * Math.min(1.02, Math.max(-0.02, (v - a) / (b - a)));
    };
    const [px, py] = [scale(x, left, width - right), scale(y, height - bottom, top)];
    const parts = [];
    const text = (content, at, anchor, more = {}) => parts.push(shape("text",
      { x: at[0], y: at[1], "text-anchor": anchor, fill: "var(--cv-ink)", ...more }, content));
    for (const [value, word] of y.ticks) {
      parts.push(shape("line", { x1: left, x2: width - right, y1: py(value), y2: py(value), stroke: "var(--cv-line)" }));
      text(word, [left - 6, py(value) + 4], "end");
    }
    for (const [value, word] of x.ticks) text(word, [px(value), height - bottom + 18], "middle");
    text(x.title, [(left + width - right) / 2, height - 4], "middle");
    for (const { values, band, role, dashed } of lines) {
      const points = (list) => list.map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(" ");
      if (band) parts.push(shape("polygon", { fill: `var(--cv-${role})`, opacity: 0.2,
        points: points([...band.map(([a, , c]) => [a, c]), ...band.map(([a, b]) => [a, b]).reverse()]) }));
      parts.push(shape("polyline", { points: points(values), fill: "none", stroke: `var(--cv-${role})`,
        "stroke-width": 2, "stroke-dasharray": dashed ? "5 4" : "none" }));
    }
    for (const { at, role } of marks) parts.push(shape("circle",
      { cx: px(at[0]), cy: py(at[1]), r: 6, fill: "none", stroke: `var(--cv-${role})`, "stroke-width": 3 }));
    const ends = lines.filter(({ name, values }) => name && values.length)
      .map(({ name, role, values }) => ({ name, role, y: py(values.at(-1)[1]) })).sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => { if (i) end.y = Math.max(end.y, ends[i - 1].y + 16); });
    const over = Math.max(0, (ends.at(-1)?.y ?? 0) - (height - bottom));
    for (const end of ends) text(end.name, [width - right + 8, end.y + 4 - over], "start", { fill: `var(--cv-${end.role}-text)` });
    svg.replaceChildren(...parts);
  }
  return { svg, draw };
}

// A slider over a list of stops, whose text is the stop itself.
function stops({ word, letter = "", role, values, change }) {
  const one = slider({ word, letter, role, min: 0, max: values.length - 1, change });
  one.input.setAttribute("aria-label", word);
  return {
    node: one.node,
    show(index) {
      one.show(index);
      one.node.querySelector("output").textContent = values[index];
      one.input.setAttribute("aria-valuetext", values[index]);
    },
  };
}
