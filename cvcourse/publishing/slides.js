// Slides: one of them is shown. Keys, fragments, the window with the notes, the overview, paper.

(() => {
  const KEYS = {
    "→, Space, PageDown": "next", "←, PageUp": "back", "Home, End": "first slide, last slide",
    "a number, then Enter": "that slide", "↓, ↑": "scroll, where a slide is longer than the window",
    s: "next section", o: "overview", n: "notes in a window of their own, with the time", c: "all code, and only what teaches",
    l: "a point of light that follows the mouse", d: "draw on the slide, and stop", e: "erase what is drawn on it",
    z: "the picture as large as the window, and back; or click it", t: "dark, light", b: "black, and back", f: "the whole screen", p: "print, or save as PDF",
    Esc: "leave an explorer, the pen, a large picture, the overview", "?": "this help",
  };
  const ZOOMS = [1.5, 1.43, 1.36, 1.29, 1.24, 1.19, 1.14, 1.08, 1, 0.92, 0.85, 0.8]; // of an explorer, whose letters have 14 pixels then
  const MINUTES = 90; // of a lecture, until the speaker writes another number
  const SIZES = [...Array.from({ length: 26 }, (_, i) => 1.58 - 0.03 * i), 18 / 22]; // from few words to many
  const slides = [...document.querySelectorAll(".slide")];
  const footer = make("footer", {}, make("span", { class: "rest" }), button("‹", "Back", () => turn(-1)),
    make("span", { class: "number" }), button("›", "Next", () => turn(1)), button("?", "Help: keys", () => open(help)));
  const help = make("div", { class: "over", role: "dialog", "aria-label": "Keys", tabindex: -1, hidden: "" },
    make("h2", {}, "Keys"), make("dl", {}, ...Object.entries(KEYS).flatMap(([key, does]) => (
      [make("dt", {}, ...key.split(", ").map((one) => make("kbd", {}, one))), make("dd", {}, does)]))),
    make("p", {}, "In an explorer or a slider the arrows are its own; PageDown and PageUp turn the page from everywhere. "
      + "Reload the page, and every explorer is as at the start."));
  const cards = make("div", { class: "over", role: "dialog", "aria-label": "Overview", tabindex: -1, hidden: "" });
  const light = make("div", { class: "light", "aria-hidden": "true", hidden: "" });
  let [at, typed, notes, came, line] = [0, "", null, 0, null];
  let { began = 0, planned = MINUTES } = history.state ?? {}; // the time goes on after a reload

  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function button(words, label, press) {
    const node = make("button", { type: "button", "aria-label": label, title: label }, words);
    node.addEventListener("click", press);
    return node;
  }

  const title = (slide) => slide.querySelector("h1, h2").textContent;
  const steps = (slide) => [...slide.querySelectorAll(".step.waits")];

  // What belongs to one key: the next waiting part.
  function turn(by) {
    const waiting = steps(slides[at])[0];
    if (by > 0 && waiting) waiting.classList.remove("waits");
    else if (slides[at + by]) show(at + by, by < 0);
    else return;
    fit();
    tell();
  }

  // Show slide `to`; with `all`, nothing on it waits.
  function show(to, all = false) {
    if (!(to >= 0)) return;
    slides[at].classList.remove("now");
    large(null);
    at = Math.max(0, Math.min(slides.length - 1, to));
    [came, line] = [Date.now(), null];
    for (const part of slides[at].querySelectorAll(".step")) part.classList.toggle("waits", !all);
    slides[at].classList.add("now");
    slides[at].setAttribute("aria-label", `Slide ${at + 1} of ${slides.length}`);
    slides[at].scrollTop = 0;
    slides[at].focus({ preventScroll: true });
    footer.querySelector(".number").textContent = `${at + 1} / ${slides.length}`;
    footer.style.setProperty("--done", at / (slides.length - 1));
    remember();
    fit();
    tell();
  }

  const remember = () => history.replaceState({ began, planned }, "", `#${at + 1}`);

  // Letters as large as the slide has room for, down to the least that a hall can read; then the slide scrolls.
  function fit(slide = slides[at], explorers = true) {
    const parts = slide.querySelector(".parts");
    slide.classList.remove("tall", "wide");
    const sizes = SIZES.slice(slide.querySelector(".picture, .explorer") ? 19 : slide.matches(".few") ? 0 : 11);
    sizes.some((k) => {
      parts.style.setProperty("--k", k);
      slide.classList.remove("wide");
      slide.classList.toggle("wide", narrow(parts)); // long lines are broken then
      return !over(slide);
    });
    if (explorers && slide.querySelector(".cv-explorer")) zoom(slide, 0);
    scrolls(slide);
  }

  // Make what is too wide smaller by itself, down to the least that a hall can read. Whether something stays too wide.
  function narrow(parts) {
    const { right } = parts.getBoundingClientRect();
    const wide = (node) => node.scrollWidth > node.clientWidth + 1 || node.getBoundingClientRect().right > right + 1;
    const least = 18 * Math.min(window.innerWidth / 1280, window.innerHeight / 720);
    return [...parts.querySelectorAll("pre, math[display=block], .output table")].filter((node) => {
      node.style.fontSize = "";
      for (let size = parseFloat(getComputedStyle(node).fontSize); wide(node) && size > least;) {
        size = Math.max(least, 0.95 * size);
        node.style.fontSize = `${size}px`;
      }
      return wide(node);
    }).length > 0;
  }

  const over = (slide) => [slide, slide.querySelector(".parts")].some((node) => node.scrollHeight > node.clientHeight + 1);

  function scrolls(slide) {
    slide.tabIndex = slide.classList.toggle("tall", over(slide)) ? 0 : -1; // what scrolls can be reached
    rest();
  }

  // An explorer as large as there is room for: the next smaller zoom, until it fits. It draws itself anew after
  // each, so there is a moment between two.
  function zoom(slide, step) {
    const explorer = slide.querySelector(".cv-explorer");
    const { innerWidth: width, innerHeight: height } = window;
    if (step === 0 && explorer.dataset.room === `${width} ${height}`) return;
    explorer.dataset.room = `${width} ${height}`;
    explorer.dataset.step = step;
    enlarge(explorer, ZOOMS[step], Math.min(width / 1280, height / 720));
    slide.classList.remove("tall");
    clearTimeout(zoom.soon);
    zoom.soon = setTimeout(() => check(slide), 40);
  }

  // Where the picture must shrink, no letter does.
  function enlarge(explorer, k, unit = 1) {
    explorer.style.zoom = k * unit;
    explorer.style.setProperty("--cv-least", `${18.05 / Math.max(1, k)}px`);
  }

  function check(slide = slides[at]) {
    const step = Number(slide.querySelector(".cv-explorer")?.dataset.step ?? NaN);
    if (over(slide) && step + 1 < ZOOMS.length) zoom(slide, step + 1);
    else scrolls(slide);
  }

  function rest() {
    const slide = slides[at];
    const more = slide.scrollHeight - slide.clientHeight - slide.scrollTop > 4;
    footer.firstChild.textContent = more ? "▼ more: ↓" : "";
  }

  function open(panel) {
    for (const one of [help, cards]) one.hidden = one !== panel || !one.hidden;
    if (panel && !panel.hidden) (panel.querySelector("[aria-current]") ?? panel).focus();
    else slides[at].focus({ preventScroll: true });
  }

  function overview() {
    cards.replaceChildren(make("h2", {}, "Overview"), make("div", { class: "cards" }, ...slides.map((slide, number) => {
      const card = button(`${number + 1}  ${title(slide)}`, `Slide ${number + 1}: ${title(slide)}`, () => { open(null); show(number); });
      const picture = slide.querySelector(".picture img");
      if (picture) card.append(make("img", { src: picture.src, alt: "" }));
      if (number === at) card.setAttribute("aria-current", "true");
      return card;
    })));
    open(cards);
  }

  // A picture as large as the window; once more, or with null, none is.
  function large(picture) {
    const last = document.querySelector(".picture.large");
    last?.classList.remove("large");
    if (picture !== last) picture?.classList.add("large");
  }

  // The pen: lines in an SVG over the slide, in per mille of its size, so that they stay in place in any window.
  function pen(on) {
    document.body.classList.toggle("draws", on);
    light.hidden ||= on;
  }

  function draw(event) {
    if (!document.body.classList.contains("draws") || event.target.closest("footer, .over")) return;
    const slide = slides[at];
    const box = slide.getBoundingClientRect();
    const point = `${Math.round((1000 * event.clientX) / box.width)},${Math.round((1000 * (event.clientY + slide.scrollTop)) / box.height)}`;
    if (event.type === "pointerdown") {
      const space = "http://www.w3.org/2000/svg";
      const paper = slide.querySelector(".ink") ?? slide.appendChild(document.createElementNS(space, "svg"));
      for (const [name, value] of [["class", "ink"], ["viewBox", "0 0 1000 1000"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) paper.setAttribute(name, value);
      line = paper.appendChild(document.createElementNS(space, "polyline"));
    }
    line?.setAttribute("points", `${line.getAttribute("points") ?? ""} ${point}`);
    event.preventDefault();
    event.stopPropagation(); // explorers below hear nothing of it
  }
  for (const name of ["pointerdown", "pointermove"]) document.addEventListener(name, (event) => (name === "pointerdown" || line) && draw(event), true);
  document.addEventListener("pointerup", () => { line = null; }, true);
  document.addEventListener("pointermove", (event) => { light.style.translate = `${event.clientX}px ${event.clientY}px`; }, true);

  // The speaker's window: time, minutes planned, notes of this slide, title of the next one.
  function speaker() {
    notes = window.open("", "cvcourse-notes", "popup,width=720,height=600");
    if (!notes) return;
    const page = notes.document;
    began ||= Date.now();
    remember();
    page.title = "Notes";
    page.documentElement.lang = "en";
    page.head.replaceChildren(make("style", {}, "body{font:20px/1.45 system-ui,sans-serif;margin:20px}#clock{font-size:28px;"
      + "white-space:pre-wrap;font-variant-numeric:tabular-nums}input{font:inherit;width:4em}h1{font-size:26px}"
      + "#next{border-top:1px solid #999;padding-top:8px}img{max-width:45%}"));
    const minutes = make("input", { id: "minutes", type: "number", min: 1, value: planned });
    minutes.addEventListener("input", () => { planned = Number(minutes.value); remember(); clock(); });
    page.body.replaceChildren(make("div", { id: "clock" }), make("label", {}, "Planned, in minutes: ", minutes),
      ...["title", "text", "next"].map((id) => make(id === "title" ? "h1" : "div", { id })));
    page.onkeydown = onKey;
    tell();
  }

  function tell() {
    if (!notes || notes.closed) return;
    const put = (id) => notes.document.getElementById(id);
    const waiting = steps(slides[at]);
    put("title").textContent = `${at + 1} / ${slides.length}  ${title(slides[at])}`;
    put("text").innerHTML = slides[at].querySelector(".notes").innerHTML;
    put("next").replaceChildren(make("p", {}, waiting.length ? `Next key: ${waiting.length} more on this slide`
      : slides[at + 1] ? `Next: ${title(slides[at + 1])}` : "The end"));
    for (const part of waiting) put("next").insertAdjacentHTML("beforeend", part.innerHTML);
    clock();
  }

  // What a slide takes of the time, against one that is only read.
  const weight = (slide) => (slide.querySelector(".explorer") ? 4 : title(slide).startsWith("Exercise") ? 3 : slide.querySelector(".step") ? 2 : 1);
  const weigh = (some) => some.reduce((sum, slide) => sum + weight(slide), 0);

  function clock() {
    if (!notes || notes.closed) return;
    const two = (value) => String(Math.floor(value)).padStart(2, "0");
    const time = (seconds) => `${two(seconds / 60)}:${two(seconds % 60)}`;
    const now = new Date();
    const unit = (60 * planned) / weigh(slides);
    const [passed, here, due] = [(now - began) / 1000, (now - came) / 1000, unit * weigh(slides.slice(0, at + 1))];
    const late = Math.round((passed - due) / 60);
    notes.document.getElementById("clock").textContent = `${two(now.getHours())}:${two(now.getMinutes())}   ${time(passed)} since the start\n`
      + `This slide ${time(here)} of ${time(unit * weight(slides[at]))}${late > 0 ? `   ${late} min late` : ""}`;
  }
  setInterval(clock, 1000);
  window.addEventListener("pagehide", () => notes?.close()); // once reloaded, the slides could not reach it

  // Every slide as a page, with every explorer drawn.
  async function paper() {
    document.body.classList.add("paper");
    large(null);
    await window.cvStill?.all();
    for (const slide of slides) {
      fit(slide, false);
      const explorer = slide.querySelector(".cv-explorer");
      if (!explorer) continue;
      slide.classList.remove("tall");
      delete explorer.dataset.room;
      for (const k of ZOOMS) { // a page is 1280 × 720, whatever the window is
        enlarge(explorer, k);
        await new Promise((done) => { setTimeout(done, 60); });
        if (!over(slide)) break;
      }
      scrolls(slide);
    }
    document.body.dataset.ready = "true";
  }

  async function print() {
    await paper();
    window.print();
    document.body.classList.remove("paper");
    show(at, true);
  }

  const ACTIONS = {
    ArrowRight: () => turn(1), " ": () => turn(1), ArrowLeft: () => turn(-1), Home: () => show(0), End: () => show(slides.length - 1),
    s: () => show(slides.findIndex((slide, number) => number > at && !slide.querySelector(".above") && title(slide) !== title(slides[at]))),
    o: overview, n: speaker, p: print, "?": () => open(help), b: () => document.body.classList.toggle("black"),
    c: () => { document.body.classList.toggle("codes"); fit(); },
    l: () => { light.hidden = !light.hidden; },
    d: () => pen(!document.body.classList.contains("draws")),
    e: () => slides[at].querySelector(".ink")?.remove(),
    z: () => large(slides[at].querySelector(".picture")),
    t: () => {
      const root = document.documentElement;
      root.dataset.jpThemeLight = String(root.dataset.jpThemeLight === "false");
    },
    f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
  };

  function onKey(event) {
    const { key, target } = event;
    if ((event.ctrlKey || event.metaKey) && key === "p") { // the browser's own would find explorers that are not drawn
      print();
      event.preventDefault();
    }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const inside = target.closest?.(".cv-explorer, pre[tabindex], input");
    const pressed = key === " " && target.closest?.("button, a");
    const digit = /^\d$/.test(key);
    const panel = [help, cards].find((one) => !one.hidden);
    let action = { PageDown: () => turn(1), PageUp: () => turn(-1) }[key];
    if (key === "Escape") action = () => { pen(false); open(null); large(null); };
    else if (panel || inside || pressed) action &&= () => { open(null); turn(key === "PageDown" ? 1 : -1); };
    else if (digit) action = () => { typed += key; };
    else if (key === "Enter" && typed) action = () => show(Number(typed) - 1);
    else action ??= ACTIONS[key.length === 1 ? key.toLowerCase() : key];
    action?.();
    if (!digit) typed = "";
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("keydown", onKey, true); // before explorers, which keep their keys

  document.body.append(footer, help, cards, light);
  for (const slide of slides) slide.addEventListener("scroll", rest);
  for (const picture of document.querySelectorAll(".picture")) picture.addEventListener("click", () => large(picture));
  window.addEventListener("resize", () => fit());
  const grown = new ResizeObserver(() => (slides[at].querySelector("[data-step]") ? check() : fit())); // drawn when first seen
  for (const part of document.querySelectorAll(".explorer")) grown.observe(part);
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.jpThemeLight = "false";
  const asked = location.hash.slice(1);
  show(Math.max(0, Number(asked) - 1 || 0));
  if (asked === "print") { clearTimeout(zoom.soon); paper(); }
  window.addEventListener("hashchange", () => { const to = Number(location.hash.slice(1)); if (to && to !== at + 1) show(to - 1); });
})();
