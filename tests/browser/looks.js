// What can be wrong with a page to look at: a list of findings, each a text; none when it is fine.
() => {
  const found = [];
  const shownPart = (node, rect) => {
    let { left, top, right, bottom } = rect;
    for (let up = node; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const box = up.getBoundingClientRect();
      left = Math.max(left, box.left); right = Math.min(right, box.right);
      top = Math.max(top, box.top); bottom = Math.min(bottom, box.bottom);
    }
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom } : null;
  };
  const scrolls = (node) => {
    for (let up = node; up && up !== document.body; up = up.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const words = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, title")) continue;
    if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      const seen = shownPart(parent, rect);
      const text = node.data.trim().slice(0, 40);
      if (!scrolls(parent)) {
        if (!seen || seen.right < rect.right - 1.5 || seen.left > rect.left + 1.5) found.push(`cut off: ${text}`);
        if (rect.left < -0.5 || rect.right > innerWidth + 0.5) found.push(`beside the page: ${text}`);
      }
      if (seen) words.push({ ...seen, text, parent });
    }
  }
  const frames = ".tile, .hero, section, .notice, details, .badge, .pod, .check, .hit, footer";
  for (const { left, right, text, parent } of words) {
    const frame = parent.closest(frames)?.getBoundingClientRect();
    if (frame && !scrolls(parent) && (right > frame.right + 0.5 || left < frame.left - 0.5))
      found.push(`outgrows its frame: ${text}`);
  }
  words.sort((a, b) => a.top - b.top);
  words.forEach((one, at) => {
    for (let next = at + 1; next < words.length && words[next].top < one.bottom - 3; next++) {
      const other = words[next];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      if (across > 1.5 && Math.min(one.bottom, other.bottom) - other.top > 3)
        found.push(`overlapping: ${one.text} / ${other.text}`);
    }
  });
  const colour = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? [...parts.slice(0, 3).map((part) => part * 255), parts[3] ?? 1]
      : [parts[0], parts[1], parts[2], parts[3] ?? 1];
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let up = node; up; up = up.parentElement) {
      const layer = colour(getComputedStyle(up).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (parts) => {
    const [r, g, b] = parts.map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const { parent, text } of words) {
    const style = getComputedStyle(parent), ground = behind(parent);
    const ink = light(over(colour(style.color), ground)), paper = light(ground);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < wanted) found.push(`contrast ${ratio.toFixed(2)}: ${text}`);
    if (size < 11.9) found.push(`small (${size}px): ${text}`);
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`scrolls sideways: ${wide} of ${innerWidth} pixels`);
  return [...new Set(found)];
}
