// Network: a row of blocks drawn to scale, what each of them costs, and sliders for the chosen one.
// Every number and every word comes from Python; this file only places them.

const SLOTS = [["filters", "units"], ["kernel_size", "pool_size"], ["strides"]]; // one slider each
const EMPTY = ["Filters K", "Kernel size F", "Strides S"];
const BARS = [["parameters", 3, "kernel"], ["multiply-adds", 4, "reference"], ["feature maps", 5, "output"]];
const HEIGHT = { blocks: 140, labels: 42, bar: 22, gap: 4 }; // CSS pixels at the normal size of type

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function stopSlider(label, change) {
  const name = element("span", {}, label);
  const value = element("output", { class: "cv-value", style: "text-align:right;font-weight:600" });
  const range = element("input", { type: "range", style: "width:100%;margin:5px 0 0" });
  const node = element("label", { class: "cv-control", style: "display:block;min-width:0" },
    element("span", { style: "display:flex;justify-content:space-between" }, name, value), range);
  let stops = [];
  range.addEventListener("input", () => {
    value.textContent = stops[range.value];
    change(stops[range.value]);
  });
  return {
    node,
    show(text, control, now) {
      name.textContent = text;
      stops = control ? control.stops : [];
      range.disabled = stops.length < 2;
      node.style.opacity = range.disabled ? 0.45 : 1;
      range.max = Math.max(1, stops.length - 1);
      range.value = control ? nearest(stops, now) : 0;
      value.textContent = control ? now : "–";
      range.setAttribute("aria-valuetext", value.textContent);
    },
  };
}

function nearest(stops, value) {
  let best = 0;
  stops.forEach((stop, i) => { if (Math.abs(stop - value) < Math.abs(stops[best] - value)) best = i; });
  return best;
}

// One block: a box for feature maps (height × width × channels), an upright bar for a vector.
function block(row, x, slot, middle, scale, zoom) {
  const [size, channels, neurons] = row.sizes;
  const colour = `var(--cv-${row.role})`;
  const edge = { stroke: "var(--cv-ink)", "stroke-width": 0.7, "stroke-linejoin": "round" };
  if (!size) {
    const height = zoom * 16 + zoom * 100 * Math.log2(1 + neurons) / Math.log2(2 + scale[2]);
    return { top: middle - height / 2, nodes: [svg("rect", {
      x: x - 3.5, y: middle - height / 2, width: 7, height, rx: 3, fill: colour, ...edge })] };
  }
  const height = zoom * 5 + zoom * 104 * Math.sqrt(size / scale[0]);
  const depth = Math.min(0.22 * slot, 0.2 * height);
  const width = 3 + (slot * 0.62 - depth) * Math.sqrt(Math.min(1, channels / scale[1]));
  const [left, right, top, bottom] = [x - (width + depth) / 2, x + (width - depth) / 2,
    middle - (height - depth) / 2, middle + (height + depth) / 2];
  const face = (points, shade) => [
    svg("polygon", { points, fill: colour, ...edge }), svg("polygon", { points, fill: "#000", "fill-opacity": shade })];
  return { top: top - depth, nodes: [
    ...face(`${left},${top} ${right},${top} ${right},${bottom} ${left},${bottom}`, 0),
    ...face(`${left},${top} ${left + depth},${top - depth} ${right + depth},${top - depth} ${right},${top}`, 0.12),
    ...face(`${right},${top} ${right + depth},${top - depth} ${right + depth},${bottom - depth} ${right},${bottom}`, 0.28),
  ] };
}

function render({ model, el }) {
  const now = () => model.get("network");
  const names = () => now().rows.map((row) => row.name);
  const chosen = () => Math.max(0, names().indexOf(model.get("selected")));
  const save = (name, value) => { model.set(name, value); model.save_changes(); };

  // Controls.
  const change = (slot) => (value) => {
    const row = now().rows[chosen()];
    const argument = SLOTS[slot].find((name) => name in row.controls);
    const changes = structuredClone(model.get("changes"));
    changes[row.name] = { ...changes[row.name], [argument]: value };
    save("changes", changes);
  };
  const size = stopSlider("Input size", (value) => save("input_size", value));
  const sliders = SLOTS.map((_, slot) => stopSlider(EMPTY[slot], change(slot)));
  const undo = element("button", { class: "cv-button", type: "button" }, "Undo all");
  undo.addEventListener("click", () => {
    model.set("changes", {});
    model.set("input_size", now().input.value);
    model.save_changes();
  });
  const controls = element("div", { class: "cv-controls",
    style: "display:grid;grid-template-columns:repeat(4,minmax(0,1fr)) auto;gap:8px 18px" },
    size.node, ...sliders.map((one) => one.node), undo);

  // Picture: names of the bars on the left, the blocks on the right, scrolling where they are many.
  const side = svg("svg", { "aria-hidden": "true", style: "display:block;flex:none" });
  const picture = svg("svg", { style: "display:block;cursor:pointer" });
  const scroll = element("div", { tabindex: 0, role: "listbox", "aria-label": "Layers; arrow keys choose one",
    style: "overflow-x:auto;overflow-y:hidden;flex:1;min-width:0;scrollbar-width:thin" }, picture);
  const stage = element("div", { style: "display:flex;align-items:flex-start" }, side, scroll);

  const pen = document.createElement("canvas").getContext("2d"); // measures words
  const title = element("div", { style: "font-weight:600;white-space:nowrap;overflow:hidden;text-overflow:ellipsis" });
  const costs = ["kernel", "reference", "output"].map((role) =>
    element("span", { class: `cv-${role}`, style: "overflow:hidden;text-overflow:ellipsis" }));
  const detail = element("div", { class: "cv-formula", style: "margin-top:6px" }, element("div", {
    style: "display:grid;grid-template-columns:minmax(0,1fr) minmax(16em,auto);gap:0 16px;white-space:nowrap" },
    title, costs[1], costs[0], costs[2]));
  const problem = element("div", { class: "cv-error", role: "alert", style: "margin-top:6px" });
  const totals = element("div", { style: "display:grid;grid-template-columns:1.3fr 1fr 1fr;gap:12px;margin-top:8px" });
  const { root, drawn, close } = explorer(el, model, controls, stage, detail, problem, totals);

  function choose(index) {
    const all = names();
    save("selected", all[Math.min(all.length - 1, Math.max(0, index))]);
  }

  function draw() {
    const { rows, edges, reference } = now();
    const font = parseFloat(getComputedStyle(root).fontSize) || 14;
    const zoom = font / 14, gutter = 96 * zoom, pick = chosen();
    const small = Math.max(12, 0.86 * font);
    pen.font = `bold ${small}px ${getComputedStyle(root).fontFamily}`;
    const scale = reference.map((value, i) => Math.max(1, value, ...rows.map((row) => row.sizes[i])));
    const slot = Math.max(28 * zoom, Math.min(96 * zoom, (scroll.clientWidth - 2) / rows.length));
    const width = Math.max(slot * rows.length, 10);
    const arcs = edges.some(([from, to]) => to - from > 1) ? 34 : 14; // room for lines that skip layers
    const floor = arcs + HEIGHT.blocks * zoom, below = floor + HEIGHT.labels * zoom;
    const bar = HEIGHT.bar * zoom, pitch = bar + HEIGHT.gap;
    const height = below + BARS.length * pitch;
    const middle = arcs + HEIGHT.blocks * zoom / 2 + 4;
    const words = (x, y, text, more = {}) => svg("text", {
      x, y, "text-anchor": "middle", "font-size": small, fill: "var(--cv-ink)", ...more }, text);

    const nodes = [];
    edges.forEach(([from, to]) => {
      if (to - from < 2) return; // a neighbour needs no line
      const [a, b] = [(from + 0.5) * slot, (to + 0.5) * slot];
      nodes.push(svg("path", { d: `M${a},${arcs - 4} C${a},4 ${b},4 ${b},${arcs - 4}`, fill: "none",
        stroke: from === pick || to === pick ? "var(--cv-selected)" : "var(--cv-reference)", "stroke-width": 1.2 }));
    });
    let before = null;
    rows.forEach((row, i) => {
      const x = (i + 0.5) * slot;
      const group = svg("g", { role: "option", "aria-selected": i === pick, id: `${model.model_id ?? "cv"}-${i}`,
        "aria-label": `${row.name}, ${row.type}, ${row.shape}` }, svg("title", {}, `${row.name}  ${row.shape}`));
      group.append(svg("rect", { x: i * slot + 1, y: arcs - 2, width: slot - 2, height: height - arcs, rx: 4,
        fill: i === pick ? "var(--cv-raised)" : "transparent",
        stroke: i === pick ? "var(--cv-selected)" : "none", "stroke-width": 2 }));
      const shape = block(row, x, slot, middle, scale, zoom);
      group.append(...shape.nodes);
      const fits = (text) => (pen.measureText(text).width > slot - 5 ? { textLength: slot - 5, lengthAdjust: "spacingAndGlyphs" } : {});
      if (row.sizes[0] && row.sizes[0] !== before) group.append(words(x, shape.top - 4, row.sizes[0]));
      before = row.sizes[0];
      const label = row.label + (row.changed ? "*" : "");
      group.append(words(x, floor + 15 * zoom, label, { ...fits(label), "font-weight": row.changed || i === pick ? 700 : 400 }));
      const depth = String(row.sizes[1] || row.sizes[2]);
      group.append(words(x, floor + 31 * zoom, depth, { ...fits(depth), fill: "var(--cv-muted)" }));
      BARS.forEach(([, key, role], k) => {
        const bottom = below + (k + 1) * pitch;
        const tall = bar * row.sizes[key] / scale[key];
        group.append(svg("rect", { x: x - slot * 0.3, y: bottom - Math.max(tall, 1), width: slot * 0.6,
          height: Math.max(tall, 1), fill: row.sizes[key] ? `var(--cv-${role})` : "var(--cv-line)" }));
      });
      group.addEventListener("click", () => choose(i));
      nodes.push(group);
    });
    picture.replaceChildren(...nodes);
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);
    if (nodes.length) scroll.setAttribute("aria-activedescendant", `${model.model_id ?? "cv"}-${pick}`);
    const margin = (y, text, colour = "var(--cv-muted)") => words(0, y, text, { "text-anchor": "start", fill: colour });
    side.replaceChildren(margin(middle + 4, "pixels ↕"), margin(floor + 15 * zoom, "layer"), margin(floor + 31 * zoom, "channels"),
      ...BARS.map(([name, , role], k) => margin(below + (k + 1) * pitch - 6, name, `var(--cv-${role}-text)`)));
    side.setAttribute("width", gutter);
    side.setAttribute("height", height);
    if (pick * slot < scroll.scrollLeft) scroll.scrollLeft = pick * slot - slot;
    if ((pick + 1) * slot > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = (pick + 2) * slot - scroll.clientWidth;
    say(rows[pick]);
    drawn();
  }

  function say(row) {
    title.textContent = `${row.name} · ${row.type} · ${row.shape}`;
    ["parameters ", "multiply-adds ", "maps "].forEach((name, i) => { costs[i].textContent = costs[i].title = name + row.costs[i]; });
    problem.textContent = model.get("problem");
    problem.hidden = !problem.textContent;
    detail.hidden = !problem.hidden;
    totals.replaceChildren(...now().totals.map((total) => {
      const changed = total.now !== total.before;
      return element("div", { style: "min-width:0;white-space:nowrap;font-variant-numeric:tabular-nums" },
        element("div", { class: "cv-hint", style: "margin:0" }, total.label),
        element("div", { style: "overflow:hidden;text-overflow:ellipsis" }, element("span", { style: "font-size:1.3em;font-weight:600" }, total.now),
          element("span", { class: "cv-reference", style: "margin-left:10px" }, changed ? `was ${total.before}` : "")),
        element("div", { class: changed ? "cv-selected" : "cv-reference" }, changed ? total.difference : "as given"));
    }));
    const attempted = model.get("changes")[row.name] ?? {};
    SLOTS.forEach((wanted, slot) => {
      const argument = wanted.find((name) => name in row.controls);
      const control = row.controls[argument];
      sliders[slot].show(control ? control.label : EMPTY[slot], control, attempted[argument] ?? control?.value);
    });
    size.show(now().input.label, now().input.stops.length ? now().input : null, model.get("input_size"));
    undo.disabled = !Object.keys(model.get("changes")).length && model.get("input_size") === now().input.value;
  }

  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 5, PageUp: -5, End: 1e6, Home: -1e6 };
    if (!(event.key in step)) return;
    event.preventDefault();
    choose(chosen() + step[event.key]);
  });
  const watched = ["change:network", "change:selected", "change:problem"]; // what Python answers to a slider
  let waiting = 0; // several traits change together: draw once
  const redraw = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; draw(); }); };
  watched.forEach((name) => model.on(name, redraw));
  const resized = new ResizeObserver(redraw);
  resized.observe(stage);
  draw();
  return () => {
    watched.forEach((name) => model.off(name, redraw));
    resized.disconnect();
    cancelAnimationFrame(waiting);
    close();
  };
}

export default { render };
