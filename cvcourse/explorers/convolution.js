// Convolution: draws the state of cvcourse.explorers.Convolution and follows pointer and keys.
// Python computes the same numbers in convolution.py; a browser test compares the two.

const STATE = ["image", "kernels", "weights", "filter", "kernel_size", "strides", "padding", "position"];
const MARGIN = 3; // room for the largest padding, so that the photograph never moves

// ColorBrewer's RdBu, as matplotlib draws it: red below zero, white at zero, blue above.
const RDBU = ["67001f", "b2182b", "d6604d", "f4a582", "fddbc7", "f7f7f7", "d1e5f0", "92c5de", "4393c3", "2166ac",
  "053061"].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

function signed(value, limit, alpha = 255) {
  const place = 5 + 5 * Math.max(-1, Math.min(1, value / limit));
  const below = Math.min(9, Math.floor(place));
  return [...RDBU[below].map((low, i) => low + (RDBU[below + 1][i] - low) * (place - below)), alpha];
}

// Sizes along one axis: padding before, output (0 if the settings are illegal), border pixels that no window reaches.
function axis(size, { kernel_size: F, strides: S, padding }) {
  let [before, after] = [padding, padding];
  if (padding === "same") {
    const total = S > 0 ? Math.max((Math.ceil(size / S) - 1) * S + F - size, 0) : 0;
    [before, after] = [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  const padded = before + size + after;
  const output = S > 0 && F <= padded ? Math.floor((padded - F) / S) + 1 : 0;
  return { size, before, after, padded, output, dropped: output ? padded - ((output - 1) * S + F) : 0 };
}

function convolve(image, kernel, strides, vertical, horizontal) {
  const F = kernel.length;
  const pixel = (row, column) => image[row - vertical.before]?.[column - horizontal.before] ?? 0;
  return Array.from({ length: vertical.output }, (_, row) => Array.from({ length: horizontal.output }, (_, column) => {
    let sum = 0;
    for (let i = 0; i < F; i++) for (let j = 0; j < F; j++) {
      sum += kernel[i][j] * pixel(row * strides + i, column * strides + j);
    }
    return sum;
  }));
}

// Weights are written and read as −1, 0.5 or 1/9.
function weightText(value) {
  const hundreds = value * 100;
  if (value && Math.abs(hundreds - Math.round(hundreds)) > 1e-9 && Math.abs(1 / value - Math.round(1 / value)) < 1e-9) {
    return `${value < 0 ? "−" : ""}1/${Math.abs(Math.round(1 / value))}`;
  }
  return String(Math.round(hundreds) / 100).replace("-", "−");
}

function weightOf(text) {
  const parts = text.trim().replace("−", "-").replace(",", ".").match(/^(-?\d*\.?\d+)(?:\/(\d*\.?\d+))?$/);
  const value = parts ? Number(parts[1]) / Number(parts[2] ?? 1) : NaN;
  return Number.isFinite(value) ? value : null;
}

function resized(kernel, size) {
  const shift = Math.trunc((kernel.length - size) / 2);
  const line = (of, at, none) => of[at + shift] ?? none;
  return Array.from({ length: size }, (_, i) => (
    Array.from({ length: size }, (_, j) => line(line(kernel, i, []), j, 0))));
}

function render({ model, el }) {
  const presets = new Map(model.get("presets"));
  const input = board("Input: drag the window, or move it with the arrow keys");
  const output = board("Output: choose a pixel, or move with the arrow keys");
  const grid = element("div", { class: "cv-products", role: "group", "aria-label": "Window × weights = products" });
  const sum = element("div", { class: "cv-sum" });
  const thumbs = element("div", { class: "cv-thumbs", role: "group", "aria-label": "Output maps: choose a filter" });
  const formula = element("div", { class: "cv-formula" });
  const wires = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const captions = ["input", "kernel", "output"].map((role) => element("figcaption", { class: `cv-caption cv-${role}` }));
  let complaint = "";
  let timer = 0;
  let cells = [];
  let memo = [];

  // Controls, each of which changes the state.
  const kernel = element("select", { "aria-label": "Kernel" },
    ...[...presets.keys(), "own"].map((name) => element("option", { value: name, disabled: name === "own" }, name)));
  kernel.addEventListener("change", () => setKernel(kernel.value));
  const K = slider({ word: "Filters", letter: "K", role: "output", min: 1, max: 4, change: setFilters });
  const F = slider({ word: "Size", letter: "F", role: "kernel", min: 1, max: 7, change: setSize });
  const S = slider({ word: "Stride", letter: "S", role: "selected", min: 0, max: 5, change: setStrides });
  const P = slider({ word: "Padding", letter: "P", role: "statistics", min: 0, max: 3, change: (P) => set({ padding: P }) });
  const same = element("input", { type: "checkbox" });
  same.addEventListener("change", () => set({ padding: same.checked ? "same" : 0 }));
  const play = element("button", { class: "cv-button cv-play", type: "button" });
  play.addEventListener("click", () => run(!timer));

  const stage = element("div", { class: "cv-trio" },
    element("figure", { class: "cv-panel" }, captions[0], input.canvas,
      element("p", { class: "cv-hint" }, "Drag the window, or use the arrow keys.")),
    element("figure", { class: "cv-panel" }, captions[1], grid, sum),
    element("figure", { class: "cv-panel" }, captions[2], output.canvas, thumbs),
    wires);
  wires.setAttribute("class", "cv-wires");
  wires.setAttribute("aria-hidden", "true");
  const lines = Array.from({ length: 3 }, () => wires.appendChild(document.createElementNS(wires.namespaceURI, "line")));

  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Kernel"), kernel),
      K.node, F.node, S.node, P.node,
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "same"), same), play),
    stage, formula);
  const state = stateOf(model, STATE, draw);

  function set(values) {
    complaint = "";
    state.set(values);
  }

  function weightsFor(names, size, old) {
    return names.map((name, k) => presets.get(name)?.[size - 1] ?? resized(old[k], size));
  }

  function setKernel(name) {
    const { kernels, weights, filter, kernel_size } = state.get();
    const names = kernels.with(filter, name);
    set({ kernels: names, weights: weightsFor(names, kernel_size, weights) });
  }

  function setFilters(count) {
    const { kernels, weights, filter, kernel_size } = state.get();
    const free = [...presets.keys()].filter((name) => !kernels.includes(name));
    const more = ["horizontal edges", "blur", "emboss", "sharpen", ...free].filter((name) => free.includes(name));
    const names = [...kernels, ...more].slice(0, count);
    set({ kernels: names, weights: weightsFor(names, kernel_size, weights), filter: Math.min(filter, count - 1) });
  }

  function setSize(size) {
    const { kernels, weights } = state.get();
    set({ kernel_size: size, weights: weightsFor(kernels, size, weights) });
  }

  function setStrides(strides) {
    const { strides: old, position } = state.get();
    // The window stays near the pixels that it is on.
    set({ strides, position: strides && old ? position.map((at) => Math.round(at * old / strides)) : position });
  }

  function setWeight(i, j, field) {
    const value = weightOf(field.value);
    if (value === null) {
      complaint = `“${field.value}” is not a number. Write a weight as −1, 0.5 or 1/9.`;
      field.setAttribute("aria-invalid", "true");
      draw();
      return;
    }
    const { kernels, weights, filter } = state.get();
    if (value !== weights[filter][i][j]) {
      const changed = weights[filter].with(i, weights[filter][i].with(j, value));
      set({ kernels: kernels.with(filter, "own"), weights: weights.with(filter, changed) });
    } else set({});
  }

  function moveTo(row, column) {
    const { vertical, horizontal } = sizes();
    const position = [[row, vertical], [column, horizontal]].map(
      ([at, { output }]) => Math.max(0, Math.min(output - 1, at)));
    if (vertical.output && horizontal.output) set({ position });
  }

  // The pixel under the pointer becomes the centre of the window, on both boards.
  function drag(event, on) {
    const { kernel_size, strides } = state.get();
    const { vertical, horizontal } = sizes();
    const [x, y] = on.at(event);
    const nearest = (at, { before }) => Math.round((at + before - kernel_size / 2) / strides);
    run(false);
    moveTo(nearest(y, vertical), nearest(x, horizontal));
  }

  for (const on of [input, output]) {
    navigate(on, {
      drag: (event) => drag(event, on),
      step(down, right) {
        const { row, column } = sizes();
        run(false);
        moveTo(row + down, column + right);
      },
      edge: (last) => moveTo(last ? Infinity : 0, last ? Infinity : 0),
    });
  }

  // Play: the window slides pixel by pixel, and the output fills behind it.
  function run(start) {
    if (Boolean(timer) === start) return;
    clearInterval(timer);
    timer = 0;
    if (start) {
      const { row, column, vertical, horizontal } = sizes();
      if (row === vertical.output - 1 && column === horizontal.output - 1) moveTo(0, 0);
      timer = setInterval(tick, 40);
    }
    draw();
  }

  function tick() {
    const { row, column, vertical, horizontal } = sizes();
    if (!root.isConnected) clearInterval(timer);
    else if (column + 1 < horizontal.output) moveTo(row, column + 1);
    else if (row + 1 < vertical.output) moveTo(row + 1, 0);
    else run(false);
  }

  // The sizes of the present state, and its position kept inside the output.
  function sizes() {
    const now = state.get();
    const [vertical, horizontal] = [axis(now.image.length, now), axis(now.image[0].length, now)];
    const inside = (at, { output }) => Math.max(0, Math.min(at, output - 1));
    return { vertical, horizontal, row: inside(now.position[0], vertical), column: inside(now.position[1], horizontal) };
  }

  function mapsOf({ image, weights, strides, padding }, vertical, horizontal) {
    const key = [image, weights, strides, padding];
    if (key.some((part, i) => part !== memo[i])) {
      memo = [...key, weights.map((one) => convolve(image, one, strides, vertical, horizontal))];
    }
    return memo.at(-1);
  }

  function draw() {
    const now = state.get();
    const place = sizes();
    const legal = place.vertical.output > 0 && place.horizontal.output > 0;
    const maps = legal ? mapsOf(now, place.vertical, place.horizontal) : [];
    drawControls(now);
    drawInput(now, place, legal);
    drawProducts(now, place, legal);
    drawOutput(now, place, maps);
    drawThumbs(now, maps);
    drawWires(now, place, legal);
    drawFormula(now, place, legal);
    drawn();
  }

  function drawControls({ kernels, filter, kernel_size, strides, padding }) {
    kernel.value = kernels[filter];
    K.show(kernels.length);
    F.show(kernel_size);
    S.show(strides);
    P.show(padding);
    P.input.disabled = same.checked = padding === "same";
    play.textContent = timer ? "❚❚ Pause" : "▶ Play";
  }

  function frameOf({ image }) {
    const [height, width] = [image.length, image[0].length];
    const extent = Math.max(height, width) + 2 * MARGIN;
    return [[(width - extent) / 2, (height - extent) / 2], extent];
  }

  function drawInput(now, { vertical, horizontal, row, column }, legal) {
    const { image, kernel_size, strides } = now;
    const [left, top] = [-horizontal.before, -vertical.before];
    input.clear(...frameOf(now));
    input.fill(left, top, horizontal.padded, vertical.padded, "#000");
    input.paint(image, 0, 0, 1, (value) => grey(value));
    if (vertical.before || horizontal.before || vertical.after) {
      input.frame(left, top, horizontal.padded, vertical.padded, input.ink("--cv-statistics"), 2);
    }
    const lost = input.ink("--cv-selected");
    const [right, bottom] = [left + horizontal.padded - horizontal.dropped, top + vertical.padded - vertical.dropped];
    if (horizontal.dropped) input.hatch(right, top, horizontal.dropped, vertical.padded, lost);
    if (vertical.dropped) input.hatch(left, bottom, horizontal.padded - horizontal.dropped, vertical.dropped, lost);
    if (legal) input.select(left + column * strides, top + row * strides, kernel_size);
    const padding = now.padding === "same" ? "same" : now.padding;
    write(captions[0], `Input ${vertical.size} × ${horizontal.size} × 1`, padding ? ` + padding ${padding}` : "");
  }

  function makeCells(size) {
    cells = Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      const pixel = element("span", { class: "cv-input" });
      const weight = element("input", {
        class: "cv-kernel", inputmode: "decimal", "aria-label": `Weight, row ${i + 1}, column ${j + 1}`, autocomplete: "off" });
      const product = element("b");
      weight.addEventListener("change", () => setWeight(i, j, weight));
      weight.addEventListener("focus", () => weight.select());
      weight.addEventListener("keydown", (event) => {
        const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!step) return;
        weight.value = weightText((weightOf(weight.value) ?? 0) + step);
        setWeight(i, j, weight);
        event.preventDefault();
      });
      return { node: element("div", {}, pixel, weight, product), pixel, weight, product };
    });
    grid.style.setProperty("--cv-f", size);
    grid.replaceChildren(...cells.map(({ node }) => node));
  }

  function drawProducts({ image, weights, kernels, filter, kernel_size: size, strides }, place, legal) {
    if (cells.length !== size * size) makeCells(size);
    const { vertical, horizontal, row, column } = place;
    const digits = size > 5 ? 1 : 2;
    const pixels = cells.map((_, at) => image[row * strides + Math.floor(at / size) - vertical.before]
      ?.[column * strides + at % size - horizontal.before]);
    const factors = weights[filter].flat();
    const products = factors.map((factor, at) => factor * (pixels[at] ?? 0));
    const limit = Math.max(...products.map(Math.abs)) || 1;
    cells.forEach(({ node, pixel, weight, product }, at) => {
      pixel.textContent = legal ? number(pixels[at] ?? 0) : "";
      pixel.classList.toggle("cv-statistics", legal && pixels[at] === undefined); // padding
      if (!complaint || weight.getAttribute("aria-invalid") !== "true") {
        weight.value = weightText(factors[at]);
        weight.removeAttribute("aria-invalid");
      }
      product.textContent = legal ? number(products[at], Math.abs(products[at]) < 10 ? 2 : digits) : "";
      const [ink, strength] = [products[at] < 0 ? "178 24 43" : "33 102 172", Math.abs(products[at]) / limit];
      node.style.setProperty("--cv-tint", legal ? `rgb(${ink} / ${(0.35 * strength).toFixed(3)})` : "transparent");
    });
    const total = products.reduce((all, one) => all + one, 0);
    sum.dataset.sum = legal ? total : "";
    write(sum, ...(legal ? [`sum of ${products.length} products = `, ["selected", number(total)]] : ["no output"]));
    const which = kernels.length > 1 ? `Filter ${filter + 1}: ` : "";
    write(captions[1], which, ["input", "pixel"], " × ", ["kernel", "weight"], element("span", {}, " = product"));
  }

  // Each pixel of the output lies over the middle of its window and is as wide as the stride.
  function outputPlace({ kernel_size, strides }, { vertical, horizontal }) {
    const shift = (kernel_size - strides) / 2;
    return [shift - horizontal.before, shift - vertical.before];
  }

  // Weights that add up to 1 keep the brightness: their output is a photograph. Others have a sign.
  function coloring(kernel, map) {
    const total = kernel.flat().reduce((all, one) => all + one, 0);
    const limit = Math.max(...map.flat().map(Math.abs)) || 1;
    return Math.abs(total - 1) < 1e-9 ? grey : (value, alpha) => signed(value, limit, alpha);
  }

  function drawOutput(now, place, maps) {
    const { vertical, horizontal, row, column } = place;
    output.clear(...frameOf(now));
    output.frame(0, 0, horizontal.size, vertical.size, output.ink("--cv-reference"), 1, [4, 4]);
    const count = `${vertical.output} × ${horizontal.output} × ${now.kernels.length}`;
    write(captions[2], maps.length ? `Output ${count}` : "No output");
    if (!maps.length) return;
    const [x, y] = outputPlace(now, place);
    const map = maps[now.filter];
    const color = coloring(now.weights[now.filter], map);
    const ahead = (i, j) => timer && i * horizontal.output + j > row * horizontal.output + column;
    output.paint(map, x, y, now.strides, (value, i, j) => color(value, ahead(i, j) ? 30 : 255));
    const { strides } = now;
    output.frame(x, y, horizontal.output * strides, vertical.output * strides, output.ink("--cv-output"), 2);
    output.select(x + column * strides, y + row * strides, strides);
  }

  function drawThumbs({ kernels, weights, filter }, maps) {
    if (thumbs.childElementCount !== kernels.length) {
      thumbs.replaceChildren(...kernels.map((_, k) => {
        const button = element("button", { class: "cv-thumb", type: "button" }, element("canvas"));
        button.addEventListener("click", () => set({ filter: k }));
        return button;
      }));
    }
    thumbs.classList.toggle("cv-one", kernels.length < 2);
    [...thumbs.children].forEach((button, k) => {
      button.setAttribute("aria-pressed", String(k === filter));
      button.setAttribute("aria-label", `Filter ${k + 1}: ${kernels[k]}`);
      button.title = `Filter ${k + 1}: ${kernels[k]}`;
      const map = maps[k];
      const canvas = button.firstChild;
      if (canvas.shown === map) return;
      canvas.shown = map;
      [canvas.height, canvas.width] = map ? [map.length, map[0].length] : [1, 1];
      if (!map) return;
      const color = coloring(weights[k], map);
      const data = new ImageData(canvas.width, canvas.height);
      data.data.set(map.flat().flatMap((value) => color(value)));
      canvas.getContext("2d").putImageData(data, 0, 0);
    });
  }

  // Lines from the window to its products, and on to the output pixel.
  function drawWires(now, place, legal) {
    const { vertical, horizontal, row, column } = place;
    wires.style.display = legal ? "" : "none";
    const at = (node, { left, top, right, bottom }) => ({ left: left + node.offsetLeft, top: top + node.offsetTop,
      right: right + node.offsetLeft, bottom: bottom + node.offsetTop });
    const [x, y] = outputPlace(now, place);
    const { strides: S, kernel_size: F } = now;
    const from = at(input.canvas, input.corners(column * S - horizontal.before, row * S - vertical.before, F, F));
    const over = at(grid, { left: 0, top: 0, right: grid.offsetWidth, bottom: grid.offsetHeight });
    const to = at(output.canvas, output.corners(x + column * S, y + row * S, S, S));
    [[from.right, from.top, over.left, over.top], [from.right, from.bottom, over.left, over.bottom],
      [over.right, (over.top + over.bottom) / 2, to.left, (to.top + to.bottom) / 2]].forEach((ends, i) => {
      ["x1", "y1", "x2", "y2"].forEach((name, k) => lines[i].setAttribute(name, ends[k]));
    });
  }

  function drawFormula({ kernel_size: F, strides: S, padding: P, kernels }, { vertical, horizontal }, legal) {
    formula.className = legal && !complaint ? "cv-formula" : "cv-error";
    if (complaint) {
      formula.textContent = complaint;
      return;
    }
    const line = (letter, { size, output }) => (P === "same"
      ? [letter[1], " = ⌈", letter[0], " / S⌉ = ⌈", ["input", size], " / ", ["selected", S], "⌉ = "]
      : [letter[1], " = ⌊(", letter[0], " − F + 2P) / S⌋ + 1 = ⌊(", ["input", size], " − ", ["kernel", F], " + 2·",
        ["statistics", P], ") / ", ["selected", S], "⌋ + 1 = "]).concat([["output", output || "?"]]);
    const weights = F * F * kernels.length;
    const [wide, high, depth] = ["W", "H", "D"].map((letter) => [letter, element("span", {}, letter, element("sub", {}, "c"))]);
    const width = element("div");
    const rest = element("div");
    write(width, ...line(wide, horizontal));
    const height = vertical.size === horizontal.size ? [high[1], " = ", ["output", vertical.output || "?"]] : line(high, vertical);
    write(rest, ...height, "        ", depth[1], " = K = ", ["output", kernels.length], "        weights F·F·D·K = ",
      `${F}·${F}·1·${kernels.length} = `, ["kernel", weights]);
    formula.replaceChildren(width, rest);
  }

  const resize = new ResizeObserver(draw);
  resize.observe(stage);
  draw();
  return () => {
    run(false);
    resize.disconnect();
    state.close();
    close();
  };
}

export default { render };
