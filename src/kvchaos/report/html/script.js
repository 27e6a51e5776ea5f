"use strict";
// The value under the pointer, in every chart at once. The page says all it has to say without it.
(() => {
  const read = (line) => line.split("M").slice(1).map((piece) =>
    piece.split("L").map((corner) => corner.split(" ").map(Number)));
  const charts = [...document.querySelectorAll(".area-of")].map((box) => {
    const cursor = box.appendChild(document.createElement("i"));
    cursor.className = "cursor";
    const said = document.createElement("span");
    said.className = "said";
    box.closest(".plot").querySelector("figcaption").appendChild(said);
    const traces = [...box.querySelectorAll("path.trace")].map((path) =>
      ({ name: path.dataset.name, pieces: read(path.getAttribute("d")) }));
    return { box, cursor, said, traces };
  });
  const at = (pieces, x) => {
    const piece = pieces.find((each) => each[0][0] <= x && x <= each[each.length - 1][0]);
    const found = piece && piece.filter((corner) => corner[0] <= x).pop();
    return found ? found[1] : null;
  };
  const figure = (chart, y) => {
    const bottom = Number(chart.box.dataset.bottom), top = Number(chart.box.dataset.top);
    const value = Math.abs(bottom + (1 - y / 100) * (top - bottom));
    return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
  };
  const two = (count) => String(count).padStart(2, "0");
  const span = (seconds) => {  // as verdict/times.py writes a time
    if (seconds < 120) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
    const whole = Math.round(seconds), minutes = Math.floor(whole / 60) % 60, rest = two(whole % 60);
    return whole < 3600 ? `${minutes}:${rest} min` : `${Math.floor(whole / 3600)}:${two(minutes)}:${rest} h`;
  };
  const show = (share) => {
    for (const chart of charts) {
      const { start, end } = chart.box.dataset;
      const moment = Number(start) + share * (end - start);
      chart.cursor.style.left = `${100 * share}%`;
      const told = chart.traces.map((trace) => {
        const y = at(trace.pieces, 1000 * share);
        return `${trace.name} ${y === null ? "not known" : figure(chart, y)}`;
      });
      chart.said.textContent = `${span(moment)}: ${told.join(", ")}`;
    }
    document.documentElement.classList.add("live");
  };
  const hide = () => document.documentElement.classList.remove("live");
  for (const { box } of charts) {
    box.addEventListener("pointermove", (event) => {
      const within = box.getBoundingClientRect();
      show(Math.min(1, Math.max(0, (event.clientX - within.left) / within.width)));
    });
    box.addEventListener("pointerleave", hide);
  }
})();
