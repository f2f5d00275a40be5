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
