"use strict";
/* How a unit got its value: what it saw, its weights, the sum, the squash. */

/** The parts of a layer below that a unit sees: {layer, map, row, column, height, width} each. */
function inputsOf(network, states, unit) {
  const number = network.layers.findIndex(({ name }) => name === unit.layer);
  const layer = network.layers[number];
  if (!layer) return []; // an RBF output sees all of F6: no frame
  const below = number ? network.layers[number - 1].name : "input";
  const { width } = states[unit.layer];
  const [row, column] = [Math.floor(unit.at / width), unit.at % width];
  if (layer.kind === "pooling") {
    return [{ layer: below, map: unit.map, row: 2 * row, column: 2 * column, height: 2, width: 2 }];
  }
  const side = layer.kernel;
  if (below === "c5" || below === "f6") return []; // all units of them
  return layer.table[unit.map].map((map) => ({
    layer: below,
    map,
    row,
    column,
    height: side,
    width: side,
  }));
}

/** What of the input reaches a unit: {row, column, side}. */
function receptiveField(states, unit, size) {
  const [side, stride] = { c1: [5, 1], s2: [6, 2], c3: [14, 2], s4: [16, 4] }[unit.layer] ?? [
    size,
    0,
  ];
  const { width } = states[unit.layer];
  return { row: Math.floor(unit.at / width) * stride, column: (unit.at % width) * stride, side };
}

class ArithmeticView {
  constructor(app) {
    this.app = app;
    this.place = document.getElementById("arithmetic");
    this.spoken = document.getElementById("unit-spoken");
    // On the narrowest screens it would cover the layers until it is asked for.
    document.querySelector(".panel").open = !matchMedia("(max-width: 22rem)").matches;
  }

  render(current) {
    const { network, states, unit } = current;
    const layer = network.layers.find(({ name }) => name === unit.layer);
    document.getElementById("unit-title").textContent = this.app.unitWords();
    const made =
      layer === undefined
        ? this.distance(network, states, unit)
        : layer.kind === "pooling"
          ? this.pooling(layer, states, unit, current)
          : this.convolution(layer, states, unit, current);
    this.place.replaceChildren(...made.elements);
    this.speak(made.words);
  }

  /** For screen readers, and not at every step of a mouse. */
  speak(words) {
    clearTimeout(this.waiting);
    if (!/^(layer-|lanes)/.test(document.activeElement?.id)) return;
    this.waiting = setTimeout(
      () => (this.spoken.textContent = `${this.app.unitWords()}. ${words}`),
      400,
    );
  }

  convolution(layer, states, unit, { inputsOf: parts, network }) {
    const state = states[layer.name];
    const number = network.layers.indexOf(layer);
    const below = number ? states[network.layers[number - 1].name] : states.input;
    const [row, column] = [Math.floor(unit.at / state.width), unit.at % state.width];
    const side = layer.kernel;
    const first = layer.starts[unit.map] * side * side;
    const count = layer.table[unit.map].length * side * side;
    const scale = weightScale(layer.weights.subarray(first, first + count));
    const blocks = layer.table[unit.map].map((map, place) => {
      const seen = [];
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++)
          seen.push(below.values[(map * below.height + row + y) * below.width + column + x]);
      }
      const weights = layer.weights.subarray(
        first + place * side * side,
        first + (place + 1) * side * side,
      );
      return {
        map,
        seen,
        weights,
        sum: seen.reduce((sum, value, k) => sum + value * weights[k], 0),
      };
    });
    const pictures =
      side === 1 ? this.units(blocks, scale) : this.windows(blocks, side, scale, parts);
    const total = blocks.reduce((sum, block) => sum + block.sum, 0);
    const rows = [
      [`${count} inputs times their weights`, total],
      ["bias", layer.biases[unit.map]],
      ["sum a", state.sums[unit.map * state.height * state.width + unit.at]],
    ];
    return this.finished(layer, state, unit, pictures, rows);
  }

  /** Each map's window and its kernel, and what both come to; of a single map every product. */
  windows(blocks, side, scale, parts) {
    if (parts[0].layer === "input") {
      const [{ seen, weights }] = blocks;
      return this.products(seen, weights, side, INPUT_SCALE, scale, 16, "the input's window");
    }
    const cell = blocks.length > 6 ? 4 : blocks.length > 3 ? 6 : 7;
    const shownBlocks = blocks.map(({ map, seen, weights, sum }) => {
      const [left, right] = [
        this.picture(seen, side, STATE_SCALE, cell),
        this.picture(weights, side, scale, cell),
      ];
      const pair = element("div", {}, left, "×", right);
      return element(
        "div",
        { className: "block" },
        `${parts[0].layer.toUpperCase()} map ${map}`,
        pair,
        `= ${shown(sum)}`,
      );
    });
    return [element("div", { className: "blocks" }, ...shownBlocks)];
  }

  /** All units of the layer below, each with its one weight. */
  units(blocks, scale) {
    const seen = blocks.map((block) => block.seen[0]);
    const weights = blocks.map((block) => block.weights[0]);
    return this.products(
      seen,
      weights,
      seen.length === 84 ? 7 : 15,
      STATE_SCALE,
      scale,
      6,
      `${seen.length} states`,
    );
  }

  /** Inputs, weights and products as pictures of the same shape. */
  products(seen, weights, width, seenScale, scale, cell, words) {
    const products = seen.map((value, k) => value * weights[k]);
    const block = (values, own, title) =>
      element("div", { className: "block" }, title, this.picture(values, width, own, cell));
    return [
      element(
        "div",
        { className: "blocks" },
        block(seen, seenScale, words),
        block(weights, scale, "times weights"),
        block(products, weightScale(products), "products"),
      ),
    ];
  }

  picture(values, width, scale, cell) {
    const canvas = element("canvas", { ariaHidden: "true" });
    const height = Math.ceil(values.length / width);
    new Sheet(canvas)
      .lay({ maps: 1, height, width, columns: 1, most: cell, room: cell * width })
      .draw(values, scale);
    return canvas;
  }

  pooling(layer, states, unit, { inputsOf: [part] }) {
    const state = states[layer.name];
    const below = states[part.layer];
    const at = unit.map * state.height * state.width + unit.at;
    const corner = (part.map * below.height + part.row) * below.width + part.column;
    const four = [corner, corner + 1, corner + below.width, corner + below.width + 1].map(
      (i) => below.values[i],
    );
    const words = {
      trainable: "their sum",
      trainable_average: "their mean",
      average: "their mean",
      max: "their largest",
    };
    const picture = element(
      "div",
      { className: "block" },
      `${part.layer.toUpperCase()} map ${part.map}`,
    );
    picture.append(this.picture(four, 2, STATE_SCALE, 22));
    const rows = [
      [
        `four inputs ${four.map((value) => shown(value)).join(", ")}: ${words[layer.how]}`,
        state.windows[at],
      ],
    ];
    if (layer.trained) {
      rows.push(
        ["times the map's coefficient", layer.weights[unit.map]],
        ["plus its bias", layer.biases[unit.map]],
      );
    }
    rows.push(["sum a", state.sums[at]]);
    return this.finished(
      layer,
      state,
      unit,
      [element("div", { className: "blocks" }, picture)],
      rows,
    );
  }

  /** Rows of the sum, and the curve that takes it to the state. */
  finished(layer, state, unit, pictures, rows) {
    const at = unit.map * state.height * state.width + unit.at;
    const value = state.values[at];
    const all = [...rows, [`state: ${layer.squash.label}`, value]];
    const words = all.map(([name, number]) => `${name} ${shown(number)}`).join("; ");
    return {
      elements: [...pictures, this.sums(all), this.curve(layer.squash, state.sums[at], value)],
      words,
    };
  }

  sums(rows) {
    return element(
      "table",
      { className: "sums" },
      ...rows.map(([name, value], number) => {
        const total = number >= rows.length - 2 ? "total" : "";
        return element(
          "tr",
          { className: total },
          element("td", { textContent: name }),
          element("td", { textContent: shown(value, 3) }),
        );
      }),
    );
  }

  curve(squash, sum, value) {
    const reach = Math.max(4, Math.ceil(Math.abs(sum)));
    const high = Math.max(2, Math.abs(value) * 1.1, Math.abs(squash.value(reach)) * 1.1);
    const x = (a) => 150 + (145 * a) / reach;
    const y = (v) => 55 - (50 * v) / high;
    const points = Array.from({ length: 81 }, (_, k) => -reach + (k * reach) / 40);
    const path = points
      .map((a, k) => `${k ? "L" : "M"}${x(a).toFixed(1)} ${y(squash.value(a)).toFixed(1)}`)
      .join("");
    return svg(
      "svg",
      {
        viewBox: "0 0 300 112",
        class: "squash",
        role: "img",
        "aria-label": "The squashing function and this unit on it",
      },
      svg("line", { x1: 0, x2: 300, y1: y(0), y2: y(0) }),
      svg("line", { x1: x(0), x2: x(0), y1: 0, y2: 110 }),
      svg("path", { d: path }),
      svg("circle", { cx: x(sum).toFixed(1), cy: y(value).toFixed(1), r: 5 }),
      svg("text", { x: 298, y: y(0) + 13, "text-anchor": "end" }, `a = ${shown(sum)}`),
    );
  }

  /** An RBF output: F6 beside a code, and the squared differences. */
  distance(network, states, unit) {
    const code = network.parameters["output.codes"].subarray(84 * unit.map, 84 * unit.map + 84);
    const state = Array.from({ length: 84 }, (_, k) => states.f6.values[k]);
    const squares = state.map((x, k) => (x - code[k]) ** 2);
    const total = squares.reduce((sum, value) => sum + value, 0);
    const block = (values, scale, words) =>
      element("div", { className: "block" }, words, this.picture(values, 7, scale, 9));
    const pictures = element(
      "div",
      { className: "blocks" },
      block(state, CODE_SCALE, "F6"),
      block(code, CODE_SCALE, "its code"),
      block(squares, { kind: "weight", limit: 4 }, "squared difference"),
    );
    const rows = [
      ["largest of the 84 squares", Math.max(...squares)],
      ["distance: their sum", total],
    ];
    return { elements: [pictures, this.sums(rows)], words: `distance ${shown(total)}` };
  }
}
