// Freezing: a network as a row of layers to click, what a training step costs, and the curves of its runs.
// Python trains; a run goes on only while this page asks for its next epoch. A page without Python shows recorded runs.

const PASSES = [["forward", "reference"], ["input gradients", "output"], ["weight gradients", "kernel"]];
const GUTTER = 144; // CSS pixels for the names of the rows
const SLOT = 26; // least width of a layer
const BLOCKS = 84; // height of the blocks, then the layers' numbers, then a row of bars for each pass
const BAR = 30;
const COLOURS = ["selected", "input", "output", "statistics", "kernel"];
const PACE = 200; // ms between the epochs of a recorded run

function render({ model, el }) {
  const layers = model.get("layers");
  const names = layers.map(({ name }) => name);
  const key = `cv-freezing-${Math.random().toString(36).slice(2)}`;
  const height = BLOCKS + 24 + PASSES.length * BAR;
  const { get, set, page, redraw } = begin(model, ["frozen", "runs", "running", "progress", "problem"]);
  let place = 0; // the layer that the keys are on
  let slot = SLOT;

  // Controls.
  const presets = model.get("presets").map(([words, frozen]) => ({ frozen, node: button(words, () => set({ frozen })) }));
  const run = button("", () => (model.still ? replay() : model.send({ run: model.get("running") ? "stop" : "start" })), "",
    { style: "margin-left:auto;min-width:13.5em;font-weight:600" });

  // The network.
  const picture = svg("svg", { height, style: "display:block;cursor:pointer" });
  const list = element("div", { tabindex: 0, role: "listbox", "aria-multiselectable": true, style: "overflow-x:auto;overflow-y:hidden",
    "aria-label": "Layers that learn are selected; arrow keys move, space freezes or thaws" }, picture);
  const about = element("p", { class: "cv-hint cv-cut" });

  // Numbers and curves.
  const figures = ["Parameters that learn", "Time of a training step", "Memory to learn"].map((name) => {
    const [value, more] = [element("div", { style: "font-size:1.45em;font-weight:600;line-height:1.2" }), element("div", { class: "cv-hint", style: "margin:0" })];
    return { value, more, node: element("div", {}, element("div", { class: "cv-caption", style: "margin:0" }, name), value, more) };
  });
  const curves = chart({ width: 620, height: 190, left: 56, right: 184, top: 14, size: 14.7, label: "Test images right against epochs, a curve for each run" });
  const below = element("div", { style: "display:grid;grid-template-columns:minmax(0,21em) minmax(0,1fr);gap:0 20px;margin-top:6px;font-variant-numeric:tabular-nums" },
    element("div", { style: "display:grid;align-content:space-between" }, ...figures.map(({ node }) => node)), curves.svg);

  const big = Math.max(1, ...layers.map(({ size }) => size));
  const most = Math.max(1, ...layers.map(({ macs }) => macs));
  const text = (x, y, words, more = {}) => svg("text", { x, y, style: "font-size:var(--cv-least)", fill: "var(--cv-ink)", ...more }, words);
  const middle = { "text-anchor": "middle" };

  function toggle(at) {
    const { frozen } = get();
    place = at;
    const name = names[at];
    set({ frozen: frozen.includes(name) ? frozen.filter((one) => one !== name) : names.filter((one) => one === name || frozen.includes(one)) });
  }

  function hatch() {
    const pattern = svg("pattern", { id: key, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { width: 7, height: 7, fill: "var(--cv-raised)" }), svg("rect", { width: 2.5, height: 7, fill: "var(--cv-reference)" }));
    return svg("defs", {}, pattern);
  }

  function drawLayer(layer, at, { frozen, cost }) {
    const asleep = frozen.includes(layer.name);
    const x = GUTTER + (at + 0.5) * slot;
    const tall = layer.size ? 12 + (BLOCKS - 24) * Math.sqrt(layer.size / big) : 44;
    const wide = layer.size ? 0.6 * slot : 12;
    const group = svg("g", { role: "option", id: `${key}-${at}`, "aria-selected": !asleep,
      "aria-label": `Layer ${at + 1}, ${layer.name}, ${asleep ? "frozen" : "trainable"}` });
    group.append(
      svg("title", {}, `${layer.name}: ${asleep ? "frozen" : "trainable"}`),
      svg("rect", { x: x - slot / 2 + 1, y: 1, width: slot - 2, height: height - 2, rx: 4, fill: "transparent",
        stroke: at === place ? "var(--cv-selected)" : "none", "stroke-width": 1.5 }),
      svg("rect", { x: x - wide / 2, y: BLOCKS - 4 - tall, width: wide, height: tall, rx: 2, "stroke-width": 0.8,
        stroke: "var(--cv-ink)", fill: asleep ? `url(#${key})` : "var(--cv-kernel)" }),
      text(x, BLOCKS + 14, at + 1, { ...middle, "font-weight": asleep ? 400 : 700 }));
    PASSES.forEach(([, role], pass) => {
      const bottom = BLOCKS + 24 + (pass + 1) * BAR - 4;
      const rise = cost.passes[at][pass] ? Math.max(1.5, (BAR - 7) * layer.macs / most) : 0;
      group.append(svg("rect", { x: x - 0.3 * slot, y: bottom, width: 0.6 * slot, height: 1, fill: "var(--cv-line)" }),
        svg("rect", { x: x - 0.3 * slot, y: bottom - rise, width: 0.6 * slot, height: rise, fill: `var(--cv-${role})` }));
    });
    group.addEventListener("click", () => toggle(at));
    return group;
  }

  function drawNetwork(now) {
    slot = Math.max(SLOT, (list.clientWidth - GUTTER) / layers.length);
    picture.setAttribute("width", GUTTER + slot * layers.length);
    const rows = PASSES.map(([name, role], pass) => (
      text(0, BLOCKS + 24 + (pass + 1) * BAR - 6, name, { fill: `var(--cv-${role}-text)` })));
    picture.replaceChildren(hatch(), text(0, BLOCKS - 30, "learns", { fill: "var(--cv-kernel-text)" }),
      text(0, BLOCKS - 12, "hatched: frozen", { fill: "var(--cv-muted)" }), text(0, BLOCKS + 14, "layer"), ...rows,
      ...layers.map((layer, at) => drawLayer(layer, at, now)));
    list.setAttribute("aria-activedescendant", `${key}-${place}`);
    const { name, params, macs } = layers[place];
    about.textContent = `Layer ${place + 1}, ${name}: ${params.toLocaleString("en")} parameters, ${(macs / 1e6).toFixed(macs < 1e6 ? 3 : 1)} `
      + "million multiply-adds. Freeze or thaw: click, or arrow keys and space.";
  }

  function drawFigures(cost) {
    const [unit, size] = cost.memory < 1e5 ? ["kB", 1e3] : ["MB", 1e6];
    const part = (bytes) => (bytes / size).toFixed(1);
    const told = [[cost.trainable.toLocaleString("en"), `${cost.frozen.toLocaleString("en")} are frozen`],
      [`about ${Math.round(100 * cost.share)} %`, "of a step with all trainable"],
      [`at most ${part(cost.memory)} ${unit}`,
        `outputs ${part(cost.activations)} + gradients ${part(cost.gradients)} + momentum ${part(cost.slots)}`]];
    told.forEach((texts, k) => [figures[k].value, figures[k].more].forEach((node, at) => { node.textContent = texts[at]; }));
  }

  function drawCurves({ runs }) {
    const epochs = Math.max(model.get("epochs"), 2, ...runs.map(({ values }) => values.length));
    const step = Math.ceil(epochs / 14);
    const at = Array.from({ length: Math.ceil(epochs / step) }, (_, i) => 1 + i * step);
    curves.draw({
      x: { low: 1, high: epochs, ticks: at.map((epoch) => [epoch, epoch]), title: "test images right after each epoch" },
      y: { low: 0, high: 100, ticks: [0, 25, 50, 75, 100].map((tick) => [tick, `${tick} %`]) },
      lines: runs.map(({ label, values, own, role }) => ({
        role, name: label, dashed: !own, values: values.map((value, epoch) => [epoch + 1, value]) })),
      marks: runs.filter(({ own, values }) => own && values.length).slice(-1).map(({ role, values }) => ({
        role, at: [values.length, values.at(-1)] })),
    });
  }

  let asked = -1; // the epoch that Python was asked for
  function drive({ running, progress }) {
    if (!running || model.still) asked = -1;
    else if (asked !== progress) {
      asked = progress;
      model.send({ run: "next", epoch: progress });
    }
  }

  const labelOf = (frozen) => frozenWords(names.flatMap((name, k) => (frozen.includes(name) ? [k + 1] : [])), names.length);

  // A recorded run, epoch by epoch; a second press ends it.
  let clock = 0;
  const stop = () => clearInterval(clock);
  function replay() {
    const { frozen, runs, running } = get();
    stop();
    if (running) return set({ running: false });
    const label = labelOf(frozen);
    const all = model.get("recorded")[label];
    if (!all) return model.send({ run: "start" });
    const others = runs.filter((one) => !one.own || one.label !== label);
    const role = COLOURS.find((one) => others.every((other) => other.role !== one));
    let done = 0;
    const next = () => {
      done += 1;
      if (done === all.length || !list.isConnected) stop();
      set({ runs: [...others, { label, values: all.slice(0, done), own: true, role }], progress: done, running: done < all.length });
    };
    clock = setInterval(next, PACE);
    return next();
  }

  // What Python would say of it, for a page without Python.
  function describe({ frozen, runs, running }, cost) {
    const bytes = (count) => (count >= 1e5 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(1)} kB`);
    const label = labelOf(frozen);
    const done = runs.filter(({ own, values }) => own && values.length).map(({ label: of, values }) => `${of} ${values.at(-1).toFixed(0)} %`);
    return `${label[0].toUpperCase()}${label.slice(1)}: ${cost.trainable.toLocaleString("en")} parameters learn, `
      + `${cost.frozen.toLocaleString("en")} are frozen. A training step needs about ${(100 * cost.share).toFixed(0)} % of the time `
      + `of one with all trainable, and at most ${bytes(cost.activations)} for outputs, ${bytes(cost.gradients + cost.slots)} `
      + `for gradients and momentum.${done.length ? ` Test images right at the end: ${done.join("; ")}.` : ""}${running ? " A run is under way." : ""}`;
  }

  function draw(now) {
    const cost = trainingCost(layers, now.frozen, model.get("batch_size"));
    for (const { node, frozen } of presets) {
      node.setAttribute("aria-pressed", frozen.length === now.frozen.length && frozen.every((name) => now.frozen.includes(name)));
    }
    run.textContent = now.running ? `■ Stop (epoch ${now.progress + 1} of ${model.get("epochs")})` : `▶ ${model.still ? "Replay" : "Train"} ${model.get("epochs")} epochs`;
    drawNetwork({ ...now, cost });
    drawFigures(cost);
    drawCurves(now);
    drive(now);
    if (model.still) model.set("description", describe(now, cost));
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, End: 1e6, Home: -1e6 }[event.key];
    if (event.key === " " || event.key === "Enter") toggle(place);
    else if (step) {
      place = within(place + step, 0, layers.length - 1);
      redraw();
    } else return;
    event.preventDefault();
  });
  // Three lines of words: runs make them longer.
  return page({ el, tall: 3, row: "gap:8px 10px", controls: [...presets, run], stage: [list, about, below] }, draw, stop);
}
