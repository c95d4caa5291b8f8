"use strict";
/* Networks trained beside the page: switches, orders to the runs, kernels and F6 as they form. */

class TrainingView {
  constructor(app) {
    this.app = app;
    this.original = NET_LIST[0].recipe;
    this.runs = [];
    this.fields = Object.fromEntries(
      Object.entries(TRAINING_SWITCHES).map((entry) => this.field(...entry)),
    );
    const press = (id, action) => document.getElementById(id).addEventListener("click", action);
    press("train", () => this.press());
    press("step", () => this.step());
    press("forget", () => this.forget());
    press("use", () => this.hand());
    press("another", () => this.press());
    press("back-to-run", () => this.back());
    const { tested, labels } = EmbeddedDigits;
    document.getElementById("learnt-count").textContent = (labels.length - tested).toLocaleString(
      "en",
    );
    document.getElementById("tested-count").textContent = tested;
    this.examples = Array.from({ length: 10 }, (_, digit) => labels.indexOf(digit));
    this.taught = new TaughtDrawings(app, () => this.say());
    this.confusion = new Confusion(app);
    this.restore();
    this.say();
    window.addEventListener("storage", ({ key, newValue }) => this.hearOther(key, newValue));
    window.addEventListener("pagehide", () => this.keep());
    document.addEventListener("visibilitychange", () => document.hidden && this.keep());
  }

  /** The runs as the page was left; the last goes on if the reader only reloads, or comes back. */
  restore() {
    let wentOn = false;
    try {
      for (const { number, given, going, last } of Kept.runs()) {
        this.runs.push(new DistantRun(number, given, () => this.hear(), last));
        wentOn = going;
      }
      if (this.run && !Object.keys(this.app.state.switches).length) this.back();
      this.paint();
    } catch {
      this.forget();
      this.damaged = true;
    }
    const [arrival] = performance.getEntriesByType("navigation");
    if (this.run && wentOn && arrival?.type !== "navigate") this.run.order("go");
  }

  field(key, { label, values }) {
    const select = element("select", { id: `switch-${key}` });
    const first = firstOfSwitch(key, this.original);
    const sorted = [first, ...values.filter((value) => value !== first)];
    select.append(...sorted.map((value) => new Option(SWITCH_WORDS[value] ?? value, value)));
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

  /** The choices that a run would begin with now. */
  wanted() {
    const switches = this.chosen();
    const above = switches.start === "above" ? this.app.state.net : "";
    return { switches, above, drawings: this.taught.drawings };
  }

  /** Whether the last run began with the choices as they are now. */
  same() {
    const { switches, above, drawings } = this.wanted();
    const { given } = this.run;
    return (
      Object.keys(switches).every((key) => switches[key] === given.switches[key]) &&
      above === given.above &&
      drawings.length === given.drawings.length
    );
  }

  /** A run with the choices as they are now; the one before it is paused. */
  begin() {
    this.run?.order("pause");
    const given = this.wanted();
    const { rate, seed, start, ...network } = given.switches;
    const output = network.loss === "cross_entropy" ? "linear" : "rbf";
    given.recipe = { ...this.original, ...network, output };
    given.parameters = null;
    if (given.above) ({ recipe: given.recipe, parameters: given.parameters } = this.app.network);
    const kept = this.app.netNames().map((name) => Number(/^run (\d+)$/.exec(name)?.[1] ?? 0));
    const number = 1 + Math.max(...kept, ...this.runs.map((run) => run.number));
    this.runs.push(new DistantRun(number, given, () => this.hear()));
  }

  /** Train, pause, or go on; with other choices, begin another run beside the last. */
  press() {
    if (!this.run || this.run.finished || !this.same()) this.begin();
    this.run.order(this.run.going ? "pause" : "go");
    this.unkept = true;
    this.paint();
  }

  /** A report came: it is shown, and kept when it is the first or a pass is over. */
  hear() {
    const { number, passes, finished } = this.run;
    this.unkept = true;
    const stage = [number, passes, finished].join();
    if (stage !== this.stage) this.keep();
    this.stage = stage;
    this.paint();
  }

  /** The runs into the browser's storage, if there is news of them. */
  keep() {
    if (this.unkept) this.refused = !Kept.saveRuns(this.runs);
    this.unkept = false;
  }

  /** Learn one pattern, and show what the step did. */
  step() {
    if (!this.run || this.run.finished || !this.same()) this.begin();
    this.run.order("pause");
    this.run.order("step");
    if (!this.run.learning.length) this.run.doing = "estimating the curvature, then one pattern";
    this.say();
  }

  /** Another tab keeps its runs where this one does: the last to write wins. */
  hearOther(key, text) {
    if (key !== RUNS_KEY || !this.run || !text || text === "[]") return; // cleared there
    this.elsewhere = true;
    this.say();
  }

  forget() {
    for (const run of this.runs) run.stop();
    this.runs = [];
    this.damaged = this.elsewhere = false;
    this.unkept = true;
    this.keep();
    this.paint();
  }

  /** The switches of the last run, again. */
  back() {
    const entries = Object.entries(this.run.given.switches);
    const changed = entries.filter(([key, value]) => value !== firstOfSwitch(key, this.original));
    this.app.change({ switches: Object.fromEntries(changed) });
    for (const [key, value] of entries) this.fields[key].value = value;
    this.say();
  }

  words(run) {
    const taught = run.given.drawings.length;
    const words = run.given.above
      ? `${run.given.above}, trained on`
      : wordsOfSwitches(run.given.switches, this.original);
    return words + (taught ? `, with ${taught} of your drawings` : "");
  }

  /** A copy of the net of the last run, for the views above. */
  hand() {
    const { run } = this;
    const title = `Trained here: ${this.words(run)}, ${counted(run.passes, "pass", "passes")}`;
    this.app.offer(`run ${run.number}`, title, run.network);
    document.getElementById("draw-title").focus();
  }

  say() {
    const { run } = this;
    const other = run && !this.same();
    const button = document.getElementById("train");
    if (other) button.textContent = "Train another";
    else if (run?.going) button.textContent = "Pause";
    else button.textContent = run && !run.finished ? "Go on" : "Train";
    document.getElementById("asked").hidden = !other || run.finished;
    if (other) document.getElementById("asking").textContent = this.question();
    document.getElementById("use").disabled = !run?.network;
    const none = this.damaged
      ? "The runs that this browser kept are damaged: they are left out."
      : "";
    document.getElementById("train-said").textContent = run ? this.about(run) : none;
    const spoken = document.getElementById("train-spoken"); // a pass, not every pattern
    const news = run ? newsOf(run) : "";
    if (spoken.textContent !== news) spoken.textContent = news;
    for (const [key, select] of Object.entries(this.fields))
      select.disabled = this.chosen().start === "above" && !["start", "rate", "seed"].includes(key);
  }

  question() {
    const { number, going } = this.run;
    return `Run ${number} is ${going ? "on its way" : "not finished"} and keeps what it began with.`;
  }

  /** How the last run stands; and that the browser refuses to keep it, if so. */
  about(run) {
    const loss = this.refused ? " This browser keeps nothing: a reload loses the run." : "";
    const other = this.elsewhere
      ? " Another tab trains, too: a reload brings back the runs of the tab that learnt last."
      : "";
    return aboutRun(run) + loss + other;
  }

  paint() {
    const { run, runs } = this;
    this.say();
    document.getElementById("learning").hidden = !run;
    const curve = document.getElementById("curve");
    if (run) curve.replaceChildren(curveOf(runs, curve.clientWidth));
    const table = document.getElementById("runs");
    table.hidden = !run;
    table.classList.toggle(
      "taught",
      runs.some(({ given }) => given.drawings.length),
    );
    table.tBodies[0].replaceChildren(...runs.map((one) => rowOf(one, this.words(one))));
    this.did(run?.did);
    this.confusion.show(run?.answers ?? []);
    if (run?.network) this.pictures(run.network);
  }

  /** What one step did to the pattern that it was made for. */
  did(did) {
    document.getElementById("stepped").hidden = !did;
    if (!did) return;
    const { number, drawing, label, read, loss, readAfter, after } = did;
    const own = this.run.given.drawings[drawing]?.pattern;
    drawPattern(document.getElementById("stepped-digit"), own ?? EmbeddedDigits.image(number));
    document.getElementById("did").textContent =
      `This is ${oneDigit(label)}. Before the step it was read as ${className(read)}, with loss ` +
      `${shown(loss)}; after it as ${className(readAfter)}, with loss ${shown(after)}.`;
  }

  render({ state }) {
    for (const [key, select] of Object.entries(this.fields)) {
      const value = state.switches[key] ?? firstOfSwitch(key, this.original);
      if (select.value !== value) select.value = value;
    }
    this.taught.render();
    const scheme = Theme.css("paper") + window.innerWidth;
    if (this.scheme !== scheme) this.paint();
    this.scheme = scheme;
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
