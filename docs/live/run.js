"use strict";
/* A training run in the tab, a pattern at a time, and the switches that runs may differ in. */

const TRAINING_SWITCHES = {
  pooling: { label: "Subsampling", values: ["trainable", "trainable_average", "average", "max"] },
  subsampling_squash: { label: "Squash in S2 and S4", values: ["scaled_tanh", "logistic", "none"] },
  squash: { label: "Squash elsewhere", values: ["scaled_tanh", "tanh", "relu", "logistic"] },
  c3: { label: "C3 sees", values: ["table", "dense"] },
  loss: { label: "Loss", values: ["discriminative", "distance", "cross_entropy"] },
  rate: { label: "Global rate", values: ["1", "0.1", "10"] },
  seed: { label: "Seed", values: ["0", "1", "2", "3"] },
};
const SWITCH_WORDS = {
  trainable: "coefficient × sum",
  trainable_average: "coefficient × mean",
  average: "mean only",
  max: "maximum only",
  scaled_tanh: "1.7159 tanh(2/3 a)",
  table: "Table I",
  dense: "every map",
  discriminative: "eq. 9: push others away",
  distance: "eq. 8: pull only",
  cross_entropy: "softmax, no codes",
  1: "as printed",
  0.1: "a tenth",
  10: "ten times",
};
const PARTS = 4; // of a pass, each with its error while learning

/** One network on its way: patterns in a constant order, the curvature anew before each pass. */
class Run {
  constructor(number, switches, original) {
    const { rate, seed, ...network } = switches;
    const linear = network.loss === "cross_entropy";
    this.number = number;
    this.switches = switches;
    this.recipe = { ...original, ...network, output: linear ? "linear" : "rbf" };
    this.factor = Number(rate);
    this.network = freshNetwork(this.recipe, Number(seed) + 1);
    this.trainer = new Trainer(this.network);
    const { tested, labels } = EmbeddedDigits;
    this.order = shuffled(labels.length - tested, Number(seed) + 101).map((n) => n + tested);
    this.passes = 0;
    this.learning = []; // [pass, percent]
    this.testing = [];
    this.doing = "";
    this.work = this.steps();
  }

  /** Every step of all passes, a pattern at a time. */
  *steps() {
    const { trainer, order, recipe } = this;
    const { labels } = EmbeddedDigits;
    const inputs = (n) => prepared(EmbeddedDigits.image(n));
    for (let pass = 1; pass <= PAPER.passes; pass++) {
      this.doing = `pass ${pass}: estimating the curvature`;
      trainer.beginCurvature();
      for (const n of order.slice(0, recipe.curvature_patterns)) {
        trainer.addCurvature(inputs(n));
        yield;
      }
      trainer.finishCurvature();
      const eta = PAPER.etas[pass - 1] * this.factor;
      let [wrong, seen] = [0, 0];
      for (const [place, n] of order.entries()) {
        wrong += !trainer.learn(inputs(n), labels[n], eta).right;
        seen += 1;
        const part = Math.floor(((place + 1) * PARTS) / order.length);
        this.doing = `pass ${pass}: pattern ${place + 1} of ${order.length}`;
        if (part > Math.floor((place * PARTS) / order.length)) {
          this.learning.push([pass - 1 + part / PARTS, (100 * wrong) / seen]);
          [wrong, seen] = [0, 0];
        }
        yield;
      }
      yield* this.test(pass, inputs);
      this.passes = pass;
    }
  }

  *test(pass, inputs) {
    const { tested, labels } = EmbeddedDigits;
    this.doing = `pass ${pass}: testing`;
    let wrong = 0;
    for (let n = 0; n < tested; n++) {
      const states = this.network.forward(inputs(n));
      wrong += this.network.decide(this.network.outputs(states)) !== labels[n];
      yield;
    }
    this.testing.push([pass, (100 * wrong) / tested]);
  }

  /** In what it differs from the recipe. */
  words(original) {
    const changed = Object.entries(this.switches).filter(
      ([key, value]) => value !== firstOfSwitch(key, original),
    );
    const words = changed.map(
      ([key, value]) => `${TRAINING_SWITCHES[key].label}: ${SWITCH_WORDS[value] ?? value}`,
    );
    return words.join("; ") || "the 1998 recipe";
  }
}

/** A switch's value in the recipe that runs start from. */
function firstOfSwitch(key, original) {
  return key in original && TRAINING_SWITCHES[key].values.includes(original[key])
    ? original[key]
    : TRAINING_SWITCHES[key].values[0];
}
