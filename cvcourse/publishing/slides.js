// Slides: one of them is shown. Keys, fragments, the window with the notes, the overview, paper.

(() => {
  const KEYS = {
    "→, Space, PageDown": "next", "←, PageUp": "back", "Home, End": "first slide, last slide",
    "a number, then Enter": "that slide", "↓, ↑": "scroll, where a slide is longer than the window",
    s: "next section", o: "overview", n: "notes in a window of their own, with a clock", c: "all code, and only what teaches",
    d: "dark, light", b: "black, and back", f: "the whole screen", p: "print, or save as PDF",
    Esc: "leave an explorer, this help, the overview", "?": "this help",
  };
  const SIZES = [...Array.from({ length: 26 }, (_, i) => 1.58 - 0.03 * i), 18 / 22]; // from few words to many
  const slides = [...document.querySelectorAll(".slide")];
  const footer = make("footer", {}, make("span", { class: "rest" }), button("‹", "Back", () => turn(-1)),
    make("span", { class: "number" }), button("›", "Next", () => turn(1)), button("?", "Help: keys", () => open(help)));
  const help = make("div", { class: "over", role: "dialog", "aria-label": "Keys", tabindex: -1, hidden: "" },
    make("h2", {}, "Keys"), make("dl", {}, ...Object.entries(KEYS).flatMap(([key, does]) => (
      [make("dt", {}, ...key.split(", ").map((one) => make("kbd", {}, one))), make("dd", {}, does)]))),
    make("p", {}, "In an explorer or a slider the arrows are its own; PageDown and PageUp turn the page from everywhere."));
  const cards = make("div", { class: "over", role: "dialog", "aria-label": "Overview", tabindex: -1, hidden: "" });
  let [at, typed, notes, began] = [0, "", null, 0];

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
    at = Math.max(0, Math.min(slides.length - 1, to));
    for (const part of slides[at].querySelectorAll(".step")) part.classList.toggle("waits", !all);
    slides[at].classList.add("now");
    slides[at].setAttribute("aria-label", `Slide ${at + 1} of ${slides.length}`);
    slides[at].scrollTop = 0;
    slides[at].focus({ preventScroll: true });
    footer.querySelector(".number").textContent = `${at + 1} / ${slides.length}`;
    footer.style.setProperty("--done", at / (slides.length - 1));
    history.replaceState(null, "", `#${at + 1}`);
    fit();
    tell();
  }

  // Letters as large as the slide has room for, down to the least that a hall can read; then the slide scrolls.
  // An explorer that has just been drawn may only shrink them, so that nothing swings.
  function fit(slide = slides[at], shrink = false) {
    const parts = slide.querySelector(".parts");
    const most = shrink ? Number(parts.style.getPropertyValue("--k")) : Infinity;
    const high = (node) => node.scrollHeight > node.clientHeight + 1;
    const wide = () => [...parts.querySelectorAll("pre, math, .output")].some((node) => node.scrollWidth > node.clientWidth + 1);
    const over = () => high(slide) || high(parts);
    slide.classList.remove("tall", "wide");
    const sizes = SIZES.slice(slide.querySelector(".picture, .explorer") ? 19 : slide.matches(".few") ? 0 : 11);
    sizes.filter((k) => k <= most).some((k) => {
      parts.style.setProperty("--k", k);
      return !over() && !wide();
    });
    slide.classList.toggle("wide", wide()); // long lines of code are broken then
    slide.tabIndex = slide.classList.toggle("tall", over()) ? 0 : -1; // what scrolls can be reached
    rest();
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

  // The speaker's window: clock, time since it opened, notes of this slide, title of the next one.
  function speaker() {
    notes = window.open("", "cvcourse-notes", "popup,width=720,height=560");
    if (!notes) return;
    began ||= Date.now();
    const page = notes.document;
    page.title = "Notes";
    page.documentElement.lang = "en";
    page.head.replaceChildren(make("style", {}, "body{font:20px/1.45 system-ui,sans-serif;margin:20px}#clock{font-size:32px;"
      + "white-space:pre;font-variant-numeric:tabular-nums}#next{border-top:1px solid #999;padding-top:8px}img{max-width:45%}"));
    page.body.replaceChildren(...["clock", "title", "text", "next"].map((id) => make(id === "title" ? "h1" : "div", { id })));
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

  function clock() {
    if (!notes || notes.closed) return;
    const two = (value) => String(Math.floor(value)).padStart(2, "0");
    const seconds = (Date.now() - began) / 1000;
    const now = new Date();
    notes.document.getElementById("clock").textContent =
      `${two(now.getHours())}:${two(now.getMinutes())}   ${two(seconds / 60)}:${two(seconds % 60)} since the start`;
  }
  setInterval(clock, 1000);

  // Every slide as a page, with every explorer drawn.
  async function paper() {
    document.body.classList.add("paper");
    await window.cvStill?.all();
    slides.forEach((slide) => fit(slide));
    await new Promise((done) => { setTimeout(done, 300); });
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
    d: () => {
      const root = document.documentElement;
      root.dataset.jpThemeLight = String(root.dataset.jpThemeLight === "false");
    },
    f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
  };

  function onKey(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const inside = target.closest?.(".cv-explorer, pre[tabindex]");
    const pressed = key === " " && target.closest?.("button, a");
    const panel = [help, cards].find((one) => !one.hidden);
    let action = { PageDown: () => turn(1), PageUp: () => turn(-1) }[key];
    if (key === "Escape") action = panel ? () => open(null) : () => slides[at].focus({ preventScroll: true });
    else if (panel || inside || pressed) action &&= () => { open(null); turn(key === "PageDown" ? 1 : -1); };
    else if (/^\d$/.test(key)) action = () => { typed += key; };
    else if (key === "Enter" && typed) action = () => show(Number(typed) - 1);
    else action ??= ACTIONS[key.length === 1 ? key.toLowerCase() : key];
    if (!/^\d$/.test(key)) [action, typed] = [action, key === "Enter" ? typed : ""];
    if (!action) return;
    action();
    if (key === "Enter") typed = "";
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("keydown", onKey, true); // before explorers, which keep their keys

  document.body.append(footer, help, cards);
  for (const slide of slides) slide.addEventListener("scroll", rest);
  window.addEventListener("resize", () => fit());
  const grown = new ResizeObserver(() => fit(slides[at], true)); // an explorer is drawn when it is first seen
  for (const part of document.querySelectorAll(".explorer")) grown.observe(part);
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.jpThemeLight = "false";
  const asked = location.hash.slice(1);
  show(Math.max(0, Number(asked) - 1 || 0));
  if (asked === "print") paper();
  window.addEventListener("hashchange", () => { const to = Number(location.hash.slice(1)); if (to && to !== at + 1) show(to - 1); });
})();
