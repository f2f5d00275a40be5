// Latent: draws the state of cvcourse.explorers.Latent and follows pointer and keys.
// The pictures are the decoder's. Between the points of the grid they are blended until the exact one arrives.

const ROLES = ["input", "kernel", "output", "statistics", "reference"];
const STEP = 0.1; // an arrow key; with Shift five times as far
const PIXELS = 12; // pictures along an axis, where they are the ground of the plane

function render({ model, el }) {
  const plane = board("Plane of two latent numbers: drag the point, or move it with the arrow keys");
  const [shown, nearest] = [element("canvas", { class: "cv-canvas", role: "img", "aria-label": "The picture at z" }),
    element("canvas", { class: "cv-canvas", role: "img", "aria-label": "The nearest training picture" })];
  shown.style.cssText = "width: 17em; max-width: 100%; aspect-ratio: 1; image-rendering: auto";
  nearest.style.cssText = "width: 9em; max-width: 100%; aspect-ratio: 1; image-rendering: auto";
  const legend = element("figcaption", { class: "cv-caption" });
  const formula = element("div", { class: "cv-formula" });
  const apart = element("div", { class: "cv-caption cv-reference" });
  const ground = element("input", { type: "checkbox" });
  const button = (text, act) => {
    const node = element("button", { class: "cv-button", type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  };
  const play = button("▶ Walk", () => run(!timer));
  play.classList.add("cv-play");
  const { drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      button("Throw the dice", () => { run(false); move(dice()); }),
      button("Middle", () => { run(false); move([0, 0]); }),
      element("label", { class: "cv-control" }, ground, "pictures on the plane"), play),
    element("div", { class: "cv-stage cv-half" },
      element("figure", { class: "cv-panel" }, legend, plane.canvas,
        element("p", { class: "cv-hint" }, "Drag the point. Arrow keys; with Shift farther; Home: middle.")),
      element("figure", { class: "cv-panel" },
        element("div", { style: "display: flex; gap: 24px; align-items: flex-start" },
          element("div", {}, element("div", { class: "cv-caption cv-output" }, "the decoder's picture at z"), shown),
          element("div", { class: "cv-near" }, element("div", { class: "cv-caption cv-reference" }, "nearest training picture"),
            nearest, apart)),
        formula)));
  const state = stateOf(model, ["z", "look"], draw);
  const [height, width, channels] = model.get("shape");
  const [steps, extent, classes, dots] = ["steps", "extent", "classes", "dots"].map((name) => model.get(name));
  const size = height * width * channels;
  const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const grid = bytes(model.get("pictures"));
  const tiles = document.createElement("canvas");
  let timer = 0;
  let turn = 0;

  for (const canvas of [shown, nearest]) [canvas.width, canvas.height] = [width, height];
  ground.addEventListener("change", draw);
  el.querySelector(".cv-near").style.visibility = dots.length ? "visible" : "hidden";
  write(legend, ...(dots.length ? ["training pictures: "] : ["the plane of z"]),
    ...(dots.length ? classes.slice(0, 10).flatMap((name, k) => [[ROLES[k % ROLES.length], name], " "]) : []));

  const inside = (value) => Math.max(-extent, Math.min(extent, value));
  const move = ([x, y]) => state.set({ z: [x, y].map((value) => Math.round(100 * inside(value)) / 100) });

  // Two numbers from a standard normal distribution.
  function dice() {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    const angle = 2 * Math.PI * Math.random();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  // Around the middle, twenty-five steps a second, until the circle closes.
  function run(start) {
    clearInterval(timer);
    turn = 0;
    const [x, y] = state.get().z;
    const radius = Math.max(0.5, Math.hypot(x, y));
    const from = Math.atan2(y, x);
    timer = start ? setInterval(() => {
      turn += 1;
      const angle = from + 2 * Math.PI * turn / 300;
      if (!plane.canvas.isConnected || turn > 300) run(false);
      else move([radius * Math.cos(angle), radius * Math.sin(angle)]);
    }, 40) : 0;
    play.textContent = timer ? "❚❚ Stop" : "▶ Walk";
  }

  plane.canvas.addEventListener("pointerdown", (event) => {
    run(false);
    plane.canvas.setPointerCapture(event.pointerId);
    plane.canvas.focus({ preventScroll: true });
    drag(event);
    event.preventDefault();
  });
  plane.canvas.addEventListener("pointermove", (event) => {
    if (plane.canvas.hasPointerCapture(event.pointerId)) drag(event);
  });
  plane.canvas.addEventListener("keydown", (event) => {
    const ways = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const far = event.shiftKey ? 5 * STEP : STEP;
    const { z } = state.get();
    if (event.key === "Home") move([0, 0]);
    else if (event.key in ways) move(ways[event.key].map((way, at) => z[at] + far * way));
    else return;
    run(false);
    event.preventDefault();
  });

  function drag(event) {
    const [x, y] = plane.at(event);
    move([x - extent, extent - y]);
  }

  // The four pictures of the grid around z, blended, as bytes.
  function blended([x, y]) {
    const place = [(extent - y), (x + extent)].map((value) => value / (2 * extent) * (steps - 1));
    const [row, column] = place.map((value) => Math.min(steps - 2, Math.floor(value)));
    const [down, right] = [place[0] - row, place[1] - column];
    const corners = [[0, 0, (1 - down) * (1 - right)], [0, 1, (1 - down) * right], [1, 0, down * (1 - right)],
      [1, 1, down * right]].map(([i, j, weight]) => [size * ((row + i) * steps + column + j), weight]);
    return Uint8Array.from({ length: size }, (_, k) => Math.round(
      corners.reduce((sum, [start, weight]) => sum + weight * grid[start + k], 0)));
  }

  function pixels(data) {
    const image = new ImageData(width, height);
    for (let k = 0; k < height * width; k++) {
      const color = channels === 3 ? [data[3 * k], data[3 * k + 1], data[3 * k + 2]] : Array(3).fill(data[channels * k]);
      image.data.set([...color, 255], 4 * k);
    }
    return image;
  }

  // Some pictures of the grid, as the ground of the plane: painted once.
  function tiled() {
    if (tiles.width !== PIXELS * width) {
      [tiles.width, tiles.height] = [PIXELS * width, PIXELS * height];
      const pen = tiles.getContext("2d");
      for (let row = 0; row < PIXELS; row++) for (let column = 0; column < PIXELS; column++) {
        const at = ([column, row]).map((value, k) => (k ? -1 : 1) * extent * (2 * (value + 0.5) / PIXELS - 1));
        pen.putImageData(pixels(blended(at)), column * width, row * height);
      }
    }
    return tiles;
  }

  function draw() {
    const { z, look } = state.get();
    const pen = plane.context;
    const ratio = window.devicePixelRatio || 1;
    plane.clear([0, 0], 2 * extent);
    const at = ([x, y]) => plane.place(x + extent, extent - y, 0, 0).slice(0, 2);
    const full = plane.place(0, 0, 2 * extent, 2 * extent);
    pen.setLineDash([]);
    if (ground.checked) {
      pen.imageSmoothingEnabled = true;
      pen.drawImage(tiled(), ...full);
    }
    pen.lineWidth = ratio;
    pen.strokeStyle = plane.ink("--cv-line");
    for (let value = Math.ceil(-extent); value <= extent; value++) {
      pen.globalAlpha = value ? 0.35 : 1;
      pen.beginPath();
      pen.moveTo(...at([value, -extent])); pen.lineTo(...at([value, extent]));
      pen.moveTo(...at([-extent, value])); pen.lineTo(...at([extent, value]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    for (const [x, y, k] of dots) {
      pen.fillStyle = plane.ink(`--cv-${ROLES[k % ROLES.length]}`);
      pen.beginPath();
      pen.arc(...at([x, y]), 2.4 * ratio, 0, 7);
      pen.fill();
    }
    for (const [color, line] of [["#fff", 6], [plane.ink("--cv-selected"), 3]]) {
      pen.lineWidth = line * ratio;
      pen.strokeStyle = color;
      pen.beginPath();
      pen.arc(...at(z), 8 * ratio, 0, 7);
      pen.stroke();
    }
    const exact = look.z && look.z.every((value, k) => Math.abs(value - z[k]) < 1e-9);
    shown.getContext("2d").putImageData(pixels(exact ? bytes(look.made) : blended(z)), 0, 0);
    shown.dataset.exact = Boolean(exact);
    if (look.nearest && look.nearest.byteLength) {
      nearest.getContext("2d").putImageData(pixels(bytes(look.nearest)), 0, 0);
      apart.textContent = `${number(look.distance)} per pixel away`;
    }
    const radius = Math.hypot(...z);
    const [first, second] = [element("div"), element("div")];
    write(first, ["selected", `z = (${number(z[0])}, ${number(z[1])})`], `   |z| = ${number(radius)}`);
    write(second, "exp(−|z|² / 2) = ", ["statistics", `${Math.round(100 * Math.exp(-radius * radius / 2))} %`],
      " of all dice lie further out");
    formula.replaceChildren(first, second);
    drawn();
  }

  return live(plane.canvas, draw, () => clearInterval(timer), state.close, close);
}

export default { render };
