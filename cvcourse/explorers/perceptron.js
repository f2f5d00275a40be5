// Perceptron: draws the state of cvcourse.explorers.Perceptron and applies its rule.

const PRESETS = { OR: [-1, 1, 1, 1], AND: [-1, -1, -1, 1], XOR: [-1, 1, 1, -1] };
const [LOW, HIGH, MOST_SHOWN] = [-0.5, 1.5, 200];
const RADIUS = 0.075; // of a point, in units of the plane

function render({ model, el }) {
  const plane = board("Plane: digits choose a point, arrow keys move it, the space bar changes its class");
  const counts = { shown: meter("points shown", "reference"), mistakes: meter("mistakes", "selected") };
  const log = element("canvas", { class: "cv-canvas", role: "img", "aria-label": "Points shown so far, the mistakes marked", style: "width: 100%; height: 118px" });
  const rule = element("div", { style: "min-height: 7.4em; white-space: pre-wrap; font-variant-numeric: tabular-nums" });
  const { get, set, page, formula } = begin(model, ["points", "weights", "history", "chosen"]);
  let last = null; // {point, number, wrong, sum}: what the last step did
  let grip = null; // {at, from, moved}: the point that the pointer holds

  const presets = Object.entries(PRESETS).map(([name, kinds]) => button(name, () => {
    restart(kinds.map((kind, k) => [k >> 1, k & 1, kind]));
  }));
  const step = button("Step", () => { play.stop(); show(); });
  const play = player(["▶ Play", "❚❚ Pause"], 180, () => {
    const { points, weights, history } = get();
    if (!points.some((point) => mistaken(point, weights)) || history.length >= MOST_SHOWN) return false;
    show();
  });

  function restart(points) {
    play.stop();
    last = null;
    set({ points, weights: [0, 0, 0], history: [], chosen: 0 });
  }

  // Show the perceptron the next point; correct it if it is wrong.
  function show() {
    const { points, weights, history } = get();
    if (history.length >= MOST_SHOWN) return;
    const chosen = history.length % points.length;
    const point = points[chosen];
    const wrong = mistaken(point, weights);
    last = { number: chosen + 1, point, wrong, sum: perceptronSum(point, weights) };
    set({ weights: wrong ? corrected(point, weights) : weights, history: [...history, Number(wrong)], chosen });
  }

  function change(chosen, make) {
    const { points } = get();
    const inside = (value) => Math.round(100 * within(value, LOW, HIGH)) / 100;
    const [x, y, kind] = make(points[chosen]);
    set({ points: points.with(chosen, [inside(x), inside(y), kind]), chosen });
  }
  const flip = ([x, y, kind]) => [x, y, -kind];

  // The board counts downwards from its corner (LOW, -HIGH): y is turned over.
  const under = (event) => {
    const [x, y] = plane.at(event);
    return [x, -y];
  };
  follow(plane.canvas, {
    press(event) {
      const from = under(event);
      const far = get().points.map(([x, y]) => Math.hypot(x - from[0], y - from[1]));
      const nearest = far.indexOf(Math.min(...far));
      if (far[nearest] > 2 * RADIUS) return;
      play.stop();
      grip = { at: nearest, from, moved: false };
    },
    drag(event) {
      if (!grip) return;
      const [x, y] = under(event);
      grip.moved ||= Math.hypot(x - grip.from[0], y - grip.from[1]) > RADIUS / 3;
      if (grip.moved) change(grip.at, ([, , kind]) => [x, y, kind]);
    },
    release() {
      if (grip && !grip.moved) change(grip.at, flip);
      grip = null;
    },
    arrow(down, right) {
      play.stop();
      change(get().chosen, ([x, y, kind]) => [x + 0.05 * right, y - 0.05 * down, kind]);
    },
    key({ key }) {
      const { points, chosen } = get();
      if (key === " ") change(chosen, flip);
      else if (Number(key) >= 1 && Number(key) <= points.length) set({ chosen: Number(key) - 1 });
      else return false;
      play.stop();
    },
  });

  function drawPlane({ points, weights, chosen }) {
    const { context } = plane;
    plane.clear([LOW, -HIGH], HIGH - LOW);
    const cells = 100;
    plane.paint([cells, cells], (pixel) => {
      const [row, column] = [Math.floor(pixel / cells), pixel % cells];
      const value = perceptronSum([LOW + (column + 0.5) * 2 / cells, HIGH - (row + 0.5) * 2 / cells], weights);
      return value > 0 ? [0, 114, 178, 55] : value < 0 ? [230, 159, 0, 55] : [0, 0, 0, 0];
    }, LOW, -HIGH, 2 / cells);
    points.forEach((point, k) => {
      const [x, y, kind] = point;
      const [left, top, side] = plane.place(x - RADIUS, -y - RADIUS, 2 * RADIUS, 2 * RADIUS);
      context.beginPath();
      if (kind > 0) context.arc(left + side / 2, top + side / 2, side / 2, 0, 2 * Math.PI);
      else context.rect(left, top, side, side);
      Object.assign(context, { fillStyle: plane.ink(kind > 0 ? "input" : "kernel"), lineWidth: side / 7,
        strokeStyle: plane.ink(mistaken(point, weights) ? "selected" : "ground") });
      context.setLineDash([]);
      context.fill();
      context.stroke();
      Object.assign(context, { fillStyle: kind > 0 ? "#fff" : "#111", font: `bold ${side * 0.6}px sans-serif`,
        textAlign: "center", textBaseline: "middle" });
      context.fillText(String(k + 1), left + side / 2, top + side * 0.53);
      if (k === chosen) plane.frame(x - 1.5 * RADIUS, -y - 1.5 * RADIUS, 3 * RADIUS, 3 * RADIUS, plane.ink("muted"), 1.5, [4, 4]);
    });
  }

  function drawLog(history) {
    const context = sharp(log);
    const [wide, high] = [log.clientWidth, log.clientHeight];
    const rows = 4; // of 50 points each
    history.forEach((mistake, k) => {
      const [row, column] = [Math.floor(k / 50), k % 50];
      const tall = (high / rows) * (mistake ? 0.8 : 0.2);
      context.fillStyle = plane.ink(mistake ? "selected" : "output");
      context.fillRect((column * wide) / 50, ((row + 0.9) * high) / rows - tall, (0.7 * wide) / 50, tall);
    });
  }

  function words() {
    const [x, y, kind] = last.point;
    return [`point ${last.number} at (${number(x)}, ${number(y)}), wanted: ${kind > 0 ? "yes" : "no"}\n`,
      `its sum was ${number(last.sum)}: `, [last.wrong ? "selected" : "output", last.wrong ? "wrong" : "right"],
      last.wrong ? `\nso w ← w ${kind > 0 ? "+" : "−"} (${number(x)}, ${number(y)}, 1)` : "\nso nothing changes"];
  }

  return page({
    el,
    controls: [element("span", { class: "cv-control" }, "Points: ", ...presets),
      button("Forget", () => restart(get().points)),
      element("span", { class: "cv-control", style: "margin-left: auto" }, step, play.node)],
    stage: [element("div", { class: "cv-stage cv-half" },
      panel(caption(["input", "● yes"], "   ", ["kernel", "■ no"], "   red edge: wrong now"), plane.canvas,
        element("p", { class: "cv-hint" }, "Drag a point; click: other class. Keys: 1–9, arrows, space.")),
      panel(caption("The last point shown"), rule, counts.shown.node, counts.mistakes.node,
        element("figcaption", { class: "cv-caption cv-below" }, "Each point shown: a red bar is a mistake"), log)), formula],
  }, (now) => {
    const { weights, history } = now;
    step.disabled = play.node.disabled = history.length >= MOST_SHOWN;
    const mistakes = history.reduce((all, one) => all + one, 0);
    drawPlane(now);
    drawLog(history);
    counts.shown.show(history.length / MOST_SHOWN, String(history.length), history.length);
    counts.mistakes.show(mistakes / MOST_SHOWN, String(mistakes), mistakes);
    write(rule, ...(last && history.length ? words()
      : ["None yet. All weights are 0,\nand a sum of 0 counts as a mistake.\nPress Step."]));
    write(formula, "yes where  ", ["kernel", number(weights[0])], " · x + ", ["kernel", number(weights[1])],
      " · y + ", ["kernel", number(weights[2])], " > 0");
  }, play.stop);
}
