// Small things that Sphinx and the theme leave open.

// From disk a browser does not hand out the text of other pages, which the search would show around each hit.
if (location.protocol === "file:" && window.DOCUMENTATION_OPTIONS) DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The explorers ask the page, as JupyterLab's, whether it is light.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const theme = document.body?.dataset.theme ?? "auto";
    document.documentElement.dataset.jpThemeLight = String(!(theme === "dark" || (theme === "auto" && dark.matches)));
  };
  dark.addEventListener("change", tell);
  document.addEventListener("DOMContentLoaded", () => {
    tell();
    new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-theme"] });
  });
})();
