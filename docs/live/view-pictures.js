"use strict";
/* Small pictures of numbers on canvases: states from the theme's paper to its ink, weights from
   one colour over nothing to another. */

const GAP = 2; // cells between maps

const Theme = {
  colours: {},

  /** Take the colours from the style sheet; again when the scheme changes. */
  read() {
    const style = getComputedStyle(document.documentElement);
    const rgb = (name) => {
      const hex = style.getPropertyValue(`--${name}`).trim();
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    };
    for (const name of [
      "state-low",
      "state-high",
      "minus",
      "zero",
      "plus",
      "frame",
      "accent",
      "hairline",
      "paper",
    ]) {
      this.colours[name] = rgb(name);
    }
  },

  css(name) {
    return `rgb(${this.colours[name].join(" ")})`;
  },

  mixed(from, to, share) {
    const [a, b] = [this.colours[from], this.colours[to]];
    return a.map((level, channel) => level + share * (b[channel] - level));
  },

  /** The colour of a value on one of the scales, which ends at +-limit. */
  colourOf(value, { kind, limit, low = -limit }) {
    if (kind === "state") {
      const share = Math.min(Math.max((value - low) / (limit - low), 0), 1);
      return this.mixed("state-low", "state-high", share);
    }
    const share = Math.min(Math.abs(value) / limit, 1);
    return this.mixed("zero", value < 0 ? "minus" : "plus", share);
  },
};

const STATE_SCALE = { kind: "state", limit: 1.7159 };
const INPUT_SCALE = { kind: "state", low: -0.1, limit: 1.175 };
const CODE_SCALE = { kind: "state", limit: 1 };

/** The scale of a squash's values. */
function scaleOf(squashName) {
  if (squashName === "scaled_tanh") return STATE_SCALE;
  return squashName === "relu"
    ? { kind: "state", low: 0, limit: 3 }
    : { kind: "state", low: squashName === "logistic" ? 0 : -1, limit: 1 };
}

function weightScale(values) {
  return {
    kind: "weight",
    limit: values.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-9),
  };
}

/** Maps side by side on one canvas, in cells of a whole number of the screen's pixels. */
class Sheet {
  constructor(canvas) {
    this.canvas = canvas;
    this.frames = [];
  }

  /** maps of height x width values, in so many columns, in cells of at most `most` CSS pixels. */
  lay({
    maps,
    height,
    width,
    columns,
    gap = GAP,
    most = 8,
    room = this.canvas.parentElement.clientWidth,
  }) {
    Object.assign(this, { maps, height, width, columns, gap });
    this.across = columns * (width + gap) - gap;
    this.down = Math.ceil(maps / columns) * (height + gap) - gap;
    const dots = window.devicePixelRatio || 1;
    this.cell = Math.max(
      1,
      Math.min(Math.floor((room * dots) / this.across), Math.round(most * dots)),
    );
    const sides = [this.across, this.down].map((side) => side * this.cell);
    if (this.canvas.width !== sides[0]) this.canvas.width = sides[0];
    if (this.canvas.height !== sides[1]) this.canvas.height = sides[1];
    this.canvas.style.width = `${sides[0] / dots}px`;
    this.canvas.style.height = `${sides[1] / dots}px`;
    return this;
  }

  corner(map) {
    const column = map % this.columns;
    return [
      column * (this.width + this.gap),
      ((map - column) / this.columns) * (this.height + this.gap),
    ];
  }

  /** scale: one for all values, or one for each map; a value that is nan stays blank. */
  draw(values, scale) {
    const small = new ImageData(this.across, this.down);
    for (let map = 0; map < this.maps; map++) {
      const [left, top] = this.corner(map);
      const own = Array.isArray(scale) ? scale[map] : scale;
      for (let at = 0; at < this.height * this.width; at++) {
        const value = values[map * this.height * this.width + at];
        if (Number.isNaN(value)) continue;
        const [x, y] = [left + (at % this.width), top + Math.floor(at / this.width)];
        small.data.set([...Theme.colourOf(value, own), 255], 4 * (y * this.across + x));
      }
    }
    const offscreen = Sheet.offscreen(this.across, this.down);
    offscreen.getContext("2d").putImageData(small, 0, 0);
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(
      offscreen,
      0,
      0,
      this.across,
      this.down,
      0,
      0,
      this.canvas.width,
      this.canvas.height,
    );
    if (this.gap && this.maps > 1) this.outline(pen, values);
    return this;
  }

  /** A hairline around each map: a map may be as pale as the page. */
  outline(pen, values) {
    pen.lineWidth = 1;
    pen.strokeStyle = Theme.css("hairline");
    const [across, down] = [this.width * this.cell - 1, this.height * this.cell - 1];
    for (let map = 0; map < this.maps; map++) {
      const [left, top] = this.corner(map);
      if (Number.isNaN(values[map * this.height * this.width])) continue;
      pen.strokeRect(left * this.cell + 0.5, top * this.cell + 0.5, across, down);
    }
  }

  static offscreen(width, height) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    return canvas;
  }

  /** Frame cells of a map. */
  frame(map, row, column, height, width, colour = "frame") {
    const [left, top] = this.corner(map);
    const pen = this.canvas.getContext("2d");
    const line = Math.max(2, Math.round(1.6 * (window.devicePixelRatio || 1)));
    pen.lineWidth = line;
    pen.strokeStyle = Theme.css(colour);
    const [x, y] = [(left + column) * this.cell, (top + row) * this.cell];
    const half = line / 2;
    const [across, down] = [width * this.cell + line, height * this.cell + line];
    // Where it would be cut off at the canvas's edge, it is moved in.
    const clamp = (value, most) => Math.min(Math.max(value, half), most);
    const right = clamp(x - half + across, this.canvas.width - half);
    const bottom = clamp(y - half + down, this.canvas.height - half);
    const [firstX, firstY] = [clamp(x - half, right), clamp(y - half, bottom)];
    pen.strokeRect(firstX, firstY, right - firstX, bottom - firstY);
  }

  /** {map, at} under a mouse or finger; null between maps. */
  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.across);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.down);
    const [column, row] = [
      Math.floor(x / (this.width + this.gap)),
      Math.floor(y / (this.height + this.gap)),
    ];
    const [inX, inY] = [x - column * (this.width + this.gap), y - row * (this.height + this.gap)];
    const map = row * this.columns + column;
    const outside = inX < 0 || inY < 0 || inX >= this.width || inY >= this.height;
    return outside || column >= this.columns || map >= this.maps
      ? null
      : { map, at: inY * this.width + inX };
  }
}

/** An element with attributes, texts and elements in it. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "list" && name !== "style") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** One tab stop for the buttons of a group, through which arrow keys, Home and End lead. */
function roving(group) {
  const buttons = () => [...group.querySelectorAll("button:not(:disabled)")];
  const hold = (held) => {
    for (const button of buttons()) button.tabIndex = button === held ? 0 : -1;
  };
  hold(buttons()[0]);
  group.addEventListener("focusin", ({ target }) => target.matches("button") && hold(target));
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(event.target);
    const to = {
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (at < 0 || to === undefined) return;
    all[(to + all.length) % all.length].focus();
    event.preventDefault();
  });
}

/** "1 pass", "1,297 patterns". */
function counted(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** "a 4", "an 8". */
function oneDigit(digit) {
  return `${digit === 8 ? "an" : "a"} ${digit}`;
}

/** A number in few figures, with a true minus. */
function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
}

/** A map's codes or F6 on a canvas of its own. */
function drawBitmap(canvas, values, scale, most = 12) {
  return new Sheet(canvas)
    .lay({ maps: 1, height: 12, width: 7, columns: 1, most, room: 7 * most })
    .draw(values, scale);
}
