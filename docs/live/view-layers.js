"use strict";
/* Every map of every layer; one unit is looked at, and frames show what it sees. */

const LAYERS = {
  c1: {
    text: "6 maps of 28×28: kernels of 5×5 on the input",
    tour: "c1-convolution",
    columns: [6, 3], most: 4,
  },
  s2: {
    text: "6 maps of 14×14: each unit ",
    tour: "s2-subsampling",
    columns: [6, 3], most: 6,
  },
  c3: {
    text: "16 maps of 10×10: kernels on some of S2's maps",
    tour: "c3-convolution-by-a-table",
    columns: [8, 4], most: 8,
  },
  s4: {
    text: "16 maps of 5×5: each unit ",
    tour: "s4-subsampling",
    columns: [8, 8], most: 10,
  },
  c5: {
    text: "120 units: each sees all of S4",
    tour: "c5-a-convolution-of-one-unit",
    columns: [30, 20], most: 18, gap: 0,
  },
  f6: {
    text: "84 units, in the order of the 7×12 picture",
    tour: "f6-a-layer-that-draws",
    columns: [7, 7], most: 14, gap: 0,
  },
};
const POOLED = {
  trainable: "sums 2×2, times a coefficient",
  trainable_average: "averages 2×2, times a coefficient",
  average: "averages 2×2",
  max: "takes the largest of 2×2",
};
const NARROW = 560; // pixels of room, below which maps stand in more rows

/** A layer, map and place as the state has it, and back. */
function unitNamed(text) {
  const [layer, map, at] = text.split(".");
  return { layer, map: Number(map), at: Number(at) };
}

/** Whether a network with these states has a unit: some have ten outputs, some smaller maps. */
function hasUnit(states, { layer, map, at }) {
  const { maps, height, width } = states[layer];
  return map < maps && at < height * width;
}

/** A link to a section of the tour: in a checkout, which has no built pages, to its source. */
function tourLink(section, name) {
  const page = location.pathname.endsWith("/docs/live/index.html") ? "tour.md" : "tour.html";
  const link = element("a", { href: `../${page}#${section}`, textContent: "tour" });
  link.ariaLabel = `${name} in the tour`;
  return link;
}

/** Let a mouse or finger on a layer's sheet choose the unit that is looked at. */
function pointAt(app, name, sheet) {
  const look = (event) => {
    const place = sheet.under(event);
    if (place) app.change({ unit: `${name}.${place.map}.${place.at}` });
  };
  const { canvas } = sheet;
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && look(event));
  canvas.addEventListener("pointerdown", look);
}

class LayersView {
  constructor(app) {
    this.app = app;
    this.sheets = {};
    this.texts = {};
    for (const [name, { tour }] of Object.entries(LAYERS)) {
      const canvas = element("canvas", { tabIndex: 0 });
      canvas.setAttribute("role", "application");
      canvas.id = `layer-${name}`;
      this.texts[name] = element("span");
      const link = tourLink(tour, name.toUpperCase());
      const title = element("h3", {}, `${name.toUpperCase()} `, this.texts[name], " ", link);
      const holder = element("div", { className: "layer" }, title, canvas);
      this.sheets[name] = new Sheet(canvas);
      this.listen(name, canvas);
      document.getElementById("layers").append(holder);
      if (name === "c3") {
        this.table = new TableOne(app);
        holder.append(this.table.element);
      }
    }
  }

  listen(name, canvas) {
    pointAt(this.app, name, this.sheets[name]);
    canvas.addEventListener("focus", () => {
      if (unitNamed(this.app.state.unit).layer !== name && canvas.matches(":focus-visible"))
        this.step(name, 0, 0);
    });
    canvas.addEventListener("keydown", (event) => {
      const arrows = {
        ArrowLeft: [-1, 0],
        ArrowRight: [1, 0],
        ArrowUp: [0, -1],
        ArrowDown: [0, 1],
      };
      if (!(event.key in arrows)) return;
      this.step(name, ...arrows[event.key]);
      event.preventDefault();
    });
  }

  /** From the unit that is looked at to its neighbour on the sheet, over the edges of maps. */
  step(name, right, down) {
    const sheet = this.sheets[name];
    const unit = unitNamed(this.app.state.unit);
    let { map, at } =
      unit.layer === name ? unit : { map: 0, at: Math.floor((sheet.height * sheet.width) / 2) };
    let [row, column] = [Math.floor(at / sheet.width) + down, (at % sheet.width) + right];
    const wrap = (place, size) => (place < 0 ? -1 : place >= size ? 1 : 0);
    const [mapDown, mapRight] = [wrap(row, sheet.height), wrap(column, sheet.width)];
    const next = map + mapRight + mapDown * sheet.columns;
    if (next >= 0 && next < sheet.maps) {
      map = next;
      row -= mapDown * sheet.height;
      column -= mapRight * sheet.width;
    }
    row = Math.min(Math.max(row, 0), sheet.height - 1);
    column = Math.min(Math.max(column, 0), sheet.width - 1);
    at = row * sheet.width + column;
    this.app.change({ unit: `${name}.${map}.${at}` });
  }

  render(current) {
    const room = document.getElementById("layers").clientWidth;
    for (const [name, sheet] of Object.entries(this.sheets)) {
      const { columns, most, gap } = LAYERS[name];
      const { maps, height, width } = current.states[name];
      sheet.lay({ maps, height, width, gap, most, columns: columns[room < NARROW ? 1 : 0], room });
    }
    drawStates(this.sheets, current);
    const { unit, network } = current;
    for (const [name, { canvas }] of Object.entries(this.sheets)) {
      const pooled = name === "s2" || name === "s4" ? POOLED[network.recipe.pooling] : "";
      const text = LAYERS[name].text + pooled;
      this.texts[name].textContent = text;
      const here = name === unit.layer ? `, looking at ${this.app.unitWords()}` : "";
      canvas.setAttribute(
        "aria-label",
        `${name.toUpperCase()}: ${text}${here}. Arrow keys move.`,
      );
    }
    this.table.render(network, unit);
  }
}

/** The states of layers on their sheets; the unit that is looked at, and what it sees, framed. */
function drawStates(sheets, { network, states, unit, inputsOf }) {
  for (const [name, sheet] of Object.entries(sheets))
    sheet.draw(states[name].values, scaleOfLayer(network, name));
  const across = states[unit.layer].width;
  const [row, column] = [Math.floor(unit.at / across), unit.at % across];
  sheets[unit.layer]?.frame(unit.map, row, column, 1, 1);
  for (const { layer, map, row: top, column: left, height, width } of inputsOf)
    sheets[layer]?.frame(map, top, left, height, width, "accent");
}

function scaleOfLayer(network, name) {
  if (name === "input") return INPUT_SCALE;
  const { recipe, smallestWins } = network;
  if (name === "output" || (name === "f6" && smallestWins)) return CODE_SCALE;
  const pooled = name === "s2" || name === "s4";
  return scaleOf(
    pooled && recipe.subsampling_squash !== "none" ? recipe.subsampling_squash : recipe.squash,
  );
}

/** Table I: which of S2's maps each of C3's sees; the row or column looked at lights up. */
class TableOne {
  constructor(app) {
    this.app = app;
    this.element = element("table", { className: "table-one" });
    this.of = null;
  }

  build(network) {
    const { table } = network.layers[2];
    const head = element("tr", {}, element("th", { scope: "col", textContent: "" }));
    this.columns = table.map((_, o) => element("th", { scope: "col", textContent: o }));
    head.append(...this.columns);
    this.rows = Array.from({ length: 6 }, (_, i) => {
      const cells = table.map((row) => element("td", { textContent: row.includes(i) ? "×" : "" }));
      const title = element("th", { scope: "row", textContent: i });
      return { title, cells, row: element("tr", {}, title, ...cells) };
    });
    const dense = network.recipe.c3 === "dense";
    const caption = dense
      ? "Here every map of C3 (columns) sees every map of S2 (rows)"
      : "Table I: the maps of S2 (rows) that each map of C3 (columns) sees";
    this.element.replaceChildren(
      element("caption", { textContent: caption }),
      head,
      ...this.rows.map(({ row }) => row),
    );
  }

  render(network, unit) {
    if (this.of !== network) this.build(network);
    this.of = network;
    const output = unit.layer === "c3" || unit.layer === "s4" ? unit.map : -1;
    const input = unit.layer === "s2" || unit.layer === "c1" ? unit.map : -1;
    this.columns.forEach((cell, o) => cell.classList.toggle("lit", o === output));
    this.rows.forEach(({ title, cells }, i) => {
      title.classList.toggle("lit", i === input);
      cells.forEach((cell, o) => {
        const lit = o === output || i === input;
        cell.classList.toggle("lit", lit);
        cell.classList.toggle("joined", lit && cell.textContent !== "");
      });
    });
  }
}
