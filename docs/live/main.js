"use strict";
/* The page as a whole: one state, one picture a frame, and the state in the address. */

class App {
  constructor() {
    this.current = null;
    this.scheduled = false;
    this.past = new Past();
    this.anchor = document.getElementById(location.hash.slice(1));
    this.arrive();
    Theme.read();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      Theme.read();
      this.scales();
      for (const canvas of document.querySelectorAll("button canvas"))
        if (canvas.pattern) drawPattern(canvas, canvas.pattern);
      this.schedule();
    });
    this.views = [
      new DrawingView(this),
      new AnswerView(this),
      new StripView(this),
      new LayersView(this),
      new ArithmeticView(this),
      new FiguresView(this),
      new LineView(this),
      new TrainingView(this),
    ];
    this.chooser();
    this.scales();
    window.addEventListener("resize", () => this.schedule());
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== this.written && location.hash.includes("=")) {
        this.past.keep(this.state);
        this.arrive();
        this.use();
      }
    });
    this.use();
  }

  /** The state that the address asks for. */
  arrive() {
    const fragment = location.hash.slice(1);
    this.link = readState(fragment);
    this.link.asked = new URLSearchParams(fragment).get("net");
    this.state = this.link.state;
    this.notice = "";
  }

  /** What of the link could not be followed with this network, in words. */
  aboutLink({ passed, cut, asked }, network) {
    const still = network.forward(new Float64Array(network.size ** 2));
    const missing = hasUnit(still, unitNamed(this.state.unit)) ? [] : ["unit"];
    const others = [...passed.filter((key) => key !== "net"), ...missing];
    return [
      cut && "The link holds more than the page reads: its end is left out.",
      passed.includes("net") &&
        `There is no network “${asked.slice(0, 40)}” in this browser; this is another.`,
      others.length && `Left out of the link, where they make no sense: ${others.join(", ")}.`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  chooser() {
    this.choice = document.getElementById("net");
    for (const name of this.netNames()) this.choice.append(new Option(name));
    this.choice.addEventListener("change", () => {
      this.change({ net: this.choice.value });
      this.use();
    });
    document.getElementById("copy").addEventListener("click", () => this.copy());
  }

  /** Those that come with the page, then those that were trained here. */
  netNames() {
    const own = [...Nets.known.keys(), ...Kept.names()];
    return [...new Set([...NET_LIST.map(({ name }) => name), ...own])];
  }

  /** Offer a net that was trained here, and take it. */
  offer(name, title, network) {
    const kept = Kept.save(name, title, network);
    if (![...this.choice.options].some(({ value }) => value === name))
      this.choice.append(new Option(name));
    Nets.known.set(name, { name, title, network });
    this.notice = kept
      ? `It is kept in this browser, which keeps the last ${MOST_NETS}; a link to it works here only.`
      : "This browser keeps nothing: the network is lost when the page is left.";
    this.change({ net: name });
    this.use();
  }

  /** Load the state's network and show it. */
  async use() {
    const { net } = this.state;
    const note = document.getElementById("net-title");
    try {
      const { title, network } = await Nets.load(net);
      if (net !== this.state.net) return;
      this.network = network;
      this.choice.value = net;
      const notice = this.link ? this.aboutLink(this.link, network) : this.notice;
      note.textContent = `${title[0].toUpperCase()}${title.slice(1)}. ${notice}`;
      [this.link, this.notice] = [null, ""];
      this.schedule();
    } catch (error) {
      note.textContent = error.message;
    }
    note.classList.toggle("trouble", net !== this.choice.value);
  }

  /** The address on the clipboard; where that is refused, in words where it stands. */
  async copy() {
    this.address();
    const said = document.getElementById("copy-said");
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Copy it from the address bar";
    }
    setTimeout(() => (said.textContent = ""), 4000);
  }

  change(part) {
    Object.assign(this.state, part);
    this.schedule();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      if (this.network) this.render();
    });
  }

  /** The picture that is looked at: bytes and their side; null if there is none. */
  picture() {
    const { pick, draw } = this.state;
    const [kind, number] = pick.split(".");
    if (kind === "digit") return { pattern: EmbeddedDigits.image(Number(number)), side: 28 };
    if (kind === "fig13") return { pattern: Figures.fig13Pattern(Number(number)), side: 32 };
    const pattern = kind === "fig8" ? Figures.fig8Pattern(Number(number)) : patternOf(draw);
    return { pattern, side: 28 };
  }

  render() {
    const { network, state } = this;
    const { pattern, side } = this.picture();
    const { size } = network;
    const field = pattern ? padded(pattern, side, size) : new Float64Array(size * size);
    const inputs = inverted(scaledInputs(moved(field, size, state.moves)), state.moves.noise);
    const states = network.forward(inputs);
    const outputs = network.outputs(states);
    const unit = this.unit(states);
    this.current = {
      state,
      network,
      pattern,
      side,
      size,
      inputs,
      states,
      outputs,
      unit,
      shares: network.shares(outputs),
      answer: verdictOf(network, outputs).read,
      inputsOf: inputsOf(network, states, unit),
    };
    const shown = this.views.map((view) => view.render(this.current));
    if (this.anchor) Promise.all(shown).then(() => this.toAnchor());
    this.keep();
  }

  /** Once all is shown, to the part of the page that the address named. */
  toAnchor() {
    this.anchor?.scrollIntoView();
    this.anchor = null;
  }

  /** The unit that is looked at, if this network has it. */
  unit(states) {
    const unit = unitNamed(this.state.unit);
    return hasUnit(states, unit) ? unit : unitNamed(DEFAULT_STATE.unit);
  }

  unitWords() {
    const { unit, states } = this.current;
    const name = unit.layer.toUpperCase();
    if (unit.layer === "output") return `Output ${unit.map === 10 ? "for a blank" : unit.map}`;
    const { width, height } = states[unit.layer];
    if (height * width === 1) return `${name}, unit ${unit.map}`;
    return `${name}, map ${unit.map}, row ${Math.floor(unit.at / width)}, column ${unit.at % width}`;
  }

  receptive() {
    const { unit, states, size } = this.current;
    return unit.layer === "output" ? null : receptiveField(states, unit, size);
  }

  /** The state into the address, but not at every frame. */
  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.address(), 250);
  }

  address() {
    this.written = writeState(this.state);
    history.replaceState(null, "", `#${this.written}`);
  }

  scales() {
    for (const [id, scale] of [
      ["state-scale", STATE_SCALE],
      ["weight-scale", { kind: "weight", limit: 1 }],
    ]) {
      const values = Float64Array.from({ length: 33 }, (_, k) => ((k - 16) / 16) * scale.limit);
      const sheet = new Sheet(document.getElementById(id));
      sheet
        .lay({ maps: 1, height: 1, width: 33, columns: 1, most: 3, room: 100 })
        .draw(values, scale);
    }
    document.getElementById("state-low").textContent = shown(-STATE_SCALE.limit, 1);
    document.getElementById("state-high").textContent = shown(STATE_SCALE.limit, 1);
  }
}

const app = new App();
