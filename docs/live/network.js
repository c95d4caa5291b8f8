"use strict";
/* LeNet-5 as lenet1998/models.py builds it: every layer's sums and states are kept to be shown.

   C1, C3, C5, F6 and a linear output are all convolutions (F6's kernels are 1x1), so the network
   runs over a wider field as it stands, and gives a vector of outputs at every 4th pixel. */

const SQUASHINGS = {
  scaled_tanh: {
    label: "1.7159 tanh(2/3 a)",
    value: (a) => PAPER.amplitude * Math.tanh(PAPER.slope * a),
    slope: (y) => PAPER.slope * (PAPER.amplitude - (y * y) / PAPER.amplitude),
  },
  tanh: { label: "tanh(a)", value: (a) => Math.tanh(a), slope: (y) => 1 - y * y },
  relu: { label: "max(0, a)", value: (a) => Math.max(0, a), slope: (y) => (y > 0 ? 1 : 0) },
  logistic: {
    label: "1 / (1 + exp(-a))",
    value: (a) => 1 / (1 + Math.exp(-a)),
    slope: (y) => y * (1 - y),
  },
  none: { label: "a", value: (a) => a, slope: () => 1 },
};

const STEP = 4; // pixels from one output vector to the next: S2's and S4's windows

/** Bytes from base64. */
function unpacked(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

class Network {
  /** recipe: its switches; parameters: {name: array}, in the order lenet1998's state dict has. */
  constructor(recipe, parameters) {
    this.recipe = recipe;
    this.parameters = parameters;
    this.size = recipe.input_size;
    const all = (n) => Array.from({ length: n }, (_, i) => i);
    const every = (outputs, inputs) => all(outputs).map(() => all(inputs));
    const table = recipe.c3 === "table" ? PAPER.table : every(16, 6);
    const last = Network.lastKernel(recipe);
    const squash = SQUASHINGS[recipe.squash];
    this.layers = [
      this.convolution("c1", every(6, 1), 5, squash),
      this.pooling("s2", 6),
      this.convolution("c3", table, 5, squash),
      this.pooling("s4", 16),
      this.convolution("c5", every(120, 16), last, squash),
      this.convolution("f6", every(84, 120), 1, squash),
    ];
    this.smallestWins = recipe.output === "rbf";
    this.classes = this.smallestWins
      ? parameters["output.codes"].length / 84
      : parameters["output.bias"].length;
    if (!this.smallestWins) {
      this.layers.push(this.convolution("output", every(this.classes, 84), 1, SQUASHINGS.none));
    }
  }

  static lastKernel(recipe) {
    return ((recipe.input_size - 4) / 2 - 4) / 2;
  }

  convolution(name, table, kernel, squash) {
    const starts = [];
    let pairs = 0;
    for (const row of table) {
      starts.push(pairs);
      pairs += row.length;
    }
    const weights = this.parameters[`${name}.weight`];
    const biases = this.parameters[`${name}.bias`];
    return {
      name,
      kind: "convolution",
      maps: table.length,
      table,
      starts,
      kernel,
      squash,
      weights,
      biases,
    };
  }

  pooling(name, maps) {
    const { pooling, subsampling_squash: after } = this.recipe;
    const trained = pooling.startsWith("trainable");
    const weights = trained ? this.parameters[`${name}.weight`] : new Float64Array(maps).fill(1);
    const biases = trained ? this.parameters[`${name}.bias`] : new Float64Array(maps);
    const squash = SQUASHINGS[after];
    return { name, kind: "pooling", how: pooling, trained, maps, squash, weights, biases };
  }

  /** All states of a field of height x width inputs: {input, c1, s2, .., f6, output, rows, columns}.
      A state has maps, height, width, its sums (before the squash) and its values. */
  forward(field, height = this.size, width = this.size) {
    const whole = { height: height - (height % STEP), width: width - (width % STEP) };
    const input = { maps: 1, ...whole, values: cropped(field, width, whole) };
    const states = { input };
    let below = input;
    for (const layer of this.layers) {
      below = layer.kind === "pooling" ? pooled(layer, below) : convolved(layer, below);
      states[layer.name] = below;
    }
    if (this.smallestWins) states.output = this.distances(states.f6);
    states.positions = below.height * below.width;
    return states;
  }

  /** Squared distances from F6's state to each code, at every position. */
  distances(state) {
    const codes = this.parameters["output.codes"];
    const area = state.height * state.width;
    const values = new Float64Array(this.classes * area);
    for (let c = 0; c < this.classes; c++) {
      for (let unit = 0; unit < 84; unit++) {
        const code = codes[c * 84 + unit];
        for (let at = 0; at < area; at++) {
          values[c * area + at] += (state.values[unit * area + at] - code) ** 2;
        }
      }
    }
    return { maps: this.classes, height: state.height, width: state.width, values };
  }

  /** The outputs at one position, (classes). */
  outputs(states, position = 0) {
    const area = states.positions;
    return Array.from(
      { length: this.classes },
      (_, c) => states.output.values[c * area + position],
    );
  }

  decide(outputs) {
    const sign = this.smallestWins ? -1 : 1;
    return outputs.reduce((best, value, c) => (sign * value > sign * outputs[best] ? c : best), 0);
  }

  /** Shares of the classes: eq. 9's, the rubbish class's in `rubbish`; or softmax. */
  shares(outputs) {
    const factor = this.recipe.half_distance ? 0.5 : 1;
    const scores = this.smallestWins ? outputs.map((y) => -factor * y) : [...outputs];
    if (this.smallestWins) scores.push(-this.recipe.rubbish_j);
    const top = Math.max(...scores);
    const terms = scores.map((score) => Math.exp(score - top));
    const total = terms.reduce((sum, term) => sum + term, 0);
    const shares = terms.map((term) => term / total);
    const rubbish = this.smallestWins ? shares.pop() : null;
    return { classes: shares, rubbish, normaliser: top + Math.log(total) };
  }
}

function cropped(field, width, whole) {
  if (whole.width === width) return field.subarray(0, whole.height * width);
  const values = new Float64Array(whole.height * whole.width);
  for (let y = 0; y < whole.height; y++) {
    for (let x = 0; x < whole.width; x++) values[y * whole.width + x] = field[y * width + x];
  }
  return values;
}

function convolved(layer, below) {
  const { maps, table, starts, kernel, squash } = layer;
  const height = below.height - kernel + 1;
  const width = below.width - kernel + 1;
  const area = height * width;
  const sums = new Float64Array(maps * area);
  for (let o = 0; o < maps; o++) {
    sums.fill(layer.biases[o], o * area, (o + 1) * area);
    table[o].forEach((i, place) => {
      const kernelAt = (starts[o] + place) * kernel * kernel;
      const corner = i * below.height * below.width;
      addKernel(sums, o * area, height, width, layer.weights, kernelAt, kernel, below, corner);
    });
  }
  return { maps, height, width, sums, values: sums.map(squash.value) };
}

/** Add what one kernel makes of one map below to a map of sums, which begins at `first`. */
function addKernel(sums, first, height, width, weights, kernelAt, kernel, below, corner) {
  const inputs = below.values;
  const across = below.width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let total = 0;
      let k = kernelAt;
      let from = corner + y * across + x;
      for (let v = 0; v < kernel; v++) {
        for (let u = 0; u < kernel; u++) total += weights[k++] * inputs[from++];
        from += across - kernel;
      }
      sums[first + y * width + x] += total;
    }
  }
}

/** Pooled are the windows' sums (or means, or maxima), which the coefficient multiplies. */
function pooled(layer, below) {
  const { maps, how } = layer;
  const height = below.height / 2;
  const width = below.width / 2;
  const windows = new Float64Array(maps * height * width);
  const sums = new Float64Array(windows.length);
  for (let at = 0; at < windows.length; at++) {
    const corner = cornerOf(at, width);
    const a = below.values[corner];
    const b = below.values[corner + 1];
    const c = below.values[corner + below.width];
    const d = below.values[corner + below.width + 1];
    const sum = a + b + c + d;
    windows[at] = how === "max" ? Math.max(a, b, c, d) : how === "trainable" ? sum : sum / 4;
    const map = Math.floor(at / (height * width));
    sums[at] = layer.weights[map] * windows[at] + layer.biases[map];
  }
  return { maps, height, width, windows, sums, values: sums.map(layer.squash.value) };
}

/** Where the first of a subsampling unit's four inputs is in the layer below. */
function cornerOf(at, width) {
  const x = at % width;
  return 4 * (at - x) + 2 * x; // rows are counted over all maps: below, twice as many and as long
}

/** The trained nets, each in a script file that is loaded when it is asked for. */
const Nets = {
  known: new Map(),
  waiting: new Map(),

  /** Called by a net's script. */
  add({ name, shapes, values }) {
    this.put(name, { ...NET_LIST.find((net) => net.name === name), shapes, values });
  },

  put(name, { title, recipe, shapes, values }) {
    const all = Float64Array.from(new Float32Array(unpacked(values).buffer));
    const parameters = {};
    let first = 0;
    for (const [key, shape] of Object.entries(shapes)) {
      const count = shape.reduce((product, side) => product * side, 1);
      parameters[key] = all.subarray(first, first + count);
      first += count;
    }
    this.known.set(name, { name, title, network: new Network(recipe, parameters) });
  },

  async load(name) {
    if (!this.known.has(name) && Kept.names().includes(name)) {
      try {
        this.put(name, Kept.load(name));
      } catch {
        throw new Error(`The network ${name}, as this browser kept it, is damaged.`);
      }
    }
    if (this.known.has(name)) return this.known.get(name);
    if (!this.waiting.has(name)) {
      const script = document.createElement("script");
      script.src = `nets/${name}.js`;
      this.waiting.set(
        name,
        new Promise((resolve, reject) => {
          script.onload = () => resolve(this.known.get(name));
          script.onerror = () => {
            this.waiting.delete(name);
            reject(new Error(`The network ${name} did not load: nets/${name}.js cannot be read.`));
          };
        }),
      );
      document.head.append(script);
    }
    return this.waiting.get(name);
  },
};
