// Scaling: draws the state of cvcourse.explorers.Scaling, and counts what the network costs.

const KNOBS = ["depth", "width", "resolution"];
const AXES = {
  x: { low: 10 ** 6.1, high: 10 ** 8.3, log: true, grid: true, title: "parameters",
    ticks: [[2e6, "2 M"], [5e6, "5 M"], [1e7, "10 M"], [2e7, "20 M"], [5e7, "50 M"], [1e8, "100 M"]] },
  y: { low: 10 ** 7.6, high: 10 ** 11.1, log: true, ticks: [[1e8, "100 M"], [1e9, "1 G"], [1e10, "10 G"], [1e11, "100 G"]] },
};

function short(count) {
  const [unit, size] = count >= 1e9 ? ["billion", 1e9] : ["million", 1e6];
  return `${(count / size).toPrecision(3)} ${unit}`;
}

// The plane with the curves of single knobs and the paper's marks. Returns {svg, show(network)}.
function plane({ marks, curves }, choose) {
  const plot = chart({ width: 430, height: 300, left: 52, right: 8, top: 0, bottom: 40, size: 14, role: "group",
    label: "Multiply-adds against parameters" });
  plot.svg.style.touchAction = "auto";
  plot.svg.style.overflow = "visible";
  const lines = Object.values(curves).map((values) => ({ values, role: "reference", dashed: true }));
  return {
    svg: plot.svg,
    show: ({ params, macs }) => plot.draw({ ...AXES, lines, more: (px, py) => [
      ...Object.entries({ depth: [6, 14], width: [6, 4], resolution: [-6, -8] }).map(([name, [right, down]]) => {
        const [x, y] = curves[name].at(-1);
        return svg("text", { x: px(x) + right, y: py(y) + down, fill: "var(--cv-muted)", "text-anchor": right < 0 ? "end" : "start" }, `${name} only`);
      }),
      ...Object.entries(marks).map(([name, [x, y]]) => {
        const dot = svg("g", { style: "cursor:pointer", transform: `translate(${px(x)} ${py(y)})` },
          svg("circle", { r: 12, fill: "transparent" }), svg("circle", { r: 5, fill: "var(--cv-input)" }),
          svg("text", { x: -9, y: -4, fill: "var(--cv-input-text)", "text-anchor": "end" }, name));
        dot.addEventListener("click", () => choose(name));
        return dot;
      }),
      svg("rect", { x: -7, y: -7, width: 14, height: 14, fill: "var(--cv-selected)", stroke: "white",
        transform: `translate(${px(params)} ${py(macs)}) rotate(45)` })] }),
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
  const { scales, rule, marks, curves } = model.get("fixed");
  const stagesOfB0 = efficientnetCosts({ depth: 1, width: 1, resolution: 224 }).stages;
  const { set, control, page } = begin(model, []);
  const phi = controlOf({ kind: "slider", word: "All three", letter: "φ", role: "kernel", low: -2, high: 6, step: 0.5 }, null, (value) => {
    phi.input.value = value;
    set(byRule(value));
  });
  phi.show(0);
  const choose = (name) => set({ width: scales[name][0], depth: scales[name][1], resolution: scales[name][2] });
  const buttons = Object.keys(scales).map((name) => [name, button(name, () => choose(name))]);
  const chosen = plane({ marks, curves }, choose);
  const rows = table();
  const line = element("div", { class: "cv-formula", style: "font-size:1.1em;white-space:pre-wrap" });

  // The paper's rule; the sliders' steps round it.
  function byRule(value) {
    const [d, w, r] = rule.map((base) => base ** value);
    return named({ depth: d, width: w, resolution: 224 * r }, (wanted, name) => {
      const { low, high, step } = model.get("controls")[name];
      return within(Number((Math.round(wanted / step) * step).toFixed(3)), low, high);
    });
  }

  return page({
    el,
    controls: [...KNOBS.map((name) => control[name]), phi,
      element("div", { role: "group", "aria-label": "Networks of the paper", style: "display:flex;gap:4px;margin-left:auto" },
        ...buttons.map(([, node]) => node))],
    stage: [element("div", { style: "display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.05fr);gap:24px;align-items:start" },
      rows.node, element("div", {}, element("div", { class: "cv-caption" }, "Multiply-adds for one image"), chosen.svg)), line],
  }, (now) => {
    const network = efficientnetCosts(now);
    const [params, macs] = marks.B0;
    const ruled = byRule(Number(phi.input.value));
    const follows = KNOBS.every((name) => Math.abs(ruled[name] - now[name]) < 1e-6);
    phi.show(phi.input.value, follows ? phi.input.value.replace("-", "−") : "–");
    for (const [name, node] of buttons) {
      const [w, d, r] = scales[name];
      const here = Math.abs(w - now.width) + Math.abs(d - now.depth) < 1e-6 && r === now.resolution;
      node.setAttribute("aria-pressed", String(here));
    }
    rows.show(network, stagesOfB0);
    chosen.show(network);
    const estimate = now.depth * now.width ** 2 * (now.resolution / 224) ** 2;
    lines(line,
      ["Parameters: ", ["kernel", network.params.toLocaleString("en")], ` = ${(network.params / params).toFixed(2)} × B0        Multiply-adds: `,
        ["kernel", short(network.macs)], " = ", ["selected", (network.macs / macs).toFixed(2)], " × B0"],
      ["The paper's estimate of the work: d · w² · (r / 224)² = ", ["selected", estimate.toFixed(2)], " × B0"]);
  });
}
