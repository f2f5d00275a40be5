// What the explorers compute without Python: pure functions, compared with Python by tests/browser/test_compute.py.

const mean = (values) => values.reduce((all, one) => all + one, 0) / values.length;

// --- Masks: measures of two masks, from how many pixels each has and how many both have --------------------------

function maskMeasures(overlap, pixels, others) {
  const union = pixels + others - overlap;
  return { overlap, pixels, others, union, iou: union ? overlap / union : 1, dice: union ? 2 * overlap / (pixels + others) : 1 };
}

// --- Pooling -------------------------------------------------------------------------------------------------

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

const grid = (height, width, make) => Array.from({ length: height }, (_, row) => (
  Array.from({ length: width }, (_, column) => make(row, column))));

const shifted = (image, shift) => image.map((line) => line.map((_, place) => line[Math.max(0, place - shift)]));

// The image pooled one way: "max", "average", or "stride", which keeps the corner of each window.
function pooled(image, way, F, S) {
  const [high, wide] = [image.length, image[0].length].map((size) => axis(size, F, S, 0).output);
  return grid(high, wide, (row, column) => {
    if (way === "stride") return image[row * S][column * S];
    let [sum, largest] = [0, -Infinity];
    for (let i = 0; i < F; i++) for (let j = 0; j < F; j++) {
      const value = image[row * S + i][column * S + j];
      sum += value;
      largest = Math.max(largest, value);
    }
    return way === "max" ? largest : sum / (F * F);
  });
}

// Mean change over mean distance from the mean: the change as a part of the picture's own contrast.
function moved(before, after) {
  const [one, other] = [before.flat(), after.flat()];
  const middle = mean(one);
  const contrast = mean(one.map((value) => Math.abs(value - middle)));
  return contrast ? mean(one.map((value, place) => Math.abs(value - other[place]))) / contrast : 0;
}

// --- Convolution ----------------------------------------------------------------------------------------------

// The map of one kernel: rows of sums; `vertical` and `horizontal` as axis() gives them.
function convolve(image, kernel, strides, vertical, horizontal) {
  const F = kernel.length;
  const pixel = (row, column) => image[row - vertical.before]?.[column - horizontal.before] ?? 0;
  return grid(vertical.output, horizontal.output, (row, column) => {
    let sum = 0;
    for (let i = 0; i < F; i++) for (let j = 0; j < F; j++) sum += kernel[i][j] * pixel(row * strides + i, column * strides + j);
    return sum;
  });
}

// A weight as it is written and read: −1, 0.5 or 1/9.
function weightText(value) {
  const hundreds = value * 100;
  if (value && Math.abs(hundreds - Math.round(hundreds)) > 1e-9 && Math.abs(1 / value - Math.round(1 / value)) < 1e-9) {
    return `${value < 0 ? "−" : ""}1/${Math.abs(Math.round(1 / value))}`;
  }
  return String(Math.round(hundreds) / 100).replace("-", "−");
}

function weightOf(text) {
  const parts = text.trim().replace("−", "-").replace(",", ".").match(/^(-?\d*\.?\d+)(?:\/(\d*\.?\d+))?$/);
  const value = parts ? Number(parts[1]) / Number(parts[2] ?? 1) : NaN;
  return Number.isFinite(value) ? value : null;
}

// The kernel cut or padded with zeros about its centre.
function resized(kernel, size) {
  const shift = Math.trunc((kernel.length - size) / 2);
  return grid(size, size, (i, j) => kernel[i + shift]?.[j + shift] ?? 0);
}

// --- Boxes (x1, y1, x2, y2) ----------------------------------------------------------------------------------

const areaOf = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

function overlaps(one, other) {
  const pick = (low, high) => one.map((value, k) => (k < 2 ? low : high)(value, other[k]));
  const overlap = areaOf(pick(Math.max, Math.min));
  const union = areaOf(one) + areaOf(other) - overlap;
  const hull = areaOf(pick(Math.min, Math.max));
  const iou = union ? overlap / union : 0;
  return { overlap, union, hull, iou, giou: iou - (hull ? (hull - union) / hull : 0) };
}

const iou = (one, other) => overlaps(one, other).iou;

function smoothL1(one, other) {
  return mean(one.map((value, k) => Math.abs(value - other[k])).map((d) => (d < 1 ? d * d / 2 : d - 0.5)));
}

// The slope of a loss along each of the four coordinates, from small steps.
function slope(loss, box, truth, step = 0.01) {
  return box.map((_, axis) => {
    const moved = (by) => loss(box.map((value, k) => value + (k === axis ? by : 0)), truth);
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

// The rounds of non-maximum suppression: [{best, rivals}], boxes by index; they come best score first.
function roundsOf({ boxes, scores, labels, score_threshold: least, iou_threshold: most }) {
  let waiting = boxes.map((_, i) => i).filter((i) => scores[i] >= least);
  const rounds = [];
  while (waiting.length) {
    const [best, ...rest] = waiting;
    const rival = (i) => labels[i] === labels[best] && iou(boxes[i], boxes[best]) > most;
    rounds.push({ best, rivals: rest.filter(rival) });
    waiting = rest.filter((i) => !rival(i));
  }
  return rounds;
}

// Of each box: does it stay, wait, is it out (by which one) or below the score?
function fates({ step, boxes }, rounds) {
  const fate = boxes.map(() => ({ name: "low" }));
  rounds.forEach(({ best, rivals }, turn) => {
    fate[best] = { name: turn < step ? "stays" : "waits", now: turn === step - 1 };
    for (const i of rivals) fate[i] = turn < step ? { name: "out", by: best, now: turn === step - 1 } : { name: "waits" };
  });
  return fate;
}

// How many of the boxes `drawn`, best first, find an object that none before them found.
function rightOnes(drawn, { boxes, labels, true_boxes: truth, true_labels: kinds }, least = 0.5) {
  const free = new Set(truth.map((_, t) => t));
  let right = 0;
  for (const i of drawn) {
    let [best, fit] = [-1, 0];
    for (const t of free) {
      const overlap = kinds[t] === labels[i] ? iou(boxes[i], truth[t]) : 0;
      if (overlap > fit) [best, fit] = [t, overlap];
    }
    if (fit >= least) {
      free.delete(best);
      right += 1;
    }
  }
  return right;
}

// --- A painted mask: how many pixels are found, missed, falsely painted, rightly left out; what losses say of it ---

function countPainted(mask, truth) {
  const counts = [0, 0, 0, 0];
  truth.forEach((one, place) => { counts[2 * one + mask[place]] += 1; });
  const [rest, alarms, missed, found] = counts;
  return { rest, alarms, missed, found, all: truth.length };
}

function paintedMeasures({ rest, alarms, missed, found, all }, sure) {
  const right = (rest + found) / all;
  const on = sure * (found + alarms) + (1 - sure) * (rest + missed);
  return {
    cross_entropy: -right * Math.log(sure) - (1 - right) * Math.log(1 - sure),
    dice_loss: 1 - 2 * (sure * found + (1 - sure) * missed) / (on + found + missed),
    iou_loss: 1 - maskMeasures(found, found + alarms, found + missed).iou,
    accuracy: right,
  };
}

// The mask one pixel wider on all sides.
function wider(mask, [height, width]) {
  return grid(height, width, (row, column) => [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]].some(([i, j]) => (
    row + i >= 0 && row + i < height && column + j >= 0 && column + j < width && mask[(row + i) * width + column + j])) ? 1 : 0).flat();
}

// --- Perceptron: weights [w₁, w₂, b], points [x, y, class] --------------------------------------------------------

const perceptronSum = ([x, y], [w1, w2, b]) => w1 * x + w2 * y + b;
const mistaken = (point, weights) => point[2] * perceptronSum(point, weights) <= 0;
const corrected = ([x, y, kind], weights) => [x, y, 1].map((value, k) => weights[k] + kind * value);

// --- Optimisers ----------------------------------------------------------------------------------------------

const [STEPS, FAR] = [150, 1e3];
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
function optimizerStep(name, g, m, v, t, rate, beta) {
  if (name === "SGD") return [-rate * g, m, v];
  if (name === "momentum") return [beta * m - rate * g, beta * m - rate * g, v];
  if (name === "RMSprop") {
    const square = 0.9 * v + 0.1 * g * g;
    return [-rate * g / Math.sqrt(square + 1e-7), m, square];
  }
  const [first, square] = [beta * m + (1 - beta) * g, 0.999 * v + 0.001 * g * g];
  const factor = rate * Math.sqrt(1 - 0.999 ** t) / (1 - beta ** t);
  return [-factor * first / (Math.sqrt(square) + 1e-7), first, square];
}

// The points on the way of an optimiser; it ends early where it flies off.
function path(name, surface, rate, beta) {
  const { slope: slopeAt, start } = SURFACES[surface];
  const way = [start];
  let memory = [[0, 0], [0, 0]];
  for (let t = 1; t <= STEPS; t++) {
    const moves = slopeAt(...way[t - 1]).map((g, i) => optimizerStep(name, g, ...memory[i], t, rate, beta));
    memory = moves.map(([, m, v]) => [m, v]);
    way.push(way[t - 1].map((place, i) => place + moves[i][0]));
    if (!(Math.max(...way[t].map(Math.abs)) < FAR)) break;
  }
  return way;
}

// --- EfficientNet: parameters, multiply-adds and stages, as costs() in models/efficientnet.py ----------------------

const B0 = [[1, 16, 1, 1, 3], [6, 24, 2, 2, 3], [6, 40, 2, 2, 5], [6, 80, 3, 2, 3], [6, 112, 3, 1, 5], [6, 192, 4, 2, 5], [6, 320, 1, 1, 3]];

function scaledFilters(filters, width) {
  const rounded = Math.max(8, 8 * Math.floor(Math.trunc(width * filters + 4) / 8));
  return rounded + (rounded < 0.9 * width * filters ? 8 : 0);
}

function efficientnetCosts({ depth, width, resolution }) {
  const convolution = (size, before, after) => size ** 2 * before * after;
  const normed = (count, channels) => count + 4 * channels; // a convolution without bias, and its batch norm
  let [side, channels] = [Math.ceil(resolution / 2), scaledFilters(32, width)];
  let params = 7 + normed(convolution(3, 3, channels), channels); // 7: statistics of RGB
  let macs = side ** 2 * convolution(3, 3, channels);
  const stages = [["conv 3×3", 1, channels, side, macs]];
  for (const [expansion, base, repeats, stride, size] of B0) {
    const [filters, blocks, before] = [scaledFilters(base, width), Math.ceil(depth * repeats), macs];
    for (let block = 0; block < blocks; block++) {
      const [inside, squeezed] = [expansion * channels, Math.max(1, Math.floor(channels / 4))];
      const out = block ? side : Math.ceil(side / stride);
      if (expansion > 1) {
        params += normed(channels * inside, inside);
        macs += side ** 2 * channels * inside;
      }
      params += normed(size ** 2 * inside, inside) + 2 * inside * squeezed + squeezed + inside + normed(inside * filters, filters);
      macs += out ** 2 * inside * (size ** 2 + filters) + 2 * squeezed * inside;
      [side, channels] = [out, filters];
    }
    stages.push([`MBConv${expansion} ${size}×${size}`, blocks, filters, side, macs - before]);
  }
  const top = scaledFilters(1280, width);
  params += normed(channels * top, top) + 1000 * top + 1000;
  const work = side ** 2 * channels * top + 1000 * top;
  return { params, macs: macs + work, stages: [...stages, ["conv 1×1, dense", 1, top, side, work]] };
}

// --- Normalisation: maps as one array (N, C, H · W); a block [n0, n1, c0, c1] shares one mean and one variance -----

function normBlock({ norm, groups }, C, size, image, channel) {
  const wide = { batch: 1, layer: C, instance: 1, group: C / groups }[norm];
  const first = Math.floor(channel / wide) * wide;
  return norm === "batch" ? [0, size, first, first + 1] : [image, image + 1, first, first + wide];
}

function blockStatistics(maps, C, P, [n0, n1, c0, c1]) {
  let [sum, squares, count] = [0, 0, 0];
  const all = (add) => {
    for (let n = n0; n < n1; n++) for (let k = (n * C + c0) * P; k < (n * C + c1) * P; k++) add(maps[k]);
  };
  all((value) => { sum += value; count += 1; });
  const middle = sum / count;
  all((value) => { squares += (value - middle) ** 2; });
  return { mean: middle, variance: squares / count, count };
}

function normalized(maps, C, P, now, size) {
  const result = new Float32Array(maps.length);
  for (let n = 0; n < size; n++) for (let c = 0; c < C; c++) {
    const { mean: middle, variance } = blockStatistics(maps, C, P, normBlock(now, C, size, n, c));
    const start = (n * C + c) * P;
    for (let k = start; k < start + P; k++) result[k] = (maps[k] - middle) / Math.sqrt(variance + 0.001);
  }
  return result;
}

// --- What a training step costs with some layers frozen, as training_cost() in training.py --------------------------

function trainingCost(layers, frozen, images, slots = 1) {
  const learns = layers.map(({ name }) => !frozen.includes(name));
  const first = learns.includes(true) ? learns.indexOf(true) : layers.length;
  const passes = layers.map((_, i) => [1, Number(i > first), Number(learns[i])]);
  const total = (values) => values.reduce((all, one) => all + one, 0);
  const work = total(layers.map(({ macs }, i) => macs * total(passes[i])));
  const most = 3 * total(layers.map(({ macs }) => macs)) - layers[0].macs;
  const trainable = total(layers.map(({ params }, i) => (learns[i] ? params : 0)));
  const parts = { activations: images * (layers[first]?.kept ?? 0), gradients: 4 * trainable, slots: 4 * slots * trainable };
  return { ...parts, memory: total(Object.values(parts)), trainable, share: work / most,
    frozen: total(layers.map(({ params }) => params)) - trainable, passes };
}

// Which of the layers 1 … count are frozen, in words: "layers 1–3, 5 frozen".
function frozenWords(numbers, count) {
  if (!numbers.length) return "all trainable";
  if (numbers.length === count) return "all frozen";
  if (numbers.length === count - 1 && !numbers.includes(count)) return "only the classifier";
  const ends = numbers.filter((n) => !numbers.includes(n + 1));
  const spans = numbers.filter((n) => !numbers.includes(n - 1)).map((start, i) => (start === ends[i] ? start : `${start}–${ends[i]}`));
  return `layer${numbers.length > 1 ? "s" : ""} ${spans.join(", ")} frozen`;
}
