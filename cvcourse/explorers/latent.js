// Latent: draws the state of cvcourse.explorers.Latent and follows pointer and keys.
// The pictures are the decoder's. Between the points of the grid they are blended until the exact one arrives.

const ROLES = ["input", "kernel", "output", "statistics", "reference"];
const STEP = 0.1; // an arrow key; with Shift five times as far
const PIXELS = 12; // pictures along an axis, where they are the ground of the plane

function render({ model, el }) {
  const plane = board("Plane of two latent numbers: drag the point, or move it with the arrow keys");
  const shownAt = (label, wide) => element("canvas", { class: "cv-canvas", role: "img", "aria-label": label,
    style: `width: ${wide}em; max-width: 100%; aspect-ratio: 1; image-rendering: auto` });
  const [shown, nearest] = [shownAt("The picture at z", 17), shownAt("The nearest training picture", 9)];
  const apart = element("div", { class: "cv-caption cv-reference" });
  const { get, set, page, redraw, formula } = begin(model, ["z", "look"]);
  const [height, width, channels] = model.get("shape");
  const [steps, extent, classes, places] = ["steps", "extent", "classes", "dots"].map((name) => model.get(name));
  const ground = controlOf({ kind: "toggle", word: "pictures on the plane" }, null, redraw);
  const tiles = document.createElement("canvas");
  let turn = 0;
  let circle = [];

  // The grid of pictures is one JPEG: its pixels are there a moment later.
  let grid = null;
  const sheet = new Image();
  sheet.src = URL.createObjectURL(new Blob([bytes(model.get("pictures"))], { type: "image/jpeg" }));
  sheet.decode().then(() => {
    const canvas = element("canvas", { width: steps * width, height: steps * height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(sheet, 0, 0);
    grid = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    URL.revokeObjectURL(sheet.src);
    redraw();
  });

  const inside = (value) => within(value, -extent, extent);
  const move = ([x, y]) => set({ z: [x, y].map((value) => Math.round(100 * inside(value)) / 100) });

  // Two numbers from a standard normal distribution.
  function dice() {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    const angle = 2 * Math.PI * Math.random();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  // Around the middle, twenty-five steps a second, until the circle closes.
  const play = player(["▶ Walk", "❚❚ Stop"], 40, () => {
    turn += 1;
    const [radius, from] = circle;
    const angle = from + 2 * Math.PI * turn / 300;
    if (turn > 300) return false;
    move([radius * Math.cos(angle), radius * Math.sin(angle)]);
  }, { before: () => {
    const [x, y] = get().z;
    [turn, circle] = [0, [Math.max(0.5, Math.hypot(x, y)), Math.atan2(y, x)]];
  } });
  const leap = (to) => {
    play.stop();
    move(to);
  };

  const drag = (event) => {
    const [x, y] = plane.at(event);
    move([x - extent, extent - y]);
  };
  follow(plane.canvas, {
    press(event) {
      play.stop();
      drag(event);
    },
    drag,
    arrow(down, right, { shiftKey }) {
      const far = shiftKey ? 5 * STEP : STEP;
      const [x, y] = get().z;
      leap([x + far * right, y - far * down]);
    },
    key({ key }) {
      if (key !== "Home") return false;
      leap([0, 0]);
    },
  });

  // The four pictures of the grid around z, blended: the colour of each pixel.
  function blended([x, y]) {
    const place = [(extent - y), (x + extent)].map((value) => value / (2 * extent) * (steps - 1));
    const [row, column] = place.map((value) => Math.min(steps - 2, Math.floor(value)));
    const [down, right] = [place[0] - row, place[1] - column];
    const corners = [[0, 0, (1 - down) * (1 - right)], [0, 1, (1 - down) * right], [1, 0, down * (1 - right)], [1, 1, down * right]];
    return (pixel) => [0, 1, 2].map((k) => corners.reduce((sum, [i, j, weight]) => sum
      + weight * grid[4 * (((row + i) * height + Math.floor(pixel / width)) * steps * width + (column + j) * width + pixel % width) + k], 0));
  }

  const colored = (data) => (pixel) => (channels === 3 ? data.subarray(3 * pixel, 3 * pixel + 3) : Array(3).fill(data[channels * pixel]));

  // Some pictures of the grid, as the ground of the plane: painted once.
  function tiled() {
    if (grid && tiles.width !== PIXELS * width) {
      [tiles.width, tiles.height] = [PIXELS * width, PIXELS * height];
      const pen = tiles.getContext("2d");
      for (let row = 0; row < PIXELS; row++) for (let column = 0; column < PIXELS; column++) {
        const z = [column, row].map((value, k) => (k ? -1 : 1) * extent * (2 * (value + 0.5) / PIXELS - 1));
        pen.drawImage(pixels(height, width, blended(z)), column * width, row * height);
      }
    }
    return tiles;
  }

  function drawPlane(z) {
    const pen = plane.context;
    plane.clear([0, 0], 2 * extent);
    const spot = ([x, y]) => plane.place(x + extent, extent - y, 0, 0).slice(0, 2);
    const full = plane.place(0, 0, 2 * extent, 2 * extent);
    pen.setLineDash([]);
    if (ground.input.checked) {
      pen.imageSmoothingEnabled = true;
      pen.drawImage(tiled(), ...full);
    }
    Object.assign(pen, { lineWidth: dots(), strokeStyle: plane.ink("line") });
    for (let value = Math.ceil(-extent); value <= extent; value++) {
      pen.globalAlpha = value ? 0.35 : 1;
      pen.beginPath();
      pen.moveTo(...spot([value, -extent])); pen.lineTo(...spot([value, extent]));
      pen.moveTo(...spot([-extent, value])); pen.lineTo(...spot([extent, value]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    for (const [x, y, k] of places) {
      pen.fillStyle = plane.ink(ROLES[k % ROLES.length]);
      pen.beginPath();
      pen.arc(...spot([x, y]), 2.4 * dots(), 0, 7);
      pen.fill();
    }
    for (const [color, line] of [["#fff", 6], [plane.ink("selected"), 3]]) {
      Object.assign(pen, { lineWidth: line * dots(), strokeStyle: color });
      pen.beginPath();
      pen.arc(...spot(z), 8 * dots(), 0, 7);
      pen.stroke();
    }
  }

  const near = element("div", { style: `visibility: ${places.length ? "visible" : "hidden"}` },
    element("div", { class: "cv-caption cv-reference" }, "nearest training picture"), nearest, apart);
  const legend = places.length ? ["training pictures: ", ...classes.slice(0, 10).flatMap((name, k) => [[ROLES[k % ROLES.length], name], " "])]
    : ["the plane of z"];
  return page({
    el,
    controls: [button("Throw the dice", () => leap(dice())), button("Middle", () => leap([0, 0])), ground, play],
    stage: [element("div", { class: "cv-stage cv-half" },
      panel(caption(...legend), plane.canvas,
        element("p", { class: "cv-hint" }, "Drag the point. Arrow keys; with Shift farther; Home: middle.")),
      panel(element("div", { style: "display: flex; gap: 24px; align-items: flex-start" },
        element("div", {}, element("div", { class: "cv-caption cv-output" }, "the decoder's picture at z"), shown), near), formula))],
  }, ({ z, look }) => {
    drawPlane(z);
    const exact = Boolean(look.z?.every((value, k) => Math.abs(value - z[k]) < 1e-9));
    if (exact || grid) pixels(height, width, exact ? colored(bytes(look.made)) : blended(z), shown);
    shown.dataset.exact = exact;
    near.style.opacity = exact || !model.still ? 1 : 0; // without Python nobody looks for the nearest
    if (look.nearest?.byteLength) {
      pixels(height, width, colored(bytes(look.nearest)), nearest);
      apart.textContent = `${number(look.distance)} per pixel away`;
    }
    const radius = Math.hypot(...z);
    lines(formula, [["selected", `z = (${number(z[0])}, ${number(z[1])})`], ` |z| = ${number(radius)}`],
      ["exp(−|z|² / 2) = ", ["statistics", `${Math.round(100 * Math.exp(-radius * radius / 2))} %`], " of all dice lie further out"]);
  }, play.stop);
}
