// What the explorers of losses share: bars with their numbers, and curves with a dot where we are.

// A bar with its name and its number: "1 − IoU ▇▇▇ 0.62". show(part, text, value): part of the full width,
// what is written, and the number in full for a test to read.
function meter(name, role) {
  const fill = element("span", { class: "cv-fill", style: `background: var(--cv-${role})` });
  const text = element("output", { class: "cv-value" });
  const label = element("span", { class: `cv-${role}` }, name);
  return {
    node: element("div", { class: "cv-bar cv-meter" }, label, element("span", {}, fill), text),
    show(part, words, value) {
      fill.style.width = `${100 * Math.min(1, Math.max(0, part))}%`;
      text.textContent = words;
      text.dataset.value = value;
    },
  };
}

const svg = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

// Curves over [0, 1] of values from 0 to 2, one for each of `roles` ({key: role}).
// draw(here, curves): the present place, and {key: function from a place to a value}.
function lossChart(label, roles, [first, last]) {
  const [width, height, left, bottom] = [600, 190, 22, 26];
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img", "aria-label": label });
  const text = (x, y, words, anchor) => {
    const node = svg("text", { x, y, "font-size": 16, fill: "var(--cv-muted)", "text-anchor": anchor });
    node.textContent = words;
    root.append(node);
  };
  const right = (place) => left + (width - left - 8) * place;
  const down = (value) => 8 + (height - bottom - 8) * (1 - Math.min(2.05, value) / 2.05);
  for (const tick of [0, 1, 2]) {
    root.append(svg("line", { x1: left, x2: width, y1: down(tick), y2: down(tick), stroke: "var(--cv-line)" }));
    text(left - 6, down(tick) + 5, String(tick), "end");
  }
  text(left, height - 5, first, "start");
  text(width, height - 5, last, "end");
  const rule = root.appendChild(svg("line", { y1: 4, y2: height - bottom, stroke: "var(--cv-selected)", "stroke-dasharray": "3 3" }));
  const lines = Object.entries(roles).map(([key, role]) => [
    key,
    root.appendChild(svg("polyline", { fill: "none", stroke: `var(--cv-${role})`, "stroke-width": 2.5 })),
    root.appendChild(svg("circle", { r: 5, fill: `var(--cv-${role})`, stroke: "var(--cv-ground)", "stroke-width": 1.5 })),
  ]);
  const places = Array.from({ length: 121 }, (_, i) => i / 120);
  return {
    root,
    draw(here, curves) {
      rule.setAttribute("x1", right(here));
      rule.setAttribute("x2", right(here));
      for (const [key, curve, dot] of lines) {
        curve.setAttribute("points", places.map((place) => `${right(place)},${down(curves[key](place))}`).join(" "));
        dot.setAttribute("cx", right(here));
        dot.setAttribute("cy", down(curves[key](here)));
      }
    },
  };
}
