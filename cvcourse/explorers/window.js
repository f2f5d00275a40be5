// What convolution and pooling share: an input, a window that slides over it, and an output.

// Sizes along one axis: zeros before, output (0 if the settings are illegal), border pixels that no window reaches.
function axis(size, F, S, padding) {
  let [before, after] = [padding, padding];
  if (padding === "same") {
    const total = S > 0 ? Math.max((Math.ceil(size / S) - 1) * S + F - size, 0) : 0;
    [before, after] = [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  const padded = before + size + after;
  const output = S > 0 && F <= padded ? Math.floor((padded - F) / S) + 1 : 0;
  return { size, before, after, padded, output, dropped: output ? padded - ((output - 1) * S + F) : 0 };
}

// A square canvas of `extent` × `extent` cells, drawn with cells as units; sharp on every screen.
function board(label) {
  const canvas = element("canvas", { class: "cv-canvas cv-board", tabindex: 0, role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  const off = document.createElement("canvas");
  let side = 0;
  let cell = 1;
  let origin = [0, 0];
  const ink = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();
  return {
    canvas,
    context,
    ink,
    // Empty the board, which then shows `extent` × `extent` cells with [x, y] at its corner.
    clear(corner, extent) {
      side = Math.round((canvas.clientWidth || 300) * (window.devicePixelRatio || 1));
      if (canvas.width !== side) canvas.width = canvas.height = side;
      context.clearRect(0, 0, side, side);
      cell = side / extent;
      origin = corner;
    },
    // A matrix of colours, rgba(value, row, column) → [r, g, b, a], with its corner at (x, y) and cells of `size`.
    paint(matrix, x, y, size, rgba) {
      const [height, width] = [matrix.length, matrix[0].length];
      const data = new ImageData(width, height);
      matrix.forEach((line, row) => line.forEach((value, column) => {
        data.data.set(rgba(value, row, column), 4 * (row * width + column));
      }));
      [off.width, off.height] = [width, height];
      off.getContext("2d").putImageData(data, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(off, ...this.place(x, y, width * size, height * size));
    },
    place: (x, y, width, height) => [(x - origin[0]) * cell, (y - origin[1]) * cell, width * cell, height * cell],
    frame(x, y, width, height, color, line = 1, dash = []) {
      context.strokeStyle = color;
      context.lineWidth = line * (window.devicePixelRatio || 1);
      context.setLineDash(dash);
      context.strokeRect(...this.place(x, y, width, height));
    },
    // What is selected: seen on any ground.
    select(x, y, size) {
      this.frame(x, y, size, size, "#fff", 5);
      this.frame(x, y, size, size, this.ink("--cv-selected"), 3);
    },
    fill(x, y, width, height, color) {
      context.fillStyle = color;
      context.fillRect(...this.place(x, y, width, height));
    },
    // Stripes: pixels that are lost.
    hatch(x, y, width, height, color) {
      const [left, top, wide, high] = this.place(x, y, width, height);
      const step = 5 * (window.devicePixelRatio || 1);
      context.save();
      context.beginPath();
      context.rect(left, top, wide, high);
      context.clip();
      context.strokeStyle = color;
      context.lineWidth = 0.4 * step;
      context.setLineDash([]);
      context.beginPath();
      for (let at = left - high; at < left + wide; at += step) {
        context.moveTo(at, top + high);
        context.lineTo(at + high, top);
      }
      context.stroke();
      context.restore();
    },
    // The point [x, y] under the pointer, in cells.
    at(event) {
      const box = canvas.getBoundingClientRect();
      const scale = side / box.width / cell;
      return [(event.clientX - box.left) * scale + origin[0], (event.clientY - box.top) * scale + origin[1]];
    },
    // Corner points of a rectangle in CSS pixels from the canvas's own corner.
    corners(x, y, width, height) {
      const ratio = canvas.clientWidth / side;
      const [left, top, wide, high] = this.place(x, y, width, height).map((value) => value * ratio);
      return { left, top, right: left + wide, bottom: top + high };
    },
  };
}

// Grey value in [0, 1] as a photograph shows it.
function grey(value, alpha = 255) {
  const shade = Math.round(255 * Math.min(1, Math.max(0, value)));
  return [shade, shade, shade, alpha];
}

// Drag, click and arrow keys on a board: drag(event), step(down, right), edge(last) for Home and End.
function navigate({ canvas }, { drag, step, edge }) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    drag(event);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) drag(event);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key in steps) step(...steps[event.key]);
    else if (event.key === "Home" || event.key === "End") edge(event.key === "End");
    else return;
    event.preventDefault();
  });
}

// The stage: input and output side by side with `middle` between them, and all that moves the window.
//   look()          the present {image, F, S, padding, position}
//   move(position)  sets the position;   redraw() draws the explorer anew
//   margin          cells around the input, so that padding does not move the picture
//   numbers, below  nodes: the numbers of the window, to which lines lead; what stands under the output
function slidingWindow({ margin, middle, numbers, below, look, move, redraw }) {
  const input = board("Input: drag the window, or move it with the arrow keys");
  const output = board("Output: choose a pixel, or move with the arrow keys");
  const captions = ["input", "kernel", "output"].map((role) => (
    element("figcaption", { class: `cv-caption cv-${role}` })));
  const play = element("button", { class: "cv-button cv-play", type: "button" });
  const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const wires = svg("svg");
  const lines = [0, 1, 2].map(() => wires.appendChild(svg("line")));
  wires.setAttribute("class", "cv-wires");
  wires.setAttribute("aria-hidden", "true");
  const hint = element("p", { class: "cv-hint" }, "Drag, or use the arrow keys.");
  const stage = element("div", { class: "cv-trio" },
    element("figure", { class: "cv-panel" }, captions[0], input.canvas, hint),
    element("figure", { class: "cv-panel" }, captions[1], ...middle),
    element("figure", { class: "cv-panel" }, captions[2], output.canvas, below),
    wires);
  let timer = 0;

  // Sizes of the present state, with the position kept inside the output.
  function place() {
    const { image, F, S, padding, position } = look();
    const [vertical, horizontal] = [axis(image.length, F, S, padding), axis(image[0].length, F, S, padding)];
    const inside = (at, { output }) => Math.max(0, Math.min(at, output - 1));
    const [row, column] = [inside(position[0], vertical), inside(position[1], horizontal)];
    return { image, F, S, vertical, horizontal, row, column, legal: vertical.output > 0 && horizontal.output > 0 };
  }

  function moveTo(row, column) {
    const { vertical, horizontal, legal } = place();
    const inside = (at, { output }) => Math.max(0, Math.min(output - 1, at));
    if (legal) move([inside(row, vertical), inside(column, horizontal)]);
  }

  for (const on of [input, output]) {
    navigate(on, {
      // The pixel under the pointer becomes the centre of the window, on both boards.
      drag(event) {
        const { F, S, vertical, horizontal } = place();
        const [x, y] = on.at(event);
        const nearest = (at, { before }) => Math.round((at + before - F / 2) / S);
        run(false);
        moveTo(nearest(y, vertical), nearest(x, horizontal));
      },
      step(down, right) {
        const { row, column } = place();
        run(false);
        moveTo(row + down, column + right);
      },
      edge(last) {
        run(false);
        moveTo(last ? Infinity : 0, last ? Infinity : 0);
      },
    });
  }

  // Play: the window slides pixel by pixel, and the output fills behind it.
  function run(start) {
    if (Boolean(timer) === start) return;
    clearInterval(timer);
    timer = 0;
    if (start) {
      const { row, column, vertical, horizontal } = place();
      if (row >= vertical.output - 1 && column >= horizontal.output - 1) moveTo(0, 0);
      timer = setInterval(tick, 40);
    }
    redraw();
  }

  function tick() {
    const { row, column, vertical, horizontal } = place();
    if (!stage.isConnected) clearInterval(timer);
    else if (column + 1 < horizontal.output) moveTo(row, column + 1);
    else if (row + 1 < vertical.output) moveTo(row + 1, 0);
    else run(false);
  }
  play.addEventListener("click", () => run(!timer));

  function frameOf([height, width]) {
    const extent = Math.max(height, width) + 2 * margin;
    return [[(width - extent) / 2, (height - extent) / 2], extent];
  }

  function drawInput({ image, F, S, vertical, horizontal, row, column, legal }) {
    const [left, top] = [-horizontal.before, -vertical.before];
    const color = input.ink("--cv-selected");
    input.clear(...frameOf([vertical.size, horizontal.size]));
    input.fill(left, top, horizontal.padded, vertical.padded, "#000");
    input.paint(image, 0, 0, 1, (value) => grey(value));
    if (horizontal.padded > horizontal.size || vertical.padded > vertical.size) {
      input.frame(left, top, horizontal.padded, vertical.padded, input.ink("--cv-statistics"), 2);
    }
    const reached = horizontal.padded - horizontal.dropped;
    if (horizontal.dropped) input.hatch(left + reached, top, horizontal.dropped, vertical.padded, color);
    if (vertical.dropped) {
      input.hatch(left, top + vertical.padded - vertical.dropped, reached, vertical.dropped, color);
    }
    if (legal) input.select(left + column * S, top + row * S, F);
  }

  // Each pixel of the output lies over the middle of its window and is as wide as the stride.
  function corner({ F, S, vertical, horizontal }) {
    return [(F - S) / 2 - horizontal.before, (F - S) / 2 - vertical.before];
  }

  function drawOutput(now, map, color) {
    const { S, vertical, horizontal, row, column } = now;
    output.clear(...frameOf([vertical.size, horizontal.size]));
    output.frame(0, 0, horizontal.size, vertical.size, output.ink("--cv-reference"), 1, [4, 4]);
    if (!map) return;
    const [x, y] = corner(now);
    const ahead = (i, j) => timer && i * horizontal.output + j > row * horizontal.output + column;
    output.paint(map, x, y, S, (value, i, j) => color(value, ahead(i, j) ? 30 : 255));
    output.frame(x, y, horizontal.output * S, vertical.output * S, output.ink("--cv-output"), 2);
    output.select(x + column * S, y + row * S, S);
  }

  // Lines from the window to its numbers, and on to the output pixel.
  function drawWires(now) {
    const { F, S, vertical, horizontal, row, column, legal } = now;
    wires.style.display = legal ? "" : "none";
    const at = (node, box) => ({ left: box.left + node.offsetLeft, right: box.right + node.offsetLeft,
      top: box.top + node.offsetTop, bottom: box.bottom + node.offsetTop });
    const [x, y] = corner(now);
    const window = input.corners(column * S - horizontal.before, row * S - vertical.before, F, F);
    const from = at(input.canvas, window);
    const over = at(numbers, { left: 0, top: 0, right: numbers.offsetWidth, bottom: numbers.offsetHeight });
    const to = at(output.canvas, output.corners(x + column * S, y + row * S, S, S));
    [[from.right, from.top, over.left, over.top],
      [from.right, from.bottom, over.left, over.bottom],
      [over.right, (over.top + over.bottom) / 2, to.left, (to.top + to.bottom) / 2]].forEach((ends, i) => {
      ["x1", "y1", "x2", "y2"].forEach((name, k) => lines[i].setAttribute(name, ends[k]));
    });
  }

  return {
    stage,
    play,
    captions,
    place,
    // Draw the whole explorer now and at each new size; returns what ends all this, and calls `others`.
    live(all, ...others) {
      const resize = new ResizeObserver(all);
      resize.observe(stage);
      all();
      return () => {
        run(false);
        resize.disconnect();
        others.forEach((end) => end());
      };
    },
    draw(now, map, color) {
      play.textContent = timer ? "❚❚ Pause" : "▶ Play";
      drawInput(now);
      drawOutput(now, map, color);
      drawWires(now);
    },
  };
}
