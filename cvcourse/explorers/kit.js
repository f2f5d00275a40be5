// The kit: what the explorers are made of. Python puts this text in front of each explorer's own (base.javascript),
// so that they are one ES module: no build step, nothing to fetch. Controls come from what Python declares
// (controls.py), arrays from bytes; a page is drawn from its state alone.

// element("p", {class: "cv-hint", tabindex: 0}, "text", child …): data only ever becomes text, never HTML.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// A number as it is written on the page: two decimals, a true minus sign, no minus zero.
function number(value, digits = 2) {
  const small = Math.abs(value) < 0.5 * 10 ** -digits;
  return (small ? 0 : value).toFixed(digits).replace("-", "−");
}

// A row of numbers, words and coloured roles: write(node, "W = ", ["input", 28]) puts 28 in the colour of the input.
function write(node, ...parts) {
  node.replaceChildren(...parts.map((part) => (
    Array.isArray(part) ? element("b", { class: `cv-${part[0]}` }, String(part[1])) : part
  )));
}

// element() for SVG.
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const named = (entries, make) => Object.fromEntries(Object.entries(entries).map(([name, one]) => [name, make(one, name)]));
const within = (value, low, high) => Math.max(low, Math.min(high, value));

// --- Arrays --------------------------------------------------------------------------------------------------

const TYPES = { uint8: Uint8Array, float32: Float32Array, float64: Float64Array };
const unpacked = new WeakMap();

// What Python sends as {shape, dtype, data}: a typed array that knows its shape.
function arrayOf(sent) {
  if (!unpacked.has(sent)) {
    const { shape, dtype, data } = sent;
    const view = data.buffer ? data : new DataView(data);
    unpacked.set(sent, Object.assign(new TYPES[dtype](bytes(view).slice().buffer), { shape, sent }));
  }
  return unpacked.get(sent);
}

// Bytes of a Python `bytes` trait, which arrives as a DataView.
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

// The values as an array of bytes of this shape, to draw and to send.
const shaped = (values, shape) => Object.assign(Uint8Array.from(values), { shape });

const pack = (value) => (value.sent ?? { shape: value.shape, dtype: Object.keys(TYPES).find((name) => value instanceof TYPES[name]),
  data: new DataView(value.buffer) });

// The part of an array at these places of its first axes: a view.
function at(array, ...places) {
  let [start, size] = [0, array.length];
  places.forEach((place, axis) => {
    size /= array.shape[axis];
    start += place * size;
  });
  return Object.assign(array.subarray(start, start + size), { shape: array.shape.slice(places.length) });
}

// A matrix as rows of numbers, made once.
function rowsOf(array) {
  const [height, width] = array.shape;
  array.rows ??= Array.from({ length: height }, (_, row) => Array.from(array.subarray(row * width, (row + 1) * width)));
  return array.rows;
}

// --- State and page ------------------------------------------------------------------------------------------

// The state of an explorer: all that has a control, and `names`. get() reads it, arrays ready to use; set(values)
// changes it, tells Python and draws at once; what comes from Python draws too. `change` takes the place of set
// for single controls: {strides: (value) => …}. `formula` is a line of live numbers, for who wants one.
function begin(model, names, change = {}) {
  const declared = model.get("controls");
  const watched = [...Object.keys(declared), ...names];
  let draw = () => {};
  let [own, asked] = [false, false];
  const changed = () => {
    if (own || asked) return;
    asked = true;
    queueMicrotask(() => { asked = false; draw(); });
  };
  const read = (value) => (value?.dtype && value.data ? arrayOf(value) : value);
  const get = () => Object.fromEntries(watched.map((name) => [name, read(model.get(name))]));
  function set(values) {
    own = true;
    for (const [name, value] of Object.entries(values)) model.set(name, ArrayBuffer.isView(value) ? pack(value) : value);
    own = false;
    draw();
    model.save_changes();
  }
  const control = named(declared, (one, name) => (
    controlOf(one, typeof one.options === "string" ? read(model.get(one.options)) : one.options, change[name] ?? ((value) => set({ [name]: value })))));

  // The explorer on its page: controls, stage, and its words below. The controls show the state before each
  // paint(state, root). Returns what render() must: the function that ends it all. tall: lines
  // that its words may need; whole: it draws anew when the explorer changes its width; row: style of the row of controls.
  // paint() says false if what it draws is still on its way.
  function page({ el, controls, stage, tall = 2, whole = false, row = null }, paint, ...ends) {
    const nodes = controls.map((one) => one.node ?? one);
    const above = nodes.length ? [element("div", { class: "cv-controls", style: row }, ...nodes)] : [];
    const words = element("p", { class: "cv-describe", role: "status", "aria-live": "polite", style: `--cv-lines:${tall}` });
    const root = element("div", { class: "cv-explorer" }, ...above, ...stage, words);
    root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would take the arrow keys
    const say = () => { words.textContent = model.get("description"); };
    say();
    el.append(root);
    draw = () => {
      const now = get();
      for (const [name, { show }] of Object.entries(control)) show(now[name]);
      // A number of drawings, so that a test can time key press to new picture.
      if (paint(now, root) !== false) root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
    };
    const heard = [["description", say], ...watched.map((name) => [name, changed])];
    for (const [name, hear] of heard) model.on(`change:${name}`, hear);
    const resize = new ResizeObserver(() => draw());
    resize.observe(whole ? root : stage[0]);
    draw();
    return () => {
      resize.disconnect();
      for (const end of ends) end();
      for (const [name, hear] of heard) model.off(`change:${name}`, hear);
    };
  }
  return { get, set, control, page, redraw: () => draw(), formula: element("div", { class: "cv-formula" }) };
}

// --- Controls ------------------------------------------------------------------------------------------------

const labelled = (word, node) => element("label", { class: "cv-control cv-stacked" }, element("span", {}, word), node);

function button(words, act, more = "", attributes = {}) {
  const node = element("button", { class: `cv-button ${more}`, type: "button", ...attributes }, words);
  node.addEventListener("click", act);
  return node;
}

// A hidden input of files; what is chosen goes to take(files).
function chooser(take, attributes = {}) {
  const node = element("input", { type: "file", accept: "image/*,.heic", class: "cv-hidden", tabindex: -1, ...attributes });
  node.addEventListener("change", () => {
    take([...node.files]);
    node.value = "";
  });
  return node;
}

const written = (value, { step = 1, unit = "" }) => (
  (Number.isInteger(step) ? String(value).replace("-", "−") : number(value, String(step).split(".")[1].length)) + unit);

// A control by its declaration: {node, show(value)}, and what a caller may want to change.
function controlOf(declared, options, change) {
  const { kind, word, letter, role, low, high, stops, first = 0, words = {} } = declared;
  if (kind === "slider") {
    const step = declared.step ?? 1;
    const input = element("input", { type: "range", min: low, max: high, step, "aria-label": `${word} ${letter}`.trim() });
    const value = element("output", { class: `cv-value cv-${role}` });
    input.addEventListener("input", () => change(Number(input.value)));
    const name = element("b", { class: `cv-${role}` }, letter ? `${letter} = ` : declared.unit ? "" : "= ");
    return {
      node: element("label", { class: "cv-control cv-stacked" }, element("span", {}, `${word} `, name, value), input),
      input,
      stops,
      show(number, text = stops ? stops[number] : written(number, declared)) {
        input.value = number;
        value.textContent = text;
        input.setAttribute("aria-valuetext", text);
      },
    };
  }
  if (kind === "toggle") {
    const input = element("input", { type: "checkbox" });
    input.addEventListener("change", () => change(input.checked));
    return { node: element("label", { class: "cv-control" }, input, word), input, show: (on) => { input.checked = on; } };
  }
  if (kind === "select") {
    const input = element("select", { "aria-label": word });
    let list = [];
    input.addEventListener("change", () => change(list[input.selectedIndex][0]));
    const offer = (some) => { // [[value, text] …], if they are others
      if (String(some) === String(list)) return;
      list = some;
      input.replaceChildren(...list.map(([value, text]) => element("option", { value }, String(text))));
    };
    offer(options[0] !== undefined && typeof declared.options === "string" // the value is a place in the list
      ? Array.from(options, (name, place) => [place, name]).slice(first) : options.map((name) => [name, words[name] ?? name]));
    return { node: labelled(word, input), input, offer, get values() { return list.map(([value]) => value); }, show: (value) => { input.selectedIndex = list.findIndex(([one]) => one === value); } };
  }
  const values = kind === "thumbs" ? Array.from({ length: options.shape[0] }, (_, place) => place) : options;
  const nodes = values.map((value) => (kind === "thumbs"
    ? button(photo(at(options, value)), () => change(value), "cv-thumb", { class: "cv-thumb", "aria-label": `${word} ${value + 1}` })
    : button(words[value] ?? String(value), () => change(value))));
  return {
    node: element("span", { class: "cv-control", role: "group", "aria-label": word }, element("span", {}, word), ...nodes),
    show: (value) => nodes.forEach((node, place) => node.setAttribute("aria-pressed", String(values[place] === value))),
  };
}

// A button that starts and stops a clock: tick() every `pace` ms, until it says false or the page is gone.
function player([start, stop], pace, tick, { before = () => {}, after = () => {} } = {}) {
  let timer = 0;
  const node = button(start, () => run(!timer), "cv-play");
  function run(on) {
    if (Boolean(timer) === on) return;
    clearInterval(timer);
    timer = 0;
    if (on) {
      before();
      timer = setInterval(() => { if (!node.isConnected || tick() === false) run(false); }, pace);
    }
    node.textContent = timer ? stop : start;
    after();
  }
  return { node, stop: () => run(false), playing: () => timer > 0 };
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// Pointer and keys on a board or canvas: press(event), drag(event), release(event); arrow(down, right, event);
// key(event), which says false where it does not know the key.
function follow(canvas, { press, drag = press, release = () => {}, arrow, key = () => false }) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    press(event);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => { if (canvas.hasPointerCapture(event.pointerId)) drag(event); });
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("keydown", (event) => {
    if (event.key in ARROWS) arrow(...ARROWS[event.key], event);
    else if (key(event) === false) return;
    event.preventDefault();
  });
}

// --- Panels --------------------------------------------------------------------------------------------------

const caption = (...parts) => {
  const node = element("figcaption", { class: "cv-caption" });
  write(node, ...parts);
  return node;
};
const panel = (...children) => element("figure", { class: "cv-panel" }, ...children);

// Lines of words and coloured numbers, each in a <div> of its own.
function lines(node, ...all) {
  node.replaceChildren(...all.map((parts) => {
    const line = element("div");
    write(line, ...parts);
    return line;
  }));
}

// A bar with its name and its number: "1 − IoU ▇▇▇ 0.62". show(part, text, value): part of the full width,
// what is written, and the number in full for a test to read.
function bar(name, role = "reference", attributes = {}) {
  const fill = element("span", { class: "cv-fill" });
  const text = element("output", { class: "cv-value" });
  return {
    node: element("div", { class: "cv-bar", ...attributes }, name, element("span", {}, fill), text),
    show(part, words, value = "", color = role) {
      fill.style.width = `${100 * within(part, 0, 1)}%`;
      fill.style.background = `var(--cv-${color})`;
      text.textContent = words;
      text.dataset.value = value;
    },
  };
}

const meter = (name, role) => bar(element("span", { class: `cv-${role}` }, name), role, { class: "cv-bar cv-meter" });

// --- Pixels --------------------------------------------------------------------------------------------------

// A canvas of height × width pixels; color(place) gives [r, g, b] or [r, g, b, a], row by row.
function pixels(height, width, color, canvas = document.createElement("canvas")) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  image.data.fill(255);
  for (let place = 0; place < height * width; place++) image.data.set(color(place), 4 * place);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const rgb = (image) => (place) => image.subarray(3 * place, 3 * place + 3);
const photo = (image, canvas) => pixels(image.shape[0], image.shape[1], rgb(image), canvas);

// Colour maps as matplotlib has them: between stops, on a straight line.
const mapped = (hex) => {
  const stops = hex.match(/.{6}/g).map((one) => [0, 2, 4].map((k) => parseInt(one.slice(k, k + 2), 16)));
  return (part) => {
    const place = within(part, 0, 1) * (stops.length - 1);
    const below = Math.min(stops.length - 2, Math.floor(place));
    return stops[below].map((low, k) => low + (stops[below + 1][k] - low) * (place - below));
  };
};
const rdbu = mapped("67001fb2182bd6604df4a582fddbc7f7f7f7d1e5f092c5de4393c32166ac053061");
const viridis = mapped("440154471669472a79433c843c4d8a355d8c2e6c8e287a8e23898d"
  + "1e978a20a5852eb27c45bf6f64cb5d88d547afdc2ed7e219fde724");

// Grey value in [0, 1] as a photograph shows it.
function grey(value, alpha = 255) {
  const shade = Math.round(255 * within(value, 0, 1));
  return [shade, shade, shade, alpha];
}

const dots = () => window.devicePixelRatio || 1;
const inkOf = (node) => (role) => getComputedStyle(node).getPropertyValue(`--cv-${role}`).trim();

// An empty canvas of width × height units (left out: as large as it is shown in CSS pixels), sharp on every screen.
// Returns its context.
function sharp(canvas, width = canvas.clientWidth, height = canvas.clientHeight, scale = 1) {
  [canvas.width, canvas.height] = [width, height].map((size) => Math.floor(size * scale * dots()));
  const context = canvas.getContext("2d");
  context.setTransform(dots() * scale, 0, 0, dots() * scale, 0, 0);
  context.imageSmoothingEnabled = false;
  return context;
}

// A square canvas, drawn with cells as units; sharp on every screen. `still`: there is nothing to do on it.
function board(label, still = false) {
  const canvas = element("canvas", { class: `cv-canvas cv-board${still ? " cv-still" : ""}`, tabindex: still ? null : 0, role: "img",
    "aria-label": label });
  const context = canvas.getContext("2d");
  const hidden = document.createElement("canvas");
  let [side, cell, origin] = [0, 1, [0, 0]];
  return {
    canvas,
    context,
    ink: inkOf(canvas),
    // Empty the board, which then shows `extent` × `extent` cells with [x, y] at its corner.
    clear(corner, extent) {
      side = Math.round((canvas.clientWidth || 300) * dots());
      if (canvas.width !== side) canvas.width = canvas.height = side;
      context.clearRect(0, 0, side, side);
      cell = side / extent;
      origin = corner;
    },
    // Empty the board for a picture of height × width cells, in its middle.
    fit(height, width, margin = 0) {
      const extent = Math.max(height, width) + 2 * margin;
      this.clear([(width - extent) / 2, (height - extent) / 2], extent);
    },
    // Pixels, color(place) → [r, g, b, a], with their corner at (x, y) and cells of `size`.
    paint([height, width], color, x = 0, y = 0, size = 1) {
      context.imageSmoothingEnabled = false;
      context.drawImage(pixels(height, width, color, hidden), ...this.place(x, y, width * size, height * size));
    },
    place: (x, y, width, height) => [(x - origin[0]) * cell, (y - origin[1]) * cell, width * cell, height * cell],
    frame(x, y, width, height, color, line = 1, dash = []) {
      Object.assign(context, { strokeStyle: color, lineWidth: line * dots() });
      context.setLineDash(dash);
      context.strokeRect(...this.place(x, y, width, height));
    },
    // A box (x1, y1, x2, y2) in the colour of a role, on white where it must be seen on any ground.
    box([x1, y1, x2, y2], role, line, { dash = [], white = 2 } = {}) {
      if (white) this.frame(x1, y1, x2 - x1, y2 - y1, "#fff", line + white, dash);
      this.frame(x1, y1, x2 - x1, y2 - y1, this.ink(role), line, dash);
    },
    select(x, y, size) {
      this.box([x, y, x + size, y + size], "selected", 3);
    },
    fill(x, y, width, height, color) {
      context.fillStyle = color;
      context.fillRect(...this.place(x, y, width, height));
    },
    // Stripes: pixels that are lost.
    hatch(x, y, width, height, color) {
      const [left, top, wide, high] = this.place(x, y, width, height);
      const step = 5 * dots();
      context.save();
      context.beginPath();
      context.rect(left, top, wide, high);
      context.clip();
      Object.assign(context, { strokeStyle: color, lineWidth: 0.4 * step });
      context.setLineDash([]);
      context.beginPath();
      for (let place = left - high; place < left + wide; place += step) {
        context.moveTo(place, top + high);
        context.lineTo(place + high, top);
      }
      context.stroke();
      context.restore();
    },
    // The line between what is true in `mask` (rows) and the rest, along the edges of the pixels; white beneath.
    outline(mask, role) {
      const there = (row, column) => Boolean(mask[row]?.[column]);
      context.beginPath();
      mask.forEach((line, row) => line.forEach((one, column) => {
        if (!one) return;
        const [x, y, size] = this.place(column, row, 1, 1);
        for (const [down, right] of Object.values(ARROWS)) {
          if (there(row + down, column + right)) continue;
          const [left, top] = [x + size * (right > 0), y + size * (down > 0)];
          context.moveTo(left, top);
          context.lineTo(left + size * Math.abs(down), top + size * Math.abs(right));
        }
      }));
      context.setLineDash([]);
      context.lineCap = "square";
      for (const [ink, wide] of [["#fff", 4], [this.ink(role), 2]]) {
        Object.assign(context, { strokeStyle: ink, lineWidth: wide * dots() });
        context.stroke();
      }
    },
    // The point [x, y] under the pointer, in cells.
    at(event) {
      const box = canvas.getBoundingClientRect();
      const scale = side / box.width / cell;
      return [(event.clientX - box.left) * scale + origin[0], (event.clientY - box.top) * scale + origin[1]];
    },
    // Corner points of a rectangle in CSS pixels from the canvas's own corner.
    corners(x, y, width, height) {
      const ratio = canvas.clientWidth / side;
      const [left, top, wide, high] = this.place(x, y, width, height).map((value) => value * ratio);
      return { left, top, right: left + wide, bottom: top + high };
    },
  };
}

// --- Charts --------------------------------------------------------------------------------------------------

// A plot of lines in SVG; right and left keep room for what is written at the ends.
function chart({ width, height, left = 46, right = 90, top = 10, bottom = 40, size = 13, label, role = "img" }) {
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "cv-canvas cv-chart", role, "aria-label": label,
    style: `font-size: ${size}px` });

  // x, y: {low, high, ticks: [[value, text, anchor] …], title, log, grid}; lines: [{values: [[x, y] …],
  // band: [[x, low, high] …], role, name, dashed}]; marks: [{at: [x, y], role, filled}]; rule: a place of x.
  function draw({ x, y, lines = [], marks = [], rule = null, more = () => [] }) {
    const scale = ({ low, high, log }, from, to) => (value) => {
      const [a, b, v] = log ? [low, high, Math.max(value, low)].map(Math.log10) : [low, high, value];
      return from + (to - from) * within((v - a) / (b - a), -0.02, 1.02);
    };
    const [px, py] = [scale(x, left, width - right), scale(y, height - bottom, top)];
    const parts = [];
    const text = (content, place, anchor, attributes = {}) => parts.push(svg("text",
      { x: place[0], y: place[1], "text-anchor": anchor, fill: "var(--cv-ink)", ...attributes }, content));
    const line = (x1, x2, y1, y2, attributes) => parts.push(svg("line", { x1, x2, y1, y2, stroke: "var(--cv-line)", ...attributes }));
    for (const [value, word] of y.ticks) {
      line(left, width - right, py(value), py(value));
      text(word, [left - 6, py(value) + 4], "end");
    }
    for (const [value, word, anchor = "middle"] of x.ticks) {
      if (x.grid) line(px(value), px(value), top, height - bottom);
      text(word, [px(value), height - bottom + size + 5], anchor);
    }
    if (x.title) text(x.title, [(left + width - right) / 2, height - 4], "middle");
    if (rule !== null) line(px(rule), px(rule), top, height - bottom, { stroke: "var(--cv-selected)", "stroke-dasharray": "3 3" });
    for (const { values, band, role: color, dashed } of lines) {
      const points = (list) => list.map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(" ");
      if (band) parts.push(svg("polygon", { fill: `var(--cv-${color})`, opacity: 0.2,
        points: points([...band.map(([a, , c]) => [a, c]), ...band.map(([a, b]) => [a, b]).reverse()]) }));
      parts.push(svg("polyline", { points: points(values), fill: "none", stroke: `var(--cv-${color})`,
        "stroke-width": 2, "stroke-dasharray": dashed ? "5 4" : "none" }));
    }
    for (const { at: place, role: color, filled } of marks) parts.push(svg("circle", { cx: px(place[0]), cy: py(place[1]), r: filled ? 5 : 6,
      fill: filled ? `var(--cv-${color})` : "none", stroke: filled ? "var(--cv-ground)" : `var(--cv-${color})`, "stroke-width": filled ? 1.5 : 3 }));
    const ends = lines.filter(({ name, values }) => name && values.length)
      .map(({ name, role: color, values }) => ({ name, color, y: py(values.at(-1)[1]) })).sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => { if (i) end.y = Math.max(end.y, ends[i - 1].y + 16); });
    const over = Math.max(0, (ends.at(-1)?.y ?? 0) - (height - bottom));
    for (const end of ends) text(end.name, [width - right + 8, end.y + 4 - over], "start", { fill: `var(--cv-${end.color}-text)` });
    root.replaceChildren(...parts, ...more(px, py));
  }
  return { svg: root, draw };
}

// Curves over [0, 1] of losses from 0 to 2, with a dot on each where we are: draw(here, [[role, place → value] …]).
function lossChart(label, [first, last]) {
  const plot = chart({ width: 600, height: 190, left: 22, right: 8, top: 8, bottom: 26, size: 16, label });
  const places = Array.from({ length: 121 }, (_, k) => k / 120);
  const y = { low: 0, high: 2.05, ticks: [0, 1, 2].map((tick) => [tick, tick]) };
  return {
    svg: plot.svg,
    draw: (here, curves) => plot.draw({
      x: { low: 0, high: 1, ticks: [[0, first, "start"], [1, last, "end"]] }, y, rule: here,
      lines: curves.map(([role, of]) => ({ role, values: places.map((place) => [place, of(place)]) })),
      marks: curves.map(([role, of]) => ({ role, at: [here, of(here)], filled: true })),
    }),
  };
}
