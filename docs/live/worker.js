"use strict";
/* Training beside the page, in a Worker, so that it goes on in a hidden tab and holds up nothing.

   A page opened from disk may start no Worker from a file, but one from a text: the sources of all
   that a run needs, as the page itself has them. */

const SOURCES = [
  [generator, shuffled, freshNetwork, Trainer, convolutionBackward, backKernel, poolingBackward],
  [unpacked, Network, cropped, convolved, addKernel, pooled, cornerOf],
  [interpolation, firstOf, halfEven, normalised, DigitSet, padded, scaledInputs, prepared],
  [Run, serve],
].flat();
const REPORT = 300; // milliseconds from one report of a run to the next
const SLICE = 40; // milliseconds of work between looks at the orders
const CHANCE = 85; // percent: guessing among ten digits errs in 90, with a spread of 1.7 in a quarter pass

/** The Worker's program, which ends in a call of `serve`. */
function workerSource() {
  const constants = { PAPER, DIGITS, PARTS, BETWEEN, CENTRE, STEP, REPORT, SLICE };
  const written = Object.entries(constants).map(
    ([name, value]) => `const ${name} = ${JSON.stringify(value)};`,
  );
  const squashings = Object.entries(SQUASHINGS).map(
    ([name, { value, slope }]) => `${name}: { value: ${value}, slope: ${slope} }`,
  );
  return [
    '"use strict";',
    ...written,
    `const SQUASHINGS = { ${squashings.join(", ")} };`,
    ...SOURCES.map(String),
    "serve();",
  ].join("\n");
}

/** In the Worker: take orders (start, go, pause, step), work, and report. */
function serve() {
  let run = null;
  let [going, reported] = [false, 0];
  const report = (more = {}) => {
    reported = performance.now();
    postMessage({ ...run.report(), ...more });
  };
  const work = () => {
    const end = performance.now() + SLICE;
    while (going && performance.now() < end) {
      run.advance();
      if (run.finished) going = false;
    }
    if (!going || performance.now() - reported > REPORT) report();
    if (going) setTimeout(work);
  };
  /** On to the next pattern that is learnt. */
  const step = () => {
    let did = null;
    while (!did && !run.finished) did = run.advance();
    if (!did) return report();
    const after = run.trainer.criterion(run.network.forward(run.field(did)), did.label);
    report({ did: { ...did, after: after.loss, readAfter: after.read } });
  };
  const orders = {
    start: ({ given, kept }) => (run = new Run({ ...given, kept, digits: new DigitSet(DIGITS) })),
    go: () => {
      if (going || run.finished) return;
      going = true;
      work();
    },
    pause: () => (going = false),
    step: () => !going && step(),
  };
  onmessage = ({ data }) => orders[data.order](data);
}

/** A run in a Worker of its own, as the page sees it: its last report, and orders to it. */
class DistantRun {
  /** heard: called after every report; last: the report that was kept of it, or null. */
  constructor(number, given, heard, last = null) {
    Object.assign(this, { number, given, heard, going: false, doing: "", passes: 0 });
    Object.assign(this, { learning: [], testing: [], answers: [], finished: false });
    if (last) this.take(last);
  }

  take(report) {
    const { parameters, curvature, ...shows } = report;
    Object.assign(this, { did: undefined }, shows, { last: report });
    if (this.finished) this.going = false;
    if (parameters) this.network = new Network(this.given.recipe, parameters);
  }

  /** A Worker that has the run as it stands. */
  hire() {
    const { given, last } = this;
    const address = URL.createObjectURL(new Blob([workerSource()], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      this.take(data);
      this.heard();
    };
    worker.onerror = ({ message }) => {
      Object.assign(this, { going: false, finished: true, broken: message });
      this.heard();
    };
    worker.postMessage({ order: "start", given, kept: last });
    return worker;
  }

  order(order) {
    if (this.finished) return;
    if (order !== "step") this.going = order === "go";
    if (order !== "pause") this.worker ??= this.hire();
    this.worker?.postMessage({ order });
  }

  stop() {
    this.worker?.terminate();
  }

  /** Patterns after which it still misclassifies as many as by guessing; 0 if it does not. */
  get atChance() {
    const [pass, error] = this.learning.at(-1) ?? [0, 0];
    return this.learning.length > 1 && error > CHANCE ? Math.round(pass * this.perPass) : 0;
  }

  /** What is kept of it in the browser: all, or what the curve and the table show. */
  kept(whole) {
    const { number, given, going, last } = this;
    if (whole) return { number, going, last, given: last ? { ...given, parameters: null } : given };
    const { passes, learning, testing, drawn, diverged, finished, perPass } = this;
    const shows = { passes, learning, testing, drawn, diverged, finished, perPass };
    const drawings = given.drawings.map(({ label }) => ({ label }));
    return { number, given: { ...given, drawings, parameters: null }, last: shows };
  }
}
