"use strict";
/* All that a reader sets, in the page's address: #net=noise&draw=...&turn=20&unit=c3.4.27 */

const SIXTY_FOUR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Handwriting: for each digit strokes of a few points, through which a smooth line goes. */
// prettier-ignore
const HANDWRITING = [
  [[[262, 92], [170, 140], [140, 270], [180, 396], [258, 430], [350, 376], [376, 256], [338, 138], [252, 90]]],
  [[[284, 84], [270, 200], [254, 320], [244, 436]]],
  [[[160, 172], [196, 104], [286, 90], [344, 152], [312, 246], [226, 340], [146, 424]], [[146, 424], [256, 412], [376, 420]]],
  [[[166, 122], [250, 84], [334, 130], [312, 212], [232, 246], [326, 276], [354, 358], [280, 430], [160, 404]]],
  [[[206, 96], [182, 180], [146, 282]], [[146, 282], [256, 280], [382, 270]], [[328, 96], [314, 250], [304, 438]]],
  [[[200, 106], [190, 168], [178, 240]], [[178, 240], [264, 212], [350, 268], [344, 376], [254, 436], [152, 406]], [[200, 106], [276, 104], [360, 94]]],
  [[[330, 88], [236, 160], [172, 290], [186, 404], [272, 434], [344, 366], [308, 286], [228, 290], [176, 356]]],
  [[[146, 114], [250, 106], [368, 106]], [[368, 106], [314, 212], [258, 324], [226, 438]]],
  [[[336, 146], [254, 88], [176, 142], [212, 220], [300, 280], [346, 362], [262, 436], [176, 376], [214, 288], [306, 214], [338, 146]]],
  [[[342, 176], [272, 100], [188, 138], [186, 228], [272, 252], [342, 176], [338, 290], [308, 438]]],
];

/** The points of a smooth line (Catmull and Rom's) through a few. */
function smoothed(points, between = 8) {
  const line = [];
  for (let n = 0; n + 1 < points.length; n++) {
    const [p0, p1, p2, p3] = [-1, 0, 1, 2].map(
      (step) => points[Math.min(Math.max(n + step, 0), points.length - 1)],
    );
    for (let part = 0; part < between; part++) {
      const t = part / between;
      line.push(
        [0, 1].map((axis) =>
          Math.round(
            0.5 *
              (2 * p1[axis] +
                (p2[axis] - p0[axis]) * t +
                (2 * p0[axis] - 5 * p1[axis] + 4 * p2[axis] - p3[axis]) * t * t +
                (3 * p1[axis] - p0[axis] - 3 * p2[axis] + p3[axis]) * t * t * t),
          ),
        ),
      );
    }
  }
  return [...line, points[points.length - 1]];
}

function handwritten(digit) {
  return HANDWRITING[digit].map((points) => smoothed(points));
}

const MOST_POINTS = 2000; // of a drawing: what a link can hold, and a frame can draw
const LONGEST_FRAGMENT = 4 * MOST_POINTS + 2000; // characters of an address that are looked at

const DEFAULT_STATE = {
  net: NET_LIST[0].name,
  draw: handwritten(5), // strokes, unless `pick` names another picture
  pick: "", // "digit.12", "fig13.3" or "fig8.40"
  moves: { ...STILL },
  unit: "c3.6.44", // layer, map, place in the map
  line: "1114", // a string of the paper's, which most of our nets read right; or "own"
  typed: "314159",
  lineNet: NET_LIST.some(({ name }) => name === "strings") ? "strings" : NET_LIST[0].name,
  position: -1, // of the line's outputs the one that is looked at
  switches: {}, // of the training run, where they differ from the recipe's
};

/** Three characters a point: 9 bits across, 9 down. */
function writeStrokes(strokes) {
  const point = ([x, y]) => {
    const bits =
      Math.min(Math.max(x, 0), PEN_FIELD - 1) * PEN_FIELD + Math.min(Math.max(y, 0), PEN_FIELD - 1);
    return [12, 6, 0].map((shift) => SIXTY_FOUR[(bits >> shift) & 63]).join("");
  };
  return strokes.map((stroke) => stroke.map(point).join("")).join(".");
}

function readStrokes(text) {
  return bounded(text.split(".").map(points));
}

/** The strokes as far as a drawing may have points. */
function bounded(strokes) {
  let left = MOST_POINTS;
  const kept = strokes.map((stroke) => {
    const part = stroke.slice(0, left);
    left -= part.length;
    return part;
  });
  return kept.filter((stroke) => stroke.length);
}

function points(stroke) {
  return (stroke.match(/.{3}/g) ?? []).map((three) => {
    const bits = [...three].reduce((sum, sign) => sum * 64 + SIXTY_FOUR.indexOf(sign), 0);
    return [Math.floor(bits / PEN_FIELD), bits % PEN_FIELD];
  });
}

/** The state as the address's fragment; what is as at first is left out. */
function writeState(state) {
  const fields = new URLSearchParams();
  const put = (key, value, first) => value !== first && fields.set(key, value);
  put("net", state.net, DEFAULT_STATE.net);
  if (state.pick) fields.set("pick", state.pick);
  else put("draw", writeStrokes(state.draw), writeStrokes(DEFAULT_STATE.draw));
  for (const [key, value] of Object.entries(state.moves))
    put(key, String(value), String(STILL[key]));
  for (const key of ["unit", "line", "typed", "lineNet"]) put(key, state[key], DEFAULT_STATE[key]);
  put("position", String(state.position), String(DEFAULT_STATE.position));
  for (const [key, value] of Object.entries(state.switches)) fields.set(`train.${key}`, value);
  return fields.toString();
}

/** Maps of each layer, and units of a map. */
const UNITS = {
  ...{ c1: [6, 784], s2: [6, 196], c3: [16, 100], s4: [16, 25] },
  ...{ c5: [120, 1], f6: [84, 1], output: [11, 1] },
};

function unitExists(text) {
  const [, layer, map, at] = /^(\w+)\.(\d+)\.(\d+)$/.exec(text) ?? [];
  return (
    Object.hasOwn(UNITS, layer) && Number(map) < UNITS[layer][0] && Number(at) < UNITS[layer][1]
  );
}

function pictureExists(text) {
  const [, kind, number] = /^(digit|fig13|fig8)\.(\d+)$/.exec(text) ?? [];
  const limit = { digit: EmbeddedDigits.tested, fig13: 9, fig8: PAPER.fig8[0].length }[kind];
  return Number(number) < limit;
}

/** {state, passed, cut} of a fragment: the state that it stands for, the keys whose values make no
    sense and are passed over, and whether it holds more than the page reads. */
function readState(fragment) {
  const fields = new URLSearchParams(fragment.slice(0, LONGEST_FRAGMENT));
  const state = { ...DEFAULT_STATE, moves: { ...STILL }, switches: {} };
  const passed = [];
  const read = (key, makesSense, into = state, name = key, as = String) => {
    const text = fields.get(key);
    if (text === null) return;
    if (makesSense(text)) into[name] = as(text);
    else passed.push(key);
  };
  const oneOf = (names) => (text) => names.includes(text);
  const nets = NET_LIST.map(({ name }) => name);
  read("net", oneOf([...nets, ...Kept.names()]));
  read("lineNet", oneOf(nets));
  read("line", oneOf([...PAPER.strings.answers, "own"]));
  read("pick", pictureExists);
  read("draw", (text) => /^[\w.-]*$/.test(text), state, "draw", readStrokes);
  for (const [key, { low, high }] of Object.entries(MOVES)) {
    const within = (text) => text.trim() && Number(text) >= low && Number(text) <= high;
    read(key, within, state.moves, key, Number);
  }
  read("unit", unitExists);
  read("typed", (text) => /^\d{1,9}$/.test(text));
  read("position", (text) => /^\d{1,3}$/.test(text), state, "position", Number);
  for (const [key, { values }] of Object.entries(TRAINING_SWITCHES))
    read(`train.${key}`, oneOf(values), state.switches, key);
  const ink = (fields.get("draw") ?? "").replaceAll(".", "").length / 3;
  const cut = fragment.length > LONGEST_FRAGMENT || ink > MOST_POINTS;
  return { state, passed, cut };
}

/** What the sliders move, with their limits. */
const MOVES = {
  x: { label: "Across", low: -8, high: 8, step: 0.5, unit: " px" },
  y: { label: "Down", low: -8, high: 8, step: 0.5, unit: " px" },
  scale: { label: "Scale", low: 0.4, high: 2, step: 0.05, unit: "×" },
  turn: { label: "Turn", low: -90, high: 90, step: 2, unit: "°" },
  squeeze: { label: "Squeeze", low: 0.6, high: 1.6, step: 0.05, unit: "×" },
  thicken: { label: "Thicken", low: -1, high: 2, step: 0.1, unit: " px" },
  noise: { label: "Noise", low: 0, high: 0.5, step: 0.01, unit: "" },
};
