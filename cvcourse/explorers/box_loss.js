// BoxLoss: draws the state of cvcourse.explorers.BoxLoss and follows pointer and keys.
// The formulas are those of boxes.py and box_loss.py; a browser test compares the two.

const STATE = ["image", "true_box", "box"];
const PIXELS = 20; // smooth L1 is drawn in units of so many pixels, beside losses that reach 2
const LOSSES = {
  iou: { name: "1 − IoU", role: "output", of: (one, other) => 1 - overlaps(one, other).iou, rate: 25 },
  giou: { name: "1 − GIoU", role: "statistics", of: (one, other) => 1 - overlaps(one, other).giou, rate: 25 },
  l1: { name: "smooth L1", role: "kernel", of: (one, other) => smoothL1(one, other), rate: 4 },
};

const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

function overlaps(one, other) {
  const pick = (low, high) => one.map((value, at) => (at < 2 ? low : high)(value, other[at]));
  const overlap = area(pick(Math.max, Math.min));
  const union = area(one) + area(other) - overlap;
  const hull = area(pick(Math.min, Math.max));
  const iou = union ? overlap / union : 0;
  return { overlap, union, hull, iou, giou: iou - (hull ? (hull - union) / hull : 0) };
}

function smoothL1(one, other) {
  const parts = one.map((value, at) => Math.abs(value - other[at])).map((d) => (d < 1 ? d * d / 2 : d - 0.5));
  return parts.reduce((all, part) => all + part, 0) / parts.length;
}

// The slope of a loss along each of the four coordinates, from small steps.
function slope(loss, box, truth, step = 0.01) {
  return box.map((_, at) => {
    const moved = (by) => loss(box.map((value, k) => value + (k === at ? by : 0)), truth);
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

function render({ model, el }) {
  const scene = board("Scene: drag the box or a corner; arrow keys move the box, with Shift its lower right corner");
  const roles = Object.fromEntries(Object.entries(LOSSES).map(([key, { role }]) => [key, role]));
  const chart = lossChart("The three losses while the box slides from left to right", roles,
    ["box at the left border", "at the right border"]);
  const meters = Object.fromEntries(Object.entries(LOSSES).map(([key, { name, role }]) => [key, meter(name, role)]));
  const formula = element("div", { class: "cv-formula" });
  let grip = null; // what the pointer holds: a function from a point to a box
  let timer = 0;
  let steps = 0;

  const starts = {
    "true box": ([x1, y1, x2, y2]) => [x1, y1, x2, y2],
    inside: ([x1, y1, x2, y2]) => [(3 * x1 + x2) / 4, (3 * y1 + y2) / 4, (x1 + 3 * x2) / 4, (y1 + 3 * y2) / 4],
    "far away": (truth) => {
      const [wide, high] = size();
      const side = Math.min(wide, high) / 5;
      const far = (middle, whole) => (middle > whole / 2 ? 1 : whole - side - 1);
      const [x, y] = [far((truth[0] + truth[2]) / 2, wide), far((truth[1] + truth[3]) / 2, high)];
      return [x, y, x + side, y + side];
    },
  };
  const buttons = Object.entries(starts).map(([name, make]) => {
    const button = element("button", { class: "cv-button", type: "button" }, name);
    button.addEventListener("click", () => { run(false); move(make(state.get().true_box)); });
    return button;
  });
  const chosen = element("select", { "aria-label": "Loss to descend" },
    ...Object.entries(LOSSES).map(([key, { name }]) => element("option", { value: key }, name)));
  const play = element("button", { class: "cv-button cv-play", type: "button" });
  play.addEventListener("click", () => run(!timer));

  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("span", { class: "cv-control" }, "Put the box: ", ...buttons),
      element("label", { class: "cv-control", style: "margin-left:auto" }, "Follow the slope of", chosen), play),
    element("div", { class: "cv-stage cv-half" },
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, element("b", { class: "cv-input" }, "true box"), " and ",
          element("b", { class: "cv-selected" }, "yours")),
        scene.canvas,
        element("p", { class: "cv-hint" }, "Drag the box or a corner. Arrow keys; with Shift: corner.")),
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, "Losses of this box"),
        ...Object.values(meters).map(({ node }) => node),
        element("figcaption", { class: "cv-caption cv-below" }, `If the box slides sideways (smooth L1 in steps of ${PIXELS} px)`),
        chart.root)),
    formula);
  const state = stateOf(model, STATE, draw);

  const size = () => [state.get().image[0].length, state.get().image.length];

  // Any four numbers as a box inside the image, at least a pixel wide and high.
  function move(box) {
    const [wide, high] = size();
    const tidy = (a, b, end) => {
      const low = Math.max(0, Math.min(a, b, end - 1));
      return [low, Math.min(end, Math.max(a, b, low + 1))];
    };
    const [x1, x2] = tidy(box[0], box[2], wide);
    const [y1, y2] = tidy(box[1], box[3], high);
    state.set({ box: [x1, y1, x2, y2] });
  }

  // The box moved as a whole; the border stops it.
  function shift(box, right, down) {
    const [wide, high] = size();
    const dx = Math.max(-box[0], Math.min(right, wide - box[2]));
    const dy = Math.max(-box[1], Math.min(down, high - box[3]));
    move([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]);
  }

  // A corner nearby is held against its opposite; else the box itself; outside, a new box begins.
  function hold(x, y) {
    const { box } = state.get();
    const near = 0.05 * Math.max(...size());
    const [atX, atY] = [[box[0], box[2]], [box[1], box[3]]];
    const i = Number(Math.abs(x - atX[1]) < Math.abs(x - atX[0]));
    const j = Number(Math.abs(y - atY[1]) < Math.abs(y - atY[0]));
    if (Math.hypot(x - atX[i], y - atY[j]) <= near) return (u, v) => move([atX[1 - i], atY[1 - j], u, v]);
    const within = x > box[0] && x < box[2] && y > box[1] && y < box[3];
    if (within) return (u, v) => shift(box, u - Math.round(x), v - Math.round(y));
    return (u, v) => move([Math.round(x), Math.round(y), u, v]);
  }

  scene.canvas.addEventListener("pointerdown", (event) => {
    run(false);
    scene.canvas.setPointerCapture(event.pointerId);
    scene.canvas.focus({ preventScroll: true });
    grip = hold(...scene.at(event));
    event.preventDefault();
  });
  scene.canvas.addEventListener("pointermove", (event) => {
    if (grip && scene.canvas.hasPointerCapture(event.pointerId)) grip(...scene.at(event).map(Math.round));
  });
  scene.canvas.addEventListener("pointerup", () => { grip = null; });
  scene.canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (!(event.key in steps)) return;
    event.preventDefault();
    run(false);
    const { box } = state.get();
    const [right, down] = steps[event.key];
    if (!event.shiftKey) shift(box, right, down);
    else move([box[0], box[1], Math.max(box[0] + 1, box[2] + right), Math.max(box[1] + 1, box[3] + down)]);
  });

  // Gradient descent, twenty-five steps a second, ever smaller, until nothing moves any more.
  function run(start) {
    if (Boolean(timer) === start) return;
    clearInterval(timer);
    timer = start ? setInterval(descend, 40) : 0;
    steps = 0;
    draw();
  }

  function descend() {
    const { box, true_box: truth } = state.get();
    const { of, rate } = LOSSES[chosen.value];
    const next = box.map((value, at) => value - rate / (1 + steps / 100) * slope(of, box, truth)[at]);
    const change = Math.max(...next.map((value, at) => Math.abs(value - box[at])));
    steps += 1;
    if (!root.isConnected || steps > 400 || change < 0.002 || of(box, truth) < 0.01) run(false);
    else move(next);
  }

  function draw() {
    const { image, true_box: truth, box } = state.get();
    const [wide, high] = size();
    const extent = Math.max(wide, high);
    scene.clear([(wide - extent) / 2, (high - extent) / 2], extent);
    scene.paint(image, 0, 0, 1, (pixel) => [...pixel, 255]);
    const rectangle = ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1];
    const both = [0, 1, 2, 3].map((at) => (at < 2 ? Math.max : Math.min)(truth[at], box[at]));
    if (area(both)) scene.fill(...rectangle(both), "rgba(0, 158, 115, 0.4)");
    const hull = [0, 1, 2, 3].map((at) => (at < 2 ? Math.min : Math.max)(truth[at], box[at]));
    scene.frame(...rectangle(hull), scene.ink("--cv-statistics"), 2, [6, 5]);
    for (const [one, role] of [[truth, "input"], [box, "selected"]]) {
      scene.frame(...rectangle(one), "#fff", 5);
      scene.frame(...rectangle(one), scene.ink(`--cv-${role}`), 3);
    }
    const grips = extent / 48;
    for (const x of [box[0], box[2]]) for (const y of [box[1], box[3]]) {
      scene.fill(x - grips, y - grips, 2 * grips, 2 * grips, "#fff");
      scene.frame(x - grips, y - grips, 2 * grips, 2 * grips, scene.ink("--cv-selected"), 2);
    }
    play.textContent = timer ? "❚❚ Stop" : "▶ Descend";
    for (const [key, { of }] of Object.entries(LOSSES)) {
      const value = of(box, truth);
      meters[key].show(value / (key === "l1" ? 2 * PIXELS : 2), number(value) + (key === "l1" ? " px" : ""), value);
    }
    const room = wide - (box[2] - box[0]);
    const slid = (place) => [place * room, box[1], place * room + box[2] - box[0], box[3]];
    chart.draw(room ? box[0] / room : 0, Object.fromEntries(Object.entries(LOSSES).map(([key, { of }]) => (
      [key, (place) => of(slid(place), truth) / (key === "l1" ? PIXELS : 1)]))));
    const { overlap, union, hull: around, iou, giou } = overlaps(box, truth);
    const [first, second] = [element("div"), element("div")];
    write(first, ["output", "IoU"], ` = overlap / union = ${Math.round(overlap)} / ${Math.round(union)} = `, ["output", number(iou)]);
    write(second, ["statistics", "GIoU"], " = IoU − (hull − union) / hull = ", ["output", number(iou)],
      ` − ${Math.round(around - union)} / ${Math.round(around)} = `, ["statistics", number(giou)]);
    formula.replaceChildren(first, second);
    drawn();
  }

  return live(scene.canvas, draw, () => clearInterval(timer), state.close, close);
}

export default { render };
