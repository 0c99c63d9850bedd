// The table of an audit: search, sort, fifty rows at a time, CSV. Every text enters the page as text, never as markup.
"use strict";
{
  const PAGE = 50;
  const columns = JSON.parse(document.getElementById("rows").textContent);
  const n = columns[0].values.length;
  const table = document.getElementById("images-table");
  const body = table.tBodies[0];
  const [search, found, previous, next, page, csv] = ["search", "found", "previous", "next", "page", "csv"].map(id => document.getElementById(id));
  const all = [...Array(n).keys()];
  let order = all, start = 0, sorted = null, falling = false;

  const value = (column, row) => column.values[row] === null ? null : column.number ? column.values[row] : column.texts[column.values[row]];
  const shown = (column, row) => value(column, row) === null ? "" : column.number ? column.values[row].toFixed(column.decimals).replace("-", "\u2212") : value(column, row);
  const count = number => number.toLocaleString("en-US");

  let haystacks = null;
  const matches = words => {
    haystacks ??= all.map(row => columns.map(column => value(column, row) ?? "").join("\n").toLowerCase());
    return all.filter(row => words.every(word => haystacks[row].includes(word)));
  };

  const compare = column => {
    if (column.number) return (a, b) => column.values[a] - column.values[b];
    const ranks = new Map([...column.texts.keys()].sort((a, b) => column.texts[a] < column.texts[b] ? -1 : 1).map((text, rank) => [text, rank]));
    return (a, b) => ranks.get(column.values[a]) - ranks.get(column.values[b]);
  };

  const cell = (column, row) => {
    const made = document.createElement(column.name === "key" ? "th" : "td");
    if (column.name === "key") { made.scope = "row"; made.className = "text long"; }
    else if (!column.number) made.className = "text";
    made.textContent = shown(column, row);
    return made;
  };

  const draw = () => {
    body.replaceChildren(...order.slice(start, start + PAGE).map(row => {
      const line = document.createElement("tr");
      line.append(...columns.map(column => cell(column, row)));
      return line;
    }));
    previous.disabled = start === 0;
    next.disabled = start + PAGE >= order.length;
    page.textContent = order.length ? `Rows ${count(start + 1)} to ${count(Math.min(start + PAGE, order.length))} of ${count(order.length)}` : "No row";
    found.textContent = order.length === n ? "" : `${count(order.length)} of ${count(n)} rows found`;
  };

  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    order = words.length ? matches(words) : [...all];
    if (sorted !== null) {
      const column = columns[sorted], by = compare(column);
      const has = order.filter(row => column.values[row] !== null).sort((a, b) => (falling ? -1 : 1) * by(a, b) || a - b);
      order = [...has, ...order.filter(row => column.values[row] === null)];  // what has no value stays last either way
    }
    start = 0;
    draw();
  };

  for (const head of table.tHead.querySelectorAll("th")) {
    const button = document.createElement("button");
    const number = Number(head.dataset.column);
    button.type = "button";
    button.textContent = head.textContent;
    button.onclick = () => {
      falling = sorted === number && !falling;
      sorted = number;
      table.tHead.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      update();
    };
    head.replaceChildren(button);
  }

  const quoted = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const harmless = text => /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;  // or a spreadsheet computes it
  const field = (column, row) => column.number ? String(value(column, row) ?? "") : quoted(harmless(value(column, row) ?? ""));
  csv.onclick = () => {
    const lines = [columns.map(column => column.name), ...order.map(row => columns.map(column => field(column, row)))];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.map(line => line.join(",")).join("\r\n")}\r\n`], { type: "text/csv;charset=utf-8" }));
    link.download = "unlossy-audit.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(update, 120); });
  previous.onclick = () => { start = Math.max(0, start - PAGE); draw(); };
  next.onclick = () => { start += PAGE; draw(); };
  document.getElementById("controls").hidden = document.getElementById("pager").hidden = false;
  draw();
}
