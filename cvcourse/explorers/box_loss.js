const PIXELS = 20; // smooth L1 is drawn in units of so many pixels, beside losses that reach 2
const LOSSES = {
  iou: { name: "1 − IoU", role: "output", of: (one, other) => 1 - iou(one, other), rate: 25 },
  giou: { name: "1 − GIoU", role: "statistics", of: (one, other) => 1 - overlaps(one, other).giou, rate: 25 },
  l1: { name: "smooth L1", role: "kernel", of: smoothL1, rate: 4 },
};

function render({ model, el }) {
  const scene = board("Scene: drag the box or a corner; arrow keys move the box, with Shift its lower right corner");
  const curves = lossChart("The three losses while the box slides from left to right", ["box at the left border", "at the right border"]);
  const meters = named(LOSSES, ({ name, role }) => meter(name, role));
  const { get, set, page, redraw, formula } = begin(model, ["image", "true_box", "box"]);
  let grip = null; // what the pointer holds: a function from a point to a box
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
  const buttons = Object.entries(starts).map(([name, make]) => button(name, () => { play.stop(); move(make(get().true_box)); }));
  const chosen = element("select", { "aria-label": "Loss to descend" },
    ...Object.entries(LOSSES).map(([key, { name }]) => element("option", { value: key }, name)));

  // Gradient descent, twenty-five steps a second, ever smaller, until nothing moves any more.
  const play = player(["▶ Descend", "❚❚ Stop"], 40, () => {
    const { box, true_box: truth } = get();
    const { of, rate } = LOSSES[chosen.value];
    const next = box.map((value, k) => value - rate / (1 + steps / 100) * slope(of, box, truth)[k]);
    const change = Math.max(...next.map((value, k) => Math.abs(value - box[k])));
    steps += 1;
    if (steps > 400 || change < 0.002 || of(box, truth) < 0.01) return false;
    move(next);
  }, { before: () => { steps = 0; }, after: redraw });

  const size = () => get().image.shape.slice(0, 2).reverse();

  // Any four numbers as a box inside the image, at least a pixel wide and high.
  function move(box) {
    const [wide, high] = size();
    const tidy = (a, b, end) => {
      const low = within(Math.min(a, b), 0, end - 1);
      return [low, Math.min(end, Math.max(a, b, low + 1))];
    };
    const [x1, x2] = tidy(box[0], box[2], wide);
    const [y1, y2] = tidy(box[1], box[3], high);
    set({ box: [x1, y1, x2, y2] });
  }

  // The box moved as a whole; the border stops it.
  function shift(box, right, down) {
    const [wide, high] = size();
    const [dx, dy] = [within(right, -box[0], wide - box[2]), within(down, -box[1], high - box[3])];
    move([box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy]);
  }

  // A corner nearby is held against its opposite; else the box itself; outside, a new box begins.
  function hold(x, y) {
    const { box } = get();
    const near = 0.05 * Math.max(...size());
    const [atX, atY] = [[box[0], box[2]], [box[1], box[3]]];
    const i = Number(Math.abs(x - atX[1]) < Math.abs(x - atX[0]));
    const j = Number(Math.abs(y - atY[1]) < Math.abs(y - atY[0]));
    if (Math.hypot(x - atX[i], y - atY[j]) <= near) return (u, v) => move([atX[1 - i], atY[1 - j], u, v]);
    const within = x > box[0] && x < box[2] && y > box[1] && y < box[3];
    if (within) return (u, v) => shift(box, u - Math.round(x), v - Math.round(y));
    return (u, v) => move([Math.round(x), Math.round(y), u, v]);
  }

  follow(scene.canvas, {
    press(event) {
      play.stop();
      grip = hold(...scene.at(event));
    },
    drag: (event) => grip?.(...scene.at(event).map(Math.round)),
    release: () => { grip = null; },
    arrow(down, right, { shiftKey }) {
      play.stop();
      const { box } = get();
      if (!shiftKey) shift(box, right, down);
      else move([box[0], box[1], Math.max(box[0] + 1, box[2] + right), Math.max(box[1] + 1, box[3] + down)]);
    },
  });

  function drawScene({ image, true_box: truth, box }) {
    const [high, wide] = image.shape;
    scene.fit(high, wide);
    scene.paint([high, wide], rgb(image));
    const corners = (inner) => box.map((value, k) => ((k < 2) === inner ? Math.max : Math.min)(truth[k], value));
    const [x1, y1, x2, y2] = corners(true);
    if (x2 > x1 && y2 > y1) scene.fill(x1, y1, x2 - x1, y2 - y1, "rgba(0, 158, 115, 0.4)");
    scene.box(corners(false), "statistics", 2, { dash: [6, 5], white: 0 });
    scene.box(truth, "input", 3);
    scene.box(box, "selected", 3);
    const grips = Math.max(wide, high) / 48;
    for (const x of [box[0], box[2]]) for (const y of [box[1], box[3]]) {
      scene.fill(x - grips, y - grips, 2 * grips, 2 * grips, "#fff");
      scene.box([x - grips, y - grips, x + grips, y + grips], "selected", 2, { white: 0 });
    }
  }

  return page({
    el,
    controls: [element("span", { class: "cv-control" }, "Put the box: ", ...buttons),
      element("label", { class: "cv-control", style: "margin-left:auto" }, "Follow the slope of", chosen), play],
    stage: [element("div", { class: "cv-stage cv-half" },
      panel(caption(["input", "true box"], " and ", ["selected", "yours"]), scene.canvas,
        element("p", { class: "cv-hint" }, "Drag the box or a corner. Arrow keys; with Shift: corner.")),
      panel(caption("Losses of this box"), ...Object.values(meters).map(({ node }) => node),
        element("figcaption", { class: "cv-caption cv-below" }, `If the box slides sideways (smooth L1 in steps of ${PIXELS} px)`),
        curves.svg)), formula],
  }, (now) => {
    drawScene(now);
    const { box, true_box: truth } = now;
    for (const [key, { of }] of Object.entries(LOSSES)) {
      const value = of(box, truth);
      meters[key].show(value / (key === "l1" ? 2 * PIXELS : 2), number(value) + (key === "l1" ? " px" : ""), value);
    }
    const room = size()[0] - (box[2] - box[0]);
    const slid = (place) => [place * room, box[1], place * room + box[2] - box[0], box[3]];
    curves.draw(room ? box[0] / room : 0, Object.entries(LOSSES).map(([key, { of, role }]) => (
      [role, (place) => of(slid(place), truth) / (key === "l1" ? PIXELS : 1)])));
    const { overlap, union, hull, iou: shared, giou } = overlaps(box, truth);
    lines(formula,
      [["output", "IoU"], ` = overlap / union = ${Math.round(overlap)} / ${Math.round(union)} = `, ["output", number(shared)]],
      [["statistics", "GIoU"], " = IoU − (hull − union) / hull = ", ["output", number(shared)],
        ` − ${Math.round(hull - union)} / ${Math.round(hull)} = `, ["statistics", number(giou)]]);
  }, play.stop);
}
