"use strict";
/* The drawing field, and what the network sees of it. */

/** How each kind of picture came into the field. */
const PICTURE_WORDS = {
  "": "The ink is scaled to 20 pixels and its centre of mass put in the middle, as MNIST's digits were.",
  digit: "A digit of scikit-learn's, scaled and centred as MNIST's were.",
  fig13: "A pattern of Fig. 13, as it is printed there.",
  fig8: "A digit of MNIST's test set.",
};
const THINNEST = 7; // units between points that are kept of a stroke
const KEY_STEP = 16; // units that an arrow key moves the pen; a quarter of it with shift

class DrawingView {
  constructor(app) {
    this.app = app;
    this.pad = document.getElementById("pad");
    this.seen = new Sheet(document.getElementById("seen"));
    this.pen = { x: PEN_FIELD / 2, y: PEN_FIELD / 3, down: false, shown: false };
    this.writing = null;
    this.listenToPointer();
    this.listenToKeys();
    const press = (id, action) => document.getElementById(id).addEventListener("click", action);
    press("undo", () => this.undo());
    press("clear", () => this.replace([]));
    press("someone", () => this.pickSomeone());
    for (let digit = 0; digit < 10; digit++) {
      const button = element("button", {
        type: "button",
        textContent: digit,
        ariaLabel: `Write ${oneDigit(digit)}`,
      });
      button.addEventListener("click", () => this.write(digit));
      document.getElementById("written").append(button);
    }
    this.sliders = Object.entries(MOVES).map(([key, move]) => new Slider(app, key, move));
    roving(document.getElementById("written"));
    roving(document.getElementById("sliders"));
    document.getElementById("tour-input").append(tourLink("the-input", "The input"));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.matches("input:not([type=range])");
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || typing) return;
      this.undo();
      event.preventDefault();
    });
  }

  /** New strokes, and an end to whatever was being written; never more than a link can hold. */
  set(strokes) {
    this.writing = null;
    const draw = bounded(strokes);
    const full = draw.flat().length === MOST_POINTS;
    document.getElementById("pad-said").textContent = full
      ? "That is as much ink as a link can hold: undo or clear to draw on."
      : "";
    this.app.change({ draw, pick: "" });
  }

  /** Other strokes than those that are there, which Undo brings back. */
  replace(strokes) {
    this.app.past.keep(this.app.state);
    this.set(strokes);
  }

  /** The strokes to go on with: none where a picture was picked. */
  strokes() {
    return this.app.state.pick ? [] : this.app.state.draw;
  }

  /** To before the last stroke, picture or slider; in a drawing from a link, stroke by stroke. */
  undo() {
    this.writing = null;
    this.app.change(
      this.app.past.back() ?? { draw: this.strokes().slice(0, -1), pick: "", moves: { ...STILL } },
    );
  }

  pickSomeone() {
    this.writing = null;
    this.app.past.keep(this.app.state);
    const number = Math.floor(Math.random() * EmbeddedDigits.tested);
    this.app.change({ pick: `digit.${number}` });
  }

  listenToPointer() {
    const { pad } = this;
    const place = (event) => {
      const box = pad.getBoundingClientRect();
      const share = (at, first, size) => Math.round(((at - first) / size) * PEN_FIELD);
      return [
        share(event.clientX, box.left, box.width),
        share(event.clientY, box.top, box.height),
      ].map((side) => Math.min(Math.max(side, 0), PEN_FIELD - 1));
    };
    pad.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pad.setPointerCapture(event.pointerId);
      this.pen.shown = false;
      this.drawing = event.pointerId;
      this.replace([...this.strokes(), [place(event)]]);
      event.preventDefault();
      pad.focus({ preventScroll: true, focusVisible: false });
    });
    pad.addEventListener("pointermove", (event) => {
      if (this.drawing !== event.pointerId) return;
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const move of moves.length ? moves : [event]) this.extend(place(move));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      pad.addEventListener(name, () => (this.drawing = null));
    }
  }

  /** Draw on to a point, unless it is too near the last. */
  extend([x, y]) {
    const strokes = this.strokes();
    const stroke = strokes[strokes.length - 1] ?? [];
    const [lastX, lastY] = stroke[stroke.length - 1] ?? [-PEN_FIELD, 0];
    if (Math.hypot(x - lastX, y - lastY) < THINNEST) return;
    this.set([...strokes.slice(0, -1), [...stroke, [x, y]]]);
  }

  listenToKeys() {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    this.pad.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { pen } = this;
      if (event.key in arrows) {
        const step = event.shiftKey ? KEY_STEP / 4 : KEY_STEP;
        const [dx, dy] = arrows[event.key];
        pen.x = Math.min(Math.max(pen.x + dx * step, 0), PEN_FIELD - 1);
        pen.y = Math.min(Math.max(pen.y + dy * step, 0), PEN_FIELD - 1);
        if (pen.down) this.extend([pen.x, pen.y]);
      } else if (event.key === " " || event.key === "Enter") {
        pen.down = !pen.down;
        if (pen.down) this.replace([...this.strokes(), [[pen.x, pen.y]]]);
      } else if (event.key === "Backspace" || event.key === "Delete") {
        pen.down = false;
        this.undo();
      } else {
        return;
      }
      pen.shown = true;
      event.preventDefault();
      this.app.schedule();
    });
    this.pad.addEventListener("blur", () => {
      this.pen.down = this.pen.shown = false;
      this.app.schedule();
    });
  }

  /** Write a digit stroke by stroke, or at once where motion is not wanted. */
  write(digit) {
    const goal = handwritten(digit);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.replace(goal);
      return;
    }
    const mine = { points: 1 };
    const total = goal.reduce((sum, stroke) => sum + stroke.length, 0);
    this.replace([]);
    this.writing = mine;
    const next = () => {
      if (this.writing !== mine) return;
      let left = mine.points;
      const strokes = [];
      for (const stroke of goal) {
        if (left <= 0) break;
        strokes.push(stroke.slice(0, left));
        left -= stroke.length;
      }
      this.app.change({ draw: strokes, pick: "" });
      mine.points += 1;
      if (mine.points <= total) requestAnimationFrame(next);
      else this.writing = null;
    };
    next();
  }

  render({ state, pattern, side, inputs, size }) {
    this.drawPad(state, pattern, side);
    this.seen
      .lay({ maps: 1, height: size, width: size, columns: 1, most: 8, room: Infinity })
      .draw(inputs, INPUT_SCALE);
    const window = this.app.receptive();
    if (window) this.seen.frame(0, window.row, window.column, window.side, window.side);
    this.seen.canvas.setAttribute("aria-label", `The network's input, ${size} by ${size} pixels`);
    document.getElementById("seen-note").textContent = PICTURE_WORDS[state.pick.split(".")[0]];
    for (const slider of this.sliders) slider.render(state.moves);
  }

  drawPad(state, pattern, side) {
    const pen = this.pad.getContext("2d");
    pen.clearRect(0, 0, PEN_FIELD, PEN_FIELD);
    if (state.pick) {
      if (pattern) this.drawPicture(pen, pattern, side);
    } else {
      Object.assign(pen, {
        lineWidth: PEN,
        lineCap: "round",
        lineJoin: "round",
        strokeStyle: Theme.css("state-high"),
      });
      for (const stroke of state.draw) {
        pen.beginPath();
        pen.moveTo(...stroke[0]);
        for (const point of stroke) pen.lineTo(...point);
        pen.stroke();
      }
    }
    if (this.pen.shown) {
      pen.beginPath();
      pen.arc(this.pen.x, this.pen.y, PEN / 2, 0, 2 * Math.PI);
      Object.assign(pen, { lineWidth: this.pen.down ? 12 : 5, strokeStyle: Theme.css("frame") });
      pen.stroke();
    }
    const strokes = state.draw.length;
    const held = state.pick ? "a picture" : `${strokes} stroke${strokes === 1 ? "" : "s"}`;
    this.pad.setAttribute(
      "aria-label",
      `Drawing field, ${held}, pen ${this.pen.down ? "down" : "up"}`,
    );
  }

  /** A picked picture, as large as the drawing field. */
  drawPicture(pen, pattern, side) {
    const sheet = new Sheet(Sheet.offscreen(1, 1));
    sheet.lay({ maps: 1, height: side, width: side, columns: 1, room: side });
    sheet.draw(pattern, { kind: "state", low: 0, limit: 255 });
    pen.imageSmoothingEnabled = false;
    pen.drawImage(sheet.canvas, 0, 0, PEN_FIELD, PEN_FIELD);
  }
}
