// Small things that Sphinx and the theme leave open.

// From disk a browser does not hand out the text of other pages, which the search would show around each hit.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// What is drawn late has another height than was guessed: until the reader moves, the place in the address is kept.
(() => {
  const keep = new ResizeObserver(() => document.querySelector(":target")?.scrollIntoView({ behavior: "instant" }));
  const stay = () => keep.observe(document.querySelector("article"));
  addEventListener("DOMContentLoaded", stay);
  addEventListener("hashchange", stay);
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(moved, () => keep.disconnect(), true);
})();

// The explorers ask the page, as JupyterLab's, whether it is light.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const theme = document.body?.dataset.theme ?? "auto";
    document.documentElement.dataset.jpThemeLight = String(!(theme === "dark" || (theme === "auto" && dark.matches)));
  };
  // What scrolls must be reached by keyboard.
  const reach = () => {
    for (const node of document.querySelectorAll("article :is(pre, math, .cell_output, .table-wrapper, .cv-alive, .text_html > div)")) {
      if (node.scrollWidth > node.clientWidth + 1) node.tabIndex = 0;
      else node.removeAttribute("tabindex");
    }
  };
  dark.addEventListener("change", tell);
  addEventListener("load", reach);
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true); // a folded part opens
  document.addEventListener("DOMContentLoaded", () => {
    tell();
    new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-theme"] });
  });
})();
