// Network: a row of blocks drawn to scale, what each of them costs, and sliders for the chosen one.
// The rows are made by shapes.js; where it does not know a layer, Python makes them.

const SLOTS = [["filters", "units"], ["kernel_size", "pool_size"], ["strides"]]; // one slider each
const EMPTY = ["Filters K", "Kernel size F", "Strides S"];
const BARS = [["parameters", 3, "kernel"], ["multiply-adds", 4, "reference"], ["feature maps", 5, "output"]];
const HEIGHT = { blocks: 140, labels: 42, bar: 22, gap: 4 }; // CSS pixels at the normal size of type
const LABELS = {
  InputLayer: "input", Conv2D: "conv", DepthwiseConv2D: "depth", SeparableConv2D: "separ", Conv2DTranspose: "up", UpSampling2D: "up",
  MaxPooling2D: "max", AveragePooling2D: "mean", GlobalAveragePooling2D: "mean", GlobalMaxPooling2D: "max", Flatten: "flat", Dropout: "drop",
  BatchNormalization: "norm", LayerNormalization: "norm", GroupNormalization: "norm", Activation: "act", ZeroPadding2D: "pad",
  Concatenate: "join", Rescaling: "scale",
};

// --- Words ---------------------------------------------------------------------------------------------------

const whole = (count) => count.toLocaleString("en");
const megabytes = (count) => `${(count / 1e6).toFixed(count >= 1e5 ? 2 : 4)} MB`;
function brief(count) {
  const [unit, size] = [["G", 1e9], ["M", 1e6], ["k", 1e3]].find(([, least]) => count >= least) ?? ["", 1];
  return unit ? `${(count / size).toFixed(2)} ${unit}` : String(count);
}
const TOTALS = [["Parameters", "params", whole], ["Multiply-adds", "macs", brief], ["Memory of feature maps", "activation_bytes", megabytes]];

// A part with its share of the whole: "1,792 (12.3 %)"; "?" where it is not known.
function share(part, all, text) {
  if (part == null) return "?";
  const percent = 100 * part / Math.max(all, 1);
  return `${text(part)} (${percent > 0 && percent < 0.1 ? "< 0.1" : percent.toFixed(1)} %)`;
}

function difference(now, before, text) {
  if (now === before) return "no change";
  const percent = before ? ` (${now > before ? "+" : "−"}${(100 * Math.abs(now - before) / before).toFixed(1)} %)` : "";
  return `${now > before ? "+" : "−"}${text(Math.abs(now - before))}${percent}`;
}

const totalsOf = (rows) => TOTALS.map(([, key]) => rows.reduce((sum, row) => sum + (row[key] ?? 0), 0));
const leastOf = (rows) => TOTALS.map(([, key]) => (rows.some((row) => row[key] == null) ? "at least " : ""));

// What is drawn to scale: [height, channels, neurons, parameters, multiply-adds, bytes]; 0 for "?".
function sizesOf({ output_shape: shape, params, macs, activation_bytes }) {
  const depth = last(shape) ?? 0;
  return [...(shape.length === 3 ? [shape[0] ?? 0, depth, 0] : [0, 0, depth]), params, macs ?? 0, activation_bytes ?? 0];
}

function roleOf({ type, params }) {
  if (type === "InputLayer") return "input";
  return type.includes("Normalization") ? "statistics" : params ? "kernel" : "reference";
}

const shapeWords = ({ input_shapes: from, output_shape: to }) => `${from.length ? `${from.map(times).join(" + ")} → ` : ""}${times(to)}`;

function costsOf({ formula, params, macs, activation_bytes }, totals) {
  return [params ? `${formula} = ${share(params, totals[0], whole).slice(0, -1)} of all)` : "none", share(macs, totals[1], brief),
    share(activation_bytes, totals[2], megabytes)];
}

function describe(rows, row, problem) {
  if (problem) return `Not possible, so the last network stays: ${problem}`;
  const [params, macs, memory] = totalsOf(rows).map((total, k) => leastOf(rows)[k] + TOTALS[k][2](total));
  return `${rows.length} layers, input ${times(rows[0].output_shape)}: ${params} parameters, ${macs} multiply-adds, ${memory} of feature maps. `
    + `Chosen: ${row.name} (${row.type}), output ${times(row.output_shape)}, ${whole(row.params)} parameters.`;
}

// --- Controls and blocks -------------------------------------------------------------------------------------

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
    show(text, all = [], now) {
      name.textContent = text;
      stops = all;
      range.disabled = stops.length < 2;
      node.style.opacity = range.disabled ? 0.45 : 1;
      range.max = Math.max(1, stops.length - 1);
      range.value = stops.length ? nearest(stops, now) : 0;
      value.textContent = stops.length ? now : "–";
      range.setAttribute("aria-valuetext", value.textContent);
    },
  };
}

const nearest = (stops, value) => (
  stops.reduce((best, stop, i) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? i : best), 0));

// One block: a box for feature maps (height × width × channels), an upright bar for a vector.
function block(row, x, slot, middle, scale, zoom) {
  const [size, channels, neurons] = sizesOf(row);
  const colour = `var(--cv-${roleOf(row)})`;
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
  const { layers, adjustable, size: given, sizes } = model.get("given");
  const before = measured(layers, adjustable, given, {});
  const original = Object.fromEntries(before.map((row) => [row.name, row.controls]));
  let [rows, problem, key] = [before, "", ""];
  const { get, set, page, redraw } = begin(model, ["selected", "input_size", "changes", "problem", "rows"]);
  const names = () => rows.map((row) => row.name);
  const chosen = () => Math.max(0, names().indexOf(get().selected));

  // The rows of this state, made anew when it is another; the last possible ones stay.
  function follow({ input_size, changes, problem: words, rows: told }) {
    const now = JSON.stringify([input_size, changes]);
    if (now === key) return;
    key = now;
    problem = "";
    try {
      rows = measured(layers, adjustable, input_size, changes);
    } catch (error) {
      if (error instanceof Impossible) problem = error.message;
      else if (!(error instanceof Unknown)) throw error;
      else [rows, problem, key] = [told.length ? told : rows, words, ""];
    }
  }

  // Without Python a network with a layer that only Python knows stays as it is.
  function attempt(values) {
    try {
      measured(layers, adjustable, values.input_size ?? get().input_size, values.changes ?? get().changes);
    } catch (error) {
      if (model.still && error instanceof Unknown) {
        model.send({ asks: values });
        return redraw();
      }
    }
    return set(values);
  }

  // Controls.
  const change = (slot) => (value) => {
    const row = rows[chosen()];
    const argument = SLOTS[slot].find((name) => name in row.controls);
    const changes = structuredClone(get().changes);
    changes[row.name] = { ...changes[row.name], [argument]: value };
    attempt({ changes });
  };
  const size = stopSlider("Input size", (value) => attempt({ input_size: value }));
  const sliders = SLOTS.map((_, slot) => stopSlider(EMPTY[slot], change(slot)));
  const undo = button("Undo all", () => set({ changes: {}, input_size: given }));
  const controls = element("div", {
    style: "display:grid;width:100%;grid-template-columns:repeat(4,minmax(0,1fr)) auto;gap:8px 18px" },
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
  const alert = element("div", { class: "cv-error", role: "alert", style: "margin-top:6px" });
  const totals = element("div", { style: "display:grid;grid-template-columns:1.3fr 1fr 1fr;gap:12px;margin-top:8px" });

  const choose = (index) => set({ selected: names()[within(index, 0, rows.length - 1)] });

  function draw(now, root) {
    follow(now);
    const reference = before.map(sizesOf).reduce((most, one) => most.map((value, k) => Math.max(value, one[k])));
    const all = rows.map(sizesOf);
    const index = new Map(names().map((name, place) => [name, place]));
    const edges = rows.flatMap((row, to) => row.sources.filter((name) => index.has(name)).map((name) => [index.get(name), to]));
    const look = getComputedStyle(root);
    const font = parseFloat(look.fontSize) || 14;
    const zoom = font / 14, gutter = 96 * zoom, pick = chosen();
    const small = Math.max(parseFloat(look.getPropertyValue("--cv-least")) || 12, 0.86 * font);
    pen.font = `bold ${small}px ${look.fontFamily}`;
    const scale = reference.map((value, i) => Math.max(1, value, ...all.map((sizes) => sizes[i])));
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
    let pixels = null;
    rows.forEach((row, i) => {
      const [tall] = all[i];
      const changed = JSON.stringify(row.controls) !== JSON.stringify(original[row.name]);
      const x = (i + 0.5) * slot;
      const group = svg("g", { role: "option", "aria-selected": i === pick, id: `${model.model_id ?? "cv"}-${i}`,
        "aria-label": `${row.name} ${shapeWords(row)}, ${row.type}` }, svg("title", {}, `${row.name} ${shapeWords(row)}`));
      group.append(svg("rect", { x: i * slot + 1, y: arcs - 2, width: slot - 2, height: height - arcs, rx: 4,
        fill: i === pick ? "var(--cv-raised)" : "transparent",
        stroke: i === pick ? "var(--cv-selected)" : "none", "stroke-width": 2 }));
      const shape = block(row, x, slot, middle, scale, zoom);
      group.append(...shape.nodes);
      const fits = (text) => (pen.measureText(text).width > slot - 5 ? { textLength: slot - 5, lengthAdjust: "spacingAndGlyphs" } : {});
      const drawn = svg("g", { "aria-hidden": true, "pointer-events": "none" }); // the option has words of its own
      if (tall && tall !== pixels) drawn.append(words(x, shape.top - 4, tall));
      pixels = tall;
      const label = (LABELS[row.type] ?? row.type.toLowerCase().slice(0, 6)) + (changed ? "*" : "");
      drawn.append(words(x, floor + 15 * zoom, label, { ...fits(label), "font-weight": changed || i === pick ? 700 : 400 }));
      const depth = String(all[i][1] || all[i][2]);
      drawn.append(words(x, floor + 31 * zoom, depth, { ...fits(depth), fill: "var(--cv-muted)" }));
      BARS.forEach(([, key, role], k) => {
        const bottom = below + (k + 1) * pitch;
        const rise = Math.max(bar * all[i][key] / scale[key], 1);
        group.append(svg("rect", { x: x - slot * 0.3, y: bottom - rise, width: slot * 0.6,
          height: rise, fill: all[i][key] ? `var(--cv-${role})` : "var(--cv-line)" }));
      });
      group.addEventListener("click", () => choose(i));
      nodes.push(group, drawn);
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
    say(now, rows[pick]);
    if (model.still) model.set("description", describe(rows, rows[pick], problem));
  }

  function say(now, row) {
    const [total, old, least] = [totalsOf(rows), totalsOf(before), leastOf(rows)];
    const words = costsOf(row, total);
    title.textContent = `${row.name} · ${row.type} · ${shapeWords(row)}`;
    ["parameters ", "multiply-adds ", "maps "].forEach((name, i) => { costs[i].textContent = costs[i].title = name + words[i]; });
    alert.textContent = problem;
    alert.hidden = !problem;
    detail.hidden = !alert.hidden;
    totals.replaceChildren(...TOTALS.map(([label, , text], k) => {
      const changed = total[k] !== old[k];
      return element("div", { style: "min-width:0;white-space:nowrap;font-variant-numeric:tabular-nums" },
        element("div", { class: "cv-hint", style: "margin:0" }, label),
        element("div", { style: "overflow:hidden;text-overflow:ellipsis" },
          element("span", { style: "font-size:1.3em;font-weight:600" }, least[k] + text(total[k])),
          element("span", { class: "cv-reference", style: "margin-left:10px" }, changed ? `was ${least[k]}${text(old[k])}` : "")),
        element("div", { class: changed ? "cv-selected" : "cv-reference" }, changed ? difference(total[k], old[k], text) : "as given"));
    }));
    SLOTS.forEach((wanted, slot) => {
      const argument = wanted.find((name) => name in row.controls);
      if (!argument) return sliders[slot].show(EMPTY[slot]);
      const [label, stops] = adjustable[argument];
      const value = now.changes[row.name]?.[argument] ?? row.controls[argument];
      return sliders[slot].show(label, [...new Set([...stops, original[row.name][argument]])].sort((a, b) => a - b), value);
    });
    size.show(before[0].output_shape.length === 3 ? "Input size" : "Input values", sizes, now.input_size);
    undo.disabled = !Object.keys(now.changes).length && now.input_size === given;
  }

  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 5, PageUp: -5, End: 1e6, Home: -1e6 };
    if (!(event.key in step)) return;
    event.preventDefault();
    choose(chosen() + step[event.key]);
  });
  return page({ el, controls: [controls], stage: [stage, detail, alert, totals] }, draw);
}
