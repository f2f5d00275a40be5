// Normalization: the cube with its lit block, all maps of the batch, and the numbers of the chosen one.
// Python computes the same numbers in normalization.py; a browser test compares the two.

const STATE = ["norm", "groups", "batch_size", "image", "channel", "after"];
const EPSILON = 0.001;
const NORMS = ["batch", "layer", "instance", "group"];
// As in visualization/cubes.py: one channel to the right, one image to the back, all pixels of a map down.
const [RIGHT, BACK, HEIGHT] = [[1, 0.18], [0.62, -0.42], 5.6];
const LIT = [[246, 221, 235], [204, 121, 167], [110, 36, 80]];

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const floatsOf = (view) => new Float32Array(bytesOf(view).slice().buffer);
const clamp = (value) => Math.min(1, Math.max(0, value));
const mix = (one, two, part) => one.map((value, at) => Math.round(value + (two[at] - value) * part));

function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

// A canvas of width × height units, sharp on every screen. `begin(scale)` empties it and returns its context.
function sheet(width, height, attributes) {
  const canvas = element("canvas", { class: "cv-canvas", ...attributes });
  return {
    canvas,
    begin(scale) {
      const dots = window.devicePixelRatio || 1;
      [canvas.width, canvas.height] = [width * scale * dots, height * scale * dots];
      [canvas.style.width, canvas.style.height] = [`${width * scale}px`, `${height * scale}px`];
      const context = canvas.getContext("2d");
      context.setTransform(dots * scale, 0, 0, dots * scale, 0, 0);
      return context;
    },
  };
}

function render({ model, el }) {
  const [N, H, W, C] = model.get("shape");
  const P = H * W;
  const maps = floatsOf(model.get("values"));
  const thumbs = bytesOf(model.get("thumbs"));
  const palette = bytesOf(model.get("colours"));
  const side = Math.round(Math.sqrt(thumbs.length / (3 * N)));
  const mapOf = (values, n, c) => values.subarray((n * C + c) * P, (n * C + c + 1) * P);

  // --- Numbers -----------------------------------------------------------------------------------------------

  function shared({ norm, groups }, size, image, channel) {
    const wide = { batch: 1, layer: C, instance: 1, group: C / groups }[norm];
    const first = Math.floor(channel / wide) * wide;
    return norm === "batch" ? [0, size, first, first + 1] : [image, image + 1, first, first + wide];
  }

  function statistics([n0, n1, c0, c1]) {
    let [sum, squares, count] = [0, 0, 0];
    const all = (add) => {
      for (let n = n0; n < n1; n++) for (let c = c0; c < c1; c++) mapOf(maps, n, c).forEach(add);
    };
    all((value) => { sum += value; count += 1; });
    const middle = sum / count;
    all((value) => { squares += (value - middle) ** 2; });
    return { mean: middle, variance: squares / count, count };
  }

  function normalized(now, size) {
    const result = new Float32Array(maps.length);
    for (let n = 0; n < size; n++) for (let c = 0; c < C; c++) {
      const { mean: middle, variance } = statistics(shared(now, size, n, c));
      const map = mapOf(result, n, c);
      mapOf(maps, n, c).forEach((value, p) => { map[p] = (value - middle) / Math.sqrt(variance + EPSILON); });
    }
    return result;
  }

  // --- Controls ----------------------------------------------------------------------------------------------

  const buttons = NORMS.map((norm) => {
    const node = element("button", { class: "cv-button", type: "button" }, norm);
    node.addEventListener("click", () => state.set({ norm }));
    return node;
  });
  const groups = element("select", { "aria-label": "Groups" }, ...Array.from({ length: C }, (_, at) => at + 1)
    .filter((count) => C % count === 0).map((count) => element("option", { value: count }, String(count))));
  groups.addEventListener("change", () => state.set({ groups: Number(groups.value) }));
  const batch = slider({ word: "Batch size", letter: "N", role: "input", min: 1, max: N,
    change: (size) => state.set({ batch_size: size, image: Math.min(model.get("image"), size - 1) }) });
  const after = element("input", { type: "checkbox" });
  after.addEventListener("change", () => state.set({ after: after.checked }));

  const cell = Math.floor(Math.min(388 / (C + 1.2), 280 / (N + 0.5)));
  const [left, top] = [Math.round(1.2 * cell), Math.round(0.5 * cell)];
  const cube = sheet(380, 300, { role: "img", "aria-label": "Cube of images, channels and pixels" });
  const grid = sheet(left + C * cell + 4, top + N * cell + 4, { tabindex: 0, role: "application",
    "aria-label": "All maps: one row for each image, one column for each channel. Arrow keys choose a map." });
  const steps = element("div", { class: "cv-hint", style: "font-size:1em;white-space:pre" });
  const formula = element("div", { class: "cv-formula", style: "white-space:pre-wrap" });
  const { root, drawn, close } = explorer(el, model,
    element("div", { class: "cv-controls" },
      element("div", { role: "group", "aria-label": "Normalisation", class: "cv-control" }, "norm:", ...buttons),
      element("label", { class: "cv-control" }, element("span", {}, "groups"), groups), batch.node,
      element("label", { class: "cv-control" }, after, element("span", {}, "maps normalised"))),
    element("div", { class: "cv-stage", style: "gap:8px 16px;justify-content:space-between" }, cube.canvas, grid.canvas),
    steps, formula);
  root.lastChild.style.minHeight = "2.9em"; // room for two lines of words
  const state = stateOf(model, STATE, draw);
  const scale = () => Math.min(1.13, Math.max(1, (root.clientWidth - 34) / 812)); // larger where there is room
  const ink = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  const choose = (image, channel) => state.set({
    image: Math.min(model.get("batch_size") - 1, Math.max(0, image)), channel: Math.min(C - 1, Math.max(0, channel)) });
  grid.canvas.addEventListener("pointerdown", (event) => {
    const box = grid.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / scale(), (event.clientY - box.top) / scale()];
    choose(Math.floor((y - top) / cell), Math.floor((x - left) / cell));
  });
  grid.canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    choose(model.get("image") + move[0], model.get("channel") + move[1]);
  });

  // --- Pictures ----------------------------------------------------------------------------------------------

  function letters(context, color, size) {
    context.fillStyle = ink(color);
    context.font = `${size}px ${getComputedStyle(root).fontFamily}`;
    context.textAlign = "center";
    return (text, [x, y]) => context.fillText(text, x, y);
  }

  // The cube: three walls seen from inside, the lit block, then the front edges.
  function drawCube(size, block) {
    const context = cube.begin(scale());
    const unit = Math.min(350 / (N * BACK[0] + C), 262 / (HEIGHT + N * -BACK[1] + C * RIGHT[1]));
    const [x0, y0] = [28, 6 + N * -BACK[1] * unit];
    const at = (n, c, p) => [x0 + (n * BACK[0] + c * RIGHT[0]) * unit,
      y0 + (n * BACK[1] + c * RIGHT[1] + (p / P) * HEIGHT) * unit];
    const path = (corners) => {
      context.beginPath();
      corners.forEach((corner, index) => context[index ? "lineTo" : "moveTo"](...at(...corner)));
    };
    const sorted = Float32Array.from(maps).sort();
    const [low, high] = [0.01, 0.99].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
    const shade = (n, c, p) => clamp((mapOf(maps, n, c)[p] - low) / (high - low || 1));
    const lit = (part) => (part < 0.5 ? mix(LIT[0], LIT[1], 2 * part) : mix(LIT[1], LIT[2], 2 * part - 1));

    // One face of a block: axis `fixed` stays at its near (0) or far (1) end; columns of pixels get an outline.
    function face(ends, fixed, far, color, edge) {
      const [i, j] = [0, 1, 2].filter((axis) => axis !== fixed);
      const point = (a, b, place) => { const spot = []; [spot[i], spot[j], spot[fixed]] = [a, b, place]; return spot; };
      const each = (high, paint) => {
        for (let a = ends[i][0]; a < ends[i][1]; a++) for (let b = ends[j][0]; b < ends[j][1]; b += high) {
          path([[a, b], [a + 1, b], [a + 1, b + high], [a, b + high]].map((corner) => point(...corner, ends[fixed][far])));
          paint(a, b);
          context.stroke();
        }
      };
      context.lineWidth = 0.4;
      each(1, (a, b) => {
        context.fillStyle = context.strokeStyle = color(shade(...point(a, b, ends[fixed][far] - far)));
        context.fill();
      });
      [context.lineWidth, context.strokeStyle] = [1, edge];
      each(j === 2 ? P : 1, () => {});
    }

    const dark = document.querySelector('[data-jp-theme-light="false"]') !== null;
    const wall = (part) => `rgb(${mix(...(dark ? [[60, 60, 60], [88, 88, 88]] : [[255, 255, 255], [221, 221, 221]]), part)})`;
    const all = [[0, size], [0, C], [0, P]];
    [[0, 1], [1, 0], [2, 1]].forEach(([fixed, far]) => face(all, fixed, far, wall, dark ? "#777" : "#c8c8c8"));
    const ends = [block.slice(0, 2), block.slice(2), [0, P]];
    [[0, 0], [1, 1], [2, 0]].forEach(([fixed, far]) => face(ends, fixed, far, (part) => `rgb(${lit(part)})`, "#6e2450"));
    context.strokeStyle = ink("--cv-reference");
    context.lineWidth = 1.2;
    path([[0, 0, 0], [0, C, 0], [size, C, 0], [size, C, P], [0, C, P], [0, 0, P], [0, 0, 0]]);
    context.stroke();
    path([[0, C, 0], [0, C, P]]);
    context.stroke();
    const label = letters(context, "--cv-ink", 15);
    label(`C = ${C} channels`, at(0, C / 2, 1.12 * P));
    label(`N = ${size}`, at(size / 2, C + 1.3, P));
    context.rotate(-Math.PI / 2);
    label(`H × W = ${P}`, [-at(0, 0, P / 2)[1], 16]);
  }

  function paint(context, width, height, rgb, x, y, size) {
    const data = new ImageData(width, height);
    for (let p = 0; p < width * height; p++) data.data.set([...rgb(p), 255], 4 * p);
    const off = document.createElement("canvas");
    [off.width, off.height] = [width, height];
    off.getContext("2d").putImageData(data, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(off, x, y, size, size);
  }

  function drawGrid(now, values, size, [n0, n1, c0, c1]) {
    const context = grid.begin(scale());
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    const range = 0.6 * most || 1; // a few large numbers would leave all others pale
    for (let c = 0; c < C; c++) {
      const color = c === now.channel ? "--cv-selected-text" : "--cv-muted";
      letters(context, color, 13)(String(c), [left + (c + 0.5) * cell, top - 5]);
    }
    letters(context, "--cv-muted", 13)("image", [left / 2 - 2, top - 5]);
    for (let n = 0; n < N; n++) {
      const pixel = (p) => thumbs.subarray(3 * (n * side * side + p), 3 * (n * side * side + p) + 3);
      context.globalAlpha = n < size ? 1 : 0.12;
      paint(context, side, side, pixel, 2, top + n * cell + 1, cell - 2);
      for (let c = 0; c < C; c++) {
        const inside = n >= n0 && n < n1 && c >= c0 && c < c1;
        context.globalAlpha = n >= size ? 0.08 : inside ? 1 : 0.45;
        const map = mapOf(values, n, c);
        const color = (p) => {
          const shade = Math.round(255 * clamp(0.5 + map[p] / (2 * range)));
          return palette.subarray(3 * shade, 3 * shade + 3);
        };
        paint(context, W, H, color, left + c * cell + 1, top + n * cell + 1, cell - 2);
      }
    }
    context.globalAlpha = 1;
    const frame = (n, c, high, wide, color, line) => {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.strokeRect(left + c * cell, top + n * cell, wide * cell, high * cell);
    };
    frame(n0, c0, n1 - n0, c1 - c0, ink("--cv-statistics"), 5);
    frame(now.image, now.channel, 1, 1, ink("--cv-selected"), 2.5);
  }

  function drawWords(now, values, size, block) {
    const { mean: middle, variance, count } = statistics(block);
    const chosen = (all) => mean(mapOf(all, now.image, now.channel));
    const image = (all) => mean(all.subarray(now.image * C * P, (now.image + 1) * C * P));
    const [one, two] = [element("div"), element("div")];
    const many = (count, word) => `${count} ${word}${count > 1 ? "s" : ""}`;
    write(one, `${many(block[1] - block[0], "image")} · ${H} · ${W} · ${many(block[3] - block[2], "channel")} = `,
      ["statistics", count], " numbers share   μ = ", ["statistics", number(middle)],
      "   σ² = ", ["statistics", number(variance)], "        x̂ = (x − μ) / √(σ² + 0.001)");
    write(two, "mean before → after:   ", ["selected", `this map ${number(chosen(maps))} → ${number(chosen(values))}`],
      `      whole image ${number(image(maps))} → ${number(image(values))}`);
    formula.replaceChildren(one, two);
    const means = Array.from({ length: N - now.image }, (_, at) => now.image + at + 1)
      .map((n) => [n, number(mean(mapOf(n === size ? values : normalized(now, n), now.image, now.channel)))]);
    write(steps, "this map's mean, normalised, with N =  ", ...means.flatMap(([n, text]) => [
      n === size ? ["selected", `${n}: ${text}`] : `${n}: ${text}`, "    "]));
  }

  function draw() {
    const now = state.get();
    const size = Math.min(now.batch_size, N);
    [now.image, now.channel] = [Math.min(now.image, size - 1), Math.min(now.channel, C - 1)];
    buttons.forEach((node, at) => node.setAttribute("aria-pressed", String(NORMS[at] === now.norm)));
    groups.value = now.groups;
    groups.disabled = now.norm !== "group";
    batch.show(size);
    after.checked = now.after;
    const block = shared(now, size, now.image, now.channel);
    const values = normalized(now, size);
    drawCube(size, block);
    drawGrid(now, now.after ? values : maps, size, block);
    drawWords(now, values, size, block);
    drawn();
  }

  const resize = new ResizeObserver(draw);
  resize.observe(root); // draws at once
  return () => {
    resize.disconnect();
    state.close();
    close();
  };
}

export default { render };
