"use strict";
/* SDLM pattern by pattern, as lenet1998/curvature.py, criteria.py and optim.py have it.

   The curvature goes backwards as the gradient does, but with squares of all factors; so one
   backward pass serves both, and is given the factors, or their squares. */

/** Numbers from U(0, 1) by a small generator (mulberry32), the same for a seed everywhere. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(n, seed) {
  const random = generator(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let last = n - 1; last > 0; last--) {
    const place = Math.floor(random() * (last + 1));
    [order[last], order[place]] = [order[place], order[last]];
  }
  return order;
}

/** A network whose parameters start as lenet1998.modules.Start says. */
function freshNetwork(recipe, seed) {
  const random = generator(seed);
  const drawn = (n, bound) => Float64Array.from({ length: n }, () => (2 * random() - 1) * bound);
  const table = recipe.c3 === "table" ? PAPER.table : PAPER.table.map(() => [0, 1, 2, 3, 4, 5]);
  const last = Network.lastKernel(recipe);
  const power = recipe.initialisation === "sqrt_fan_in" ? 0.5 : 1;
  const bound = (fanIn) =>
    recipe.initial_gain / (fanIn + Number(recipe.fan_in_counts_bias)) ** power;
  const biasBound = (fanIn) => (recipe.initial_biases === "uniform" ? bound(fanIn) : 0);
  const parameters = {};
  const dense = (name, fanIns) => {
    const weights = fanIns.map((fanIn) => drawn(fanIn, bound(fanIn)));
    parameters[`${name}.weight`] = Float64Array.from(weights.flatMap((row) => [...row]));
    parameters[`${name}.bias`] = Float64Array.from(
      fanIns,
      (fanIn) => drawn(1, biasBound(fanIn))[0],
    );
  };
  const pool = (name, maps) => {
    const v = recipe.initial_coefficient;
    parameters[`${name}.weight`] =
      recipe.initial_coefficients === "uniform" ? drawn(maps, v) : new Float64Array(maps).fill(v);
    parameters[`${name}.bias`] = drawn(maps, biasBound(4));
  };
  dense("c1", Array(6).fill(25));
  pool("s2", 6);
  dense(
    "c3",
    table.map((row) => 25 * row.length),
  );
  pool("s4", 16);
  dense("c5", Array(120).fill(16 * last * last));
  dense("f6", Array(84).fill(120));
  if (recipe.output === "rbf") {
    parameters["output.codes"] = Float64Array.from(new Int8Array(unpacked(PAPER.codes).buffer));
  } else {
    dense("output", Array(10).fill(84));
  }
  return new Network(recipe, parameters);
}

class Trainer {
  /** network: with Float64Array parameters, changed in place. */
  constructor(network) {
    this.network = network;
    this.recipe = network.recipe;
    this.gradients = this.zeros();
    this.curvature = this.zeros();
  }

  /** A zero for every trained parameter, by layer. */
  zeros() {
    const trained = this.network.layers.filter(
      (layer) => layer.kind !== "pooling" || layer.trained,
    );
    return Object.fromEntries(
      trained.map((layer) => [
        layer.name,
        { weights: new Float64Array(layer.weights.length), biases: new Float64Array(layer.maps) },
      ]),
    );
  }

  mu(name) {
    const { mu, mu_subsampling: subsampling, mu_f6: f6 } = this.recipe;
    const own = { s2: subsampling, s4: subsampling, f6 }[name];
    return typeof own === "number" ? own : mu;
  }

  /** Learn one pattern at the global rate eta; its loss and what it was read as, before. */
  learn(field, label, eta) {
    const { network, gradients } = this;
    const states = network.forward(field);
    const { loss, slopes, read } = this.criterion(states, label);
    for (const { weights, biases } of Object.values(gradients)) {
      weights.fill(0);
      biases.fill(0);
    }
    this.backward(states, slopes, gradients, false);
    for (const layer of network.layers) {
      if (!(layer.name in gradients)) continue;
      const mu = this.mu(layer.name);
      for (const kind of ["weights", "biases"]) {
        const values = layer[kind];
        const slope = gradients[layer.name][kind];
        const h = this.curvature[layer.name][kind];
        for (let k = 0; k < values.length; k++) values[k] -= (eta * slope[k]) / (mu + h[k]);
      }
    }
    return { loss, read };
  }

  /** Estimate the curvature anew as the mean over patterns: begin, add each, finish. */
  beginCurvature() {
    this.sums = this.zeros();
    this.counted = 0;
  }

  addCurvature(field) {
    const states = this.network.forward(field);
    this.backward(states, this.curvatureStart(states), this.sums, true);
    this.counted += 1;
  }

  finishCurvature() {
    for (const layer of Object.values(this.sums)) {
      for (const h of [layer.weights, layer.biases])
        h.forEach((sum, k) => (h[k] = sum / this.counted));
    }
    this.curvature = this.sums;
  }

  /** The loss of eq. 8, eq. 9 or cross-entropy, its slopes by the last layer's states, the answer. */
  criterion(states, label) {
    const { network, recipe } = this;
    const outputs = network.outputs(states);
    const read = network.decide(outputs);
    const { classes, normaliser } = network.shares(outputs);
    if (!network.smallestWins) {
      const slopes = Float64Array.from(classes, (share, c) => share - (c === label));
      return { loss: normaliser - outputs[label], slopes, read };
    }
    const factor = recipe.half_distance ? 0.5 : 1;
    const pushes = recipe.loss === "discriminative";
    const pull = classes.map((share, c) => factor * ((c === label) - (pushes ? share : 0)));
    const loss = factor * outputs[label] + (pushes ? normaliser : 0);
    const codes = network.parameters["output.codes"];
    const slopes = states.f6.values.map((x, unit) =>
      pull.reduce((sum, weight, c) => sum + 2 * weight * (x - codes[c * 84 + unit]), 0),
    );
    return { loss, slopes, read };
  }

  /** The second derivatives that the recursion starts from, at F6 or at the logits. */
  curvatureStart(states) {
    const { network, recipe } = this;
    const shares = network.shares(network.outputs(states));
    if (!network.smallestWins) return Float64Array.from(shares.classes, (p) => p * (1 - p));
    const factor = recipe.half_distance ? 0.5 : 1;
    if (recipe.f6_curvature === "constant") return new Float64Array(84).fill(1);
    if (recipe.loss === "distance") return new Float64Array(84).fill(2 * factor);
    const codes = network.parameters["output.codes"];
    return states.f6.values.map((x, unit) => {
      const slopes = shares.classes.map((_, c) => 2 * factor * (x - codes[c * 84 + unit]));
      const mean = slopes.reduce((sum, g, c) => sum + shares.classes[c] * g, 0);
      const spread = slopes.reduce((sum, g, c) => sum + shares.classes[c] * (g - mean) ** 2, 0);
      return shares.rubbish * (2 * factor + mean * mean) + spread;
    });
  }

  /** From the last layer's states down to C1; adds to `into` what each parameter gets. */
  backward(states, start, into, squared) {
    const square = (values) => (squared ? values.map((value) => value * value) : values);
    let above = start;
    for (let n = this.network.layers.length - 1; n >= 0; n--) {
      const layer = this.network.layers[n];
      const state = states[layer.name];
      const below = n ? states[this.network.layers[n - 1].name] : states.input;
      const slopes = square(state.values.map(layer.squash.slope));
      const sums = above.map((value, at) => value * slopes[at]); // by the sums before the squash
      const sides = { layer, state, below, sums, into: into[layer.name], bottom: n === 0 };
      above =
        layer.kind === "pooling"
          ? poolingBackward(sides, square)
          : convolutionBackward(sides, square(layer.weights), square(below.values));
    }
  }
}

function convolutionBackward({ layer, state, below, sums, into, bottom }, weights, inputs) {
  const { table, starts, kernel } = layer;
  const area = state.height * state.width;
  const down = bottom ? null : new Float64Array(below.values.length);
  for (let o = 0; o < layer.maps; o++) {
    for (let at = o * area; at < (o + 1) * area; at++) into.biases[o] += sums[at];
    table[o].forEach((i, place) => {
      const kernelAt = (starts[o] + place) * kernel * kernel;
      const corner = i * below.height * below.width;
      backKernel(
        sums,
        o * area,
        state,
        weights,
        into.weights,
        kernelAt,
        kernel,
        inputs,
        corner,
        below.width,
        down,
      );
    });
  }
  return down;
}

/** What one kernel and one map below it get from a map of sums, which begins at `first`. */
function backKernel(
  sums,
  first,
  state,
  weights,
  into,
  kernelAt,
  kernel,
  inputs,
  corner,
  across,
  down,
) {
  const { height, width } = state;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sum = sums[first + y * width + x];
      let k = kernelAt;
      let from = corner + y * across + x;
      for (let v = 0; v < kernel; v++) {
        for (let u = 0; u < kernel; u++) {
          into[k] += sum * inputs[from];
          if (down !== null) down[from] += sum * weights[k];
          k += 1;
          from += 1;
        }
        from += across - kernel;
      }
    }
  }
}

function poolingBackward({ layer, state, below, sums, into }, square) {
  const down = new Float64Array(below.values.length);
  const area = state.height * state.width;
  const part = layer.how === "trainable" || layer.how === "max" ? 1 : 1 / 4;
  const shares = square(Float64Array.from(layer.weights, (weight) => weight * part));
  const windows = square(state.windows);
  for (let at = 0; at < sums.length; at++) {
    const map = Math.floor(at / area);
    if (into) {
      into.weights[map] += sums[at] * windows[at];
      into.biases[map] += sums[at];
    }
    const corner = cornerOf(at, state.width);
    const places = [corner, corner + 1, corner + below.width, corner + below.width + 1];
    const most = places.find((i) => below.values[i] === state.windows[at]); // if it is a maximum
    for (const i of places)
      if (layer.how !== "max" || i === most) down[i] += sums[at] * shares[map];
  }
  return down;
}
