// FeatureMaps: the image, the chosen map, all maps of the layer, and the chosen unit down to its products.
// Python computes; this file draws, and moves the frames at once while Python computes the next unit. A page without
// Python computes the units of the layers that it carries (feature_units.js).

const PAGE = 64; // maps in the overview at a time
const THUMBNAIL = 64; // pixels of a map in the overview
const short = (value, digits = 4) => {
  const size = Math.abs(value);
  const text = size && (size < 0.001 || size >= 1e5) ? value.toExponential(digits - 2) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
};

// A canvas of pixels whose colour is rgb(i), at most once for each array of bytes that Python sends.
const stamps = new WeakMap();
function stamp(view, width, height, rgb) {
  if (!stamps.has(view)) stamps.set(view, pixels(height, width, rgb));
  return stamps.get(view);
}

// The colours of 256 shades.
const palettes = named({ rdbu, viridis }, (map) => Array.from({ length: 256 }, (_, k) => map(k / 255).map(Math.round)));
const coloured = (shades, palette) => (i) => palette[shades[i]];

// A small matrix whose cells are coloured, with their numbers where they fit.
function matrix(title, role) {
  const cells = element("div", { style: `display:grid;width:9em;height:9em;border:2px solid var(--cv-${role})` });
  const caption = element("figcaption", { class: `cv-caption cv-${role}` });
  return {
    node: panel(caption, cells),
    show(values, rows, columns, palette, signed, about) {
      caption.textContent = about ? `${title}, about` : title;
      const top = Math.max(1e-12, ...values.map(Math.abs));
      cells.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
      cells.style.gridTemplateRows = `repeat(${rows}, 1fr)`;
      const numbers = Math.max(rows, columns) <= 3;
      cells.replaceChildren(...values.map((value) => {
        const at = Math.round(255 * (signed ? (value / top + 1) / 2 : value / top));
        const [r, g, b] = palette[at];
        const dark = [r, g, b].reduce((sum, v, i) => sum + [0.21, 0.72, 0.07][i] * (v / 255) ** 2.2, 0) < 0.179; // both ≥ 4.5 : 1
        const words = [2, 1, 0].map((digits) => number(value, digits)).find((one) => one.length < 6) ?? short(value, 2); // five fit
        return element("div", { title: short(value),
          style: `display:flex;align-items:center;justify-content:center;overflow:hidden;`
            + `font-size:max(var(--cv-least),0.8em);letter-spacing:-0.03em;font-variant-numeric:tabular-nums;background:rgb(${r},${g},${b});color:${dark ? "#fff" : "#000"}` },
        numbers ? words : "");
      }));
    },
  };
}

// The explorer where Python does not answer: change(values) draws what was carried; else it says so and is false.
function stillLife(model, state) {
  const carried = model.get("carried") ?? {};
  const photos = { [model.get("image_name")]: model.get("photo") };
  const units = named(carried.images ?? {}, (sent, name) => {
    photos[name] ??= sent.photo;
    return unitsOf(carried, name);
  });
  const spread = (map) => map.reduce((sum, value) => sum + value ** 2, 0) / map.length - (map.reduce((a, b) => a + b, 0) / map.length) ** 2;
  const shades = (map, { low, high }) => Uint8Array.from(map, (value) => Math.round(within((value - low) / (high - low || 1), 0, 1) * 255));

  // All maps of a layer, each at most `THUMBNAIL` pixels wide, on one scale; and which of them varies most.
  function overview(of, layer, image) {
    const { shape, all } = carried.layers[layer];
    const step = Math.ceil(Math.max(shape[0], shape[1]) / THUMBNAIL);
    const maps = Array.from({ length: shape[2] }, (_, channel) => of.map(layer, channel, step));
    const high = maps.reduce((top, map) => map.reduce((a, b) => Math.max(a, Math.abs(b)), top), 0);
    const scale = { low: maps.some((map) => map.some((value) => value < 0)) ? -high : 0, high };
    const values = new Uint8Array(shape[2] * maps[0].length);
    maps.forEach((map, k) => values.set(shades(map, scale), k * map.length));
    const spreads = maps.map(spread);
    return { spreads, maps: { of: [image, layer], shape, all, ...scale, values: new DataView(values.buffer),
      small: [Math.ceil(shape[0] / step), Math.ceil(shape[1] / step), shape[2]] } };
  }

  function change(values) {
    const now = state.get();
    let { layer, image_name: image, channel, position } = { ...now, ...values };
    const of = units[image];
    const other = layer !== now.layer || image !== now.image_name;
    if (!photos[image] || !of?.has(layer, other ? 0 : channel)) {
      model.send({});
      return false;
    }
    let { maps } = now;
    if (other) {
      const { spreads, maps: made } = overview(of, layer, image);
      if (!(spreads[channel] > 1e-12)) channel = spreads.indexOf(Math.max(...spreads));
      position = position.map((place, axis) => Math.min(made.shape[axis] - 1, Math.floor((2 * place + 1) * made.shape[axis] / (2 * maps.shape[axis]))));
      maps = made;
    }
    const map = of.map(layer, channel);
    const unit = of.unit(layer, position, channel);
    const chosen = { of: [image, layer, channel], about: unit.about, values: new DataView(shades(map, maps).buffer),
      range: [map.reduce((a, b) => Math.min(a, b)), map.reduce((a, b) => Math.max(a, b))] };
    model.set("description", describe(unit));
    state.set({ layer, image_name: image, channel, position, maps, chosen, unit, photo: { of: image, ...photos[image] }, problem: "" });
    return true;
  }

  return {
    change,
    offers: ({ layer, image_name: image }) => ({
      layer: (name) => name === layer || units[image]?.has(name),
      image_name: (name) => name === image || (photos[name] && units[name]?.has(layer)),
    }),
  };
}

function render({ model, el }) {
  const state = begin(model, ["channel", "position", "photo", "maps", "chosen", "unit", "problem", "controls"],
    { layer: (layer) => change({ layer }), image_name: (name) => change({ image_name: name }) });
  const { control: { layer, image_name: image } } = state;
  let depth = null; // input channel whose products are shown; null is the strongest
  const still = model.still && stillLife(model, state);
  const change = (values) => (still ? still.change(values) || state.redraw() : state.set(values));

  // Controls.
  for (const { node, input } of [layer, image]) [node.className, node.style.minWidth, input.style.minWidth] = ["cv-control", 0, 0];
  [layer.input.style.width, image.input.style.width] = ["17em", "12em"];
  const file = chooser(async ([chosen]) => {
    if (chosen) model.send({ upload: chosen.name }, undefined, [await chosen.slice(0, 6000001).arrayBuffer()]);
  }, { accept: "image/*", "aria-label": "Image file" });
  const upload = button("Upload …", () => file.click(), "", { style: "white-space:nowrap;flex:none", "aria-label": "Upload an image" });
  const guess = element("span", { style: "margin-left:auto;white-space:nowrap" });

  // Image, chosen map, overview.
  const [imageCaption, mapCaption, allCaption, barsCaption] = Array.from({ length: 4 }, () => element("figcaption", { class: "cv-caption cv-cut" }));
  const seen = board("Image with the receptive field of the unit", true);
  const map = board("Chosen feature map; arrow keys move the unit, page keys change the map");
  const overview = element("canvas", { class: "cv-canvas", tabindex: 0, role: "img",
    "aria-label": "All feature maps of the layer; arrow keys choose one", style: "width:100%;height:14.5em;cursor:pointer" });
  const stage = element("div", { class: "cv-stage", style: "display:grid;grid-template-columns:14.5em 14.5em minmax(0,1fr);gap:20px" },
    panel(imageCaption, seen.canvas), panel(mapCaption, map.canvas), panel(allCaption, overview));

  // The unit: one input channel as patch × weights = products, and the sums of all input channels.
  const [patch, weights, products] = [matrix("patch", "input"), matrix("weights", "kernel"), matrix("products", "output")];
  const sign = (text) => element("span", { style: "align-self:center;font-size:1.4em;padding-top:20px" }, text);
  const bars = element("canvas", { class: "cv-canvas", tabindex: 0, role: "img", style: "width:100%;height:9em;cursor:pointer",
    "aria-label": "Sum of the products of each input channel; arrow keys choose one" });
  const why = element("p", { style: "margin:0;align-self:center;grid-column:1/-1" });
  const detail = element("div", { style: "display:grid;grid-template-columns:auto auto auto auto auto minmax(0,1fr);gap:10px;"
    + "margin-top:10px;min-height:10.9em" },
  patch.node, sign("×"), weights.node, sign("="), products.node, element("figure", { class: "cv-panel", style: "min-width:0;margin-left:20px" }, barsCaption, bars), why);
  const formula = element("div", { class: "cv-formula", style: "margin-top:6px;min-height:0;padding:4px 10px;font-size:1.1em;white-space:nowrap" });
  const problem = element("div", { class: "cv-error cv-cut", role: "alert", style: "margin-top:6px;min-height:0;padding:5px 10px" });

  // How many maps stand in a row, and how large, so that a page of them fills the overview.
  function tiling(count) {
    const [width, height] = [overview.clientWidth || 400, overview.clientHeight || 204];
    const sizes = Array.from({ length: count }, (_, k) => Math.min(width / (k + 1), height / Math.ceil(count / (k + 1))));
    const size = Math.max(...sizes);
    return { columns: 1 + sizes.indexOf(size), size };
  }

  const pageOf = (channel, count) => {
    const first = Math.floor(channel / PAGE) * PAGE;
    return { first, shown: Math.min(PAGE, count - first) };
  };

  function drawOverview(now, palette) {
    const [height, width, count] = now.maps.small;
    const all = bytes(now.maps.values);
    const sheet = stamp(now.maps.values, width, height * count, coloured(all, palette)); // all maps, one below the other
    const context = sharp(overview);
    const { first, shown } = pageOf(now.channel, count);
    const { columns, size } = tiling(shown);
    const scale = (size - 3) / Math.max(width, height);
    for (let i = 0; i < shown; i++) {
      context.drawImage(sheet, 0, (first + i) * height, width, height,
        (i % columns) * size + 1.5, Math.floor(i / columns) * size + 1.5, width * scale, height * scale);
    }
    const at = now.channel - first;
    Object.assign(context, { strokeStyle: map.ink("selected"), lineWidth: 3 });
    context.strokeRect((at % columns) * size + 1.5, Math.floor(at / columns) * size + 1.5, width * scale, height * scale);
    allCaption.textContent = now.maps.all > count ? `the first ${count} of ${now.maps.all} maps, one scale` : count > PAGE ? `maps ${first} to ${first + shown - 1} of ${count}` : `all ${count} maps, one scale`;
  }

  function drawBoard(one, canvas, corners, line) {
    const { width, height } = canvas;
    one.fit(height, width);
    one.context.imageSmoothingEnabled = false;
    one.context.drawImage(canvas, ...one.place(0, 0, width, height));
    if (corners) one.box(corners, "selected", line);
  }

  function drawUnit(unit) {
    const explained = unit.explained;
    for (const node of [...detail.children]) node.style.display = (node === why) !== explained ? "" : "none";
    write(formula, `${unit.layer} [${unit.position.join(", ")}], map ${unit.channel}:  `, ...(explained ? sum(unit) : [["output", short(unit.activation)]]));
    if (!explained) {
      why.textContent = "This layer adds or joins what other layers give: it has no weights of its own. Choose a convolution to see its products.";
      return;
    }
    const [rows, columns, channels] = unit.shape;
    const [values, kernel] = [floats(unit.patch), floats(unit.weights)];
    const chosen = Math.min(depth ?? strongest(unit), channels - 1);
    const pick = (array) => Array.from({ length: rows * columns }, (_, i) => array[i * channels + chosen]);
    const [a, b] = [pick(values), pick(kernel)];
    const signed = values.some((value) => value < 0);
    patch.show(a, rows, columns, signed ? palettes.rdbu : palettes.viridis, signed, unit.about);
    weights.show(b, rows, columns, palettes.rdbu, true, unit.rounded);
    products.show(a.map((value, i) => value * b[i]), rows, columns, palettes.rdbu, true, unit.about);
    barsCaption.textContent = channels === 1 ? `sum of the products: ${figure(unit, unit.total)}`
      : `input channel ${chosen} of ${channels}: sum ${figure(unit, unit.sums[chosen])}`;
    drawBars(unit.sums, chosen);
  }

  const strongest = ({ sums }) => sums.reduce((best, sum, i) => (Math.abs(sum) > Math.abs(sums[best]) ? i : best), 0);
  const figure = ({ about }, value) => (about ? `about ${short(value, 2)}` : short(value));

  function sum(unit) {
    const count = unit.shape.reduce((a, b) => a * b);
    const then = unit.function === "linear" ? " = " : ` = ${figure(unit, unit.preactivation)}  →  ${unit.function}  →  `;
    return [`${count} products = `, ["output", figure(unit, unit.total)], " + bias ", ["kernel", short(unit.bias)], then,
      ["output", figure(unit, unit.activation)]];
  }

  function drawBars(sums, chosen) {
    const context = sharp(bars);
    const [width, height] = [bars.clientWidth, bars.clientHeight];
    const top = Math.max(1e-12, ...sums.map(Math.abs));
    const slot = Math.min(40, width / sums.length);
    const middle = height / 2;
    sums.forEach((value, i) => {
      const tall = (value / top) * (middle - 4);
      context.fillStyle = map.ink(i === chosen ? "selected" : "output");
      context.fillRect(i * slot, Math.min(middle, middle - tall), Math.max(1, slot - (slot > 4 ? 2 : 0)), Math.max(1, Math.abs(tall)));
    });
    context.fillStyle = map.ink("muted");
    context.fillRect(0, middle, slot * sums.length, 1);
  }

  function draw(now) {
    const signed = now.maps.low < 0;
    const palette = signed ? palettes.rdbu : palettes.viridis;
    for (const [name, one] of Object.entries({ layer, image_name: image })) {
      const { options, words } = now.controls[name];
      one.offer((still ? options.filter(still.offers(now)[name]) : options).map((value) => [value, words[value] ?? value]));
      one.show(now[name]);
    }
    guess.textContent = now.photo.guess ? `The network says: ${now.photo.guess}` : "";
    const [height, width, count] = now.maps.shape;
    const field = now.unit.field;
    const [high, wide] = now.photo.shape;
    const photo = bytes(now.photo.values);
    drawBoard(seen, stamp(now.photo.values, wide, high, rgb(photo)), field && [field[1], field[0], field[3], field[2]], 2);
    imageCaption.textContent = field ? `unit sees ${field[2] - field[0]}×${field[3] - field[1]} pixels` : now.image_name;
    const inside = now.position[0] < height && now.position[1] < width;
    const line = Math.max(width, height) > 60 ? 1.5 : 2.5;
    const chosen = stamp(now.chosen.values, width, height, coloured(bytes(now.chosen.values), palette));
    drawBoard(map, chosen, inside && [now.position[1], now.position[0], now.position[1] + 1, now.position[0] + 1], line);
    mapCaption.textContent = `map ${now.channel}: ${now.chosen.about ? "about " : ""}${short(now.chosen.range[0], 2)} to ${short(now.chosen.range[1], 2)}`;
    drawOverview(now, palette);
    drawUnit(now.unit);
    problem.textContent = now.problem;
    problem.hidden = !now.problem;
    formula.hidden = !problem.hidden;
    const { layer: of, channel, position } = now.unit;
    return of === now.layer && channel === now.channel && String(position) === String(now.position);
  }

  // Pointer and keys.
  const clamp = (value, size) => within(value, 0, size - 1);
  const move = (row, column) => {
    const [height, width] = state.get().maps.shape;
    const position = [clamp(row, height), clamp(column, width)];
    if (String(position) !== String(model.get("position"))) change({ position });
  };
  const pick = (channel) => {
    depth = null;
    change({ channel: clamp(channel, state.get().maps.shape[2]) });
  };
  follow(map.canvas, {
    press: (event) => { const [x, y] = map.at(event); move(Math.floor(y), Math.floor(x)); },
    arrow: (down, right) => move(model.get("position")[0] + down, model.get("position")[1] + right),
    key({ key }) {
      const step = { PageDown: 1, PageUp: -1 }[key];
      if (step) pick(model.get("channel") + step);
      else if (key === "Home" || key === "End") move(...(key === "End" ? [1e6, 1e6] : [0, 0]));
      else return false;
    },
  });
  const shownHere = () => pageOf(model.get("channel"), state.get().maps.shape[2]);
  follow(overview, {
    press(event) {
      const { first, shown } = shownHere();
      const { columns, size } = tiling(shown);
      const column = Math.floor(event.offsetX / size);
      const index = Math.floor(event.offsetY / size) * columns + column;
      if (column < columns && index < shown) pick(first + index);
    },
    drag: () => {},
    arrow: (down, right) => pick(model.get("channel") + right + down * tiling(shownHere().shown).columns),
    key({ key }) {
      const step = { PageDown: PAGE, PageUp: -PAGE, Home: -1e6, End: 1e6 }[key];
      return step ? pick(model.get("channel") + step) : false;
    },
  });
  const chooseDepth = (index) => {
    depth = clamp(index, state.get().unit.shape[2]);
    state.redraw();
  };
  follow(bars, {
    press: (event) => chooseDepth(Math.floor(event.offsetX / Math.min(40, bars.clientWidth / state.get().unit.sums.length))),
    arrow: (down, right) => chooseDepth((depth ?? strongest(state.get().unit)) + right - down),
    key: ({ key }) => (key === "Home" || key === "End" ? chooseDepth(key === "End" ? 1e6 : 0) : false),
  });

  return state.page({ el, row: "flex-wrap:nowrap;gap:8px 16px", controls: [layer, image, upload, file, guess],
    stage: [stage, detail, formula, problem] }, draw);
}
