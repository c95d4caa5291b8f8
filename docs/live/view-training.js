"use strict";
/* A network trained in the tab: switches, the learning curve, kernels and F6 as they form. */

const SLICE = 14; // milliseconds of work a frame
const REDRAW = 300; // milliseconds from one picture of the kernels to the next
const STYLES = 4; // that the style sheet has for runs

class TrainingView {
  constructor(app) {
    this.app = app;
    this.original = NET_LIST[0].recipe;
    this.runs = [];
    this.going = false;
    this.fields = Object.fromEntries(
      Object.entries(TRAINING_SWITCHES).map((entry) => this.field(...entry)),
    );
    document.getElementById("train").addEventListener("click", () => this.press());
    document.getElementById("forget").addEventListener("click", () => this.forget());
    document.getElementById("use").addEventListener("click", () => this.hand());
    const { tested, labels } = EmbeddedDigits;
    document.getElementById("learnt-count").textContent = (labels.length - tested).toLocaleString(
      "en",
    );
    document.getElementById("tested-count").textContent = tested;
    this.examples = Array.from({ length: 10 }, (_, digit) => labels.indexOf(digit));
    this.say();
  }

  field(key, { label, values }) {
    const select = element("select", { id: `switch-${key}` });
    const first = firstOfSwitch(key, this.original);
    const sorted = [first, ...values.filter((value) => value !== first)];
    select.append(
      ...sorted.map((value) =>
        element("option", { value, textContent: SWITCH_WORDS[value] ?? value }),
      ),
    );
    select.addEventListener("change", () => {
      const switches = { ...this.app.state.switches, [key]: select.value };
      if (select.value === first) delete switches[key];
      this.app.change({ switches });
      this.say();
    });
    document
      .getElementById("switches")
      .append(
        element("div", {}, element("label", { htmlFor: select.id, textContent: label }), select),
      );
    return [key, select];
  }

  chosen() {
    return Object.fromEntries(
      Object.entries(this.fields).map(([key, select]) => [key, select.value]),
    );
  }

  get run() {
    return this.runs[this.runs.length - 1];
  }

  /** Whether the switches are those of the run that is on its way. */
  same() {
    const chosen = this.chosen();
    return this.run && Object.keys(chosen).every((key) => chosen[key] === this.run.switches[key]);
  }

  /** Train, pause, or go on; with other switches, begin another run beside the last. */
  press() {
    if (this.going && this.same()) {
      this.going = false;
    } else {
      if (!this.same() || this.run.finished)
        this.runs.push(new Run(this.runs.length + 1, this.chosen(), this.original));
      if (!this.going) requestAnimationFrame(() => this.go());
      this.going = true;
    }
    this.paint();
  }

  forget() {
    this.going = false;
    this.runs = [];
    this.paint();
  }

  /** As much work as a frame has time for. */
  go() {
    if (!this.going) return;
    const end = performance.now() + SLICE;
    const { run } = this;
    while (performance.now() < end && !run.finished) run.finished = run.work.next().done;
    if (run.finished) this.going = false;
    if (!this.painted || performance.now() - this.painted > REDRAW || run.finished) this.paint();
    else this.say();
    requestAnimationFrame(() => this.go());
  }

  /** A copy of the net of the last run, for the views above. */
  hand() {
    const { run } = this;
    const copies = Object.entries(run.network.parameters).map(([name, values]) => [
      name,
      values.slice(),
    ]);
    const title = `Trained here: ${run.words(this.original)}, ${run.passes} passes`;
    this.app.offer(`run ${run.number}`, title, new Network(run.recipe, Object.fromEntries(copies)));
    document.getElementById("draw-title").focus();
  }

  say() {
    const button = document.getElementById("train");
    const another = this.run && !this.same();
    if (another) button.textContent = "Train another";
    else if (this.going) button.textContent = "Pause";
    else button.textContent = this.run && !this.run.finished ? "Go on" : "Train";
    document.getElementById("use").disabled = !this.run;
    const said = document.getElementById("train-said");
    const state = !this.run
      ? ""
      : this.run.finished
        ? "done"
        : this.going
          ? this.run.doing
          : "paused";
    said.textContent = this.run ? `Run ${this.run.number}, ${state}` : "";
  }

  paint() {
    this.painted = performance.now();
    this.say();
    document.getElementById("learning").hidden = !this.run;
    this.curve();
    this.table();
    if (this.run) this.pictures(this.run.network);
  }

  render({ state }) {
    for (const [key, select] of Object.entries(this.fields)) {
      const value = state.switches[key] ?? firstOfSwitch(key, this.original);
      if (select.value !== value && TRAINING_SWITCHES[key].values.includes(value))
        select.value = value;
    }
    const scheme = Theme.css("paper") + window.innerWidth;
    if (this.scheme !== scheme) this.paint();
    this.scheme = scheme;
  }

  /** Errors by pass on a scale whose steps double. */
  curve() {
    // On a phone as narrow as its room: drawn wider, its numbers would shrink.
    const width = Math.min(560, document.documentElement.clientWidth - 32);
    const [height, left, bottom] = [300, 44, 26];
    const last = Math.max(4, ...this.runs.map((run) => Math.ceil(run.learning.at(-1)?.[0] ?? 0)));
    const x = (pass) => left + ((width - left - 8) * pass) / last;
    const low = Math.log2(100 / 2 ** 8);
    const y = (error) =>
      8 +
      ((height - bottom - 8) * (Math.log2(100) - Math.log2(Math.max(error, 100 / 2 ** 8)))) /
        (Math.log2(100) - low);
    const made = svg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": this.curveWords(),
    });
    for (let step = 0; step <= 8; step++) {
      const error = 100 / 2 ** step;
      made.append(
        svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(error), y2: y(error) }),
      );
      const label = error >= 10 ? Number(error.toFixed(1)) : error.toFixed(1);
      if (step % 2 === 0)
        made.append(
          svg("text", { x: left - 8, y: y(error) + 4, "text-anchor": "end" }, String(label)),
        );
    }
    const every = Math.ceil(last / 10);
    for (let pass = 0; pass <= last; pass += every) {
      made.append(
        svg("text", { x: x(pass), y: height - 6, "text-anchor": "middle" }, String(pass)),
      );
    }
    const path = (points) =>
      points
        .map(([pass, error], n) => `${n ? "L" : "M"}${x(pass).toFixed(1)} ${y(error).toFixed(1)}`)
        .join("");
    for (const run of this.runs) {
      const style = `run-${(run.number - 1) % STYLES}`;
      made.append(svg("path", { class: `${style} learning`, d: path(run.learning) || "M0 0" }));
      made.append(svg("path", { class: style, d: path(run.testing) || "M0 0" }));
      for (const [pass, error] of run.testing) {
        made.append(
          svg("circle", { class: style, cx: x(pass), cy: y(error), r: 2.5, fill: "currentColor" }),
        );
      }
    }
    document.getElementById("curve").replaceChildren(made);
  }

  curveWords() {
    const runs = this.runs.map(
      (run) => `run ${run.number} ${run.testing.map(([, error]) => shown(error, 1)).join(", ")}`,
    );
    return runs.length
      ? `Test errors in percent by pass: ${runs.join("; ")}`
      : "Learning curve, empty until a run begins";
  }

  table() {
    const table = document.getElementById("runs");
    table.hidden = !this.runs.length;
    const percentOf = (points) => (points.length ? shown(points.at(-1)[1], 1) : "");
    table.tBodies[0].replaceChildren(
      ...this.runs.map((run) => {
        const mark = element("strong", {
          className: `run-${(run.number - 1) % STYLES}`,
          textContent: `― ${run.number}`,
        });
        const texts = [
          run.words(this.original),
          run.passes,
          percentOf(run.learning),
          percentOf(run.testing),
        ];
        return element(
          "tr",
          {},
          element("td", {}, mark),
          ...texts.map((text) => element("td", { textContent: text })),
        );
      }),
    );
  }

  pictures(network) {
    const room = document.getElementById("kernels").parentElement.clientWidth;
    const [c1, , c3] = network.layers;
    const kernels = [...c1.weights, ...Array(25 * 6).fill(NaN), ...c3.weights];
    const maps = kernels.length / 25;
    const scales = Array.from({ length: maps }, (_, map) =>
      weightScale(map < 12 ? c1.weights : c3.weights),
    );
    const sheet = new Sheet(document.getElementById("kernels"));
    sheet
      .lay({ maps, height: 5, width: 5, columns: 12, gap: 1, most: 6, room })
      .draw(kernels, scales);
    const states = this.examples.map(
      (n) => network.forward(prepared(EmbeddedDigits.image(n))).f6.values,
    );
    const codes = Float64Array.from(new Int8Array(unpacked(PAPER.codes).buffer));
    const values = [
      ...states.flatMap((state) => [...state]),
      ...(network.smallestWins ? codes : Array(840).fill(NaN)),
    ];
    const bitmaps = new Sheet(document.getElementById("forming"));
    bitmaps
      .lay({ maps: 20, height: 12, width: 7, columns: 10, gap: 1, most: 6, room })
      .draw(values, CODE_SCALE);
  }
}
