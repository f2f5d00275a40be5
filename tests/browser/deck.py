"""A deck of slides, walked to its end and measured: what does not fit, what is small, whom it keeps out."""

import axe

ALL = "document.querySelectorAll('.now .waits').forEach(one => one.classList.remove('waits'))"
SHOW = "number => { location.hash = `#${number}`; }"
DRAWN = """() => [...document.querySelectorAll('.slide.now .cv-alive')].every(
  box => box.querySelector('.cv-explorer'))"""
LOOK = """() => {
  const UNSEEN = 'script, noscript, style, .notes, annotation, .cv-hidden, .explorer .cv-describe';
  const SMALL = 'sub, sup, msub, msup, msubsup, munder, mover, munderover, mfrac, mtable';
  const slide = document.querySelector('.slide.now');
  const parts = slide.querySelector('.parts');
  const over = [];
  for (const node of [slide, parts, ...parts.querySelectorAll('pre, .output, .cv-explorer')]) {
    const [x, y] = [node.scrollWidth - node.clientWidth, node.scrollHeight - node.clientHeight];
    const name = node.className?.baseVal ?? (node.className || node.tagName);
    if (!node.clientWidth) continue;
    if (x > 1 || y > 1) over.push(`${name} ${x} ${y}`);
  }
  const box = slide.getBoundingClientRect();
  const sizes = [];
  const walk = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest(UNSEEN)) continue;
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    const at = range.getBoundingClientRect();
    if (at.width < 2 || at.height < 2) continue;
    if (at.right > box.right + 1 || at.bottom > box.bottom + 1 || at.left < -1) {
      over.push(`"${walk.currentNode.data.trim().slice(0, 30)}" leaves the slide`);
    }
    const svg = node.ownerSVGElement;
    const zoom = (svg ? svg.getScreenCTM().a : 1) * (node.currentCSSZoom ?? 1) ** (svg ? 0 : 1);
    const where = node.closest(SMALL) ? 'script' : node.closest('.cv-explorer') ? 'explorer' : 'text';
    const pixels = parseFloat(getComputedStyle(node).fontSize) * zoom;
    sizes.push([pixels, where, walk.currentNode.data.trim().slice(0, 24)]);
  }
  const least = {};
  for (const [px, where, words] of sizes) if (!(px >= least[where]?.[0])) least[where] = [px, words];
  return { over, least, tall: slide.matches('.tall') };
}"""


def walk(page):
    """Show each slide with nothing that waits.

    Args:
        page: Playwright's page with a file that `cvcourse slides` wrote.

    Returns:
        list with a dict for each slide: "over" (what is cut off or scrolls), "least" (pixels of the smallest
        text, by kind), "tall" (whether the slide scrolls).
    """
    found = []
    for number in range(1, page.locator(".slide").count() + 1):
        page.evaluate(SHOW, number)
        page.wait_for_function("number => document.querySelector('.now').id === String(number)", arg=number)
        page.wait_for_function(DRAWN)
        page.evaluate(ALL)
        page.wait_for_timeout(600 if page.locator(".now .cv-alive").count() else 15)
        found.append(page.evaluate(LOOK))
    return found


def barriers(open_page, file):
    """What of all slides at once, as they are printed, breaks WCAG 2.2 AA, light and dark."""
    page = open_page(f"{file.as_uri()}#print", height=720)
    page.locator("body[data-ready]").wait_for(timeout=60_000)
    light = axe.violations(page)
    page.keyboard.press("t")
    page.wait_for_timeout(600)  # explorers draw themselves anew
    return light + axe.violations(page)


def holds(open_page, file):
    """A lesson has 40 to about 70 slides; each fits, is read from the back and keeps nobody out."""
    found = walk(open_page(file.as_uri(), height=720))
    assert 40 <= len(found) <= 72  # about 70: lesson 06 has 71
    assert {number: slide["over"] for number, slide in enumerate(found, 1) if slide["over"]} == {}
    least = [one["least"] for one in found]
    assert [(n, kinds) for n, kinds in enumerate(least, 1)
            if min(size for kind, (size, _) in kinds.items() if kind != "script") < 17.99] == []  # fmt: skip
    assert barriers(open_page, file) == []
