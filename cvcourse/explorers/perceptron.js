// Perceptron: draws the state of cvcourse.explorers.Perceptron and applies its rule.
// The rule is that of models/perceptron.py; a browser test compares the two.

const STATE = ["points", "weights", "history", "chosen"];
const PRESETS = { OR: [-1, 1, 1, 1], AND: [-1, -1, -1, 1], XOR: [-1, 1, 1, -1] };
const [LOW, HIGH, MOST_SHOWN] = [-0.5, 1.5, 200];
const RADIUS = 0.075; // of a point, in units of the plane

const sum = ([x, y], [w1, w2, b]) => w1 * x + w2 * y + b;
const mistaken = (point, weights) => point[2] * sum(point, weights) <= 0;

function render({ model, el }) {
  const plane = board("Plane: digits choose a point, arrow keys move it, the space bar changes its class");
  const counts = { shown: meter("points shown", "reference"), mistakes: meter("mistakes", "selected") };
  const log = element("canvas", { class: "cv-canvas", role: "img", "aria-label": "Points shown so far, the mistakes marked", style: "width: 100%; height: 118px" });
  const rule = element("div", { style: "min-height: 7.4em; white-space: pre-wrap; font-variant-numeric: tabular-nums" });
  const formula = element("div", { class: "cv-formula" });
  let last = null; // {point, number, wrong, before}: what the last step did
  let grip = null; // {at, moved}: the point that the pointer holds
  let timer = 0;

  const button = (name, does, more = "") => {
    const node = element("button", { class: `cv-button ${more}`, type: "button" }, name);
    node.addEventListener("click", does);
    return node;
  };
  const presets = Object.entries(PRESETS).map(([name, kinds]) => button(name, () => {
    restart(kinds.map((kind, k) => [k >> 1, k & 1, kind]));
  }));
  const step = button("Step", () => { run(false); show(); });
  const play = button("▶ Play", () => run(!timer), "cv-play");
  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("span", { class: "cv-control" }, "Points: ", ...presets),
      button("Forget", () => restart(state.get().points)),
      element("span", { class: "cv-control", style: "margin-left: auto" }, step, play)),
    element("div", { class: "cv-stage cv-half" },
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, element("b", { class: "cv-input" }, "● yes"), "   ",
          element("b", { class: "cv-kernel" }, "■ no"), "   red edge: wrong now"),
        plane.canvas,
        element("p", { class: "cv-hint" }, "Drag a point; click: other class. Keys: 1–9, arrows, space.")),
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, "The last point shown"), rule,
        counts.shown.node, counts.mistakes.node,
        element("figcaption", { class: "cv-caption cv-below" }, "Each point shown: a red bar is a mistake"), log)),
    formula);
  const state = stateOf(model, STATE, draw);

  function restart(points) {
    run(false);
    last = null;
    state.set({ points, weights: [0, 0, 0], history: [], chosen: 0 });
  }

  // Show the perceptron the next point; correct it if it is wrong.
  function show() {
    const { points, weights, history } = state.get();
    if (history.length >= MOST_SHOWN) return;
    const at = history.length % points.length;
    const [x, y, kind] = points[at];
    const wrong = mistaken(points[at], weights);
    last = { number: at + 1, point: points[at], wrong, sum: sum(points[at], weights) };
    const moved = [x, y, 1].map((value, k) => weights[k] + kind * value);
    state.set({ weights: wrong ? moved : weights, history: [...history, Number(wrong)], chosen: at });
  }

  function run(start) {
    if (Boolean(timer) === start) return;
    clearInterval(timer);
    timer = start ? setInterval(tick, 180) : 0;
    draw();
  }

  function tick() {
    const { points, weights, history } = state.get();
    const done = !points.some((point) => mistaken(point, weights)) || history.length >= MOST_SHOWN;
    if (!root.isConnected || done) run(false);
    else show();
  }

  function change(at, make) {
    const { points } = state.get();
    const inside = (value) => Math.round(100 * Math.max(LOW, Math.min(HIGH, value))) / 100;
    state.set({
      points: points.map((point, k) => {
        if (k !== at) return point;
        const [x, y, kind] = make(point);
        return [inside(x), inside(y), kind];
      }),
      chosen: at,
    });
  }
  const flip = ([x, y, kind]) => [x, y, -kind];

  // The board counts downwards from its corner (LOW, -HIGH): y is turned over.
  const under = (event) => {
    const [x, y] = plane.at(event);
    return [x, -y];
  };
  plane.canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = under(event);
    const far = state.get().points.map((point) => Math.hypot(point[0] - x, point[1] - y));
    const at = far.indexOf(Math.min(...far));
    plane.canvas.focus({ preventScroll: true });
    event.preventDefault();
    if (far[at] > 2 * RADIUS) return;
    run(false);
    plane.canvas.setPointerCapture(event.pointerId);
    grip = { at, from: [x, y], moved: false };
  });
  plane.canvas.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = under(event);
    grip.moved ||= Math.hypot(x - grip.from[0], y - grip.from[1]) > RADIUS / 3;
    if (grip.moved) change(grip.at, ([, , kind]) => [x, y, kind]);
  });
  plane.canvas.addEventListener("pointerup", () => {
    if (grip && !grip.moved) change(grip.at, flip);
    grip = null;
  });
  plane.canvas.addEventListener("keydown", (event) => {
    const { points, chosen } = state.get();
    const ways = { ArrowUp: [0, 0.05], ArrowDown: [0, -0.05], ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0] };
    const digit = Number(event.key);
    if (event.key in ways) change(chosen, ([x, y, kind]) => [x + ways[event.key][0], y + ways[event.key][1], kind]);
    else if (event.key === " ") change(chosen, flip);
    else if (digit >= 1 && digit <= points.length) state.set({ chosen: digit - 1 });
    else return;
    run(false);
    event.preventDefault();
  });

  function drawPlane({ points, weights, chosen }) {
    const { context } = plane;
    plane.clear([LOW, -HIGH], HIGH - LOW);
    const cells = 100;
    const matrix = Array.from({ length: cells }, (_, row) => Array.from({ length: cells }, (_, column) => (
      sum([LOW + (column + 0.5) * 2 / cells, HIGH - (row + 0.5) * 2 / cells], weights))));
    plane.paint(matrix, LOW, -HIGH, 2 / cells, (value) => (
      value > 0 ? [0, 114, 178, 55] : value < 0 ? [230, 159, 0, 55] : [0, 0, 0, 0]));
    points.forEach((point, k) => {
      const [x, y, kind] = point;
      const [left, top, side] = plane.place(x - RADIUS, -y - RADIUS, 2 * RADIUS, 2 * RADIUS);
      context.beginPath();
      if (kind > 0) context.arc(left + side / 2, top + side / 2, side / 2, 0, 2 * Math.PI);
      else context.rect(left, top, side, side);
      context.fillStyle = plane.ink(kind > 0 ? "--cv-input" : "--cv-kernel");
      context.fill();
      context.setLineDash([]);
      context.lineWidth = side / 7;
      context.strokeStyle = mistaken(point, weights) ? plane.ink("--cv-selected") : plane.ink("--cv-ground");
      context.stroke();
      context.fillStyle = kind > 0 ? "#fff" : "#111";
      context.font = `bold ${side * 0.6}px sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(String(k + 1), left + side / 2, top + side * 0.53);
      if (k === chosen) plane.frame(x - 1.5 * RADIUS, -y - 1.5 * RADIUS, 3 * RADIUS, 3 * RADIUS, plane.ink("--cv-muted"), 1.5, [4, 4]);
    });
  }

  function drawLog(history) {
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [log.clientWidth * ratio, log.clientHeight * ratio].map(Math.round);
    [log.width, log.height] = [wide, high];
    const context = log.getContext("2d");
    const rows = 4; // of 50 points each
    history.forEach((mistake, k) => {
      const [row, column] = [Math.floor(k / 50), k % 50];
      const tall = (high / rows) * (mistake ? 0.8 : 0.2);
      context.fillStyle = plane.ink(mistake ? "--cv-selected" : "--cv-output");
      context.fillRect((column * wide) / 50, ((row + 0.9) * high) / rows - tall, (0.7 * wide) / 50, tall);
    });
  }

  function draw() {
    const now = state.get();
    const { weights, history } = now;
    play.textContent = timer ? "❚❚ Pause" : "▶ Play";
    step.disabled = play.disabled = history.length >= MOST_SHOWN;
    const mistakes = history.reduce((all, one) => all + one, 0);
    drawPlane(now);
    drawLog(history);
    counts.shown.show(history.length / MOST_SHOWN, String(history.length), history.length);
    counts.mistakes.show(mistakes / MOST_SHOWN, String(mistakes), mistakes);
    if (last && history.length) {
      const [x, y, kind] = last.point;
      write(rule, `point ${last.number} at (${number(x)}, ${number(y)}), wanted: ${kind > 0 ? "yes" : "no"}\n`,
        `its sum was ${number(last.sum)}: `, ["" + (last.wrong ? "selected" : "output"), last.wrong ? "wrong" : "right"],
        last.wrong ? `\nso w ← w ${kind > 0 ? "+" : "−"} (${number(x)}, ${number(y)}, 1)` : "\nso nothing changes");
    } else write(rule, "None yet. All weights are 0,\nand a sum of 0 counts as a mistake.\nPress Step.");
    write(formula, "yes where  ", ["kernel", number(weights[0])], " · x + ", ["kernel", number(weights[1])],
      " · y + ", ["kernel", number(weights[2])], " > 0");
    drawn();
  }

  return live(plane.canvas, draw, () => clearInterval(timer), state.close, close);
}

export default { render };
