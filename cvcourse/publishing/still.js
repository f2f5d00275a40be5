// Explorers on a page without Python: each `.cv-alive` gets a model made of its saved state, and its own script.

(() => {
  const SORRY = "This part asks Python: to use it, open the lesson as a notebook.";
  const modules = new Map();
  const same = (a, b) => a === b // bytes are never looked into
    || (typeof a === "object" && !a?.data && JSON.stringify(a) === JSON.stringify(b));

  function load(key) {
    if (!modules.has(key)) {
      const text = JSON.parse(document.getElementById(key).textContent);
      modules.set(key, import(URL.createObjectURL(new Blob([text], { type: "text/javascript" }))));
    }
    return modules.get(key);
  }

  // The saved traits; bytes become DataViews at their places.
  function traits({ state, buffers }) {
    for (const [path, base64] of buffers) {
      const place = path.slice(0, -1).reduce((node, step) => node[step], state);
      place[path.at(-1)] = new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
    }
    return state;
  }

  // What render() expects of Jupyter's models. changed(name) is called after each change, asked() for Python.
  function stillModel(state, changed, asked) {
    const handlers = {};
    const fire = (event, ...rest) => { for (const handler of [...(handlers[event] ?? [])]) handler(...rest); };
    const model = {
      still: true, // no Python answers: send() only says so
      get: (name) => state[name],
      set(name, value) {
        if (name === "description" && value) state.said = true; // the script has words of its own
        if (same(state[name], value)) return;
        state[name] = value;
        fire(`change:${name}`, model, value);
        fire("change", model);
        changed(name);
      },
      on(event, handler) { (handlers[event] ??= []).push(handler); },
      off(event, handler) { handlers[event] = (handlers[event] ?? []).filter((one) => handler && one !== handler); },
      save_changes() {},
      send: asked,
    };
    return model;
  }

  async function start(box) {
    if (box.dataset.live) return;
    box.dataset.live = "true";
    const { default: widget } = await load(box.dataset.module);
    const note = document.createElement("p");
    note.className = "cv-alive-note";
    note.setAttribute("role", "status");
    const say = () => { note.textContent = SORRY; };
    const { name } = box.dataset;
    const state = traits(JSON.parse(box.querySelector("script").textContent));
    const model = stillModel(state, changed, say);
    let [words, waiting] = [state.description, false];

    // Python wrote `description`. Once the state is another and the script has written no new one, it is hidden,
    // and the line of live numbers tells a screen reader what there is now.
    function changed(trait) {
      if (trait === "description") return;
      note.textContent = "";
      if (waiting) return;
      waiting = true; // several traits change together
      queueMicrotask(() => {
        waiting = false;
        if (words && state.description === words && !state.said) model.set("description", "");
        state.said = false;
        words = state.description;
        box.setAttribute("aria-label", name);
        box.querySelector(".cv-describe").style.visibility = words ? "" : "hidden"; // nothing jumps
        if (!words) box.querySelector(".cv-formula")?.setAttribute("role", "status");
      });
    }
    await widget.render({ model, el: box });
    box.append(note);
  }

  // Each explorer when it comes near the window; then, unless the page says <html data-still="seen">, one by one all
  // others while nothing else is to be done, so that the browser finds words in them; before printing, all at once.
  const boxes = () => [...document.querySelectorAll(".cv-alive[data-module]")];
  const all = () => Promise.all(boxes().map(start));
  const near = new IntersectionObserver((found) => found.forEach((one) => one.isIntersecting && start(one.target)), { rootMargin: "50%" });
  const later = window.requestIdleCallback ?? setTimeout;
  const rest = () => {
    const next = boxes().find((box) => !box.dataset.live);
    if (next) start(next).then(() => later(rest));
  };
  function begin() {
    boxes().forEach((box) => near.observe(box));
    if (document.documentElement.dataset.still === "seen") return;
    window.addEventListener("load", () => later(rest));
    window.addEventListener("beforeprint", all);
  }
  window.cvStill = { all };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
