"use strict";
/* A wide field read by the replicated network: the strip, F6 at every position, the penalties. */

const Lines = {
  /** A string of the paper's as the 1998 net saw it: inputs, 32 high. */
  ofThePaper(answer) {
    const { answers, inputs, width, firstColumn, fieldWidth } = PAPER.strings;
    const greys = unpacked(inputs)
      .subarray(answers.indexOf(answer) * 32 * width)
      .subarray(0, 32 * width);
    const levels = Figures.levels(greys);
    const field = new Float64Array(32 * fieldWidth);
    for (let y = 0; y < 32; y++)
      field.set(levels.subarray(y * width, (y + 1) * width), y * fieldWidth + firstColumn);
    return { field: scaledInputs(field), width: fieldWidth };
  },

  /** Digits written side by side, a gap between their boxes, half a field of nothing at the ends. */
  written(text, gap = 3) {
    const boxes = [...text].map((digit) => this.box(patternOf(handwritten(Number(digit)))));
    const ink = boxes.reduce((sum, box) => sum + box.width, 0) + gap * (boxes.length - 1);
    const width = ink + 32 + ((4 - (ink % 4)) % 4);
    const field = new Float64Array(32 * width);
    let left = 16;
    for (const { first, width: wide, pattern } of boxes) {
      for (let y = 0; y < 28; y++) {
        for (let x = 0; x < wide; x++)
          field[(y + 2) * width + left + x] = pattern[y * 28 + first + x];
      }
      left += wide + gap;
    }
    return { field: scaledInputs(field), width };
  },

  /** The columns of a pattern that have ink. */
  box(pattern) {
    const inked = Array.from({ length: 28 }, (_, x) =>
      pattern.some((level, at) => at % 28 === x && level),
    );
    const first = inked.indexOf(true);
    return { first, width: inked.lastIndexOf(true) + 1 - first, pattern };
  },
};

class LineView {
  constructor(app) {
    this.app = app;
    this.canvas = document.getElementById("line");
    this.buttons = PAPER.strings.answers.map((answer) => {
      const button = element("button", { type: "button", textContent: answer });
      button.addEventListener("click", () => app.change({ line: answer, position: -1 }));
      document.getElementById("strings").append(button);
      return button;
    });
    roving(document.getElementById("strings"));
    this.typed = document.getElementById("typed");
    this.typed.addEventListener("input", () => {
      const digits = this.typed.value.replace(/\D/g, "");
      if (digits !== this.typed.value) this.typed.value = digits;
      if (digits) app.change({ line: "own", typed: digits, position: -1 });
    });
    this.choice = document.getElementById("line-net");
    this.choice.append(
      ...NET_LIST.map(({ name }) => element("option", { value: name, textContent: name })),
    );
    this.choice.addEventListener("change", () => app.change({ lineNet: this.choice.value }));
    this.listen(this.canvas.parentElement);
  }

  listen(holder) {
    holder.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !this.shown) return;
      this.look(this.app.state.position + step);
      event.preventDefault();
    });
    const point = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const column = ((event.clientX - box.left) / box.width) * this.shown.width;
      this.look(Math.floor((column - 14) / STEP));
    };
    this.canvas.addEventListener("pointerdown", point);
    this.canvas.addEventListener(
      "pointermove",
      (event) => event.pointerType === "mouse" && point(event),
    );
  }

  look(position) {
    this.app.change({ position: Math.min(Math.max(position, 0), this.shown.states.positions - 1) });
  }

  /** Read the line anew when it or its network changed. */
  async render({ state }) {
    const key = [state.line, state.typed, state.lineNet].join("/");
    this.buttons.forEach((button) =>
      button.setAttribute("aria-pressed", String(button.textContent === state.line)),
    );
    if (document.activeElement !== this.typed) this.typed.value = state.typed;
    this.choice.value = state.lineNet;
    if (this.key !== key) {
      this.key = key;
      let network;
      try {
        ({ network } = await Nets.load(state.lineNet));
      } catch (error) {
        document.getElementById("line-note").textContent = error.message;
        return;
      }
      if (this.key !== key) return;
      const { field, width } =
        state.line === "own" ? Lines.written(state.typed) : Lines.ofThePaper(state.line);
      const states = network.forward(field, 32, width);
      const penalty = readsStrings(network) ? penalties(network, states) : null;
      const read = penalty && readString(penalty);
      this.shown = { network, field, width, states, penalty, read, alike: this.alike(network) };
    }
    if (!this.shown) return;
    const look = [key, this.app.state.position, Theme.css("paper"), window.innerWidth].join("/");
    if (this.drawn !== look) this.draw(this.app.state);
    this.drawn = look;
  }

  /** How many of the paper's strings a network reads as they were read in 1998; if any at all. */
  alike(network) {
    if (!readsStrings(network)) return null;
    network.alike ??= PAPER.strings.answers.filter((answer) => {
      const { field, width } = Lines.ofThePaper(answer);
      return readString(penalties(network, network.forward(field, 32, width))).text === answer;
    }).length;
    return network.alike;
  }

  draw(state) {
    const { states, penalty, read, width, alike } = this.shown;
    const position = state.position < states.positions ? state.position : -1;
    const said = document.getElementById("line-said");
    said.className = read ? "big" : "";
    said.textContent = read
      ? read.text || "nothing"
      : "This network has neither a blank nor a rubbish class: it cannot say where no digit is.";
    const then =
      `In 1998 it was read as ${state.line}.` +
      (alike === null ? "" : ` This network reads ${alike} of the five strings as they were read then.`);
    document.getElementById("line-then").textContent = state.line === "own" ? "" : then;
    this.paint(position);
    this.canvas.setAttribute(
      "aria-label",
      `A line ${width} pixels wide${read ? `, read as ${read.text}` : ""}`,
    );
    document.getElementById("line-note").textContent = this.note(position, penalty);
  }

  note(position, penalty) {
    if (position < 0) {
      const beside = this.shown.network.recipe.flanks
        ? ""
        : "This network was not trained with neighbours beside the digit. ";
      return (
        beside +
        "From above: the line; F6 at each position; the penalties of 0 to 9 and of none (–), where the smallest stand out. Framed is what the answer is made of. Point, or use the arrow keys, to see one position's window."
      );
    }
    const { network, states } = this.shown;
    const answer = network.decide(network.outputs(states, position));
    const name = answer === 10 ? "a blank" : answer;
    const cost = penalty
      ? `, penalty ${shown(Math.min(...penalty[position]), 2)} for the cheapest`
      : "";
    return `Position ${position + 1} of ${states.positions}: its window begins at column ${STEP * position}; nearest is ${name}${cost}.`;
  }

  /** The strip, F6's pictures under the middles of their windows, and the penalties below. */
  paint(position) {
    const { field, width, states, penalty, read } = this.shown;
    const dots = window.devicePixelRatio || 1;
    const room = this.canvas.parentElement.clientWidth - 6;
    const cell = Math.max(
      Math.floor(Math.min((room * dots) / width, 8 * dots)),
      Math.ceil(3 * dots),
    );
    const f6Cell = (STEP * cell) / 8; // seven cells and a gap to a position
    const f6Top = 32 * cell + cell;
    const rowsTop = f6Top + Math.ceil(12 * f6Cell) + cell;
    const rowHeight = Math.max(Math.round(1.5 * cell), Math.round(11 * dots)); // its names are read
    const height = penalty ? rowsTop + 11 * rowHeight + 2 : rowsTop;
    Object.assign(this.canvas, { width: width * cell, height });
    this.canvas.style.width = `${(width * cell) / dots}px`;
    this.canvas.style.height = `${height / dots}px`;
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    const place = (values, across, down, scale, x, y, w, h) => {
      const sheet = new Sheet(Sheet.offscreen(1, 1));
      sheet
        .lay({ maps: 1, height: down, width: across, columns: 1, most: 1, room: across })
        .draw(values, scale);
      pen.drawImage(sheet.canvas, 0, 0, sheet.canvas.width, sheet.canvas.height, x, y, w, h);
    };
    place(field, width, 32, INPUT_SCALE, 0, 0, width * cell, 32 * cell);
    pen.strokeStyle = Theme.css("hairline");
    pen.strokeRect(0.5, 0.5, width * cell - 1, 32 * cell - 1);
    const middle = (at) => (STEP * at + 14) * cell;
    for (let at = 0; at < states.positions; at++) {
      const f6 = Float64Array.from(
        { length: 84 },
        (_, k) => states.f6.values[k * states.positions + at],
      );
      place(f6, 7, 12, CODE_SCALE, middle(at), f6Top, 7 * f6Cell, 12 * f6Cell);
    }
    if (penalty) {
      const cheap = penalty.flatMap((row) => row).map((cost) => -Math.log1p(cost));
      const scale = { kind: "state", low: Math.min(...cheap), limit: 0 };
      const down = Array.from({ length: 11 }, (_, c) =>
        penalty.map((row) => -Math.log1p(row[c])),
      ).flat();
      place(
        down,
        states.positions,
        11,
        scale,
        middle(0),
        rowsTop,
        states.positions * STEP * cell,
        11 * rowHeight,
      );
      this.names(pen, middle(0), rowsTop, rowHeight);
      this.marks(pen, read, middle, rowsTop, rowHeight, cell);
    }
    if (position >= 0) {
      Object.assign(pen, { strokeStyle: Theme.css("frame"), lineWidth: 2 * dots });
      pen.strokeRect(
        STEP * position * cell + dots,
        dots,
        32 * cell - 2 * dots,
        32 * cell - 2 * dots,
      );
      pen.strokeRect(middle(position), f6Top, 7 * f6Cell, 12 * f6Cell);
    }
  }

  names(pen, right, top, rowHeight) {
    pen.fillStyle = getComputedStyle(document.body).color;
    pen.font = `${rowHeight}px system-ui, sans-serif`;
    Object.assign(pen, { textAlign: "right", textBaseline: "middle" });
    for (let c = 0; c < 11; c++)
      pen.fillText(c === 10 ? "–" : c, right - rowHeight / 2, top + (c + 0.5) * rowHeight);
  }

  marks(pen, read, middle, top, rowHeight, cell) {
    Object.assign(pen, { strokeStyle: Theme.css("accent"), lineWidth: Math.max(2, cell / 3) });
    [...read.text].forEach((digit, n) => {
      pen.strokeRect(
        middle(read.positions[n]),
        top + Number(digit) * rowHeight,
        STEP * cell,
        rowHeight,
      );
    });
  }
}
