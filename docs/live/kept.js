"use strict";
/* What outlives a reload: the past of the drawing for Undo, and nets that were trained here. */

const MOST_STEPS = 200; // that Undo goes back

/** Drawings, pictures and sliders as they were, the last one last. */
class Past {
  constructor() {
    this.steps = [];
  }

  /** Keep what is about to change; of one movement (a slider's) only its beginning. */
  keep({ draw, pick, moves }, movement = null) {
    if (movement !== null && movement === this.movement) return;
    this.movement = movement;
    this.steps.push({ draw, pick, moves });
    if (this.steps.length > MOST_STEPS) this.steps.shift();
  }

  /** The last step, or undefined. */
  back() {
    this.movement = null;
    return this.steps.pop();
  }
}

/** Bytes as base64. */
function packed(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** Nets that were trained here, in the browser's storage, in the form of the page's own nets. */
const Kept = {
  prefix: "lenet1998.net.",

  names() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
      return keys.map((key) => key.slice(this.prefix.length)).sort();
    } catch {
      return []; // a browser may refuse storage
    }
  },

  /** Whether the browser took it. */
  save(name, title, { recipe, parameters }) {
    const values = Float32Array.from(Object.values(parameters).flatMap((array) => [...array]));
    const shapes = Object.entries(parameters).map(([key, array]) => [key, [array.length]]);
    const net = { title, recipe, shapes: Object.fromEntries(shapes) };
    net.values = packed(new Uint8Array(values.buffer));
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(net));
      return true;
    } catch {
      return false;
    }
  },

  load(name) {
    return JSON.parse(localStorage.getItem(this.prefix + name));
  },

  /** The reader's drawings that are to be learnt: {pattern, label} each. */
  drawings() {
    try {
      const kept = JSON.parse(localStorage.getItem("lenet1998.drawings") ?? "[]");
      return kept.map(({ pattern, label }) => ({ pattern: unpacked(pattern), label }));
    } catch {
      return [];
    }
  },

  /** Whether the browser took them. */
  saveDrawings(drawings) {
    const kept = drawings.map(({ pattern, label }) => ({ pattern: packed(pattern), label }));
    try {
      localStorage.setItem("lenet1998.drawings", JSON.stringify(kept));
      return true;
    } catch {
      return false;
    }
  },
};
