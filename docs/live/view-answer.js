"use strict";
/* The outputs: the verdict, all nets' verdicts, F6 beside the codes, the distances racing. */

const SETTLED = 200; // milliseconds without a change, after which the other nets are asked, too

class AnswerView {
  constructor(app) {
    this.app = app;
    this.bitmap = document.getElementById("f6-bitmap");
    this.lanes = [];
    this.of = null;
    const list = document.getElementById("lanes");
    list.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      const unit = unitNamed(app.state.unit);
      const from = unit.layer === "output" ? unit.map : step > 0 ? -1 : this.lanes.length;
      this.look(Math.min(Math.max(from + step, 0), this.lanes.length - 1));
      event.preventDefault();
    });
  }

  look(digit) {
    this.app.change({ unit: `output.${digit}.0` });
  }

  /** A lane for each class, a head above and rubbish below; anew for another kind of network. */
  build(network) {
    const list = document.getElementById("lanes");
    const rbf = network.smallestWins;
    const cells = (...texts) => texts.map((text) => element("span", { textContent: text }));
    const head = element("li", { className: "lane head", ariaHidden: "true" });
    head.append(...cells("", rbf ? "code" : "weights", "", rbf ? "distance" : "score", "share"));
    this.lanes = Array.from({ length: network.classes }, (_, digit) => this.lane(network, digit));
    list.replaceChildren(head, ...this.lanes.map(({ row }) => row));
    this.rubbish = null;
    if (rbf) {
      this.rubbish = element("span");
      const row = element(
        "li",
        { className: "lane rubbish" },
        element("b", { textContent: "rubbish" }),
      );
      row.append(...cells("", ""), this.rubbish);
      list.append(row);
    }
    const title = rbf
      ? `${network.classes === 11 ? "Eleven" : "Ten"} distances race to zero `
      : "Ten scores: the largest wins ";
    const link = tourLink("the-output-distances", "The output");
    document.getElementById("answer-title").replaceChildren(title, link);
    document.getElementById("answer-note").textContent = rbf
      ? `The answer is the code nearest to F6's state. The shares are eq. 9's, where rubbish is a class at ` +
        `the constant distance j = ${network.recipe.rubbish_j}` +
        `${network.recipe.half_distance ? ", and distances count half" : ""}: far from every code, it gets all.`
      : "This network has trained weights in place of codes, and no rubbish class: softmax divides everything among the ten digits.";
  }

  lane(network, digit) {
    const name = className(digit);
    const row = element(
      "li",
      { className: "lane" },
      element("b", { textContent: digit === 10 ? "–" : name }),
    );
    const code = element("canvas", { ariaHidden: "true" });
    const all = network.parameters[network.smallestWins ? "output.codes" : "output.weight"];
    const values = all.subarray(84 * digit, 84 * digit + 84);
    drawBitmap(code, values, network.smallestWins ? CODE_SCALE : weightScale(values), 2);
    code.removeAttribute("style");
    const bar = element("i");
    const [distance, share] = [element("span"), element("span")];
    row.append(code, element("div", { className: "track" }, bar), distance, share);
    row.addEventListener(
      "pointerenter",
      (event) => event.pointerType === "mouse" && this.look(digit),
    );
    row.addEventListener("click", () => this.look(digit));
    return { row, bar, distance, share, name };
  }

  render({ network, states, outputs, shares, answer, pattern, unit }) {
    if (this.of !== network || this.scheme !== Theme.css("state-high")) this.build(network);
    this.of = network;
    this.scheme = Theme.css("state-high");
    const most = Math.max(...outputs.map(Math.abs), 1e-9);
    this.lanes.forEach(({ row, bar, distance, share }, digit) => {
      const part = network.smallestWins ? Math.sqrt(outputs[digit] / most) : shares.classes[digit];
      bar.style.width = `${(100 * part).toFixed(1)}%`;
      distance.textContent = shown(outputs[digit], 1);
      share.textContent = percent(shares.classes[digit]);
      row.classList.toggle("wins", digit === answer && Boolean(pattern));
      row.classList.toggle("looked-at", unit.layer === "output" && unit.map === digit);
    });
    if (this.rubbish) this.rubbish.textContent = percent(shares.rubbish);
    const scale = network.smallestWins ? CODE_SCALE : scaleOf(network.recipe.squash);
    drawBitmap(this.bitmap, states.f6.values, scale, 12);
    this.bitmap.setAttribute("aria-label", "F6's states as a picture of 7 by 12 cells");
    this.say(this.app.current);
  }

  say({ network, outputs, pattern, state }) {
    const verdict = document.getElementById("verdict");
    const { read, doubt, words } = verdictOf(network, outputs);
    const mark = pattern ? answerMark(read, doubt) : "?";
    const why = state.pick ? "This digit does not come with the page." : "Nothing is drawn.";
    const said = pattern ? words + this.label(state.pick, read) : why;
    verdict.classList.toggle("doubt", doubt > 0 || !pattern);
    if (verdict.textContent !== mark) verdict.textContent = mark;
    document.getElementById("verdict-note").textContent = said;
    this.speak(`${mark}. ${said}`);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.askAll(), SETTLED);
  }

  /** The label that a digit of someone's came with. */
  label(pick, read) {
    const [kind, number] = pick.split(".");
    const labels = { digit: EmbeddedDigits.labels[number], fig8: Figures.fig8[number]?.label };
    const label = labels[kind];
    if (label === undefined) return "";
    return ` Its label is ${label}: ${label === read ? "right" : "misclassified"}.`;
  }

  /** For screen readers, once a movement has come to rest. */
  speak(words) {
    clearTimeout(this.speaking);
    const place = document.getElementById("verdict-spoken");
    if (place.textContent !== words)
      this.speaking = setTimeout(() => (place.textContent = words), 2 * SETTLED);
  }

  /** Every net's verdict on the same field; one that does not load is left out. */
  async askAll() {
    const { inputs, size, pattern } = this.app.current;
    const answers = [];
    for (const name of this.app.netNames()) {
      const net = await Nets.load(name).catch(() => null);
      if (!net || net.network.size !== size) continue;
      const { network } = net;
      const { read, doubt } = verdictOf(network, network.outputs(network.forward(inputs)));
      answers.push({ name, doubt, mark: pattern ? answerMark(read, doubt) : "?" });
    }
    const items = answers.map(({ name, doubt, mark }) =>
      element(
        "li",
        { className: doubt > 1 ? "doubt" : "" },
        `${name} `,
        element("b", { textContent: mark }),
      ),
    );
    document.getElementById("nets").replaceChildren(...items);
  }
}
