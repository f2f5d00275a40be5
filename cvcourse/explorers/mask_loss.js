// MaskLoss: draws the state of cvcourse.explorers.MaskLoss and follows pointer and keys.
// The formulas are those of mask_loss.py; a browser test compares the two.

const STATE = ["image", "truth", "mask", "scene", "sure", "brush"];
// Colour and opacity of what is found, missed, falsely painted.
const PAINT = { 3: [[0, 158, 115], 0.6], 2: [[0, 114, 178], 0.4], 1: [[213, 94, 0], 0.6] };
const KINDS = { near: "near", far: "far away", yours: "yours" };

// How many pixels are found, missed, falsely painted, and rightly left out.
function count(mask, truth) {
  const counts = [0, 0, 0, 0];
  truth.forEach((line, row) => line.forEach((one, column) => { counts[2 * one + mask[row][column]] += 1; }));
  const [rest, alarms, missed, found] = counts;
  return { rest, alarms, missed, found, all: rest + alarms + missed + found };
}

function measures({ rest, alarms, missed, found, all }, sure) {
  const right = (rest + found) / all;
  const union = found + alarms + missed;
  const on = sure * (found + alarms) + (1 - sure) * (rest + missed);
  return {
    cross_entropy: -right * Math.log(sure) - (1 - right) * Math.log(1 - sure),
    dice_loss: 1 - 2 * (sure * found + (1 - sure) * missed) / (on + found + missed),
    iou_loss: union ? 1 - found / union : 0,
    accuracy: right,
  };
}

const METERS = {
  cross_entropy: ["cross-entropy", "kernel"],
  dice_loss: ["Dice loss", "output"],
  iou_loss: ["1 − IoU", "statistics"],
  accuracy: ["accuracy", "reference"],
};

const filled = (truth, value) => truth.map((line) => line.map(() => value));

// The mask one pixel wider on all sides.
const wider = (mask) => mask.map((line, row) => line.map((_, column) => (
  [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]].some(([i, j]) => mask[row + i]?.[column + j]) ? 1 : 0)));

function render({ model, el }) {
  const scene = board("Scene: paint with the mouse; arrow keys move the cursor, space paints or clears, Shift with arrows paints along");
  const meters = Object.fromEntries(Object.entries(METERS).map(([key, [name, role]]) => [key, meter(name, role)]));
  const roles = Object.fromEntries(Object.entries(METERS).slice(0, 3).map(([key, [, role]]) => [key, role]));
  const chart = lossChart("The losses if the network were more or less sure", roles, ["50 % sure", "99 % sure"]);
  const formula = element("div", { class: "cv-formula" });
  const legend = element("div", { class: "cv-caption" });
  let cursor = [16, 24];
  let ink = null; // 1 while painting, 0 while clearing
  let last = null; // pixel under the pointer before this one
  let focused = false;

  const starts = {
    nothing: (truth) => filled(truth, 0),
    everything: (truth) => filled(truth, 1),
    "the truth": (truth) => truth,
    "1 px wider": wider,
  };
  const buttons = Object.entries(starts).map(([name, make]) => {
    const button = element("button", { class: "cv-button", type: "button" }, name);
    button.addEventListener("click", () => state.set({ mask: make(state.get().truth) }));
    return button;
  });
  const kinds = model.get("scenes").map(([name]) => element("option", { value: name }, KINDS[name]));
  const kind = element("select", { "aria-label": "Scene" }, ...kinds);
  kind.addEventListener("change", () => {
    const [name, image, truth] = model.get("scenes").find(([one]) => one === kind.value);
    state.set({ scene: name, image, truth, mask: filled(truth, 0) });
  });
  const brush = slider({ word: "Brush", letter: "px", role: "selected", min: 1, max: 9, change: (brush) => state.set({ brush }) });
  const sure = slider({ word: "Sure, in", letter: "%", role: "kernel", min: 50, max: 99,
    change: (percent) => state.set({ sure: percent / 100 }) });

  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Scene"), kind),
      brush.node, sure.node,
      element("span", { class: "cv-control", style: "margin-left:auto" }, ...buttons)),
    element("div", { class: "cv-stage cv-half" },
      element("figure", { class: "cv-panel" }, legend, scene.canvas),
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, "What the losses say"),
        ...Object.values(meters).map(({ node }) => node),
        element("figcaption", { class: "cv-caption cv-below" }, "The same mask, from a network more or less sure"),
        chart.root)),
    formula);
  const state = stateOf(model, STATE, draw);

  // Paint or clear squares of the brush along the way from one pixel to the next.
  function stroke([row, column], [toRow, toColumn]) {
    const { mask, brush } = state.get();
    const painted = mask.map((line) => [...line]);
    const steps = Math.max(1, Math.abs(toRow - row), Math.abs(toColumn - column));
    for (let step = 0; step <= steps; step++) {
      const at = [row + (toRow - row) * step / steps, column + (toColumn - column) * step / steps];
      const [top, left] = at.map((value) => Math.round(value) - Math.floor(brush / 2));
      for (let i = Math.max(0, top); i < Math.min(mask.length, top + brush); i++) {
        for (let j = Math.max(0, left); j < Math.min(mask[0].length, left + brush); j++) painted[i][j] = ink;
      }
    }
    state.set({ mask: painted });
  }

  function inside([row, column]) {
    const { truth } = state.get();
    return [Math.max(0, Math.min(truth.length - 1, row)), Math.max(0, Math.min(truth[0].length - 1, column))];
  }

  const under = (event) => inside(scene.at(event).map(Math.floor).reverse());
  const opposite = ([row, column]) => 1 - state.get().mask[row][column];

  scene.canvas.addEventListener("pointerdown", (event) => {
    scene.canvas.setPointerCapture(event.pointerId);
    scene.canvas.focus({ preventScroll: true });
    cursor = last = under(event);
    ink = opposite(last); // the first pixel decides
    stroke(last, last);
    event.preventDefault();
  });
  scene.canvas.addEventListener("pointermove", (event) => {
    if (!last || !scene.canvas.hasPointerCapture(event.pointerId)) return;
    const next = under(event);
    if (next[0] === last[0] && next[1] === last[1]) return;
    cursor = next;
    stroke(last, next);
    last = next;
  });
  scene.canvas.addEventListener("pointerup", () => { last = null; });
  scene.canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    cursor = inside(cursor);
    if (event.key in steps) {
      const before = cursor;
      cursor = inside(cursor.map((at, axis) => at + steps[event.key][axis]));
      if (event.shiftKey) {
        ink = 1;
        stroke(before, cursor);
      } else draw();
    } else if (event.key === " ") {
      ink = opposite(cursor);
      stroke(cursor, cursor);
    } else return;
    event.preventDefault();
  });
  for (const event of ["focus", "blur"]) {
    scene.canvas.addEventListener(event, () => {
      focused = event === "focus";
      draw();
    });
  }

  function draw() {
    const now = state.get();
    const { image, truth, mask, sure: p } = now;
    const [high, wide] = [truth.length, truth[0].length];
    const extent = Math.max(high, wide);
    kind.value = now.scene;
    brush.show(now.brush);
    sure.show(Math.round(100 * p));
    scene.clear([(wide - extent) / 2, (high - extent) / 2], extent);
    scene.paint(image, 0, 0, 1, (pixel, row, column) => {
      const [paint, part] = PAINT[2 * truth[row][column] + mask[row][column]] || [pixel, 0];
      return [...pixel.map((value, at) => (1 - part) * value + part * paint[at]), 255];
    });
    if (focused) {
      const corner = inside(cursor).map((at) => at - Math.floor(now.brush / 2));
      scene.select(corner[1], corner[0], now.brush);
    }
    const counts = count(mask, truth);
    const got = measures(counts, p);
    for (const key of Object.keys(METERS)) {
      const words = key === "accuracy" ? `${(100 * got[key]).toFixed(1)} %` : number(got[key], 3);
      meters[key].show(got[key] / (key === "cross_entropy" ? 2 : 1), words, got[key]);
    }
    const at = (place) => measures(counts, 0.5 + 0.49 * place);
    chart.draw((p - 0.5) / 0.49, Object.fromEntries(Object.keys(roles).map((key) => [key, (place) => at(place)[key]])));
    const { found, missed, alarms, rest } = counts;
    write(legend, ["output", `found ${found}`], " · ", ["input", `missed ${missed}`], " · ",
      ["selected", `false alarms ${alarms}`]);
    drawFormula(counts, got, p);
    drawn();
  }

  function drawFormula({ found, missed, alarms, all, rest }, got, p) {
    const [first, second] = [element("div"), element("div")];
    const [yes, no] = [number(p), number(1 - p)];
    write(first, ["kernel", "cross-entropy"], ` = (${rest + found} · (−ln ${yes}) + ${alarms + missed} · (−ln ${no})) / ${all} = `,
      ["kernel", number(got.cross_entropy, 3)]);
    const both = number(p * found + (1 - p) * missed, 1);
    const on = number(p * (found + alarms) + (1 - p) * (rest + missed), 1);
    write(second, ["output", "Dice loss"], ` = 1 − 2 · ${both} / (${on} + ${found + missed}) = `, ["output", number(got.dice_loss, 3)],
      "        ", ["statistics", "IoU"], ` = ${found} / ${found + alarms + missed} = `, ["statistics", number(1 - got.iou_loss, 3)]);
    formula.replaceChildren(first, second);
  }

  return live(scene.canvas, draw, state.close, close);
}

export default { render };
