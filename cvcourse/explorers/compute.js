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
