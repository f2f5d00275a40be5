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

// Draw now and whenever `node` changes its size. Returns what render() must return: the function that ends it all.
function live(node, draw, ...ends) {
  const resize = new ResizeObserver(draw);
  resize.observe(node);
  draw();
  return () => {
    resize.disconnect();
    for (const end of ends) end();
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
