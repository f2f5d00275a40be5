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
