"use strict";
/* A training run, a pattern at a time, and the switches that runs may differ in. */

const TRAINING_SWITCHES = {
  pooling: { label: "Subsampling", values: ["trainable", "trainable_average", "average", "max"] },
  subsampling_squash: { label: "Squash in S2 and S4", values: ["scaled_tanh", "logistic", "none"] },
  squash: { label: "Squash elsewhere", values: ["scaled_tanh", "tanh", "relu", "logistic"] },
  c3: { label: "C3 sees", values: ["table", "dense"] },
  loss: { label: "Loss", values: ["discriminative", "distance", "cross_entropy"] },
  rate: { label: "Global rate", values: ["1", "0.1", "10"] },
  seed: { label: "Seed", values: ["0", "1", "2", "3"] },
  start: { label: "Starts from", values: ["fresh", "above"] },
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
  fresh: "random weights",
  above: "the net chosen above",
};
const PARTS = 4; // of a pass, each with its error while learning
const BETWEEN = 20; // digits from one of the reader's drawings to the next

/** One network on its way: patterns in a constant order, the curvature anew before each pass. */
class Run {
  /** switches: rate and seed of them are used here; recipe: the network's and the method's;
      parameters: those to start from, or null; digits: a DigitSet; drawings: {pattern, label} each,
      which are learnt in turn between the digits; kept: the report of a run to go on with, or null. */
  constructor({ switches, recipe, parameters, digits, drawings, kept }) {
    Object.assign(this, { recipe, digits, drawings });
    const [rate, seed] = [Number(switches.rate), Number(switches.seed)];
    this.factor = rate;
    const from = kept?.parameters ?? parameters;
    this.network = from ? new Network(recipe, from) : freshNetwork(recipe, seed + 1);
    this.trainer = new Trainer(this.network);
    const { tested, labels } = digits;
    this.order = shuffled(labels.length - tested, seed + 101).map((n) => this.digit(n + tested));
    if (drawings.length) this.order = this.order.flatMap((pattern, n) => this.among(pattern, n));
    Object.assign(this, { passes: 0, place: 0, wrong: 0, seen: 0, doing: "", drawn: null });
    Object.assign(this, { learning: [], testing: [], answers: [], diverged: false });
    Object.assign(this, { finished: false, spent: 0, steps: 0 });
    if (kept) this.resume(kept);
    this.work = this.everything();
  }

  /** Where a report left it: a pass whose curvature or test was under way begins that again. */
  resume(kept) {
    const { passes, place, wrong, seen, learning, testing, answers, drawn, spent, steps } = kept;
    Object.assign(this, { passes, place, wrong, seen, learning, testing, answers, drawn });
    Object.assign(this, { spent, steps });
    this.trainer.curvature = kept.curvature;
  }

  digit(number) {
    return { number, label: this.digits.labels[number] };
  }

  /** A digit, and after every BETWEEN of them one of the drawings. */
  among(pattern, n) {
    const turn = (n + 1) / BETWEEN - 1;
    if (!Number.isInteger(turn)) return [pattern];
    const drawing = turn % this.drawings.length;
    return [pattern, { drawing, label: this.drawings[drawing].label }];
  }

  /** The network's inputs of a pattern. */
  field({ number, drawing }) {
    const pattern =
      drawing === undefined ? this.digits.image(number) : this.drawings[drawing].pattern;
    return prepared(pattern);
  }

  /** One step, timed; an end when all passes are done or the loss is no number. */
  advance() {
    const began = performance.now();
    const { value, done } = this.work.next();
    this.spent += performance.now() - began;
    this.steps += 1;
    this.finished = done || this.diverged;
    return value;
  }

  /** Milliseconds that the rest takes, at the speed so far; null before the first step. */
  left() {
    const { perPass, passes, place, steps, spent } = this;
    const whole = this.estimated() + perPass + this.digits.tested;
    const done = passes * whole + (place && this.estimated() + place);
    return steps ? (spent / steps) * (PAPER.passes * whole - done) : null;
  }

  /** Patterns that are learnt in a pass. */
  get perPass() {
    return this.order.length;
  }

  /** Patterns that the curvature is estimated on. */
  estimated() {
    return Math.min(this.recipe.curvature_patterns, this.perPass);
  }

  /** Every step of all passes, a pattern at a time; those of learning give what they did. */
  *everything() {
    while (this.passes < PAPER.passes) {
      const pass = this.passes + 1;
      if (!this.place) yield* this.estimate(pass);
      yield* this.learn(pass, PAPER.etas[pass - 1] * this.factor);
      if (this.diverged) return;
      yield* this.test(pass);
      this.passes = pass;
      this.place = 0;
    }
  }

  *estimate(pass) {
    const { trainer } = this;
    this.doing = `pass ${pass}: estimating the curvature`;
    trainer.beginCurvature();
    for (const pattern of this.order.slice(0, this.estimated())) {
      trainer.addCurvature(this.field(pattern));
      yield null;
    }
    trainer.finishCurvature();
  }

  *learn(pass, eta) {
    const { order, perPass } = this;
    const part = () => Math.floor((this.place * PARTS) / perPass);
    while (this.place < perPass) {
      const pattern = order[this.place];
      const did = this.trainer.learn(this.field(pattern), pattern.label, eta);
      this.diverged = !Number.isFinite(did.loss);
      if (this.diverged) return;
      this.wrong += did.read !== pattern.label;
      this.seen += 1;
      const before = part();
      this.place += 1;
      this.doing = `pass ${pass}: pattern ${this.place} of ${perPass}`;
      if (part() > before) {
        this.learning.push([pass - 1 + part() / PARTS, (100 * this.wrong) / this.seen]);
        this.wrong = this.seen = 0;
      }
      yield { ...pattern, ...did };
    }
  }

  read(pattern) {
    return this.network.decide(this.network.outputs(this.network.forward(this.field(pattern))));
  }

  *test(pass) {
    const { tested, labels } = this.digits;
    this.doing = `pass ${pass}: testing`;
    const answers = [];
    for (let number = 0; number < tested; number++) {
      answers.push(this.read({ number }));
      yield null;
    }
    this.answers = answers;
    const wrong = answers.filter((answer, number) => answer !== labels[number]).length;
    this.testing.push([pass, (100 * wrong) / tested]);
    this.drawn = this.drawings.filter(
      ({ label }, drawing) => this.read({ drawing }) === label,
    ).length;
  }

  /** All that a page shows of it, and that it goes on from, as it stands. */
  report() {
    const { passes, place, wrong, seen, learning, testing, answers, drawn } = this;
    const { doing, diverged, finished, spent, steps, perPass } = this;
    return {
      ...{ passes, place, wrong, seen, learning, testing, answers, drawn },
      ...{ doing, diverged, finished, spent, steps, perPass, left: this.left() },
      ...{ parameters: this.network.parameters, curvature: this.trainer.curvature },
    };
  }
}

/** In what switches differ from the recipe. */
function wordsOfSwitches(switches, original) {
  const changed = Object.entries(switches).filter(
    ([key, value]) => value !== firstOfSwitch(key, original),
  );
  const words = changed.map(
    ([key, value]) => `${TRAINING_SWITCHES[key].label}: ${SWITCH_WORDS[value] ?? value}`,
  );
  return words.join("; ") || "the 1998 recipe";
}

/** A switch's value in the recipe that runs start from. */
function firstOfSwitch(key, original) {
  return key in original && TRAINING_SWITCHES[key].values.includes(original[key])
    ? original[key]
    : TRAINING_SWITCHES[key].values[0];
}
