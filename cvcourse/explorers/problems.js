// Problems: draws the picture that cvcourse.explorers.Problems makes, and what each classifier answers.
// Python computes picture and scores; the strips follow when the slider has come to rest.

const SETTINGS = ["animal", "background", "turn", "light", "cover", "size"];
const REST = 250; // ms without a change until the strips are asked for
const UNITS = { turn: "°", light: " %", cover: " %", size: " %" };
const WORDS = { turn: "Turn", light: "Light", cover: "Cover", size: "Size" };
const PIXELS = 64;

const signed = (value) => String(value).replace("-", "−");

function choice(label, names, change) {
  const select = element("select", { "aria-label": label, style: "max-width:9.5em" }, ...names.map((name) => element("option", { value: name }, name)));
  select.addEventListener("change", () => change(select.value));
  return { node: element("label", { class: "cv-control cv-stacked" }, element("span", {}, label), select), select };
}

// One classifier: its answer, a bar for each class, and the strip. Returns {node, show(…), strip(…), mark(part)}.
function row(name, classes, pick) {
  const answer = element("output", { style: "font-size:1.7em;font-weight:bold;line-height:1.2", "data-answer": "" });
  const bars = classes.map((label) => {
    const fill = element("span", { class: "cv-fill" });
    const value = element("output", { class: "cv-value" });
    return { fill, value, node: element("div", { class: "cv-bar", style: "grid-template-columns:3em 1fr 3.2em" },
      element("span", {}, label), element("span", {}, fill), value) };
  });
  const cells = element("div", { role: "img", style: "display:flex;align-items:flex-end;gap:1px;height:44px;cursor:pointer" });
  const marker = element("div", { "aria-hidden": "true", style: "position:absolute;top:-2px;bottom:-2px;width:3px;margin-left:-1.5px;"
    + "background:var(--cv-ink);pointer-events:none" });
  cells.addEventListener("pointerdown", (event) => {
    const box = cells.getBoundingClientRect();
    pick(Math.min(0.999, Math.max(0, (event.clientX - box.left) / box.width)));
  });
  return {
    node: element("div", { style: "display:grid;grid-template-columns:8em minmax(0,1fr) 15em;gap:18px;align-items:center;"
      + "min-height:98px;border-top:1px solid var(--cv-line)", role: "group", "aria-label": name },
    element("div", {}, element("div", {}, name), answer),
    element("div", {}, ...bars.map(({ node }) => node)),
    element("div", { style: "position:relative" }, cells, marker)),
    show(scores, truth) {
      const best = scores.indexOf(Math.max(...scores));
      const right = classes[best] === truth;
      const top = Math.max(1e-9, ...scores.map(Math.abs));
      answer.textContent = `${right ? "✓" : "✗"} ${classes[best]}`;
      answer.className = right ? "cv-output" : "cv-selected";
      answer.dataset.answer = classes[best];
      bars.forEach(({ fill, value }, at) => {
        fill.style.width = `${100 * Math.max(0, scores[at]) / top}%`;
        fill.style.background = `var(--cv-${at !== best ? "reference" : right ? "output" : "selected"})`;
        value.textContent = number(scores[at]);
      });
    },
    strip(right, knob, stale) {
      if (cells.childElementCount !== right.length) {
        cells.replaceChildren(...right.map(() => element("span", { style: "flex:1" })));
      }
      right.forEach((yes, at) => {
        cells.children[at].style.height = yes ? "100%" : "35%";
        cells.children[at].style.background = `var(--cv-${yes ? "output" : "selected"})`;
      });
      cells.style.opacity = stale ? 0.35 : 1;
      const share = right.filter(Boolean).length;
      cells.setAttribute("aria-label", `right at ${share} of ${right.length} positions of ${WORDS[knob]}`);
    },
    mark(part) { marker.style.left = `${100 * part}%`; },
  };
}

function render({ model, el }) {
  const knobs = model.get("knobs");
  const classes = model.get("classes");
  let waiting = 0;

  const animal = choice("Picture", model.get("animals"), (name) => set({ animal: name }));
  const background = choice("Background", model.get("backgrounds"), (name) => set({ background: name }));
  const sliders = Object.fromEntries(Object.entries(knobs).map(([name, [min, max, step]]) => {
    const one = slider({ word: WORDS[name], letter: "", role: "input", min, max, change: (value) => set({ [name]: value }, name) });
    one.input.step = name === "turn" ? 5 : step;
    one.input.setAttribute("aria-label", WORDS[name]);
    one.node.querySelector("b").remove();
    return [name, one];
  }));
  const reset = element("button", { class: "cv-button", type: "button", style: "margin-left:auto" }, "Reset");
  reset.addEventListener("click", () => set({
    background: "plain", ...Object.fromEntries(Object.entries(knobs).map(([name, knob]) => [name, knob[3]])) }));

  const canvas = element("canvas", { class: "cv-canvas", width: PIXELS, height: PIXELS, role: "img",
    style: "width:100%;aspect-ratio:1;border-radius:3px" });
  const caption = element("figcaption", { class: "cv-caption" }, `They get ${PIXELS} × ${PIXELS} × 3 numbers`);
  const title = element("div", { class: "cv-caption", style: "text-align:right;white-space:nowrap" });
  const ends = element("div", { style: "display:flex;justify-content:space-between;margin:-20px 0 0 auto;width:15em;color:var(--cv-muted)" });
  const rows = model.get("names").map((name) => row(name, classes, (part) => {
    const { places } = model.get("strips");
    set({ [model.get("swept")]: places[Math.floor(part * places.length)] });
  }));
  const stage = element("div", { style: "display:grid;grid-template-columns:minmax(0,17.5em) minmax(0,1fr);gap:24px" },
    element("figure", { class: "cv-panel" }, caption, canvas),
    element("div", {}, title, ...rows.map(({ node }) => node), ends));
  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls", style: "column-gap:14px" }, animal.node, background.node,
      ...Object.values(sliders).map(({ node }) => node), reset), stage);
  root.querySelector(".cv-describe").style.minHeight = "2.9em";

  const state = stateOf(model, [...SETTINGS, "swept", "view", "strips"], () => draw());
  function set(values, knob) {
    if (knob && knob !== model.get("swept")) values.swept = knob;
    state.set(values);
    clearTimeout(waiting);
    waiting = setTimeout(() => model.send({ sweep: model.get("swept") }), REST);
  }

  const same = (of, now, but) => SETTINGS.every((name) => name === but || of[name] === now[name]);

  function draw() {
    const now = state.get();
    animal.select.value = now.animal;
    background.select.value = now.background;
    for (const [name, one] of Object.entries(sliders)) {
      one.show(now[name]);
      one.node.querySelector("output").textContent = signed(now[name]) + UNITS[name];
    }
    drawPicture(now);
    drawStrips(now);
    if (same(now.view.of, now)) drawn();
  }

  function drawPicture({ view }) {
    const pixels = new Uint8Array(view.pixels.buffer, view.pixels.byteOffset, view.pixels.byteLength);
    const image = new ImageData(PIXELS, PIXELS);
    for (let i = 0; i < PIXELS * PIXELS; i++) image.data.set([...pixels.subarray(3 * i, 3 * i + 3), 255], 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", `The picture: a ${view.of.animal}`);
    rows.forEach((one, at) => one.show(view.scores[model.get("names")[at]], view.truth));
  }

  function drawStrips(now) {
    const { of, knob, places, right } = now.strips;
    const unit = UNITS[knob];
    const stale = knob !== now.swept || !same(of, now, knob);
    title.textContent = `right (tall) at each position of ${WORDS[knob]}, the rest as it is`;
    write(ends, element("span", {}, signed(places[0]) + unit), element("span", {}, signed(places[places.length - 1]) + unit));
    const width = places[1] - places[0];
    const part = (now[knob] - places[0] + width / 2) / (width * places.length);
    rows.forEach((one, at) => {
      one.strip(right[model.get("names")[at]], knob, stale);
      one.mark(part);
    });
  }

  draw();
  return () => {
    clearTimeout(waiting);
    state.close();
    close();
  };
}

export default { render };
