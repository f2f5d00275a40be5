// Normalization: the cube with its lit block, all maps of the batch, and the numbers of the chosen one.

// As in visualization/cubes.py: one channel to the right, one image to the back, all pixels of a map down.
const [RIGHT, BACK, HEIGHT] = [[1, 0.18], [0.62, -0.42], 5.6];
const LIT = [[246, 221, 235], [204, 121, 167], [110, 36, 80]];

const mix = (one, two, part) => one.map((value, k) => Math.round(value + (two[k] - value) * part));

// A canvas of width × height units. `begin(scale)` empties it and returns its context.
function sheet(width, height, attributes) {
  const canvas = element("canvas", { class: "cv-canvas", ...attributes });
  return {
    canvas,
    begin(scale) {
      [canvas.style.width, canvas.style.height] = [`${width * scale}px`, `${height * scale}px`];
      return sharp(canvas, width, height, scale);
    },
  };
}

function render({ model, el }) {
  const [N, H, W, C] = model.get("shape");
  const P = H * W;
  const { get, set, control: { norm, batch_size: batch, after }, page, formula } = begin(model,
    ["groups", "image", "channel", "values", "thumbs"],
    { batch_size: (size) => set({ batch_size: size, image: Math.min(get().image, size - 1) }) });
  const { values: maps, thumbs } = get();
  const mapOf = (values, n, c) => values.subarray((n * C + c) * P, (n * C + c + 1) * P);
  const divisors = Array.from({ length: C }, (_, k) => k + 1).filter((count) => C % count === 0);
  const groups = controlOf({ kind: "select", word: "groups" }, divisors, (count) => set({ groups: count }));
  groups.node.className = "cv-control";

  const cell = Math.floor(Math.min(388 / (C + 1.2), 280 / (N + 0.5)));
  const [left, top] = [Math.round(1.2 * cell), Math.round(0.5 * cell)];
  const cube = sheet(380, 300, { role: "img", "aria-label": "Cube of images, channels and pixels" });
  const maps2d = sheet(left + C * cell + 4, top + N * cell + 4, { tabindex: 0, role: "application",
    "aria-label": "All maps: one row for each image, one column for each channel. Arrow keys choose a map." });
  const steps = element("div", { class: "cv-hint", style: "font-size:1em;white-space:pre" });
  const root = () => cube.canvas.closest(".cv-explorer");
  const scale = () => within((root().clientWidth - 34) / 812, 1, 1.13); // larger where there is room
  const ink = inkOf(cube.canvas);

  const choose = (image, channel) => set({ image: within(image, 0, get().batch_size - 1), channel: within(channel, 0, C - 1) });
  follow(maps2d.canvas, {
    press(event) {
      const box = maps2d.canvas.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / scale(), (event.clientY - box.top) / scale()];
      choose(Math.floor((y - top) / cell), Math.floor((x - left) / cell));
    },
    arrow(down, right) {
      const { image, channel } = get();
      choose(image + down, channel + right);
    },
  });

  function letters(context, color, size) {
    Object.assign(context, { fillStyle: ink(color), font: `${size}px ${getComputedStyle(root()).fontFamily}`, textAlign: "center" });
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
    const shade = (n, c, p) => within((mapOf(maps, n, c)[p] - low) / (high - low || 1), 0, 1);
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
    Object.assign(context, { strokeStyle: ink("reference"), lineWidth: 1.2 });
    path([[0, 0, 0], [0, C, 0], [size, C, 0], [size, C, P], [0, C, P], [0, 0, P], [0, 0, 0]]);
    context.stroke();
    path([[0, C, 0], [0, C, P]]);
    context.stroke();
    const label = letters(context, "ink", 15);
    label(`C = ${C} channels`, at(0, C / 2, 1.12 * P));
    label(`N = ${size}`, at(size / 2, C + 1.3, P));
    context.rotate(-Math.PI / 2);
    label(`H × W = ${P}`, [-at(0, 0, P / 2)[1], 16]);
  }

  function drawGrid(now, values, size, [n0, n1, c0, c1]) {
    const context = maps2d.begin(scale());
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    const range = 0.6 * most || 1; // a few large numbers would leave all others pale
    for (let c = 0; c < C; c++) {
      const color = c === now.channel ? "selected-text" : "muted";
      letters(context, color, 13)(String(c), [left + (c + 0.5) * cell, top - 5]);
    }
    letters(context, "muted", 13)("image", [left / 2 - 2, top - 5]);
    for (let n = 0; n < N; n++) {
      context.globalAlpha = n < size ? 1 : 0.12;
      context.drawImage(photo(at(thumbs, n)), 2, top + n * cell + 1, cell - 2, cell - 2);
      for (let c = 0; c < C; c++) {
        const inside = n >= n0 && n < n1 && c >= c0 && c < c1;
        context.globalAlpha = n >= size ? 0.08 : inside ? 1 : 0.45;
        const map = mapOf(values, n, c);
        const image = pixels(H, W, (p) => rdbu(0.5 + map[p] / (2 * range)));
        context.drawImage(image, left + c * cell + 1, top + n * cell + 1, cell - 2, cell - 2);
      }
    }
    context.globalAlpha = 1;
    const frame = (n, c, high, wide, color, line) => {
      Object.assign(context, { strokeStyle: color, lineWidth: line });
      context.strokeRect(left + c * cell, top + n * cell, wide * cell, high * cell);
    };
    frame(n0, c0, n1 - n0, c1 - c0, ink("statistics"), 5);
    frame(now.image, now.channel, 1, 1, ink("selected"), 2.5);
  }

  function drawWords(now, values, size, block) {
    const { mean: middle, variance, count } = blockStatistics(maps, C, P, block);
    const chosen = (all) => mean(mapOf(all, now.image, now.channel));
    const image = (all) => mean(all.subarray(now.image * C * P, (now.image + 1) * C * P));
    const many = (count, word) => `${count} ${word}${count > 1 ? "s" : ""}`;
    lines(formula, [`${many(block[1] - block[0], "image")} · ${H} · ${W} · ${many(block[3] - block[2], "channel")} = `,
      ["statistics", count], " numbers share   μ = ", ["statistics", number(middle)],
      "   σ² = ", ["statistics", number(variance)], "        x̂ = (x − μ) / √(σ² + 0.001)"], ["mean before → after:   ", ["selected", `this map ${number(chosen(maps))} → ${number(chosen(values))}`],
      `      whole image ${number(image(maps))} → ${number(image(values))}`]);
    const means = Array.from({ length: N - now.image }, (_, at) => now.image + at + 1)
      .map((n) => [n, number(mean(mapOf(n === size ? values : normalized(maps, C, P, now, n), now.image, now.channel)))]);
    write(steps, "this map's mean, normalised, with N =  ", ...means.flatMap(([n, text]) => [
      n === size ? ["selected", `${n}: ${text}`] : `${n}: ${text}`, "    "]));
  }

  return page({
    el,
    whole: true,
    controls: [norm, groups, batch, after],
    stage: [element("div", { class: "cv-stage", style: "gap:8px 16px;justify-content:space-between" }, cube.canvas, maps2d.canvas),
      steps, formula],
  }, (now) => {
    const size = now.batch_size;
    now.image = Math.min(now.image, size - 1);
    groups.show(now.groups);
    groups.input.disabled = now.norm !== "group";
    const block = normBlock(now, C, size, now.image, now.channel);
    const values = normalized(maps, C, P, now, size);
    drawCube(size, block);
    drawGrid(now, now.after ? values : maps, size, block);
    drawWords(now, values, size, block);
  });
}
