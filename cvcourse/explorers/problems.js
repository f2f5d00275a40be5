// Problems: draws the picture that cvcourse.explorers.Problems makes, and what each classifier answers.
// Python computes picture and scores; the strips follow when the slider has come to rest. A page without Python shows
// what was recorded along each slider, with the others at rest.

const SETTINGS = ["animal", "background", "turn", "light", "cover", "size"];
const REST = 250; // ms without a change until the strips are asked for
const PIXELS = 64;

const bestOf = (scores) => scores.indexOf(Math.max(...scores));

// One classifier: its answer, a bar for each class, and the strip. Returns {node, show(…), strip(…), mark(part)}.
function row(name, classes, pick) {
  const answer = element("output", { style: "font-size:1.7em;font-weight:bold;line-height:1.2", "data-answer": "" });
  const bars = classes.map((label) => bar(element("span", {}, label), "reference", { style: "grid-template-columns:3em 1fr 3.2em" }));
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
      const best = bestOf(scores);
      const right = classes[best] === truth;
      const top = Math.max(1e-9, ...scores.map(Math.abs));
      answer.textContent = `${right ? "✓" : "✗"} ${classes[best]}`;
      answer.className = right ? "cv-output" : "cv-selected";
      answer.dataset.answer = classes[best];
      bars.forEach((one, at) => one.show(scores[at] / top, number(scores[at]), scores[at],
        at !== best ? "reference" : right ? "output" : "selected"));
    },
    strip(right, word, stale) {
      if (cells.childElementCount !== right.length) {
        cells.replaceChildren(...right.map(() => element("span", { style: "flex:1" })));
      }
      right.forEach((yes, at) => {
        cells.children[at].style.height = yes ? "100%" : "35%";
        cells.children[at].style.background = `var(--cv-${yes ? "output" : "selected"})`;
      });
      cells.style.opacity = stale ? 0.35 : 1;
      const share = right.filter(Boolean).length;
      cells.setAttribute("aria-label", `right at ${share} of ${right.length} positions of ${word}`);
    },
    mark(part) { marker.style.left = `${100 * part}%`; },
  };
}

function render({ model, el }) {
  const rest = model.get("rest");
  const classes = model.get("classes");
  const names = model.get("names");
  const { sheet, made } = model.get("recorded");
  let [waiting, pictures] = [0, null];
  if (model.still) createImageBitmap(new Blob([sheet])).then((found) => { pictures = found; });
  const only = (name) => (value) => move({ [name]: value }, name);
  const { get, set, control, page, redraw } = begin(model, ["swept", "view", "strips"],
    Object.fromEntries(SETTINGS.map((name) => [name, only(name)])));
  const reset = button("Reset", () => move(atRest({ background: "plain" })), "", { style: "margin-left:auto" });

  const canvas = element("canvas", { class: "cv-canvas", width: PIXELS, height: PIXELS, role: "img",
    style: "width:100%;aspect-ratio:1;border-radius:3px" });
  const caption = element("figcaption", { class: "cv-caption" }, `They get ${PIXELS} × ${PIXELS} × 3 numbers`);
  const title = element("div", { class: "cv-caption", style: "text-align:right;white-space:nowrap" });
  const ends = element("div", { style: "display:flex;justify-content:space-between;margin:-20px 0 0 auto;width:15em;color:var(--cv-muted)" });
  const rows = names.map((name) => row(name, classes, (part) => {
    const { places } = get().strips;
    move({ [get().swept]: places[Math.floor(part * places.length)] });
  }));
  const stage = element("div", { style: "display:grid;grid-template-columns:minmax(0,17.5em) minmax(0,1fr);gap:24px" },
    panel(caption, canvas),
    element("div", {}, title, ...rows.map(({ node }) => node), ends));

  const atRest = (values) => ({ ...rest, ...values });
  const same = (of, now, but) => SETTINGS.every((name) => name === but || of[name] === now[name]);

  function move(values, knob) {
    const swept = knob in rest ? knob : get().swept;
    if (model.still) return recall(values, swept);
    set({ ...values, swept });
    clearTimeout(waiting);
    waiting = setTimeout(() => model.send({ sweep: get().swept }), REST);
  }

  // What was recorded there, the other sliders at rest; or at the place nearest to it.
  function recall(values, swept) {
    const { animal, background } = { ...get(), ...values };
    const wanted = atRest({ animal, background, ...(swept in values ? { [swept]: values[swept] } : {}) });
    const along = made.filter(({ of }) => same(of, wanted, swept)).sort((a, b) => a.of[swept] - b.of[swept]);
    // From where the slider stands a key leads to the next recorded place.
    const ahead = Math.sign(wanted[swept] - get()[swept]);
    const away = ({ of }) => Math.abs(of[swept] - wanted[swept]) + (ahead * (of[swept] - get()[swept]) > 0 || !ahead ? 0 : 1000);
    const found = along.reduce((best, one) => (away(one) < away(best) ? one : best));
    if (along.length === 1 && found.of[swept] !== wanted[swept]) { // of other animals and grounds the rest alone is recorded
      model.send({ sweep: swept });
      return redraw();
    }
    model.set("description", found.words);
    const right = Object.fromEntries(names.map((name) => [name, along.map(({ scores, truth }) => classes[bestOf(scores[name])] === truth)]));
    const strips = { of: found.of, knob: swept, places: along.map(({ of }) => of[swept]), right };
    return set({ ...found.of, swept, view: found, ...(along.length > 1 ? { strips } : {}) });
  }

  function drawPicture({ view }) {
    const pen = canvas.getContext("2d");
    if (view.pixels) photo(arrayOf({ shape: [PIXELS, PIXELS, 3], dtype: "uint8", data: view.pixels }), canvas);
    else if (pictures) pen.drawImage(pictures, 0, PIXELS * made.indexOf(view), PIXELS, PIXELS, 0, 0, PIXELS, PIXELS);
    canvas.setAttribute("aria-label", `The picture: a ${view.of.animal}`);
    rows.forEach((one, at) => one.show(view.scores[names[at]], view.truth));
  }

  function drawStrips(now) {
    const { of, knob, places, right } = now.strips;
    const declared = model.get("controls")[knob];
    const stale = knob !== now.swept || !same(of, now, knob);
    title.textContent = `right (tall) at each position of ${declared.word}, the rest as it is`;
    write(ends, ...[places[0], places.at(-1)].map((value) => element("span", {}, written(value, declared))));
    const width = places[1] - places[0];
    const part = (now[knob] - places[0] + width / 2) / (width * places.length);
    rows.forEach((one, at) => {
      one.strip(right[names[at]], declared.word, stale);
      one.mark(part);
    });
  }

  return page({ el, controls: [...SETTINGS.map((name) => control[name]), reset], stage: [stage] }, (now) => {
    drawPicture(now);
    drawStrips(now);
  }, () => clearTimeout(waiting));
}
