"use strict";
// The page reads without this script; it adds copying, naming the bar under the pointer, and zoom.
(() => {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("pre");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  const told = document.querySelector(".told");
  for (const flame of document.querySelectorAll(".flame")) {
    const cells = [...flame.querySelectorAll("b")];
    told.hidden = false;

    const visible = (box) => box instanceof HTMLDivElement && box !== flame && !box.hidden ? box.firstElementChild : null;
    const beside = (cell, way) => {
      let box = cell.parentElement[way];
      while (box && box.hidden) box = box[way];
      return visible(box);
    };
    const moves = {
      ArrowUp: (cell) => visible(cell.parentElement.parentElement),
      ArrowDown: (cell) => [...cell.parentElement.children].map(visible).find(Boolean),
      ArrowLeft: (cell) => beside(cell, "previousElementSibling"),
      ArrowRight: (cell) => beside(cell, "nextElementSibling"),
    };

    function zoom(cell) {
      const again = !cell || cell.dataset.zoomed;
      for (const box of flame.querySelectorAll("div")) {
        box.hidden = false;
        box.classList.remove("on");
        delete box.firstElementChild.dataset.zoomed;
      }
      if (again) return;
      cell.dataset.zoomed = true;
      for (let box = cell.parentElement; box !== flame; box = box.parentElement) {
        box.classList.add("on");
        for (const other of box.parentElement.children) other.hidden = other !== box && other.tagName === "DIV";
      }
    }

    cells.forEach((cell, at) => {
      cell.tabIndex = at ? -1 : 0;
      cell.setAttribute("role", "button");
    });
    flame.addEventListener("focusin", (event) => {
      for (const cell of cells) cell.tabIndex = cell === event.target ? 0 : -1;
      told.textContent = event.target.title;
    });
    flame.addEventListener("pointerover", (event) => {
      if (event.target.title) told.textContent = event.target.title;
    });
    flame.addEventListener("click", (event) => {
      if (event.target.tagName === "B") zoom(event.target);
    });
    flame.addEventListener("keydown", (event) => {
      const next = moves[event.key] && moves[event.key](event.target);
      if (next) next.focus();
      else if (event.key === "Enter" || event.key === " ") zoom(event.target);
      else if (event.key === "Escape") zoom(null);
      else return;
      event.preventDefault();
    });
  }

  const timeline = document.querySelector(".timeline");
  if (!timeline) return;
  const data = JSON.parse(document.getElementById("bars").textContent);
  const plots = [...timeline.querySelectorAll(".plot svg")];
  const axis = timeline.querySelector(".axis");
  const tip = timeline.querySelector(".tip");
  const select = timeline.querySelector(".select");
  const width = plots[0].viewBox.baseVal.width;
  let from = 0, to = data.wall, pressed = null;

  const time = (s) => s < 0.01 ? (s * 1e3).toFixed(1) + " ms" : s < 1 ? (s * 1e3).toFixed(0) + " ms"
    : s < 100 ? s.toFixed(s < 10 ? 2 : 1) + " s" : Math.floor(s / 60) + " min " + Math.floor(s % 60) + " s";

  function ticks() {
    const rough = (to - from) / 6, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) || rough;
    axis.replaceChildren();
    for (let at = Math.ceil(from / step) * step; at <= to - 0.05 * (to - from); at += step) {
      const mark = document.createElement("span");
      mark.style.left = 100 * (at - from) / (to - from) + "%";
      mark.textContent = at < step / 2 ? "0" : time(at);
      axis.append(mark);
    }
  }

  function show(a, b) {
    const least = data.wall / 20000;
    const length = Math.max(least, Math.min(data.wall, b - a));
    from = Math.max(0, Math.min(data.wall - length, a));
    to = from + length;
    for (const plot of plots) {
      const height = plot.viewBox.baseVal.height;
      plot.setAttribute("viewBox", `${from / data.wall * width} 0 ${length / data.wall * width} ${height}`);
    }
    ticks();
  }

  function zoom(factor, at = (from + to) / 2) { show(at - (at - from) * factor, at + (to - at) * factor); }

  function moment(event) {
    const box = plots[0].getBoundingClientRect();
    return from + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (to - from);
  }

  function under(event) {
    const plot = event.target.closest(".plot svg");
    if (!plot) return null;
    const box = plot.getBoundingClientRect(), lanes = data.tracks[plots.indexOf(plot)], at = moment(event);
    const lane = lanes[Math.min(lanes.length - 1, Math.floor((event.clientY - box.top) / data.lane))];
    const slack = 2 * (to - from) / box.width;
    let best = null;
    for (const bar of lane) {
      if (at >= bar[1] - slack && at <= bar[1] + bar[2] + slack) {
        if (!best || at >= bar[1]) best = bar;
      }
    }
    return best;
  }

  timeline.addEventListener("pointermove", (event) => {
    const frame = timeline.getBoundingClientRect();
    if (pressed !== null) {
      const box = plots[0].getBoundingClientRect(), scale = box.width / (to - from), now = moment(event);
      select.hidden = false;
      select.style.left = box.left - frame.left + (Math.min(pressed, now) - from) * scale + "px";
      select.style.width = Math.abs(now - pressed) * scale + "px";
      tip.hidden = true;
      return;
    }
    const bar = under(event);
    tip.hidden = !bar;
    if (!bar) return;
    tip.textContent = `${data.phases[bar[0]]}: ${time(bar[2])}, from ${time(bar[1])}`;
    const x = event.clientX - frame.left;
    tip.style.left = Math.max(0, Math.min(x + 12, frame.width - tip.offsetWidth)) + "px";
    tip.style.top = event.clientY - frame.top + 16 + "px";
  });
  timeline.addEventListener("pointerleave", () => { tip.hidden = true; });
  timeline.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType === "mouse" && event.target.closest(".plot")) {
      pressed = moment(event);
      event.preventDefault();
    }
  });
  addEventListener("pointerup", (event) => {
    if (pressed === null) return;
    const now = moment(event), a = Math.min(pressed, now), b = Math.max(pressed, now);
    pressed = null;
    select.hidden = true;
    if (b - a > 0.005 * (to - from)) show(a, b);
  });
  timeline.addEventListener("dblclick", () => show(0, data.wall));
  timeline.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, moment(event));
  }, { passive: false });

  const tools = document.querySelector(".tools");
  tools.hidden = false;
  const actions = { in: () => zoom(0.5), out: () => zoom(2), left: () => show(from - (to - from) / 3, to - (to - from) / 3),
    right: () => show(from + (to - from) / 3, to + (to - from) / 3), all: () => show(0, data.wall) };
  tools.addEventListener("click", (event) => {
    const action = actions[event.target.dataset.zoom];
    if (action) action();
  });
})();
