"use strict";
/* The outputs: F6's bitmap beside the codes, the distances racing, the rubbish class's share. */

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
    document.getElementById("answer-title").textContent = rbf
      ? `${network.classes === 11 ? "Eleven" : "Ten"} distances race to zero`
      : "Ten scores: the largest wins";
    document.getElementById("answer-note").textContent = rbf
      ? `The answer is the code nearest to F6's state. The shares are eq. 9's, where rubbish is a class at ` +
        `the constant distance j = ${network.recipe.rubbish_j}` +
        `${network.recipe.half_distance ? ", and distances count half" : ""}: far from every code, it gets all.`
      : "This network has trained weights in place of codes, and no rubbish class: softmax divides everything among the ten digits.";
  }

  lane(network, digit) {
    const name = digit === 10 ? "blank" : String(digit);
    const row = element(
      "li",
      { className: "lane" },
      element("b", { textContent: digit === 10 ? "–" : name }),
    );
    const code = element("canvas", { ariaHidden: "true" });
    const all = network.parameters[network.smallestWins ? "output.codes" : "output.weight"];
    const values = all.subarray(84 * digit, 84 * digit + 84);
    drawBitmap(code, values, network.smallestWins ? CODE_SCALE : weightScale(values), 3);
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

  say({ network, outputs, shares, answer, pattern, state }) {
    const verdict = document.getElementById("verdict");
    const note = document.getElementById("verdict-note");
    const read = pattern ? this.lanes[answer].name : "?";
    if (verdict.textContent !== read) verdict.textContent = read; // what is set is spoken
    if (!pattern) {
      const why = state.pick ? "This digit does not come with the page" : "Nothing is drawn";
      note.textContent = `${why}. This is what the network makes of an empty field.`;
      return;
    }
    const [first, second] = outputs
      .map((value, digit) => ({ value, digit }))
      .sort((a, b) => (network.smallestWins ? a.value - b.value : b.value - a.value));
    const unit = network.smallestWins ? "distance" : "score";
    note.textContent =
      `${unit} ${shown(first.value, 1)}; next is ${this.lanes[second.digit].name} with ${shown(second.value, 1)}` +
      (shares.rubbish > Math.max(...shares.classes) ? ". Rubbish has the largest share." : ".");
  }
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
