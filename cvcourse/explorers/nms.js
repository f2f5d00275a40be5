// NMS: draws the state of cvcourse.explorers.NMS; thresholds and steps are followed here at once.
// The rules are those of nms.py; a browser test compares the two.

const STATE = ["image", "boxes", "scores", "labels", "true_boxes", "true_labels", "classes",
  "score_threshold", "iou_threshold", "step"];
const RIGHT = 0.5; // IoU with a true box from which a box counts as right
const ROLES = { stays: "output", waits: "kernel", out: "selected", low: "reference" };

const areaOf = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

function iou(one, other) {
  const wide = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const high = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const overlap = Math.max(0, wide) * Math.max(0, high);
  const union = areaOf(one) + areaOf(other) - overlap;
  return union ? overlap / union : 0;
}

// The rounds: [{best, rivals}], boxes by index; they come best score first.
function roundsOf({ boxes, scores, labels, score_threshold: least, iou_threshold: most }) {
  let waiting = boxes.map((_, i) => i).filter((i) => scores[i] >= least);
  const rounds = [];
  while (waiting.length) {
    const [best, ...rest] = waiting;
    const rival = (i) => labels[i] === labels[best] && iou(boxes[i], boxes[best]) > most;
    rounds.push({ best, rivals: rest.filter(rival) });
    waiting = rest.filter((i) => !rival(i));
  }
  return rounds;
}

// Of each box: is it kept, waiting, out (by which one) or below the score?
function fates({ step, ...numbers }, rounds) {
  const fate = numbers.boxes.map(() => ({ name: "low" }));
  rounds.forEach(({ best, rivals }, at) => {
    fate[best] = { name: at < step ? "stays" : "waits", now: at === step - 1 };
    for (const i of rivals) fate[i] = at < step ? { name: "out", by: best, now: at === step - 1 } : { name: "waits" };
  });
  return fate;
}

// How many of the boxes `drawn`, best first, find an object that none before them found.
function rightOnes(drawn, { boxes, labels, true_boxes: truth, true_labels: kinds }) {
  const free = new Set(truth.map((_, t) => t));
  let right = 0;
  for (const i of drawn) {
    let [best, fit] = [-1, 0];
    for (const t of free) {
      const overlap = kinds[t] === labels[i] ? iou(boxes[i], truth[t]) : 0;
      if (overlap > fit) [best, fit] = [t, overlap];
    }
    if (fit >= RIGHT) {
      free.delete(best);
      right += 1;
    }
  }
  return right;
}

// A slider of a share: it counts in hundredths.
function shareSlider(word, letter, role, change) {
  const bar = slider({ word, letter, role, min: 0, max: 100, change: (hundredths) => change(hundredths / 100) });
  const value = bar.node.querySelector("output");
  return {
    node: bar.node,
    show(share) {
      bar.input.value = Math.round(100 * share);
      value.textContent = number(share);
      bar.input.setAttribute("aria-valuetext", number(share));
    },
  };
}

function render({ model, el }) {
  const scene = board("Scene with the boxes that stay, wait and went out; the list beside it says the same in words");
  scene.canvas.removeAttribute("tabindex"); // nothing to do on it
  scene.canvas.classList.add("cv-still");
  const button = (words, act, more = "") => {
    const node = element("button", { class: `cv-button ${more}`, type: "button" }, words);
    node.addEventListener("click", act);
    return node;
  };
  const least = shareSlider("Score at least", "s", "kernel", (share) => state.set({ score_threshold: share }));
  const most = shareSlider("IoU at most", "t", "selected", (share) => state.set({ iou_threshold: share }));
  const again = button("Start again", () => state.set({ step: 0 }));
  const next = button("Next", () => state.set({ step: Math.min(played(), rounds().length - 1) + 1 }));
  const all = button("All", () => state.set({ step: state.get().boxes.length }));
  const list = element("div", { class: "cv-boxes" });
  const meters = { precision: meter("precision", "output"), recall: meter("recall", "input") };
  const counts = element("div", { class: "cv-formula" });
  let rows = [];
  let pointed = -1;

  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" }, least.node, most.node,
      element("span", { class: "cv-control", style: "margin-left:auto" }, again, next, all)),
    element("div", { class: "cv-stage cv-half" },
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, element("b", { class: "cv-output" }, "stays"), ", ",
          element("b", { class: "cv-kernel" }, "waits"), ", ", element("b", { class: "cv-selected" }, "out"), ", ",
          element("b", { class: "cv-input" }, "true box")),
        scene.canvas),
      element("figure", { class: "cv-panel" },
        element("figcaption", { class: "cv-caption" }, "Candidates, best score first"),
        list,
        element("div", { class: "cv-below" }, ...Object.values(meters).map(({ node }) => node)))),
    counts);
  const state = stateOf(model, STATE, draw);
  const rounds = () => roundsOf(state.get());
  const played = () => Math.min(state.get().step, rounds().length);

  // One row for each box; they are made once, so that the focus stays where it is.
  function fill({ boxes, scores, labels, classes }) {
    rows = boxes.map((_, i) => {
      const name = element("span", { class: "cv-name" }, `${i + 1} ${classes[labels[i]]}`);
      const bar = element("span", { class: "cv-fill" });
      const fate = element("span", { class: "cv-fate" });
      const row = element("button", { class: "cv-row", type: "button" }, name,
        element("span", { class: "cv-score" }, bar), element("span", { class: "cv-value" }, number(scores[i])), fate);
      bar.style.width = `${100 * scores[i]}%`;
      const point = (at) => () => {
        pointed = at;
        draw();
      };
      row.addEventListener("focus", point(i));
      row.addEventListener("pointerenter", point(i));
      row.addEventListener("blur", point(-1));
      row.addEventListener("pointerleave", point(-1));
      return { row, bar, fate };
    });
    list.replaceChildren(...rows.map(({ row }) => row));
  }

  function words({ name, by }, i, { boxes }) {
    if (name === "out") return `out by ${by + 1}, IoU ${number(iou(boxes[i], boxes[by]))}`;
    return { stays: "stays", waits: "waits", low: "below s" }[name];
  }

  function draw() {
    const now = state.get();
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
    const there = are("stays", "waits");
    const right = rightOnes(there, now);
    const [precision, recall] = [there.length ? right / there.length : 0,
      now.true_boxes.length ? right / now.true_boxes.length : 0];
    meters.precision.show(precision, number(precision), precision);
    meters.recall.show(recall, number(recall), recall);
    least.show(now.score_threshold);
    most.show(now.iou_threshold);
    const step = Math.min(now.step, turns.length);
    const [first, second] = [element("div"), element("div")];
    write(first, `round ${step} of ${turns.length}: `, ["output", are("stays").length], " stay, ",
      ["kernel", are("waits").length], " wait, ", ["selected", are("out").length], " out, ",
      ["reference", are("low").length], " below s");
    write(second, "precision = right / in the picture = ", ["output", `${right} / ${there.length}`],
      "   recall = right / objects = ", ["input", `${right} / ${now.true_boxes.length}`]);
    counts.replaceChildren(first, second);
    drawn();
  }

  function drawScene({ image, boxes, true_boxes: truth }, fate) {
    const [wide, high] = [image[0].length, image.length];
    const extent = Math.max(wide, high);
    const rectangle = ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1];
    const frame = (box, role, line, dash) => {
      scene.frame(...rectangle(box), "#fff", line + 2, dash);
      scene.frame(...rectangle(box), scene.ink(`--cv-${role}`), line, dash);
    };
    scene.clear([(wide - extent) / 2, (high - extent) / 2], extent);
    scene.paint(image, 0, 0, 1, (pixel) => [...pixel, 255]);
    for (const box of truth) frame(box, "input", 2, [2, 4]);
    const pick = (test) => boxes.flatMap((box, i) => (test(fate[i]) ? [[box, i]] : []));
    for (const [box] of pick(({ name, now }) => name === "out" && !now)) scene.frame(...rectangle(box), scene.ink("--cv-selected"), 1, [3, 4]);
    for (const [box] of pick(({ name }) => name === "waits")) scene.frame(...rectangle(box), scene.ink("--cv-kernel"), 2);
    for (const [box] of pick(({ name, now }) => name === "out" && now)) frame(box, "selected", 2, [6, 4]);
    for (const [box, i] of pick(({ name }) => name === "stays")) {
      frame(box, "output", fate[i].now ? 4 : 3);
      tag(box, i, "output");
    }
    if (pointed >= 0) {
      frame(boxes[pointed], ROLES[fate[pointed].name], 4);
      tag(boxes[pointed], pointed, ROLES[fate[pointed].name]);
    }
  }

  // The box's number in the list, at its upper left corner.
  function tag([x, y], i, role) {
    const ratio = window.devicePixelRatio || 1;
    const [left, top] = scene.place(x, y, 0, 0);
    const pen = scene.context;
    pen.font = `bold ${13 * ratio}px sans-serif`;
    const wide = pen.measureText(String(i + 1)).width + 8 * ratio;
    pen.fillStyle = scene.ink(`--cv-${role}`);
    pen.fillRect(left, top, wide, 17 * ratio);
    pen.fillStyle = "#fff";
    pen.fillText(String(i + 1), left + 4 * ratio, top + 13 * ratio);
  }

  return live(scene.canvas, draw, state.close, close);
}

export default { render };
