"use strict";
/* The reader's own drawings with their labels, to be learnt; and the digits that a run misclassified. */

const MOST_DRAWINGS = 60;

/** A pattern of 28x28 bytes on a canvas, which keeps it to be drawn in other colours. */
function drawPattern(canvas, pattern) {
  canvas.pattern = pattern;
  new Sheet(canvas)
    .lay({ maps: 1, height: 28, width: 28, columns: 1, most: 2, room: Infinity })
    .draw(pattern, { kind: "state", low: 0, limit: 255 });
}

/** A button with a pattern on it. */
function patternButton(pattern, ariaLabel, press) {
  const canvas = element("canvas", { ariaHidden: "true" });
  drawPattern(canvas, pattern);
  const button = element("button", { type: "button", ariaLabel, title: ariaLabel }, canvas);
  button.addEventListener("click", press);
  return button;
}

class TaughtDrawings {
  constructor(app, changed) {
    Object.assign(this, { app, changed, drawings: Kept.drawings() });
    for (let label = 0; label < 10; label++) {
      const button = element("button", {
        type: "button",
        textContent: label,
        ariaLabel: `The drawing is ${oneDigit(label)}: learn it`,
      });
      button.addEventListener("click", () => this.add(label));
      document.getElementById("labels").append(button);
    }
    roving(document.getElementById("labels"));
    this.show();
  }

  add(label) {
    const { pattern, side } = this.app.current;
    const said = document.getElementById("taught-said");
    if (!pattern || side !== 28) said.textContent = "There is no drawing in the field above.";
    else if (this.drawings.length === MOST_DRAWINGS)
      said.textContent = `These are ${MOST_DRAWINGS}: take one away first, by a click on it.`;
    else this.set([...this.drawings, { pattern: Uint8Array.from(pattern), label }]);
  }

  set(drawings) {
    this.drawings = drawings;
    const kept = Kept.saveDrawings(drawings);
    document.getElementById("taught-said").textContent =
      `${drawings.length} to learn. ` +
      (kept ? "A click takes one away." : "This browser keeps nothing: a reload loses them.");
    this.show();
    this.changed();
  }

  show() {
    const place = document.getElementById("taught");
    place.replaceChildren(...this.drawings.map((drawing) => this.button(drawing)));
    if (this.drawings.length) roving(place);
  }

  /** A drawing above its label; a click takes it away. */
  button(drawing) {
    const { pattern, label } = drawing;
    const button = patternButton(pattern, `Take away ${oneDigit(label)}`, () =>
      this.set(this.drawings.filter((other) => other !== drawing)),
    );
    button.append(element("b", { textContent: label }));
    return button;
  }

  /** What would be taught: what is in the field above. */
  render() {
    const { pattern, side } = this.app.current;
    drawPattern(
      document.getElementById("to-teach"),
      pattern && side === 28 ? pattern : new Uint8Array(28 * 28),
    );
  }
}

/** Labels against answers on the test digits; a cell shows its digits, a digit goes above. */
class Confusion {
  constructor(app) {
    this.app = app;
    this.table = document.getElementById("confusion");
    this.cells = [];
    const head = element("tr", {}, element("th", { textContent: "" }));
    for (let read = 0; read < 10; read++)
      head.append(element("th", { scope: "col", textContent: read }));
    this.table.append(head);
    for (let label = 0; label < 10; label++) {
      const row = element("tr", {}, element("th", { scope: "row", textContent: label }));
      for (let read = 0; read < 10; read++) {
        const button = element("button", { type: "button" });
        button.addEventListener("click", () => this.open(label, read));
        this.cells.push(button);
        row.append(element("td", { className: label === read ? "right" : "" }, button));
      }
      this.table.append(row);
    }
  }

  /** answers: of the test digits in their order; none before the first pass is tested. */
  show(answers) {
    if (String(this.answers) === String(answers)) return;
    this.answers = answers;
    document.getElementById("confused").hidden = !answers.length;
    this.cells.forEach((button, cell) => {
      const [label, read] = [Math.floor(cell / 10), cell % 10];
      const count = this.of(label, read).length;
      button.textContent = count || "·";
      button.disabled = !count;
      button.ariaLabel = `${count} of label ${label} read as ${read}`;
    });
    if (answers.length) roving(this.table);
    document.getElementById("cell").replaceChildren();
    document.getElementById("cell-said").textContent = "A click on a number shows its digits.";
  }

  of(label, read) {
    const { labels, tested } = EmbeddedDigits;
    return Array.from({ length: tested }, (_, number) => number).filter(
      (number) => labels[number] === label && this.answers[number] === read,
    );
  }

  open(label, read) {
    const numbers = this.of(label, read);
    document.getElementById("cell-said").textContent =
      `${numbers.length} of label ${label}, read as ${read}. A click puts one in the field above.`;
    const place = document.getElementById("cell");
    place.replaceChildren(
      ...numbers.map((number) => {
        const lift = () => this.lift(number);
        return patternButton(EmbeddedDigits.image(number), `Test digit ${number}`, lift);
      }),
    );
    roving(place);
  }

  lift(number) {
    this.app.past.keep(this.app.state);
    this.app.change({ pick: `digit.${number}` });
    document.getElementById("draw-title").focus();
  }
}
