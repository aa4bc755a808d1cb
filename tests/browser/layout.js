// What does not fit, as sentences: run in a page by test_layout.py. `isPaper`: nothing scrolls there.
(isPaper) => {
  // Letters and figures between blanks; what else holds them together, as in an address, may break.
  const WORD = /(?<![^\s("„“])[\p{L}\p{N}]{2,20}(?=[\s).,;:!?"“”…]*(\s|$))/gu;
  const found = new Set();
  const root = document.documentElement;
  const name = (one) => {
    const own = one.id ? `#${one.id}` : [one.localName, ...one.classList].join(".");
    const above = one.parentElement?.closest("[id], table, form, section, ul, dl");
    return above ? `${above.id ? `#${above.id}` : above.localName} ${own}` : own;
  };
  const say = (what, one, text = "") => found.add(`${what}: ${name(one)} ${text.slice(0, 50)}`.trim());
  const scrolls = (style) => ["auto", "scroll"].includes(style.overflowX);
  const hides = (style) => ["hidden", "clip"].includes(style.overflowX);
  // Hidden visually, for screen readers alone.
  const isUnseen = (one) => one.closest(".visually-hidden, .visually-hidden-focusable, .skip-link, svg, option");
  const isShown = (one) => one.checkVisibility({ visibilityProperty: true }) && !isUnseen(one);
  const isWide = (one) => one.scrollWidth > one.clientWidth + 1;

  const all = [...document.body.querySelectorAll("*")].filter(isShown);
  for (const one of all) {
    const style = getComputedStyle(one);
    const isField = one.matches("input, textarea, select");
    if (isField || one.clientWidth < 2 || style.display === "inline") continue;
    if (scrolls(style) && isWide(one)) {
      if (isPaper) say("cut off on paper", one);
      else if (one.tabIndex < 0) say("scrolls, but not by keyboard", one);
    }
    if (hides(style) && isWide(one)) {
      const isTold = style.textOverflow === "ellipsis" && one.closest("[title]");
      if (!isTold) say("cut off", one, one.textContent.trim());
    }
  }
  const inScroller = (one) => {
    for (let above = one.parentElement; above && above !== document.body; above = above.parentElement) {
      if (getComputedStyle(above).overflowX !== "visible") return true;
    }
    return false;
  };
  if (root.scrollWidth > root.clientWidth) {
    const outside = all.filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1);
    for (const one of outside.filter((one) => !inScroller(one)).slice(0, 3)) {
      say("wider than the window", one, one.textContent.trim());
    }
    if (!found.size) say("wider than the window", document.body);
  }

  // Words: none leaves its box, none breaks that a line of this page could hold.
  const width = Math.min(root.clientWidth, document.querySelector("main").clientWidth) - 48;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest("script, style, textarea, pre") || !isShown(holder)) continue;
    // Beside other children of a grid, text is a cell of its own.
    const isCell = holder.children.length && /grid|flex/.test(getComputedStyle(holder).display);
    if (isCell && !/[\p{L}\p{N}]/u.test(node.data)) say("stands in a cell of its own", holder, node.data.trim());
    range.selectNodeContents(node);
    const lines = range.getClientRects();
    if (!lines.length) continue;
    const block = ((one) => { while (getComputedStyle(one).display.startsWith("inline") && one.parentElement) one = one.parentElement; return one; })(holder);
    const box = block.getBoundingClientRect();
    if (!hides(getComputedStyle(block)) && range.getBoundingClientRect().right > box.right + 2) {
      say("leaves its box", holder, node.data.trim());
    }
    if (new Set([...lines].map((line) => Math.round(line.top))).size < 2) continue;
    for (const { 0: word, index } of node.data.matchAll(WORD)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const parts = [...range.getClientRects()];
      if (new Set(parts.map((part) => Math.round(part.top))).size < 2) continue;
      if (parts.reduce((sum, part) => sum + part.width, 0) < width) say("breaks a word", holder, word);
    }
  }
  return [...found];
}
