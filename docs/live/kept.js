"use strict";
/* What is not lost: the past of the drawing for Undo; and, in the browser's storage, nets that were
   trained here, the runs as they stand, and drawings to learn. */

const MOST_STEPS = 200; // that Undo goes back
const PAUSE = 1000; // milliseconds after which a slider's next move is a step of its own
const MOST_NETS = 6; // that are kept: 0.3 MB each, where a browser may give no more than 5 MB
const RUNS_KEY = "lenet1998.runs";
const MOST_RUNS = 8; // that are kept: the last whole (1.3 MB), of the others curves and switches

/** Drawings, pictures and sliders as they were, the last one last. */
class Past {
  constructor() {
    this.steps = [];
  }

  /** Keep what is about to change; of one movement (a slider's, by pointer or keys) its beginning. */
  keep({ draw, pick, moves }, movement = null) {
    const now = performance.now();
    const goesOn = movement !== null && movement === this.movement && now - this.moved < PAUSE;
    Object.assign(this, { movement, moved: now });
    if (goesOn) return;
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

/** Arrays of bytes and of numbers as JSON has them, and back. */
function arraysToText(key, value) {
  if (!ArrayBuffer.isView(value)) return value;
  const { buffer, byteOffset, byteLength } = value;
  const kind = value.constructor.name;
  return { kind, base64: packed(new Uint8Array(buffer, byteOffset, byteLength)) };
}

function textToArrays(key, value) {
  if (typeof value?.base64 !== "string") return value;
  const bytes = unpacked(value.base64);
  return value.kind === "Float64Array" ? new Float64Array(bytes.buffer) : bytes;
}

/** What is in the browser's storage; nets in the form of the page's own. */
const Kept = {
  prefix: "lenet1998.net.",

  /** Of the nets that are kept, the oldest first. */
  names() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
      const names = keys.map((key) => key.slice(this.prefix.length));
      return names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    } catch {
      return []; // a browser may refuse storage
    }
  },

  /** Whether the browser took a text; what it had before under that name is gone if not. */
  put(key, text) {
    try {
      localStorage.removeItem(key);
      localStorage.setItem(key, text);
      return true;
    } catch {
      return false;
    }
  },

  /** Whether the browser took a net, in place of the oldest if they are too many. */
  save(name, title, { recipe, parameters }) {
    const values = Float32Array.from(Object.values(parameters).flatMap((array) => [...array]));
    const shapes = Object.entries(parameters).map(([key, array]) => [key, [array.length]]);
    const net = { title, recipe, shapes: Object.fromEntries(shapes) };
    net.values = packed(new Uint8Array(values.buffer));
    const others = this.names().filter((other) => other !== name);
    for (const oldest of others.slice(0, -(MOST_NETS - 1)))
      localStorage.removeItem(this.prefix + oldest);
    return this.put(this.prefix + name, JSON.stringify(net));
  },

  load(name) {
    return JSON.parse(localStorage.getItem(this.prefix + name));
  },

  /** The text of a key, or null. */
  text(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },

  /** The runs as they were left: {number, given, going, last} each. Throws if they are damaged. */
  runs() {
    return JSON.parse(this.text(RUNS_KEY) ?? "[]", textToArrays);
  },

  /** Whether the browser took the runs. */
  saveRuns(runs) {
    const last = runs.slice(-MOST_RUNS);
    const kept = last.map((run, place) => run.kept(place === last.length - 1));
    return this.put(RUNS_KEY, JSON.stringify(kept, arraysToText));
  },

  /** The reader's drawings that are to be learnt: {pattern, label} each. */
  drawings() {
    try {
      const kept = JSON.parse(this.text("lenet1998.drawings") ?? "[]", textToArrays);
      return kept.filter(({ pattern, label }) => pattern.length === 784 && /^[0-9]$/.test(label));
    } catch {
      return [];
    }
  },

  /** Whether the browser took them. */
  saveDrawings(drawings) {
    return this.put("lenet1998.drawings", JSON.stringify(drawings, arraysToText));
  },
};
