// Scaling: draws the state of cvcourse.explorers.Scaling. Python counts, this file draws.

const STATE = ["depth", "width", "resolution"];
const WORDS = { depth: ["Depth", "d"], width: ["Width", "w"], resolution: ["Resolution", "r"] };
const PLANE = { wide: 430, high: 300, left: 52, bottom: 38, x: [6.1, 8.3], y: [7.6, 11.1] }; // axes: powers of ten
const SVG = "http://www.w3.org/2000/svg";

// A node of an SVG: its text stays text.
function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const place = ([params, macs]) => [
  PLANE.left + (Math.log10(params) - PLANE.x[0]) / (PLANE.x[1] - PLANE.x[0]) * (PLANE.wide - PLANE.left - 8),
  (PLANE.high - PLANE.bottom) * (1 - (Math.log10(macs) - PLANE.y[0]) / (PLANE.y[1] - PLANE.y[0])),
];

function short(count) {
  const [unit, size] = count >= 1e9 ? ["billion", 1e9] : ["million", 1e6];
  return `${(count / size).toPrecision(3)} ${unit}`;
}

// The plane with its axes, the curves of single knobs and the paper's marks. Returns {node, move(network)}.
function plane({ marks, curves }, choose) {
  const node = shape("svg", { viewBox: `0 0 ${PLANE.wide} ${PLANE.high}`, role: "group", class: "cv-canvas",
    style: "width:100%;overflow:visible;touch-action:auto", "aria-label": "Multiply-adds against parameters" });
  const line = (from, to) => shape("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: "var(--cv-line)" });
  const word = (x, y, text, more = {}) => shape("text", { x, y, "font-size": 12, fill: "var(--cv-muted)", ...more }, text);
  const floor = PLANE.high - PLANE.bottom;
  for (const [count, text] of [[2e6, "2 M"], [5e6, "5 M"], [1e7, "10 M"], [2e7, "20 M"], [5e7, "50 M"], [1e8, "100 M"]]) {
    const [x] = place([count, 1e9]);
    node.append(line([x, 0], [x, floor]), word(x, floor + 15, text, { "text-anchor": "middle" }));
  }
  for (const [count, text] of [[1e8, "100 M"], [1e9, "1 G"], [1e10, "10 G"], [1e11, "100 G"]]) {
    const [, y] = place([1e7, count]);
    node.append(line([PLANE.left, y], [PLANE.wide - 8, y]), word(PLANE.left - 6, y + 4, text, { "text-anchor": "end" }));
  }
  node.append(word((PLANE.left + PLANE.wide) / 2, PLANE.high - 4, "parameters", { "text-anchor": "middle" }));
  const names = { depth: [6, 14], width: [6, 4], resolution: [-6, -8] };
  for (const [name, curve] of Object.entries(curves)) {
    const points = curve.map(place);
    const [x, y] = points.at(-1);
    const [right, down] = names[name];
    node.append(
      shape("polyline", { points: points.map((at) => at.join()).join(" "), fill: "none", stroke: "var(--cv-reference)",
        "stroke-width": 1.5, "stroke-dasharray": "5 3" }),
      word(x + right, y + down, `${name} only`, { "text-anchor": right < 0 ? "end" : "start" }));
  }
  for (const [name, mark] of Object.entries(marks)) {
    const [x, y] = place(mark);
    const dot = shape("g", { style: "cursor:pointer" },
      shape("circle", { cx: x, cy: y, r: 12, fill: "transparent" }),
      shape("circle", { cx: x, cy: y, r: 5, fill: "var(--cv-input)" }),
      word(x - 9, y - 4, name, { fill: "var(--cv-input-text)", "text-anchor": "end" }));
    dot.addEventListener("click", () => choose(name));
    node.append(dot);
  }
  const now = shape("rect", { x: -7, y: -7, width: 14, height: 14, fill: "var(--cv-selected)", stroke: "white" });
  node.append(now);
  return {
    node,
    move({ params, macs }) {
      now.setAttribute("transform", `translate(${place([params, macs]).map((at) => at.toFixed(1)).join(" ")}) rotate(45)`);
    },
  };
}

// The table of the network, a row for each stage; the bar is its part of the multiply-adds. Returns {node, show}.
function table() {
  const heads = ["block", "how many", "filters", "map", "work"];
  const body = element("tbody");
  const node = element("table", { style: "width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;line-height:1.25" },
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th",
      { scope: "col", style: "text-align:left;font-weight:normal;padding:2px 6px 4px 0", class: "cv-reference" }, name)))), body);
  return {
    node,
    show({ stages, macs }, B0) {
      const top = Math.max(...stages.map((stage) => stage[4]));
      body.replaceChildren(...stages.map(([what, blocks, filters, side, work], at) => {
        const cell = (value, role, more = "") => element("td",
          { style: `padding:3px 6px 3px 0;white-space:nowrap;border-top:1px solid var(--cv-line);${more}`, class: role && `cv-${role}` }, value);
        const many = cell("", null);
        many.append(element("b", { class: blocks > B0[at][1] ? "cv-selected" : "" }, String(blocks)), ` ${"▮".repeat(blocks)}`);
        many.style.cssText += ";letter-spacing:-1px";
        const fill = element("span", { style: `display:inline-block;height:10px;width:${Math.round(62 * work / top)}px;`
          + "background:var(--cv-kernel);margin-right:5px" });
        const part = cell("", null);
        part.append(fill, `${Math.round(100 * work / macs)} %`);
        return element("tr", {}, cell(what, null), many, cell(String(filters), filters > B0[at][2] ? "selected" : null),
          cell(`${side}²`, side > B0[at][3] ? "selected" : null), part);
      }));
    },
  };
}

function render({ model, el }) {
  const fixed = model.get("fixed");
  const choose = (name) => set({ width: fixed.scales[name][0], depth: fixed.scales[name][1], resolution: fixed.scales[name][2] });
  const [low, high] = [-2, 6];

  const sliders = Object.fromEntries(STATE.map((name) => {
    const [min, max, step] = fixed.ranges[name];
    const [word, letter] = WORDS[name];
    const one = slider({ word, letter, role: "selected", min, max, change: (value) => set({ [name]: value }) });
    one.input.step = step;
    return [name, one];
  }));
  const phi = slider({ word: "All three", letter: "φ", role: "kernel", min: low, max: high, change: setAll });
  phi.input.step = 0.5;
  const buttons = Object.keys(fixed.scales).map((name) => {
    const button = element("button", { class: "cv-button", type: "button" }, name);
    button.addEventListener("click", () => choose(name));
    return [name, button];
  });
  const chart = plane(fixed, choose);
  const rows = table();
  const line = element("div", { class: "cv-formula", style: "font-size:1.1em" });
  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" }, sliders.depth.node, sliders.width.node, sliders.resolution.node, phi.node,
      element("div", { role: "group", "aria-label": "Networks of the paper", style: "display:flex;gap:4px;margin-left:auto" },
        ...buttons.map(([, button]) => button))),
    element("div", { style: "display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.05fr);gap:24px;align-items:start" },
      rows.node, element("div", {}, element("div", { class: "cv-caption" }, "Multiply-adds for one image"), chart.node)),
    line);
  el.querySelector(".cv-describe").style.minHeight = "2.9em"; // nothing jumps when the words need one line only
  const state = stateOf(model, STATE, () => show());
  const set = (values) => state.set(values);

  // The paper's rule; the sliders' steps round it.
  function byRule(value) {
    const to = (name, wanted) => {
      const [min, max, step] = fixed.ranges[name];
      return Math.min(max, Math.max(min, Number((Math.round(wanted / step) * step).toFixed(3))));
    };
    const [d, w, r] = fixed.rule.map((base) => base ** value);
    return { depth: to("depth", d), width: to("width", w), resolution: to("resolution", 224 * r) };
  }

  function setAll(value) {
    phi.show(value);
    set(byRule(value));
  }

  // What the browser knows at once; the counts follow from Python.
  function show() {
    const now = state.get();
    for (const name of STATE) {
      sliders[name].show(now[name]);
      if (name !== "resolution") sliders[name].node.querySelector("output").textContent = now[name].toFixed(1);
    }
    const rule = byRule(Number(phi.input.value));
    const follows = STATE.every((name) => Math.abs(rule[name] - now[name]) < 1e-6);
    phi.node.querySelector("output").textContent = follows ? phi.input.value.replace("-", "−") : "–";
    for (const [name, button] of buttons) {
      const [w, d, r] = fixed.scales[name];
      const here = Math.abs(w - now.width) + Math.abs(d - now.depth) < 1e-6 && r === now.resolution;
      button.setAttribute("aria-pressed", String(here));
    }
  }

  function draw() {
    const network = model.get("network");
    const [params, macs] = fixed.marks.B0;
    const { depth, width, resolution } = state.get();
    show();
    rows.show(network, fixed.stages);
    chart.move(network);
    const [first, second] = [element("div"), element("div")];
    write(first, "Parameters: ", ["kernel", network.params.toLocaleString("en")],
      ` = ${(network.params / params).toFixed(2)} × B0        Multiply-adds: `,
      ["kernel", short(network.macs)], " = ", ["selected", (network.macs / macs).toFixed(2)], " × B0");
    const rule = depth * width ** 2 * (resolution / 224) ** 2;
    write(second, "The paper's estimate of the work: d · w² · (r / 224)² = ", ["selected", rule.toFixed(2)], " × B0");
    line.style.whiteSpace = "pre-wrap";
    line.replaceChildren(first, second);
    drawn();
  }

  model.on("change:network", draw);
  phi.show(0);
  draw();
  return () => {
    model.off("change:network", draw);
    state.close();
    close();
  };
}

export default { render };
