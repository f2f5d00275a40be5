// Mask: draws the state of cvcourse.explorers.Mask; the threshold is followed and counted here at once.
// The rules are those of mask.py; a browser test compares the two.

const STATE = ["images", "truth", "probabilities", "classes", "picture", "chosen", "threshold"];
const GREEN = [0, 158, 115];
const METERS = { iou: ["IoU", "statistics"], dice: ["Dice", "output"], pixels: ["pixels", "output"] };

// The mask at this threshold and the true one: two matrices of true and false.
function masksOf({ truth, probabilities, picture, chosen, threshold }) {
  return {
    found: probabilities[picture].map((line) => line.map((pixel) => pixel[chosen] / 255 >= threshold)),
    real: truth[picture].map((line) => line.map((label) => label === chosen)),
  };
}

function measures({ found, real }) {
  let [overlap, pixels, others, all] = [0, 0, 0, 0];
  found.forEach((line, row) => line.forEach((one, column) => {
    overlap += one && real[row][column] ? 1 : 0;
    pixels += one ? 1 : 0;
    others += real[row][column] ? 1 : 0;
    all += 1;
  }));
  const union = pixels + others - overlap;
  return { overlap, pixels, others, union, all,
    iou: union ? overlap / union : 1, dice: union ? 2 * overlap / (pixels + others) : 1 };
}

// The line between a mask and the rest, along the edges of the pixels; white beneath, to be seen on any ground.
function outline(on, mask, color) {
  const pen = on.context;
  const ratio = window.devicePixelRatio || 1;
  const there = (row, column) => Boolean(mask[row]?.[column]);
  pen.beginPath();
  mask.forEach((line, row) => line.forEach((one, column) => {
    if (!one) return;
    const [x, y, size] = on.place(column, row, 1, 1);
    const edge = (from, to) => {
      pen.moveTo(...from);
      pen.lineTo(...to);
    };
    if (!there(row - 1, column)) edge([x, y], [x + size, y]);
    if (!there(row + 1, column)) edge([x, y + size], [x + size, y + size]);
    if (!there(row, column - 1)) edge([x, y], [x, y + size]);
    if (!there(row, column + 1)) edge([x + size, y], [x + size, y + size]);
  }));
  pen.setLineDash([]);
  pen.lineCap = "square";
  for (const [ink, wide] of [["#fff", 4], [color, 2]]) {
    pen.strokeStyle = ink;
    pen.lineWidth = wide * ratio;
    pen.stroke();
  }
}

// The colours from 0 to 1, with a mark at the threshold.
function scaleOf(colours) {
  const root = svg("svg", { viewBox: "0 0 286 30", width: "100%", class: "cv-scale", "aria-hidden": "true" });
  const [left, wide] = [12, 262];
  colours.forEach(([red, green, blue], at) => {
    root.append(svg("rect", { x: left + wide * at / 256, y: 4, width: wide / 256 + 0.5, height: 9, fill: `rgb(${red},${green},${blue})` }));
  });
  for (const tick of [0, 0.5, 1]) {
    const words = svg("text", { x: left + wide * tick, y: 28, "font-size": 13, fill: "var(--cv-muted)", "text-anchor": "middle" });
    words.textContent = String(tick);
    root.append(words);
  }
  const mark = root.appendChild(svg("rect", { y: 0, width: 5, height: 17, fill: "var(--cv-selected)", stroke: "#fff" }));
  return { root, show: (threshold) => mark.setAttribute("x", left + wide * threshold - 2.5) };
}

function render({ model, el }) {
  const scene = board("Picture with the mask found at this threshold and the true boundary");
  const map = board("Map of the probability of the chosen class, with a line at the threshold");
  for (const { canvas } of [scene, map]) {
    canvas.removeAttribute("tabindex"); // nothing to do on it
    canvas.classList.add("cv-still");
  }
  const scale = scaleOf(model.get("colours"));
  const meters = Object.fromEntries(Object.entries(METERS).map(([key, [name, role]]) => [key, meter(name, role)]));
  const [legend, caption] = [1, 2].map(() => element("figcaption", { class: "cv-caption" }));
  const formula = element("div", { class: "cv-formula" });

  const thumbs = model.get("images").map((image, at) => {
    const canvas = element("canvas", { width: image[0].length, height: image.length });
    const data = new ImageData(image[0].length, image.length);
    image.flat().forEach((pixel, place) => data.data.set([...pixel, 255], 4 * place));
    canvas.getContext("2d").putImageData(data, 0, 0);
    const button = element("button", { class: "cv-thumb", type: "button", "aria-label": `Picture ${at + 1}` }, canvas);
    button.addEventListener("click", () => state.set({ picture: at }));
    return button;
  });
  const options = model.get("classes").map((name, k) => element("option", { value: k }, name)).slice(1);
  const kind = element("select", { "aria-label": "Class" }, ...options);
  kind.addEventListener("change", () => state.set({ chosen: Number(kind.value) }));
  const bar = slider({ word: "Threshold", letter: "t", role: "selected", min: 5, max: 95,
    change: (percent) => state.set({ threshold: percent / 100 }) });
  const level = bar.node.querySelector("output");
  bar.input.step = 5;

  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("span", { class: "cv-control", role: "group", "aria-label": "Picture" }, element("span", {}, "Picture"), ...thumbs),
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Class"), kind),
      bar.node),
    element("div", { class: "cv-masks" },
      element("figure", { class: "cv-panel" }, legend, scene.canvas),
      element("figure", { class: "cv-panel" }, caption, map.canvas, scale.root),
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, "Found against true"),
        ...Object.values(meters).map(({ node }) => node))),
    formula);
  const state = stateOf(model, STATE, draw);

  function draw() {
    const now = state.get();
    const { images, probabilities, classes, picture, chosen, threshold } = now;
    const image = images[picture];
    const colours = model.get("colours");
    const masks = masksOf(now);
    const got = measures(masks);
    const [high, wide] = [image.length, image[0].length];
    const extent = Math.max(high, wide);
    const corner = [(wide - extent) / 2, (high - extent) / 2];
    thumbs.forEach((button, at) => button.setAttribute("aria-pressed", String(at === picture)));
    kind.value = chosen;
    bar.input.value = Math.round(100 * threshold);
    bar.input.setAttribute("aria-valuetext", number(threshold));
    level.textContent = number(threshold);
    scale.show(threshold);

    scene.clear(corner, extent);
    scene.paint(image, 0, 0, 1, (pixel, row, column) => {
      const part = masks.found[row][column] ? 0.6 : 0;
      return [...pixel.map((value, at) => (1 - part) * value + part * GREEN[at]), 255];
    });
    outline(scene, masks.real, scene.ink("--cv-input"));
    map.clear(corner, extent);
    map.paint(probabilities[picture], 0, 0, 1, (pixel) => [...colours[pixel[chosen]], 255]);
    outline(map, masks.found, map.ink("--cv-selected"));

    write(legend, ["output", `called ${classes[chosen]}`], ", ", ["input", "true boundary"]);
    write(caption, `Probability of ${classes[chosen]}, `, ["selected", `line at ${number(threshold)}`]);
    meters.iou.show(got.iou, number(got.iou), got.iou);
    meters.dice.show(got.dice, number(got.dice), got.dice);
    meters.pixels.show(got.pixels / got.all, String(got.pixels), got.pixels);
    drawFormula(got);
    drawn();
  }

  function drawFormula({ overlap, pixels, others, union, iou, dice }) {
    const [first, second] = [element("div"), element("div")];
    const equals = union ? " = " : ", counted as ";
    write(first, ["statistics", "IoU"], " = |found ∩ true| / |found ∪ true| = ",
      `${overlap} / ${union}${equals}`, ["statistics", number(iou)]);
    write(second, ["output", "Dice"], " = 2 · |found ∩ true| / (|found| + |true|) = ",
      `2 · ${overlap} / (${pixels} + ${others})${equals}`, ["output", number(dice)]);
    formula.replaceChildren(first, second);
  }

  return live(scene.canvas, draw, state.close, close);
}

export default { render };
