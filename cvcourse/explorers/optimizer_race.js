// Optimizer race: draws the state of cvcourse.explorers.OptimizerRace and follows pointer and keys.
// Python takes the same steps in optimizer_race.py; a browser test compares the two.

const [STEPS, FAR] = [150, 1e3];
const RATES = Array.from({ length: 13 }, (_, k) => Number((10 ** ((k - 12) / 4)).toPrecision(2)));
const MOMENTA = [0, 0.5, 0.8, 0.9, 0.95, 0.99];
const ROLES = { SGD: "selected", momentum: "input", RMSprop: "kernel", Adam: "output" };
const SURFACES = {
  ravine: { height: (x, y) => 0.05 * x ** 2 + 1.5 * y ** 2, slope: (x, y) => [0.1 * x, 3 * y],
    start: [-4, 2], view: [-6, 6, -4, 4], lowest: 0, best: [[0, 0]] },
  saddle: { height: (x, y) => x ** 2 / 2 - y ** 2 / 2 + y ** 4 / 16, slope: (x, y) => [x, y ** 3 / 4 - y],
    start: [-4, 0.01], view: [-6, 6, -4, 4], lowest: -1, best: [[0, 2], [0, -2]] },
  "bent valley": { height: (x, y) => 0.1 * ((1 - x) ** 2 + 5 * (y - x ** 2) ** 2),
    slope: (x, y) => [0.1 * (-2 * (1 - x) - 20 * x * (y - x ** 2)), y - x ** 2],
    start: [-1.5, 2], view: [-3, 3, -1, 3], lowest: 0, best: [[1, 1]] },
};

// For each number of the gradient: [move, first memory, second memory].
function step(name, g, m, v, t, rate, beta) {
  if (name === "SGD") return [-rate * g, m, v];
  if (name === "momentum") return [beta * m - rate * g, beta * m - rate * g, v];
  if (name === "RMSprop") {
    const square = 0.9 * v + 0.1 * g * g;
    return [-rate * g / Math.sqrt(square + 1e-7), m, square];
  }
  const [mean, square] = [beta * m + (1 - beta) * g, 0.999 * v + 0.001 * g * g];
  const factor = rate * Math.sqrt(1 - 0.999 ** t) / (1 - beta ** t);
  return [-factor * mean / (Math.sqrt(square) + 1e-7), mean, square];
}

function path(name, { slope, start }, rate, beta) {
  const way = [start];
  let memory = [[0, 0], [0, 0]];
  for (let t = 1; t <= STEPS; t++) {
    const moves = slope(...way[t - 1]).map((g, i) => step(name, g, ...memory[i], t, rate, beta));
    memory = moves.map(([, m, v]) => [m, v]);
    way.push(way[t - 1].map((place, i) => place + moves[i][0]));
    if (!(Math.max(...way[t].map(Math.abs)) < FAR)) break;
  }
  return way;
}

function render({ model, el }) {
  const board = element("canvas", { class: "cv-canvas", width: 960, height: 600, role: "img",
    "aria-label": "The surface from above, dark where it is low, with one path for each optimiser" });
  board.style.width = "100%";
  const curve = chart({ width: 430, height: 286, label: "Height above the lowest point, step by step", left: 56, right: 86 });
  const table = element("div", { class: "cv-formula" });
  const surface = element("select", { "aria-label": "Surface" },
    ...Object.keys(SURFACES).map((name) => element("option", { value: name }, name)));
  surface.addEventListener("change", () => state.set({ surface: surface.value }));
  const rate = stops({ word: "Learning rate", role: "selected", values: RATES, change: (at) => state.set({ rate: at }) });
  const momentum = stops({ word: "Momentum", role: "input", values: MOMENTA,
    change: (at) => state.set({ momentum: at }) });
  const shown = stops({ word: "Steps", role: "reference", values: Array.from({ length: STEPS + 1 }, (_, at) => at),
    change: (at) => { run(false); state.set({ step: at }); } });
  const play = element("button", { class: "cv-button cv-play", type: "button" }, "▶ Race");
  const stage = element("div", { class: "cv-race" },
    element("div", {}, element("div", { class: "cv-caption" }, "The surface from above (dark is low)"), board),
    element("div", {}, element("div", { class: "cv-caption" }, "Height above the lowest point"), curve.svg));
  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("label", { class: "cv-control cv-stacked" }, element("span", {}, "Surface"), surface),
      rate.node, momentum.node, shown.node, play), stage, table);
  const state = stateOf(model, ["surface", "rate", "momentum", "step"], draw);
  const grounds = {};
  let timer = 0;

  function run(start) {
    clearInterval(timer);
    timer = 0;
    if (start) {
      if (state.get().step >= STEPS) state.set({ step: 0 });
      timer = setInterval(() => {
        const { step: now } = state.get();
        if (!board.isConnected || now >= STEPS) run(false);
        else state.set({ step: now + 1 });
      }, 40);
    }
    play.textContent = timer ? "❚❚ Pause" : "▶ Race";
  }
  play.addEventListener("click", () => run(!timer));

  // The surface in bands of equal logarithm: painted once, then kept.
  function ground(name) {
    if (grounds[name]) return grounds[name];
    const { height, view: [left, right, low, high], lowest } = SURFACES[name];
    const canvas = new OffscreenCanvas(480, 300);
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(480, 300);
    for (let row = 0; row < 300; row++) for (let column = 0; column < 480; column++) {
      const [x, y] = [left + (right - left) * column / 479, high - (high - low) * row / 299];
      const band = Math.floor(2 * Math.log2(height(x, y) - lowest + 0.02));
      const light = Math.max(110, Math.min(250, 200 + 8 * band));
      image.data.set([light, light, light, 255], 4 * (480 * row + column));
    }
    pen.putImageData(image, 0, 0);
    return (grounds[name] = canvas);
  }

  function drawBoard(now, ways) {
    const { view: [left, right, low, high], start, best } = SURFACES[now.surface];
    const pen = board.getContext("2d");
    const ink = (role) => getComputedStyle(board).getPropertyValue(`--cv-${role}`);
    const at = ([x, y]) => [960 * (x - left) / (right - left), 600 * (high - y) / (high - low)];
    pen.imageSmoothingEnabled = true;
    pen.drawImage(ground(now.surface), 0, 0, 960, 600);
    pen.font = "bold 34px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = "#111";
    pen.fillRect(...at(start).map((place) => place - 7), 14, 14);
    for (const [name, way] of Object.entries(ways)) {
      pen.strokeStyle = pen.fillStyle = ink(ROLES[name]);
      pen.lineWidth = 4;
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

  function draw() {
    const now = state.get();
    const { height, lowest } = SURFACES[now.surface];
    const ways = Object.fromEntries(Object.keys(ROLES).map((name) => (
      [name, path(name, SURFACES[now.surface], RATES[now.rate], MOMENTA[now.momentum])])));
    surface.value = now.surface;
    rate.show(now.rate);
    momentum.show(now.momentum);
    shown.show(now.step);
    drawBoard(now, ways);
    const level = (place) => height(...place) - lowest;
    curve.draw({
      x: { low: 0, high: STEPS, title: "step", ticks: [0, 50, 100, 150].map((tick) => [tick, tick]) },
      y: { low: 1e-6, high: 100, log: true,
        ticks: [[100, "100"], [1, "1"], [0.01, "0.01"], [1e-4, "0.0001"], [1e-6, "10⁻⁶"]] },
      lines: Object.entries(ways).map(([name, way]) => ({ name, role: ROLES[name],
        values: way.slice(0, now.step + 1).map((place, t) => [t, level(place)]) })),
    });
    const parts = Object.entries(ways).flatMap(([name, way]) => {
      const gone = way.length - 1 <= now.step && Math.max(...way.at(-1).map(Math.abs)) >= FAR;
      const value = level(way[Math.min(now.step, way.length - 1)]);
      const text = gone ? `diverged at step ${way.length - 1}` : value < 1e-6 ? "below 0.000001" : Number(value.toPrecision(3)).toString();
      return [[ROLES[name], `${name}: `], text, "      "];
    });
    write(table, ...parts);
    table.dataset.ends = JSON.stringify(Object.values(ways).map((way) => way[Math.min(now.step, way.length - 1)]));
    drawn();
  }

  const resize = new ResizeObserver(draw); // on the page the colours of the theme are known
  resize.observe(stage);
  draw();
  return () => { run(false); resize.disconnect(); state.close(); close(); };
}

export default { render };
