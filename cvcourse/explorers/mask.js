// Mask: draws the state of cvcourse.explorers.Mask; the threshold is followed and counted here at once.

const GREEN = [0, 158, 115];
const SCALE = [12, 262]; // left end and width of the scale of colours

// The colours from 0 to 1, with a mark at the threshold.
function scaleOf() {
  const [left, wide] = SCALE;
  const mark = svg("rect", { y: 0, width: 5, height: 17, fill: "var(--cv-selected)", stroke: "#fff" });
  const root = svg("svg", { viewBox: "0 0 286 30", width: "100%", class: "cv-scale", "aria-hidden": "true" },
    ...Array.from({ length: 64 }, (_, place) => svg("rect",
      { x: left + wide * place / 64, y: 4, width: wide / 64 + 0.5, height: 9, fill: `rgb(${viridis((place + 0.5) / 64)})` })),
    ...[0, 0.5, 1].map((tick) => svg("text", { x: left + wide * tick, y: 28, "font-size": 14.2, fill: "var(--cv-muted)",
      "text-anchor": "middle" }, String(tick))), mark);
  return { root, show: (threshold) => mark.setAttribute("x", left + wide * threshold - 2.5) };
}

function render({ model, el }) {
  const scene = board("Picture with the mask found at this threshold and the true boundary", true);
  const map = board("Map of the probability of the chosen class, with a line at the threshold", true);
  const scale = scaleOf();
  const meters = named({ iou: ["IoU", "statistics"], dice: ["Dice", "output"], pixels: ["pixels", "output"] }, (one) => meter(...one));
  const [legend, title] = [caption(), caption()];
  const { control: { picture, chosen, threshold }, page, formula } = begin(model, ["images", "truth", "probabilities", "classes"]);

  return page({
    el,
    controls: [picture, chosen, threshold],
    stage: [element("div", { class: "cv-masks" },
      panel(legend, scene.canvas),
      panel(title, map.canvas, scale.root),
      panel(caption("Found against true"), ...Object.values(meters).map(({ node }) => node))), formula],
  }, (now) => {
    const [image, truth, found] = [now.images, now.truth, now.probabilities].map((array) => at(array, now.picture));
    const [high, wide] = truth.shape;
    const [count, name] = [now.classes.length, now.classes[now.chosen]];
    const value = (place) => found[count * place + now.chosen] / 255;
    const isFound = (place) => value(place) >= now.threshold;
    const isTrue = (place) => truth[place] === now.chosen;
    const places = Array.from(truth, (_, place) => place);
    const got = maskMeasures(...[(place) => isFound(place) && isTrue(place), isFound, isTrue].map((test) => places.filter(test).length));
    const matrix = (test) => grid(high, wide, (row, column) => test(row * wide + column));
    scale.show(now.threshold);
    scene.fit(high, wide);
    scene.paint([high, wide], (place) => {
      const part = isFound(place) ? 0.6 : 0;
      return GREEN.map((green, k) => (1 - part) * image[3 * place + k] + part * green);
    });
    scene.outline(matrix(isTrue), "input");
    map.fit(high, wide);
    map.paint([high, wide], (place) => viridis(value(place)));
    map.outline(matrix(isFound), "selected");

    write(legend, ["output", `called ${name}`], ", ", ["input", "true boundary"]);
    write(title, `Probability of ${name}, `, ["selected", `line at ${number(now.threshold)}`]);
    meters.iou.show(got.iou, number(got.iou), got.iou);
    meters.dice.show(got.dice, number(got.dice), got.dice);
    meters.pixels.show(got.pixels / places.length, String(got.pixels), got.pixels);
    const equals = got.union ? " = " : ", counted as ";
    lines(formula,
      [["statistics", "IoU"], ` = |found ∩ true| / |found ∪ true| = ${got.overlap} / ${got.union}${equals}`, ["statistics", number(got.iou)]],
      [["output", "Dice"], " = 2 · |found ∩ true| / (|found| + |true|) = ",
        `2 · ${got.overlap} / (${got.pixels} + ${got.others})${equals}`, ["output", number(got.dice)]]);
  });
}
