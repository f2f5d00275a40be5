// NMS: draws the state of cvcourse.explorers.NMS; thresholds and steps are followed here at once.

const STATE = ["image", "boxes", "scores", "labels", "true_boxes", "true_labels", "classes", "step"];
const ROLES = { stays: "output", waits: "kernel", out: "selected", low: "reference" };

function render({ model, el }) {
  const scene = board("Scene with the boxes that stay, wait and went out; the list beside it says the same in words", true);
  const list = element("div", { class: "cv-boxes" });
  const meters = { precision: meter("precision", "output"), recall: meter("recall", "input") };
  const { get, set, control: { score_threshold: least, iou_threshold: most }, page, redraw, formula: counts } = begin(model, STATE);
  const rounds = () => roundsOf(get());
  const buttons = element("span", { class: "cv-control", style: "margin-left:auto" },
    button("Start again", () => set({ step: 0 })),
    button("Next", () => set({ step: Math.min(get().step + 1, rounds().length || 1) })),
    button("All", () => set({ step: get().boxes.length })));
  let rows = [];
  let pointed = -1;

  // One row for each box; they are made once, so that the focus stays where it is.
  function fill({ boxes, scores, labels, classes }) {
    rows = boxes.map((_, i) => {
      const name = element("span", { class: "cv-name" }, `${i + 1} ${classes[labels[i]]}`);
      const bar = element("span", { class: "cv-fill" });
      const fate = element("span", { class: "cv-fate" });
      const row = element("button", { class: "cv-row", type: "button" }, name,
        element("span", { class: "cv-score" }, bar), element("span", { class: "cv-value" }, number(scores[i])), fate);
      bar.style.width = `${100 * scores[i]}%`;
      for (const [event, at] of Object.entries({ focus: i, pointerenter: i, blur: -1, pointerleave: -1 })) {
        row.addEventListener(event, () => {
          pointed = at;
          redraw();
        });
      }
      return { row, bar, fate };
    });
    list.replaceChildren(...rows.map(({ row }) => row));
  }

  function words({ name, by }, i, { boxes }) {
    if (name === "out") return `out by ${by + 1}, IoU ${number(iou(boxes[i], boxes[by]))}`;
    return { stays: "stays", waits: "waits", low: "below s" }[name];
  }

  function drawScene({ image, boxes, true_boxes: truth }, fate) {
    const [high, wide] = image.shape;
    scene.fit(high, wide);
    scene.paint([high, wide], rgb(image));
    for (const box of truth) scene.box(box, "input", 2, { dash: [2, 4] });
    const pick = (test) => boxes.flatMap((box, i) => (test(fate[i]) ? [[box, i]] : []));
    for (const [box] of pick(({ name, now }) => name === "out" && !now)) scene.box(box, "selected", 1, { dash: [3, 4], white: 0 });
    for (const [box] of pick(({ name }) => name === "waits")) scene.box(box, "kernel", 2, { white: 0 });
    for (const [box] of pick(({ name, now }) => name === "out" && now)) scene.box(box, "selected", 2, { dash: [6, 4] });
    const named = pick(({ name }) => name === "stays").map(([box, i]) => [box, i, "output", fate[i].now ? 4 : 3]);
    if (pointed >= 0) named.push([boxes[pointed], pointed, ROLES[fate[pointed].name], 4]);
    for (const [box, i, role, line] of named) {
      scene.box(box, role, line);
      tag(box, i, role);
    }
  }

  // The box's number in the list, at its upper left corner.
  function tag([x, y], i, role) {
    const ratio = dots();
    const [left, top] = scene.place(x, y, 0, 0);
    const pen = scene.context;
    pen.font = `bold ${13 * ratio}px sans-serif`;
    const wide = pen.measureText(String(i + 1)).width + 8 * ratio;
    pen.fillStyle = scene.ink(role);
    pen.fillRect(left, top, wide, 17 * ratio);
    pen.fillStyle = "#fff";
    pen.fillText(String(i + 1), left + 4 * ratio, top + 13 * ratio);
  }

  return page({
    el,
    controls: [least, most, buttons],
    stage: [element("div", { class: "cv-stage cv-half" },
      panel(caption(["output", "stays"], ", ", ["kernel", "waits"], ", ", ["selected", "out"], ", ", ["input", "true box"]), scene.canvas),
      panel(caption("Candidates, best score first"), list,
        element("div", { class: "cv-below" }, ...Object.values(meters).map(({ node }) => node)))), counts],
  }, (now) => {
    if (rows.length !== now.boxes.length) fill(now);
    const turns = rounds();
    const fate = fates(now, turns);
    drawScene(now, fate);
    rows.forEach(({ row, bar, fate: text }, i) => {
      const role = ROLES[fate[i].name];
      row.dataset.fate = fate[i].name;
      bar.style.background = `var(--cv-${role})`;
      text.className = `cv-fate cv-${role}`;
      text.textContent = words(fate[i], i, now);
    });
    const are = (...names) => fate.flatMap(({ name }, i) => (names.includes(name) ? [i] : []));
    const there = are("stays", "waits").length;
    const right = rightOnes(are("stays", "waits"), now);
    const objects = now.true_boxes.length;
    const [precision, recall] = [there ? right / there : 0, objects ? right / objects : 0];
    meters.precision.show(precision, number(precision), precision);
    meters.recall.show(recall, number(recall), recall);
    lines(counts,
      [`round ${Math.min(now.step, turns.length)} of ${turns.length}: `, ["output", are("stays").length], " stay, ",
        ["kernel", are("waits").length], " wait, ", ["selected", are("out").length], " out, ",
        ["reference", are("low").length], " below s"],
      ["precision = right / in the picture = ", ["output", `${right} / ${there}`],
        "   recall = right / objects = ", ["input", `${right} / ${objects}`]]);
  });
}
