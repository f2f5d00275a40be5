// What convolution and pooling share: an input, a window that slides over it, and an output.

// Another stride: the window stays near the pixels that it is on.
const withStride = (strides, { strides: old, position }) => (
  { strides, position: strides && old ? position.map((at) => Math.round(at * old / strides)) : position });

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
  const wires = svg("svg", { class: "cv-wires", "aria-hidden": "true" }, svg("line"), svg("line"), svg("line"));
  const hint = element("p", { class: "cv-hint" }, "Drag, or use the arrow keys.");
  const stage = element("div", { class: "cv-trio" },
    panel(captions[0], input.canvas, hint), panel(captions[1], ...middle), panel(captions[2], output.canvas, below), wires);

  // Sizes of the present state, with the position kept inside the output.
  function place() {
    const { image, F, S, padding, position } = look();
    const [vertical, horizontal] = [axis(image.length, F, S, padding), axis(image[0].length, F, S, padding)];
    const [row, column] = [within(position[0], 0, vertical.output - 1), within(position[1], 0, horizontal.output - 1)];
    return { image, F, S, vertical, horizontal, row, column, legal: vertical.output > 0 && horizontal.output > 0 };
  }

  function moveTo(row, column) {
    const { vertical, horizontal, legal } = place();
    if (legal) move([within(row, 0, vertical.output - 1), within(column, 0, horizontal.output - 1)]);
  }

  for (const on of [input, output]) {
    follow(on.canvas, {
      // The pixel under the pointer becomes the centre of the window, on both boards.
      press(event) {
        const { F, S, vertical, horizontal } = place();
        const [x, y] = on.at(event);
        const nearest = (to, { before }) => Math.round((to + before - F / 2) / S);
        play.stop();
        moveTo(nearest(y, vertical), nearest(x, horizontal));
      },
      arrow(down, right) {
        const { row, column } = place();
        play.stop();
        moveTo(row + down, column + right);
      },
      key({ key }) {
        if (key !== "Home" && key !== "End") return false;
        play.stop();
        moveTo(key === "End" ? Infinity : 0, key === "End" ? Infinity : 0);
      },
    });
  }

  // Play: the window slides pixel by pixel, and the output fills behind it.
  const play = player(["▶ Play", "❚❚ Pause"], 40, () => {
    const { row, column, vertical, horizontal } = place();
    if (column + 1 < horizontal.output) moveTo(row, column + 1);
    else if (row + 1 < vertical.output) moveTo(row + 1, 0);
    else return false;
  }, {
    before() {
      const { row, column, vertical, horizontal } = place();
      if (row >= vertical.output - 1 && column >= horizontal.output - 1) moveTo(0, 0);
    },
    after: redraw,
  });

  function drawInput({ image, F, S, vertical, horizontal, row, column, legal }) {
    const [left, top] = [-horizontal.before, -vertical.before];
    const color = input.ink("selected");
    const flat = image.flat();
    input.fit(vertical.size, horizontal.size, margin);
    input.fill(left, top, horizontal.padded, vertical.padded, "#000");
    input.paint([vertical.size, horizontal.size], (pixel) => grey(flat[pixel]));
    if (horizontal.padded > horizontal.size || vertical.padded > vertical.size) {
      input.frame(left, top, horizontal.padded, vertical.padded, input.ink("statistics"), 2);
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
    output.fit(vertical.size, horizontal.size, margin);
    output.frame(0, 0, horizontal.size, vertical.size, output.ink("reference"), 1, [4, 4]);
    if (!map) return;
    const [x, y] = corner(now);
    const ahead = (pixel) => play.playing() && pixel > row * horizontal.output + column;
    const flat = map.flat();
    output.paint([vertical.output, horizontal.output], (pixel) => color(flat[pixel], ahead(pixel) ? 30 : 255), x, y, S);
    output.frame(x, y, horizontal.output * S, vertical.output * S, output.ink("output"), 2);
    output.select(x + column * S, y + row * S, S);
  }

  // Lines from the window to its numbers, and on to the output pixel.
  function drawWires(now) {
    const { F, S, vertical, horizontal, row, column, legal } = now;
    wires.style.display = legal ? "" : "none";
    const onStage = (node, box) => ({ left: box.left + node.offsetLeft, right: box.right + node.offsetLeft,
      top: box.top + node.offsetTop, bottom: box.bottom + node.offsetTop });
    const [x, y] = corner(now);
    const window = input.corners(column * S - horizontal.before, row * S - vertical.before, F, F);
    const from = onStage(input.canvas, window);
    const over = onStage(numbers, { left: 0, top: 0, right: numbers.offsetWidth, bottom: numbers.offsetHeight });
    const to = onStage(output.canvas, output.corners(x + column * S, y + row * S, S, S));
    [[from.right, from.top, over.left, over.top],
      [from.right, from.bottom, over.left, over.bottom],
      [over.right, (over.top + over.bottom) / 2, to.left, (to.top + to.bottom) / 2]].forEach((ends, i) => {
      ["x1", "y1", "x2", "y2"].forEach((name, k) => wires.children[i].setAttribute(name, ends[k]));
    });
  }

  return {
    stage,
    play,
    captions,
    place,
    draw(now, map, color) {
      drawInput(now);
      drawOutput(now, map, color);
      drawWires(now);
    },
  };
}
