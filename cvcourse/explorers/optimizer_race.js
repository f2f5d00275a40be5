// Optimizer race: draws the state of cvcourse.explorers.OptimizerRace; the steps are taken here at once.

const ROLES = { SGD: "selected", momentum: "input", RMSprop: "kernel", Adam: "output" };

function render({ model, el }) {
  const board = element("canvas", { class: "cv-canvas", width: 960, height: 600, role: "img", style: "width: 100%",
    "aria-label": "The surface from above, dark where it is low, with one path for each optimiser" });
  const curve = chart({ width: 430, height: 286, label: "Height above the lowest point, step by step", left: 56, right: 90, size: 14 });
  const { get, set, control, page, formula: table } = begin(model, [], { step: (step) => { play.stop(); set({ step }); } });
  const play = player(["▶ Race", "❚❚ Pause"], 40, () => {
    if (get().step >= STEPS) return false;
    set({ step: get().step + 1 });
  }, { before: () => { if (get().step >= STEPS) set({ step: 0 }); } });
  const grounds = {};

  // The surface in bands of equal logarithm: painted once, then kept.
  function ground(name) {
    const { height, view: [left, right, low, high], lowest } = SURFACES[name];
    return (grounds[name] ??= pixels(300, 480, (pixel) => {
      const [x, y] = [left + (right - left) * (pixel % 480) / 479, high - (high - low) * Math.floor(pixel / 480) / 299];
      const band = Math.floor(2 * Math.log2(height(x, y) - lowest + 0.02));
      return Array(3).fill(within(200 + 8 * band, 110, 250));
    }));
  }

  function drawBoard(now, ways) {
    const { view: [left, right, low, high], start, best } = SURFACES[now.surface];
    const pen = board.getContext("2d");
    const ink = inkOf(board);
    const at = ([x, y]) => [960 * (x - left) / (right - left), 600 * (high - y) / (high - low)];
    Object.assign(pen, { imageSmoothingEnabled: true, font: "bold 34px sans-serif", textAlign: "center", textBaseline: "middle",
      fillStyle: "#111", lineWidth: 4 });
    pen.drawImage(ground(now.surface), 0, 0, 960, 600);
    pen.fillRect(...at(start).map((place) => place - 7), 14, 14);
    for (const [name, way] of Object.entries(ways)) {
      pen.strokeStyle = pen.fillStyle = ink(ROLES[name]);
      pen.beginPath();
      const seen = way.slice(0, now.step + 1);
      for (const place of seen) pen.lineTo(...at(place));
      pen.stroke();
      pen.beginPath();
      pen.arc(...at(seen.at(-1)), 10, 0, 7);
      pen.fill();
    }
    pen.fillStyle = "#111";
    for (const place of best) pen.fillText("★", ...at(place));
  }

  return page({
    el,
    controls: [control.surface, control.rate, control.momentum, control.step, play],
    stage: [element("div", { class: "cv-race" },
      element("div", {}, element("div", { class: "cv-caption" }, "The surface from above (dark is low)"), board),
      element("div", {}, element("div", { class: "cv-caption" }, "Height above the lowest point"), curve.svg)), table],
  }, (now) => {
    const { height, lowest } = SURFACES[now.surface];
    const [rate, momentum] = ["rate", "momentum"].map((name) => Number(control[name].stops[now[name]]));
    const ways = named(ROLES, (_, name) => path(name, now.surface, rate, momentum));
    drawBoard(now, ways);
    const level = (place) => height(...place) - lowest;
    curve.draw({
      x: { low: 0, high: STEPS, title: "step", ticks: [0, 50, 100, 150].map((tick) => [tick, tick]) },
      y: { low: 1e-6, high: 100, log: true,
        ticks: [[100, "100"], [1, "1"], [0.01, "0.01"], [1e-4, "0.0001"], [1e-6, "10⁻⁶"]] },
      lines: Object.entries(ways).map(([name, way]) => ({ name, role: ROLES[name],
        values: way.slice(0, now.step + 1).map((place, t) => [t, level(place)]) })),
    });
    const last = (way) => way[Math.min(now.step, way.length - 1)];
    write(table, ...Object.entries(ways).flatMap(([name, way]) => {
      const gone = way.length - 1 <= now.step && Math.max(...way.at(-1).map(Math.abs)) >= FAR;
      const value = level(last(way));
      const text = gone ? `diverged at step ${way.length - 1}` : value < 1e-6 ? "below 0.000001" : Number(value.toPrecision(3)).toString();
      return [[ROLES[name], `${name}: `], text, "      "];
    }));
    table.dataset.ends = JSON.stringify(Object.values(ways).map(last));
  }, play.stop);
}
