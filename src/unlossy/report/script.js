// Two comforts on a page that is whole without them: a light/dark switch, and a region to enlarge by pointer or arrow keys.
"use strict";
const root = document.documentElement;
root.classList.add("js");

const button = document.getElementById("theme");
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const name = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`); };
button.hidden = false;
button.onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); };
name();

for (const item of document.querySelectorAll("[data-zoom]")) {
  let [x, y, width, height] = item.dataset.zoom.split(" ").map(Number);
  const figures = [...item.querySelectorAll("figure")];
  const whole = figures.map(figure => figure.querySelector(".picture img"));
  const limit = (value, most) => Math.max(0, Math.min(most, Math.round(value)));

  const move = (toX, toY) => {
    const { naturalWidth: wide, naturalHeight: high } = whole[0];
    x = limit(toX, wide - width);
    y = limit(toY, high - height);
    figures.forEach((figure, number) => {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      canvas.getContext("2d").drawImage(whole[number], x, y, width, height, 0, 0, width, height);
      figure.querySelector(".zoom").src = canvas.toDataURL();
      const frame = figure.querySelector(".frame").style;
      frame.left = `${100 * x / wide}%`;
      frame.top = `${100 * y / high}%`;
    });
  };

  const versions = item.querySelector(".versions");
  versions.tabIndex = 0;
  versions.setAttribute("role", "group");
  versions.setAttribute("aria-label", "Versions of this picture. Arrow keys move the enlarged region.");
  versions.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(x + step[0] * Math.max(1, width / 4), y + step[1] * Math.max(1, height / 4));
  });
  whole.forEach(image => image.addEventListener("click", event => {
    const box = image.getBoundingClientRect();
    move((event.clientX - box.left) / box.width * image.naturalWidth - width / 2,
         (event.clientY - box.top) / box.height * image.naturalHeight - height / 2);
  }));
}
