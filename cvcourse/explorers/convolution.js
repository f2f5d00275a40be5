const MARGIN = 3; // room for the largest padding, so that the photograph never moves

function render({ model, el }) {
  const presets = new Map(model.get("presets"));
  const products = element("div", { class: "cv-products", role: "group", "aria-label": "Window × weights = products" });
  const sum = element("div", { class: "cv-sum" });
  const thumbs = element("div", { class: "cv-thumbs", role: "group", "aria-label": "Output maps: choose a filter" });
  let complaint = "";
  let cells = [];
  let memo = {};

  const { get, set: change, control: { kernel_size: F, strides: S }, page, redraw, formula } = begin(model,
    ["image", "kernels", "weights", "filter", "padding", "position"], { kernel_size: setSize, strides: (strides) => set(withStride(strides, read())) });
  const own = (declared, options, act) => controlOf({ role: "output", ...declared }, options, act);
  const kernel = own({ kind: "select", word: "Kernel" }, [...presets.keys(), "own"], setKernel);
  kernel.input.lastChild.disabled = true; // one's own begins with a weight that is changed
  const K = own({ kind: "slider", word: "Filters", letter: "K", low: 1, high: 4 }, null, setFilters);
  const P = own({ kind: "slider", word: "Padding", letter: "P", role: "statistics", low: 0, high: 3 }, null, (padding) => set({ padding }));
  const same = element("input", { type: "checkbox" });
  same.addEventListener("change", () => set({ padding: same.checked ? "same" : 0 }));
  const view = slidingWindow({
    margin: MARGIN,
    middle: [products, sum],
    numbers: products,
    below: thumbs,
    look() {
      const { image, kernel_size, strides, padding, position } = read();
      return { image: rowsOf(image), F: kernel_size, S: strides, padding, position };
    },
    move: (position) => set({ position }),
    redraw,
  });

  // Python may change F and K one message before the weights follow: what counts is what is there.
  function read() {
    const now = get();
    const count = Math.min(now.kernels.length, now.weights.length);
    return { ...now, kernels: now.kernels.slice(0, count), weights: now.weights.slice(0, count),
      filter: Math.min(now.filter, count - 1), kernel_size: now.weights[0].length };
  }

  function set(values) {
    complaint = "";
    change(values);
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

  function setWeight(i, j, field) {
    const value = weightOf(field.value);
    if (value === null) {
      complaint = `“${field.value}” is not a number. Write a weight as −1, 0.5 or 1/9.`;
      field.setAttribute("aria-invalid", "true");
      redraw();
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
      memo = { key, maps: weights.map((one) => convolve(rowsOf(image), one, strides, vertical, horizontal)) };
    }
    return memo.maps;
  }

  function drawControls({ kernels, filter, kernel_size, padding }) {
    kernel.show(kernels[filter]);
    K.show(kernels.length);
    F.show(kernel_size);
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
    products.style.setProperty("--cv-f", size);
    products.classList.toggle("cv-dense", size > 5);
    products.replaceChildren(...cells.map(({ node }) => node));
  }

  function drawProducts({ weights, filter }, { image, F: size, S: strides, vertical, horizontal, row, column, legal }) {
    if (cells.length !== size * size) makeCells(size);
    const digits = size > 5 ? 1 : 2;
    const pixels = cells.map((_, at) => image[row * strides + Math.floor(at / size) - vertical.before]
      ?.[column * strides + at % size - horizontal.before]);
    const factors = weights[filter].flat();
    const all = factors.map((factor, at) => factor * (pixels[at] ?? 0));
    const limit = Math.max(...all.map(Math.abs)) || 1;
    cells.forEach(({ node, pixel, weight, product }, at) => {
      pixel.textContent = legal ? number(pixels[at] ?? 0) : "";
      pixel.classList.toggle("cv-statistics", legal && pixels[at] === undefined); // padding
      if (!complaint || weight.getAttribute("aria-invalid") !== "true") {
        weight.value = weightText(factors[at]);
        weight.removeAttribute("aria-invalid");
      }
      product.textContent = legal ? number(all[at], Math.abs(all[at]) < 10 ? 2 : digits) : "";
      const [ink, strength] = [all[at] < 0 ? "178 24 43" : "33 102 172", Math.abs(all[at]) / limit];
      node.style.setProperty("--cv-tint", legal ? `rgb(${ink} / ${(0.35 * strength).toFixed(3)})` : "transparent");
    });
    const total = all.reduce((so, one) => so + one, 0);
    sum.dataset.sum = legal ? total : "";
    write(sum, ...(legal ? [`sum of ${all.length} products = `, ["selected", number(total)]] : ["no output"]));
  }

  // Weights that add up to 1 keep the brightness: their output is a photograph. Others have a sign.
  function coloring(kernel, map) {
    const total = kernel.flat().reduce((all, one) => all + one, 0);
    const limit = Math.max(...map.flat().map(Math.abs)) || 1;
    return Math.abs(total - 1) < 1e-9 ? grey : (value, alpha = 255) => [...rdbu(0.5 + value / limit / 2), alpha];
  }

  function drawThumbs({ kernels, weights, filter }, maps) {
    if (thumbs.childElementCount !== kernels.length) {
      thumbs.replaceChildren(...kernels.map((_, k) => button(element("canvas"), () => set({ filter: k }), "", { class: "cv-thumb" })));
    }
    thumbs.classList.toggle("cv-one", kernels.length < 2);
    [...thumbs.children].forEach((thumb, k) => {
      thumb.setAttribute("aria-pressed", String(k === filter));
      thumb.setAttribute("aria-label", `Filter ${k + 1}: ${kernels[k]}`);
      thumb.title = `Filter ${k + 1}: ${kernels[k]}`;
      const map = maps[k];
      const canvas = thumb.firstChild;
      if (canvas.shown === map) return;
      canvas.shown = map;
      const [color, flat] = map ? [coloring(weights[k], map), map.flat()] : [() => [0, 0, 0, 0], [0]];
      pixels(map?.length ?? 1, map?.[0].length ?? 1, (pixel) => color(flat[pixel]), canvas);
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
    const height = vertical.size === horizontal.size ? [high[1], " = ", ["output", vertical.output || "?"]] : line(high, vertical);
    lines(formula, line(wide, horizontal), [...height, "        ", depth[1], " = K = ", ["output", kernels.length], "        weights F·F·D·K = ",
      `${F}·${F}·1·${kernels.length} = `, ["kernel", weights]]);
  }

  return page({
    el,
    controls: [kernel, K, F, S, P, labelled("same", same), view.play],
    stage: [view.stage, formula],
  }, () => {
    const now = read();
    const place = view.place();
    const maps = place.legal ? mapsOf(now, place.vertical, place.horizontal) : [];
    drawControls(now);
    view.draw(place, maps[now.filter], place.legal && coloring(now.weights[now.filter], maps[now.filter]));
    drawProducts(now, place);
    drawThumbs(now, maps);
    drawCaptions(now, place);
    drawFormula(now, place);
  }, view.play.stop);
}
