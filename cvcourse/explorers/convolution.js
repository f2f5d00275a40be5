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
  const grid = element("div", { class: "cv-products", role: "group", "aria-label": "Window × weights = products" });
  const sum = element("div", { class: "cv-sum" });
  const thumbs = element("div", { class: "cv-thumbs", role: "group", "aria-label": "Output maps: choose a filter" });
  const formula = element("div", { class: "cv-formula" });
  let complaint = "";
  let cells = [];
  let memo = {};

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
  const view = slidingWindow({
    margin: MARGIN,
    middle: [grid, sum],
    numbers: grid,
    below: thumbs,
    look() {
      const { image, kernel_size, strides, padding, position } = read();
      return { image, F: kernel_size, S: strides, padding, position };
    },
    move: (position) => set({ position }),
    redraw: () => draw(),
  });
  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Kernel"), kernel),
      K.node, F.node, S.node, P.node,
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "same"), same), view.play),
    view.stage, formula);
  const state = stateOf(model, STATE, draw);

  // Python may change F and K one message before the weights follow: what counts is what is there.
  function read() {
    const now = state.get();
    const count = Math.min(now.kernels.length, now.weights.length);
    return { ...now, kernels: now.kernels.slice(0, count), weights: now.weights.slice(0, count),
      filter: Math.min(now.filter, count - 1), kernel_size: now.weights[0].length };
  }

  function set(values) {
    complaint = "";
    state.set(values);
  }

  function weightsFor(names, size, old) {
    return names.map((name, k) => presets.get(name)?.[size - 1] ?? resized(old[k], size));
  }

  function setKernel(name) {
    const { kernels, weights, filter, kernel_size } = read();
    const names = kernels.with(filter, name);
    set({ kernels: names, weights: weightsFor(names, kernel_size, weights) });
  }

  function setFilters(count) {
    const { kernels, weights, filter, kernel_size } = read();
    const free = [...presets.keys()].filter((name) => !kernels.includes(name));
    const more = ["horizontal edges", "blur", "emboss", "sharpen", ...free].filter((name) => free.includes(name));
    const names = [...kernels, ...more].slice(0, count);
    set({ kernels: names, weights: weightsFor(names, kernel_size, weights), filter: Math.min(filter, count - 1) });
  }

  function setSize(size) {
    const { kernels, weights } = read();
    set({ kernel_size: size, weights: weightsFor(kernels, size, weights) });
  }

  function setStrides(strides) {
    const { strides: old, position } = read();
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
    const { kernels, weights, filter } = read();
    if (value !== weights[filter][i][j]) {
      const changed = weights[filter].with(i, weights[filter][i].with(j, value));
      set({ kernels: kernels.with(filter, "own"), weights: weights.with(filter, changed) });
    } else set({});
  }

  function mapsOf({ image, weights, strides, padding }, vertical, horizontal) {
    const key = [image, strides, padding, ...weights];
    if (key.length !== memo.key?.length || key.some((part, i) => part !== memo.key[i])) {
      memo = { key, maps: weights.map((one) => convolve(image, one, strides, vertical, horizontal)) };
    }
    return memo.maps;
  }

  function draw() {
    const now = read();
    const place = view.place();
    const maps = place.legal ? mapsOf(now, place.vertical, place.horizontal) : [];
    drawControls(now);
    view.draw(place, maps[now.filter], place.legal && coloring(now.weights[now.filter], maps[now.filter]));
    drawProducts(now, place);
    drawThumbs(now, maps);
    drawCaptions(now, place);
    drawFormula(now, place);
    drawn();
  }

  function drawControls({ kernels, filter, kernel_size, strides, padding }) {
    kernel.value = kernels[filter];
    K.show(kernels.length);
    F.show(kernel_size);
    S.show(strides);
    P.show(padding);
    P.input.disabled = same.checked = padding === "same";
  }

  function drawCaptions({ kernels, filter, padding }, { vertical, horizontal, legal }) {
    const padded = padding === "same" ? ' + padding "same"' : ` + padding ${padding}`;
    write(view.captions[0], `Input ${vertical.size} × ${horizontal.size} × 1`, padding ? padded : "");
    write(view.captions[1], kernels.length > 1 ? `Filter ${filter + 1}: ` : "",
      ["input", "pixel"], " × ", ["kernel", "weight"], " = product");
    const shape = `Output ${vertical.output} × ${horizontal.output} × ${kernels.length}`;
    write(view.captions[2], legal ? shape : "No output");
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
    grid.classList.toggle("cv-dense", size > 5);
    grid.replaceChildren(...cells.map(({ node }) => node));
  }

  function drawProducts({ weights, filter }, { image, F: size, S: strides, vertical, horizontal, row, column, legal }) {
    if (cells.length !== size * size) makeCells(size);
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
  }

  // Weights that add up to 1 keep the brightness: their output is a photograph. Others have a sign.
  function coloring(kernel, map) {
    const total = kernel.flat().reduce((all, one) => all + one, 0);
    const limit = Math.max(...map.flat().map(Math.abs)) || 1;
    return Math.abs(total - 1) < 1e-9 ? grey : (value, alpha) => signed(value, limit, alpha);
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

  function drawFormula({ kernel_size: F, strides: S, padding: P, kernels }, { vertical, horizontal, legal }) {
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

  return view.live(draw, state.close, close);
}

export default { render };
