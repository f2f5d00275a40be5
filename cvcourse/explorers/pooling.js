const WAYS = { stride: "stride only", average: "average", max: "max" };

function render({ model, el }) {
  const values = element("div", { class: "cv-products cv-values", role: "group", "aria-label": "Values in the window" });
  const sum = element("div", { class: "cv-sum" });
  const title = element("div", { class: "cv-caption" });
  const bars = named({ input: "input", ...WAYS }, (label) => bar(element("span", {}, label)));
  const below = element("p", { class: "cv-hint" });
  let memo = [];

  const { get, set, control: { pool, pool_size: F, strides: S, shift }, page, redraw, formula } = begin(model, ["image", "position"],
    { strides: (strides) => set(withStride(strides, get())) });
  const view = slidingWindow({
    margin: 0.5,
    middle: [values, sum, title, ...Object.values(bars).map(({ node }) => node)],
    numbers: values,
    below,
    look() {
      const { pool_size, strides, position } = get();
      return { image: picture().after, F: pool_size, S: strides, padding: 0, position };
    },
    move: (position) => set({ position }),
    redraw,
  });

  // The input before and after the shift, made anew only when one of them has changed.
  function picture() {
    const { image, shift } = get();
    if (memo[0] !== image || memo[1] !== shift) memo = [image, shift, shifted(rowsOf(image), shift)];
    return { before: rowsOf(image), after: memo[2] };
  }

  function drawValues({ pool }, { image, F, S, row, column, legal }) {
    const numbers = Array.from({ length: F * F }, (_, at) => image[row * S + Math.floor(at / F)]?.[column * S + at % F]);
    const result = legal ? (pool === "max" ? Math.max(...numbers) : mean(numbers)) : NaN;
    values.style.setProperty("--cv-f", F);
    if (values.childElementCount !== F * F) values.replaceChildren(...numbers.map(() => element("div")));
    numbers.forEach((value, at) => {
      const cell = values.children[at];
      cell.textContent = legal ? number(value) : "";
      cell.style.background = legal ? `rgb(${grey(value).slice(0, 3)})` : "";
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
    const show = (name, part, color) => (
      bars[name].show(0.6 * (part || 0), Number.isFinite(part) ? `${Math.round(100 * part)} %` : "–", part, color));
    show("input", moved(before, after), "input");
    for (const way of Object.keys(WAYS)) {
      const change = place.legal ? moved(...[before, after].map((image) => pooled(image, way, place.F, place.S))) : NaN;
      show(way, change, way === pool ? "output" : "reference");
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
    const square = vertical.size === horizontal.size;
    lines(formula, line("W", wide, horizontal), [
      ...(square ? [high, " = ", ["output", vertical.output || "?"]] : line("H", high, vertical)),
      "        ", depth, " = D = ", ["output", 1], "        weights to learn: ", ["kernel", 0]]);
  }

  return page({ el, controls: [pool, F, S, shift, view.play], stage: [view.stage, formula] }, (now) => {
    const place = view.place();
    view.draw(place, place.legal && pooled(place.image, now.pool, place.F, place.S), grey);
    drawValues(now, place);
    drawBars(now, place);
    drawCaptions(now, place);
    drawFormula(place);
  }, view.play.stop);
}
