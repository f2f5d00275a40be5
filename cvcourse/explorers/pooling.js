// Pooling: draws the state of cvcourse.explorers.Pooling and follows pointer and keys.
// Python computes the same numbers in pooling.py; a browser test compares the two.

const STATE = ["image", "pool", "pool_size", "strides", "shift", "position"];
const WAYS = { stride: "stride only", average: "average", max: "max" };

const mean = (values) => values.reduce((all, one) => all + one, 0) / values.length;

const shifted = (image, shift) => image.map((line) => line.map((_, at) => line[Math.max(0, at - shift)]));

function pooled(image, way, { F, S, vertical, horizontal }) {
  return Array.from({ length: vertical.output }, (_, row) => Array.from({ length: horizontal.output }, (_, column) => {
    if (way === "stride") return image[row * S][column * S];
    let [sum, largest] = [0, -Infinity];
    for (let i = 0; i < F; i++) for (let j = 0; j < F; j++) {
      const value = image[row * S + i][column * S + j];
      sum += value;
      largest = Math.max(largest, value);
    }
    return way === "max" ? largest : sum / (F * F);
  }));
}

// Mean change over mean distance from the mean: the change as a part of the picture's own contrast.
function moved(before, after) {
  const [one, other] = [before.flat(), after.flat()];
  const middle = mean(one);
  const contrast = mean(one.map((value) => Math.abs(value - middle)));
  return contrast ? mean(one.map((value, at) => Math.abs(value - other[at]))) / contrast : 0;
}

function bar(label) {
  const fill = element("span", { class: "cv-fill" });
  const value = element("output", { class: "cv-value" });
  const node = element("div", { class: "cv-bar" }, element("span", {}, label), element("span", {}, fill), value);
  return {
    node,
    show(part, color) {
      fill.style.width = `${Math.min(100, 60 * (part || 0))}%`;
      fill.style.background = `var(--cv-${color})`;
      value.textContent = Number.isFinite(part) ? `${Math.round(100 * part)} %` : "–";
    },
  };
}

function render({ model, el }) {
  const grid = element("div", { class: "cv-products cv-values", role: "group", "aria-label": "Values in the window" });
  const sum = element("div", { class: "cv-sum" });
  const formula = element("div", { class: "cv-formula" });
  const title = element("div", { class: "cv-caption" });
  const bars = { input: bar("input") };
  for (const [way, label] of Object.entries(WAYS)) bars[way] = bar(label);
  const below = element("p", { class: "cv-hint" });
  let memo = [];

  // Controls, each of which changes the state.
  const pool = element("select", { "aria-label": "Pooling" },
    ...["max", "average"].map((name) => element("option", { value: name }, name)));
  pool.addEventListener("change", () => set({ pool: pool.value }));
  const F = slider({ word: "Size", letter: "F", role: "kernel", min: 1, max: 5, change: (F) => set({ pool_size: F }) });
  const S = slider({ word: "Stride", letter: "S", role: "selected", min: 0, max: 5, change: setStrides });
  const shift = slider({ word: "Shift of the", letter: "input", role: "input", min: 0, max: 4,
    change: (pixels) => set({ shift: pixels }) });

  const view = slidingWindow({
    margin: 0.5,
    middle: [grid, sum, title, ...Object.values(bars).map(({ node }) => node)],
    numbers: grid,
    below,
    look() {
      const { pool_size, strides, position } = state.get();
      return { image: picture().after, F: pool_size, S: strides, padding: 0, position };
    },
    move: (position) => set({ position }),
    redraw: () => draw(),
  });
  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Pooling"), pool),
      F.node, S.node, shift.node, view.play),
    view.stage, formula);
  const state = stateOf(model, STATE, draw);
  const set = (values) => state.set(values);

  function setStrides(strides) {
    const { strides: old, position } = state.get();
    // The window stays near the pixels that it is on.
    set({ strides, position: strides && old ? position.map((at) => Math.round(at * old / strides)) : position });
  }

  // The input before and after the shift, made anew only when one of them has changed.
  function picture() {
    const { image, shift } = state.get();
    if (memo[0] !== image || memo[1] !== shift) memo = [image, shift, shifted(image, shift)];
    return { before: image, after: memo[2] };
  }

  function draw() {
    const now = state.get();
    const place = view.place();
    pool.value = now.pool;
    F.show(now.pool_size);
    S.show(now.strides);
    shift.show(now.shift);
    view.draw(place, place.legal && pooled(place.image, now.pool, place), grey);
    drawValues(now, place);
    drawBars(now, place);
    drawCaptions(now, place);
    drawFormula(place);
    drawn();
  }

  function drawValues({ pool }, { image, F, S, row, column, legal }) {
    const values = Array.from({ length: F * F }, (_, at) => image[row * S + Math.floor(at / F)]?.[column * S + at % F]);
    const result = legal ? (pool === "max" ? Math.max(...values) : mean(values)) : NaN;
    grid.style.setProperty("--cv-f", F);
    if (grid.childElementCount !== F * F) grid.replaceChildren(...values.map(() => element("div")));
    values.forEach((value, at) => {
      const cell = grid.children[at];
      cell.textContent = legal ? number(value) : "";
      cell.style.background = legal ? `rgb(${grey(value).slice(0, 3).join(" ")})` : "";
      cell.style.color = value > 0.46 ? "#111" : "#fff";
      cell.classList.toggle("cv-chosen", legal && pool === "max" && value === result);
    });
    sum.dataset.sum = legal ? result : "";
    const many = F > 1 ? `${F * F} values` : "1 value";
    write(sum, ...(legal ? [`${pool} of ${many} = `, ["selected", number(result)]] : ["no output"]));
  }

  function drawBars({ pool, shift }, place) {
    const { before, after } = picture();
    title.textContent = `A shift of ${shift} px changes, in % of contrast:`;
    bars.input.show(moved(before, after), "input");
    for (const way of Object.keys(WAYS)) {
      const change = place.legal ? moved(pooled(before, way, place), pooled(after, way, place)) : NaN;
      bars[way].show(change, way === pool ? "output" : "reference");
    }
  }

  function drawCaptions({ shift }, { vertical, horizontal, legal, F }) {
    write(view.captions[0], `Input ${vertical.size} × ${horizontal.size} × 1`, shift ? `, shifted by ${shift}` : "");
    write(view.captions[1], `Window ${F} × ${F}`);
    write(view.captions[2], legal ? `Output ${vertical.output} × ${horizontal.output} × 1` : "No output");
    const [many, few] = [vertical.size * horizontal.size, vertical.output * horizontal.output];
    below.textContent = legal ? `${many} values become ${few}: ${(100 * few / many).toFixed(1)} %` : "";
  }

  function drawFormula({ F, S, vertical, horizontal, legal }) {
    formula.className = legal ? "cv-formula" : "cv-error";
    const line = (letter, name, { size, output }) => [name, ` = ⌊(${letter} − F) / S⌋ + 1 = ⌊(`, ["input", size], " − ",
      ["kernel", F], ") / ", ["selected", S], "⌋ + 1 = ", ["output", output || "?"]];
    const [wide, high, depth] = ["W", "H", "D"].map((letter) => element("span", {}, letter, element("sub", {}, "p")));
    const [first, second] = [element("div"), element("div")];
    write(first, ...line("W", wide, horizontal));
    const square = vertical.size === horizontal.size;
    write(second, ...(square ? [high, " = ", ["output", vertical.output || "?"]] : line("H", high, vertical)),
      "        ", depth, " = D = ", ["output", 1], "        weights to learn: ", ["kernel", 0]);
    formula.replaceChildren(first, second);
  }

  return view.live(draw, state.close, close);
}

export default { render };
