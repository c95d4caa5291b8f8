"use strict";
/* The whole network in one strip, from the ink to the answer, small enough to be seen at once. */

/** Columns of maps and pixels a cell, at most and where room is short: every layer is 84 to 96
    pixels high, or 60 to 92. */
const STRIP = {
  input: { name: "Input", columns: 1, most: 3, short: 2 },
  c1: { name: "C1", columns: 2, most: 1 },
  s2: { name: "S2", columns: 2, most: 2 },
  c3: { name: "C3", columns: 4, most: 2 },
  s4: { name: "S4", columns: 4, most: 4, short: 3, gap: 1 },
  c5: { name: "C5", columns: 8, most: 6, short: 4, gap: 0 },
  f6: { name: "F6", columns: 7, most: 7, short: 5, gap: 0 },
  output: { name: "Out", columns: 1, most: 8, gap: 0 },
};

class StripView {
  constructor(app) {
    this.sheets = {};
    for (const [layer, { name }] of Object.entries(STRIP)) {
      const canvas = element("canvas", { id: `strip-${layer}` });
      this.sheets[layer] = new Sheet(canvas);
      if (layer !== "input") pointAt(app, layer, this.sheets[layer]);
      document
        .getElementById("strip")
        .append(element("figure", {}, canvas, element("figcaption", { textContent: name })));
    }
  }

  render(current) {
    const { states, network } = current;
    const isShort = matchMedia("(max-width: 22rem), (max-height: 30rem)").matches;
    for (const [layer, sheet] of Object.entries(this.sheets)) {
      const { maps, height, width } = states[layer];
      const { short, most, ...shape } = STRIP[layer];
      const cell = isShort ? (short ?? most) : most;
      sheet.lay({ maps, height, width, room: Infinity, ...shape, most: cell });
    }
    drawStates(this.sheets, { ...current, states: { ...states, output: this.nearness(current) } });
    document.getElementById("strip-output").title = network.smallestWins
      ? "Darker is nearer to the code"
      : "Darker is a larger score";
  }

  /** Outputs as states from -1, the farthest or smallest, to 1. */
  nearness({ network, states, outputs }) {
    const [low, high] = [Math.min(...outputs), Math.max(...outputs)];
    const span = high - low || 1;
    const sign = network.smallestWins ? -1 : 1;
    const values = outputs.map((value) => (sign * (2 * value - high - low)) / span);
    return { ...states.output, values };
  }
}
