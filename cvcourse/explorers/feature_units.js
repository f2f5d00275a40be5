// Units of feature maps on a page without Python, from what carried.py sends: pure functions of it.

const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const FUNCTIONS = { sigmoid: (x) => 1 / (1 + Math.exp(-x)), tanh: Math.tanh, silu: (x) => x / (1 + Math.exp(-x)) };
const activate = ({ function: name, limits }, x) => (
  limits.length ? Math.min(limits[1] ?? Infinity, Math.max(limits[0] ?? -Infinity, x)) : FUNCTIONS[name](x));

// An array as carried.packed has it: one Float32Array for each part of its first axis.
const opened = new WeakMap();
function parts(sent) {
  if (!opened.has(sent)) {
    const { shape: [count, ...rest], scales, data } = sent;
    const scale = scales && floats(scales);
    const all = scales ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : floats(data);
    const size = rest.reduce((a, b) => a * b, 1);
    opened.set(sent, Array.from({ length: count }, (_, k) => (
      Float32Array.from(all.subarray(k * size, (k + 1) * size), (value) => (scale ? scale[2 * k] + value * scale[2 * k + 1] : value)))));
  }
  return opened.get(sent);
}

// What can be said of one image: has(layer, channel), about(layer), map(layer, channel, step), unit(layer, place, channel).
function unitsOf({ layers, maps, images, image: main }, image) {
  const cache = new Map();
  const sentTo = ({ from: [what, name] }) => (what === "image" ? images[image]?.batch : image === main ? maps[name] : undefined);
  const chained = ({ from: [what] }) => what === "layers";
  const place = (one, axis, at, tap) => at * one.strides[axis] - one.before[axis] + tap * one.dilation[axis];

  function has(name, channel = 0) {
    const one = layers[name];
    return Boolean(one && channel < one.shape[2] && (chained(one) ? has(one.from[1]) : sentTo(one)));
  }

  // Are its figures from numbers that travelled as bytes?
  function about(name) {
    const one = layers[name];
    return Boolean(one.weights?.scales || (chained(one) ? about(one.from[1]) : sentTo(one).scales));
  }

  const sizeBefore = (one) => (chained(one) ? layers[one.from[1]].shape.slice(0, 2) : sentTo(one).shape.slice(1));
  const mapBefore = (one, depth) => (chained(one) ? map(one.from[1], depth) : parts(sentTo(one))[depth]);
  const firstDepth = (one, channel) => (one.kind === "conv" ? 0 : Math.floor(channel / one.every));

  // Call see(depth, row, column, place among the weights) for each weight of a unit's window.
  function taps({ depth, window: [rows, columns] }, see) {
    for (let at = 0; at < depth * rows * columns; at++) see(Math.floor(at / columns / rows), Math.floor(at / columns) % rows, at % columns, at);
  }

  // One map of a layer, or each `step`-th row and column of it.
  function map(name, channel, step = 1) {
    const key = `${channel} ${step} ${name}`;
    if (cache.has(key)) return cache.get(key);
    const one = layers[name];
    const [height, width] = one.shape.map((size) => Math.ceil(size / step));
    const [high, wide] = sizeBefore(one);
    const kernel = one.weights && parts(one.weights)[channel];
    const sums = new Float64Array(height * width).fill(one.kind === "max" ? -Infinity : 0);
    const counts = one.kind === "average" && new Float64Array(height * width);
    taps(one, (d, i, j, tap) => {
      const values = mapBefore(one, firstDepth(one, channel) + d);
      const weight = kernel ? kernel[tap] : 1;
      const [start, jump] = [place(one, 1, 0, j), step * one.strides[1]];
      const first = Math.max(0, Math.ceil(-start / jump)); // columns of the map where the tap is in the picture
      const end = Math.min(width, Math.ceil((wide - start) / jump));
      for (let row = 0; row < height; row++) {
        const y = place(one, 0, row * step, i);
        if (y < 0 || y >= high) continue;
        let [at, from] = [row * width + first, y * wide + start + first * jump];
        if (one.kind === "max") for (let c = first; c < end; c++, at++, from += jump) sums[at] = Math.max(sums[at], values[from]);
        else for (let c = first; c < end; c++, at++, from += jump) sums[at] += weight * values[from];
        if (counts) for (let c = first; c < end; c++) counts[row * width + c]++;
      }
    });
    const bias = parts(one.bias)[channel][0];
    cache.set(key, Float32Array.from(sums, (sum, at) => activate(one, (counts ? sum / counts[at] : sum) + bias)));
    return cache.get(key);
  }

  // The image's pixels, first and last, that the rows (axis 0) or columns from `first` to before `last` can see.
  function seen(one, axis, first, last) {
    const low = Math.max(0, place(one, axis, first, 0));
    const high = Math.min(sizeBefore(one)[axis], place(one, axis, last - 1, one.window[axis] - 1) + 1);
    if (chained(one)) return seen(layers[one.from[1]], axis, low, high);
    const edges = sentTo(one).edges?.[axis];
    return edges ? [edges[low][0], edges[high - 1][1]] : [low, high];
  }

  // As FeatureMaps._explain.
  function unit(name, [row, column], channel) {
    const one = layers[name];
    const [high, wide] = sizeBefore(one);
    const { depth, window: [rows, columns] } = one;
    const [patch, weights] = [new Float32Array(rows * columns * depth), new Float32Array(rows * columns * depth)];
    const kernel = one.weights && parts(one.weights)[channel];
    let [inside, largest] = [0, -1];
    taps(one, (d, i, j, tap) => {
      const [y, x, at] = [place(one, 0, row, i), place(one, 1, column, j), (i * columns + j) * depth + d];
      const there = y >= 0 && x >= 0 && y < high && x < wide;
      if (there) patch[at] = mapBefore(one, firstDepth(one, channel) + d)[y * wide + x];
      weights[at] = kernel ? kernel[tap] : one.kind === "max" ? 0 : Number(there || one.kind !== "average");
      inside += there;
      if (there && (largest < 0 || patch[at] > patch[largest])) largest = at;
    });
    if (one.kind === "max") weights[largest] = 1;
    if (one.kind === "average") weights.forEach((value, at) => { weights[at] = value / inside; });
    const sums = Array(depth).fill(0);
    patch.forEach((value, at) => { sums[at % depth] += value * weights[at]; });
    const [bias, total] = [parts(one.bias)[channel][0], sums.reduce((a, b) => a + b)];
    const [ys, xs] = [seen(one, 0, row, row + 1), seen(one, 1, column, column + 1)];
    return { image, layer: name, channel, position: [row, column], explained: true, about: about(name), rounded: Boolean(one.weights?.scales), shape: [rows, columns, depth],
      bias, patch: new DataView(patch.buffer), weights: new DataView(weights.buffer), sums, total, preactivation: total + bias,
      function: one.function, activation: activate(one, total + bias), field: [ys[0], xs[0], ys[1], xs[1]] };
  }
  return { has, map, unit };
}

// A number as Python's format(value, ".4g"), with a true minus sign.
function general(value, digits = 4) {
  const [mantissa, power] = value.toExponential(digits - 1).split("e").map(Number);
  const text = value && (power < -4 || power >= digits)
    ? `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}` : String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

// The words of Python's UnitExplanation.
function describe({ image, layer, channel, position: [row, column], about, sums, shape, ...unit }) {
  const figure = (value) => (about ? `about ${general(value, 2)}` : general(value));
  const [y1, x1, y2, x2] = unit.field;
  return `${image}. ${layer}, row ${row}, column ${column}, channel ${channel}: ${shape.reduce((a, b) => a * b)} products sum to `
    + `${figure(unit.total)}, plus bias ${general(unit.bias)} = ${figure(unit.preactivation)}, ${unit.function} gives ${figure(unit.activation)}. `
    + `It can see ${y2 - y1} × ${x2 - x1} pixels: rows ${y1} to ${y2 - 1}, columns ${x1} to ${x2 - 1}.`;
}
