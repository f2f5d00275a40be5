// What all explorers share. Python puts this text in front of each explorer's own file (base.javascript),
// so that the two are one ES module: no build step, nothing to fetch.

// element("p", {class: "cv-hint", tabindex: 0}, "text", child …): data only ever becomes text, never HTML.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// The explorer's root element with its words below. Returns {root, drawn, close}:
// call drawn() after each redraw, so that a test can time key press to new picture.
function explorer(el, model, ...children) {
  const words = element("p", { class: "cv-describe", role: "status", "aria-live": "polite" });
  const root = element("div", { class: "cv-explorer" }, ...children, words);
  root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would take the arrow keys
  const say = () => { words.textContent = model.get("description"); };
  model.on("change:description", say);
  say();
  el.append(root);
  return {
    root,
    drawn: () => { root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1); },
    close: () => model.off("change:description", say),
  };
}

// The traits `names` as one state: get() reads them, set(values) changes them, tells Python and draws at once;
// a change that comes from Python draws too.
function stateOf(model, names, draw) {
  let own = false;
  let asked = false;
  const changed = () => {
    if (own || asked) return;
    asked = true;
    queueMicrotask(() => { asked = false; draw(); });
  };
  for (const name of names) model.on(`change:${name}`, changed);
  return {
    get: () => Object.fromEntries(names.map((name) => [name, model.get(name)])),
    set(values) {
      own = true;
      for (const [name, value] of Object.entries(values)) model.set(name, value);
      own = false;
      draw();
      model.save_changes();
    },
    close: () => { for (const name of names) model.off(`change:${name}`, changed); },
  };
}

// A number as it is written on the page: two decimals, a true minus sign, no minus zero.
function number(value, digits = 2) {
  const small = Math.abs(value) < 0.5 * 10 ** -digits;
  return (small ? 0 : value).toFixed(digits).replace("-", "−");
}

// A labelled slider: "Strides S = 2" over its bar. Returns {node, input, show(value)}.
function slider({ word, letter, role, min, max, change }) {
  const input = element("input", { type: "range", min, max, step: 1, "aria-label": `${word} ${letter}` });
  const value = element("output", { class: `cv-value cv-${role}` });
  const name = element("span", {}, `${word} `, element("b", { class: `cv-${role}` }, `${letter} = `), value);
  input.addEventListener("input", () => change(Number(input.value)));
  return {
    node: element("label", { class: "cv-control cv-stacked" }, name, input),
    input,
    show(number) {
      input.value = number;
      value.textContent = number;
    },
  };
}

// A row of numbers, words and coloured roles: write(node, "W = ", ["input", 28]) puts 28 in the colour of the input.
function write(node, ...parts) {
  node.replaceChildren(...parts.map((part) => (
    Array.isArray(part) ? element("b", { class: `cv-${part[0]}` }, String(part[1])) : part
  )));
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
