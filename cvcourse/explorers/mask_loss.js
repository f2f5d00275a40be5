// Colour and opacity of what is found, missed, falsely painted.
const PAINT = { 3: [[0, 158, 115], 0.6], 2: [[0, 114, 178], 0.4], 1: [[213, 94, 0], 0.6] };
const METERS = {
  cross_entropy: ["cross-entropy", "kernel"],
  dice_loss: ["Dice loss", "output"],
  iou_loss: ["1 − IoU", "statistics"],
  accuracy: ["accuracy", "reference"],
};

function render({ model, el }) {
  const scene = board("Scene: paint with the mouse; arrow keys move the cursor, space paints or clears, Shift with arrows paints along");
  const meters = named(METERS, (one) => meter(...one));
  const curves = lossChart("The losses if the network were more or less sure", ["50 % sure", "99 % sure"]);
  const legend = element("div", { class: "cv-caption" });
  const { get, set, control, page, redraw, formula } = begin(model, ["images", "truths", "mask"], {
    scene: (scene) => set({ scene, mask: shaped(get().mask.map(() => 0), get().mask.shape) }),
  });
  let cursor = [16, 24];
  let ink = null; // 1 while painting, 0 while clearing
  let last = null; // pixel under the pointer before this one
  let focused = false;

  const truthOf = ({ scene: name, truths }) => at(truths, control.scene.values.indexOf(name));
  const imageOf = ({ scene: name, images }) => at(images, control.scene.values.indexOf(name));
  const put = (values) => set({ mask: shaped(values, truthOf(get()).shape) });
  const starts = {
    nothing: (truth) => truth.map(() => 0),
    everything: (truth) => truth.map(() => 1),
    "the truth": (truth) => truth,
    "1 px wider": (truth) => wider(truth, truth.shape),
  };
  const buttons = Object.entries(starts).map(([name, make]) => button(name, () => put(make(truthOf(get())))));

  // Paint or clear squares of the brush along the way from one pixel to the next.
  function stroke([row, column], [toRow, toColumn]) {
    const { mask, brush } = get();
    const [high, wide] = mask.shape;
    const painted = mask.slice();
    const steps = Math.max(1, Math.abs(toRow - row), Math.abs(toColumn - column));
    for (let step = 0; step <= steps; step++) {
      const [top, left] = [row + (toRow - row) * step / steps, column + (toColumn - column) * step / steps]
        .map((value) => Math.round(value) - Math.floor(brush / 2));
      for (let i = Math.max(0, top); i < Math.min(high, top + brush); i++) {
        for (let j = Math.max(0, left); j < Math.min(wide, left + brush); j++) painted[i * wide + j] = ink;
      }
    }
    put(painted);
  }

  const inside = (place) => place.map((value, axis) => within(value, 0, get().mask.shape[axis] - 1));
  const under = (event) => inside(scene.at(event).map(Math.floor).reverse());
  const opposite = ([row, column]) => 1 - at(get().mask, row)[column];

  follow(scene.canvas, {
    press(event) {
      cursor = last = under(event);
      ink = opposite(last); // the first pixel decides
      stroke(last, last);
    },
    drag(event) {
      const next = under(event);
      if (!last || (next[0] === last[0] && next[1] === last[1])) return;
      cursor = next;
      stroke(last, next);
      last = next;
    },
    release: () => { last = null; },
    arrow(down, right, { shiftKey }) {
      const before = inside(cursor);
      cursor = inside([before[0] + down, before[1] + right]);
      if (shiftKey) {
        ink = 1;
        stroke(before, cursor);
      } else redraw();
    },
    key({ key }) {
      if (key !== " ") return false;
      cursor = inside(cursor);
      ink = opposite(cursor);
      stroke(cursor, cursor);
    },
  });
  for (const event of ["focus", "blur"]) {
    scene.canvas.addEventListener(event, () => {
      focused = event === "focus";
      redraw();
    });
  }

  function drawScene(now, truth) {
    const image = imageOf(now);
    scene.fit(...truth.shape);
    scene.paint(truth.shape, (place) => {
      const [paint, part] = PAINT[2 * truth[place] + now.mask[place]] ?? [[0, 0, 0], 0];
      return paint.map((value, k) => (1 - part) * image[3 * place + k] + part * value);
    });
    if (focused) {
      const [top, left] = inside(cursor).map((value) => value - Math.floor(now.brush / 2));
      scene.select(left, top, now.brush);
    }
  }

  return page({
    el,
    controls: [control.scene, control.brush, control.sure, element("span", { class: "cv-control", style: "margin-left:auto" }, ...buttons)],
    stage: [element("div", { class: "cv-stage cv-half" },
      panel(legend, scene.canvas),
      panel(caption("What the losses say"), ...Object.values(meters).map(({ node }) => node),
        element("figcaption", { class: "cv-caption cv-below" }, "The same mask, from a network more or less sure"),
        curves.svg)), formula],
  }, (now) => {
    const [truth, p] = [truthOf(now), now.sure];
    drawScene(now, truth);
    const counts = countPainted(now.mask, truth);
    const got = paintedMeasures(counts, p);
    for (const [key, value] of Object.entries(got)) {
      meters[key].show(value / (key === "cross_entropy" ? 2 : 1), key === "accuracy" ? `${(100 * value).toFixed(1)} %` : number(value, 3), value);
    }
    curves.draw((p - 0.5) / 0.49, Object.entries(METERS).slice(0, 3).map(([key, [, role]]) => (
      [role, (place) => paintedMeasures(counts, 0.5 + 0.49 * place)[key]])));
    const { found, missed, alarms, rest, all } = counts;
    write(legend, ["output", `found ${found}`], " · ", ["input", `missed ${missed}`], " · ", ["selected", `false alarms ${alarms}`]);
    const [yes, no] = [number(p), number(1 - p)];
    const both = number(p * found + (1 - p) * missed, 1);
    const on = number(p * (found + alarms) + (1 - p) * (rest + missed), 1);
    lines(formula,
      [["kernel", "cross-entropy"], ` = (${rest + found} · (−ln ${yes}) + ${alarms + missed} · (−ln ${no})) / ${all} = `,
        ["kernel", number(got.cross_entropy, 3)]],
      [["output", "Dice loss"], ` = 1 − 2 · ${both} / (${on} + ${found + missed}) = `, ["output", number(got.dice_loss, 3)],
        "        ", ["statistics", "IoU"], ` = ${found} / ${found + alarms + missed} = `, ["statistics", number(1 - got.iou_loss, 3)]]);
  });
}
