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
    start: ({ given }) => (run = new Run({ ...given, digits: new DigitSet(DIGITS) })),
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
  /** heard: called after every report. */
  constructor(number, given, heard) {
    Object.assign(this, { number, given, going: false, doing: "", passes: 0 });
    Object.assign(this, { learning: [], testing: [], answers: [], finished: false });
    const address = URL.createObjectURL(new Blob([workerSource()], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => {
      const { parameters, ...report } = data;
      Object.assign(this, report);
      this.did = report.did;
      if (this.finished) this.going = false;
      this.network = new Network(given.recipe, parameters);
      heard();
    };
    this.worker.onerror = ({ message }) => {
      Object.assign(this, { going: false, finished: true, broken: message });
      heard();
    };
    this.worker.postMessage({ order: "start", given });
  }

  order(order) {
    if (this.finished) return;
    if (order !== "step") this.going = order === "go";
    this.worker.postMessage({ order });
  }

  stop() {
    this.worker.terminate();
  }
}
