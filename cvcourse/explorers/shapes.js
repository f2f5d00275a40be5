// What a change of a network makes of its shapes, parameters, multiply-adds and bytes, without Python: pure functions.
// what_if.py sends the layers (`script_layers`); tests/browser/test_shapes.py compares every kind with Keras.

class Impossible extends Error {}
class Unknown extends Error {}

const product = (numbers) => numbers.reduce((all, one) => all * one, 1);
const times = (shape) => shape.map((size) => size ?? "?").join("×") || "1";
const each = (value, rank) => (Array.isArray(value) ? value : Array(rank).fill(value));
const roundEven = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)); // as Python

// A shape with other sizes between batch and channels: change(size, axis).
const spatial = (shape, channels, change) => [...shape.slice(0, -1).map(change), channels];
const last = (shape) => shape[shape.length - 1];
const same = (shape) => ({ shape });

// Output sizes of a window that slides.
function slid({ kernel_size, pool_size, strides, padding, dilation_rate = 1 }, shape, channels) {
  const rank = shape.length - 1;
  const [window, step, apart] = [kernel_size ?? pool_size, strides ?? pool_size, dilation_rate].map((value) => each(value, rank));
  const made = spatial(shape, channels, (size, axis) => {
    const reach = apart[axis] * (window[axis] - 1) + 1;
    if (padding === "causal" || padding === "same") return Math.floor((size - 1) / step[axis]) + 1;
    return Math.floor((size - reach) / step[axis]) + 1;
  });
  if (made.some((size) => size < 1)) {
    throw new Impossible(`: its window of ${times(window)} does not fit even once. Take a larger input, a smaller window, or smaller strides before it.`);
  }
  return made;
}

function noBoth({ strides, dilation_rate = 1 }) {
  const more = (value) => [value].flat().some((one) => one > 1);
  if (more(strides) && more(dilation_rate)) throw new Impossible(": strides and dilation above 1 do not go together.");
}

// Kernels that are applied at `places` positions, with or without a bias for each channel.
function weighted(shape, kernels, channels, { use_bias }, places = product(shape) / last(shape)) {
  const macs = places * kernels.reduce((all, kernel) => all + product(kernel), 0);
  return { shape, weights: use_bias ? [...kernels, [channels]] : kernels, macs };
}

function convolution(layer, [shape]) {
  const { filters, kernel_size, groups = 1 } = layer;
  const depth = last(shape);
  noBoth(layer);
  if (filters % groups || depth % groups) throw new Impossible(`: ${depth} channels and ${filters} filters cannot be shared out among ${groups} groups.`);
  return weighted(slid(layer, shape, filters), [[...each(kernel_size, shape.length - 1), depth / groups, filters]], filters, layer);
}

function depthwise(layer, [shape]) {
  const { kernel_size, depth_multiplier } = layer;
  const depth = last(shape);
  const made = depth * depth_multiplier;
  return weighted(slid(layer, shape, made), [[...each(kernel_size, shape.length - 1), depth, depth_multiplier]], made, layer);
}

function separable(layer, [shape]) {
  const { filters, kernel_size, depth_multiplier } = layer;
  const [rank, depth] = [shape.length - 1, last(shape)];
  return weighted(slid(layer, shape, filters), [[...each(kernel_size, rank), depth, depth_multiplier],
    [...Array(rank).fill(1), depth * depth_multiplier, filters]], filters, layer);
}

function transposed(layer, [shape]) {
  const { filters, kernel_size, strides, padding, output_padding, dilation_rate } = layer;
  const rank = shape.length - 1;
  noBoth(layer);
  const [window, step, apart, more] = [kernel_size, strides, dilation_rate, output_padding].map((value) => each(value, rank));
  if (output_padding != null && more.some((one, axis) => one >= step[axis])) throw new Impossible(": its output_padding must be smaller than its strides.");
  const made = spatial(shape, filters, (size, axis) => {
    const reach = apart[axis] * (window[axis] - 1) + 1;
    if (output_padding != null) return (size - 1) * step[axis] + reach - (padding === "same" ? 2 * Math.floor(reach / 2) : 0) + more[axis];
    return size * step[axis] + (padding === "valid" ? Math.max(reach - step[axis], 0) : 0);
  });
  return weighted(made, [[...window, filters, last(shape)]], filters, layer, product(shape) / last(shape));
}

const dense = (layer, [shape]) => (
  weighted([...shape.slice(0, -1), layer.units], [[last(shape), layer.units]], layer.units, layer));

function globalPooling({ keepdims }, [shape]) {
  return { shape: keepdims ? spatial(shape, last(shape), () => 1) : [last(shape)] };
}

function reshaped({ target_shape }, [shape]) {
  const [all, known] = [product(shape), product(target_shape.filter((size) => size !== -1))];
  if (target_shape.includes(-1) ? all % known : all !== known) throw new Impossible(`: ${all} numbers do not fill ${times(target_shape.map((size) => (size === -1 ? null : size)))}.`);
  return { shape: target_shape.map((size) => (size === -1 ? all / known : size)) };
}

const axesOf = (axis, shape) => [axis].flat().map((one) => (one < 0 ? one + shape.length : one - 1));
const normalisation = (count) => (layer, [shape]) => {
  const size = axesOf(layer.axis ?? -1, shape).map((axis) => shape[axis]);
  if (layer.groups > 0 && last(shape) % layer.groups) throw new Impossible(`: ${last(shape)} channels cannot be shared out among ${layer.groups} groups.`);
  return { shape, weights: Array(count(layer)).fill(size) };
};
const learned = ({ scale, center }) => (scale !== false) + (center !== false);

const BRANCHES = ": the branches that meet here must have the same shape. Undo the change, or change every branch alike.";

// Shapes that meet place by place: a size of 1 goes with every other.
function merged(layer, shapes) {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const all = shapes.map((shape) => [...Array(rank - shape.length).fill(1), ...shape]);
  return { shape: Array.from({ length: rank }, (_, axis) => {
    const sizes = new Set(all.map((shape) => shape[axis]).filter((size) => size !== 1));
    if (sizes.size > 1) throw new Impossible(BRANCHES);
    return [...sizes][0] ?? 1;
  }) };
}

function joined({ axis }, shapes) {
  const [along] = axesOf(axis, shapes[0]);
  const rest = (shape) => String(shape.filter((_, place) => place !== along));
  if (shapes.some((shape) => shape.length !== shapes[0].length || rest(shape) !== rest(shapes[0]))) throw new Impossible(BRANCHES);
  return { shape: shapes[0].map((size, place) => (place === along ? shapes.reduce((all, shape) => all + shape[along], 0) : size)) };
}

// Pairs [before, after] for each axis: of zeros to add, or of pixels to cut.
const bordered = (key, sign) => (layer, [shape]) => {
  const rank = shape.length - 1;
  const pairs = each(layer[key], rank).map((one) => (Array.isArray(one) ? one : [one, one]));
  const border = rank === 1 && !Array.isArray(layer[key][0]) ? [each(layer[key], 2)] : pairs;
  const made = spatial(shape, last(shape), (size, axis) => size + sign * (border[axis][0] + border[axis][1]));
  if (made.some((size) => size < 1)) throw new Impossible(": nothing would be left of it.");
  return { shape: made };
};

const scaled = (layer, [shape]) => {
  const factor = each(layer.size, shape.length - 1);
  return { shape: spatial(shape, last(shape), (size, axis) => size * factor[axis]) };
};
const resized = ({ height, width }, [shape]) => ({ shape: [height, width, last(shape)] });
const oneForEach = ({ shared_axes }, [shape]) => (
  { shape, weights: [shape.map((size, axis) => ((shared_axes ?? []).includes(axis + 1) ? 1 : size))] });

const all = (names, make) => Object.fromEntries(names.split(" ").map((name) => [name, make]));
const KINDS = {
  ...all("Conv1D Conv2D Conv3D", convolution),
  ...all("DepthwiseConv1D DepthwiseConv2D", depthwise),
  ...all("SeparableConv1D SeparableConv2D", separable),
  ...all("Conv1DTranspose Conv2DTranspose Conv3DTranspose", transposed),
  ...all("MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D",
    (layer, [shape]) => ({ shape: slid(layer, shape, last(shape)) })),
  ...all("GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D",
    globalPooling),
  ...all("Add Subtract Multiply Average Maximum Minimum", merged),
  ...all("ZeroPadding1D ZeroPadding2D ZeroPadding3D", bordered("padding", 1)),
  ...all("Cropping1D Cropping2D Cropping3D", bordered("cropping", -1)),
  ...all("UpSampling1D UpSampling2D UpSampling3D", scaled),
  ...all("Activation ReLU LeakyReLU ELU Softmax Identity Rescaling UnitNormalization ActivityRegularization "
    + "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise "
    + "RandomFlip RandomRotation RandomTranslation RandomZoom RandomBrightness RandomContrast", (_, [shape]) => same(shape)),
  Dense: dense,
  Flatten: (_, [shape]) => ({ shape: [product(shape)] }),
  Reshape: reshaped,
  Permute: ({ dims }, [shape]) => ({ shape: dims.map((axis) => shape[axis - 1]) }),
  RepeatVector: ({ n }, [shape]) => ({ shape: [n, ...shape] }),
  BatchNormalization: normalisation((layer) => learned(layer) + 2),
  LayerNormalization: normalisation(learned),
  GroupNormalization: normalisation(learned),
  RMSNormalization: normalisation(() => 1),
  PReLU: oneForEach,
  Concatenate: joined,
  Resizing: resized,
};

const formula = (weights) => {
  const terms = new Map();
  for (const weight of weights) {
    const term = weight.join("·") || "1";
    terms.set(term, (terms.get(term) ?? 0) + 1);
  }
  return [...terms].map(([term, count]) => (count > 1 ? `${count}·${term}` : term)).join(" + ");
};

// One call of a layer on inputs of these shapes: {shape, weights, macs, bytes}, or the recorded one of a kind that
// is not known here, as long as nothing before it has changed.
function called(layer, shapes) {
  if (layer.given) {
    if (JSON.stringify(shapes) !== JSON.stringify(layer.given.inputs)) throw new Unknown(layer.name);
    return layer.given;
  }
  const words = `${layer.name.split("/").pop().replace(/ \(\d+\)$/, "")} (${layer.type}) cannot take ${shapes.map(times).join(" and ")}`;
  try {
    const { shape, weights = [], macs = 0 } = (layer.bare ? merged : KINDS[layer.type])(layer, shapes);
    const params = weights.reduce((sum, weight) => sum + product(weight), 0);
    return { shape, params, formula: formula(weights), macs, bytes: product(shape) * layer.bytes };
  } catch (error) {
    if (error instanceof Impossible) throw new Impossible(words + error.message);
    throw error;
  }
}

const plus = (one, other) => (one == null || other == null ? null : one + other);

// The rows of the network after the changes, as what_if.measure gives them. Throws Impossible, or Unknown where only
// Python knows.
function measured(layers, adjustable, size, changes) {
  const [made, rows, first] = [[], new Map(), layers[0].shape];
  for (const [name, change] of Object.entries(changes)) {
    if (layers.some((layer) => layer.name === name && layer.given) && Object.keys(change).length) throw new Unknown(name);
  }
  for (const given of layers) {
    const layer = { ...given, ...changes[given.name] };
    const inputs = layer.from.map((place) => made[place]);
    const shapes = inputs.map(({ shape }) => shape);
    const one = layer.type === "InputLayer" ? inputOf(layer, first, size) : called(layer, shapes);
    const sources = [...new Set(inputs.flatMap(({ names }) => names))];
    made.push({ shape: one.shape, names: layer.bare ? sources : [layer.name] });
    if (layer.bare) continue;
    const row = rows.get(layer.name);
    if (row) {
      row.macs = plus(row.macs, one.macs);
      row.activation_bytes = plus(row.activation_bytes, one.bytes);
      row.sources = [...new Set([...row.sources, ...sources])];
      continue;
    }
    const controls = {};
    for (const argument of Object.keys(adjustable)) {
      const values = new Set([layer[argument] ?? []].flat());
      if (values.size === 1) [controls[argument]] = values;
    }
    rows.set(layer.name, { name: layer.name, type: layer.type, formula: one.formula, output_shape: one.shape, params: one.params,
      macs: one.macs, activation_bytes: one.bytes, input_shapes: shapes, sources, controls });
  }
  return [...rows.values()];
}

// The input at `size` pixels, as wide as before in proportion.
function inputOf({ shape, bytes, given }, first, size) {
  if (given) return given;
  let now = shape;
  if (String(shape) === String(first) && [1, 3].includes(shape.length)) {
    const [height, width, channels] = shape;
    now = shape.length === 1 ? [size] : [size, height && width ? roundEven(size * width / height) : size, channels];
  }
  return { shape: now, params: 0, formula: "", macs: 0, bytes: bytes == null ? null : product(now) * bytes };
}
