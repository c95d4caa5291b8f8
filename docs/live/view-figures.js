"use strict";
/* Fig. 13's nine patterns and Fig. 8's 82 digits, with what the nets of 1998 made of them. */

const MNIST_IMAGES = 10_000;
const MNIST_HEADER = [2051, MNIST_IMAGES, 28, 28].flatMap((number) =>
  [24, 16, 8, 0].map((shift) => (number >> shift) & 255),
);

const Figures = {
  fig13: {
    inputs: unpacked(PAPER.fig13.inputs),
    f6: unpacked(PAPER.fig13.f6),
    answers: PAPER.fig13.answers,
  },
  fig8: PAPER.fig8[0].map((index, n) => ({
    index,
    label: PAPER.fig8[1][n],
    answer: PAPER.fig8[2][n],
  })),
  mnist: null, // the reader's own copy of the test images

  /** Greys of a print as levels from 0, the background, to 255, ink; the net's scale is linear. */
  levels(greys) {
    const { greyOfBackground: paper } = PAPER;
    return Float64Array.from(greys, (grey) => (255 * (paper - grey)) / paper);
  },

  /** States from -1 to 1 of a print's greys: black is positive. */
  states(greys) {
    return Float64Array.from(greys, (grey) => (PAPER.greyOfZero - grey) / PAPER.greyOfZero);
  },

  fig13Pattern(number) {
    return this.levels(this.fig13.inputs.subarray(1024 * number, 1024 * (number + 1)));
  },

  fig8Pattern(number) {
    if (!this.mnist) return null;
    const first = 784 * this.fig8[number].index;
    return this.mnist.subarray(first, first + 784);
  },

  /** Take MNIST's test images from a file, packed or not; of a larger one no more is read. */
  async read(file) {
    const whole = MNIST_HEADER.length + 784 * MNIST_IMAGES;
    const bytes = await firstBytes(file, whole + 1);
    const missing = whole - bytes.length;
    let wrong = "";
    if (MNIST_HEADER.some((byte, at) => bytes[at] !== byte)) wrong = "it begins with other bytes";
    else if (missing < 0) wrong = "it goes on after the last image";
    else if (missing) wrong = `${missing.toLocaleString("en")} bytes are missing at its end`;
    if (wrong) {
      throw new Error(
        `${file.name} is not t10k-images-idx3-ubyte, MNIST's 10,000 test images: ${wrong}.`,
      );
    }
    this.mnist = bytes.subarray(MNIST_HEADER.length);
  },
};

/** The bytes of a file, unpacked if it is a .gz, and not more than so many. */
async function firstBytes(file, most) {
  const bytes = new Uint8Array(most);
  let [filled, zipped] = [0, false];
  try {
    const magic = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    zipped = magic[0] === 0x1f && magic[1] === 0x8b;
    const unzip = (stream) => stream.pipeThrough(new DecompressionStream("gzip"));
    const reader = (zipped ? unzip(file.stream()) : file.stream()).getReader();
    while (filled < most) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes.set(value.subarray(0, most - filled), filled);
      filled += value.length;
    }
    reader.cancel().catch(() => {}); // of a stream that failed there is nothing to cancel
  } catch {
    const why = zipped ? "the .gz is cut or damaged" : "the browser cannot read it";
    throw new Error(`${file.name} cannot be read: ${why}.`);
  }
  return bytes.subarray(0, Math.min(filled, most));
}

class FiguresView {
  constructor(app) {
    this.app = app;
    this.thumbs = Figures.fig13.answers.map((answer, number) => this.thumb(answer, number));
    this.chips = Figures.fig8.map(({ label, answer }, number) => {
      const chip = element("button", { type: "button", textContent: `${label} → ${answer}` });
      chip.setAttribute(
        "aria-label",
        `Digit ${number + 1}: ${oneDigit(label)} that was read as ${answer}`,
      );
      chip.addEventListener("click", () => this.pick("fig8", number));
      document.getElementById("fig8").append(chip);
      return chip;
    });
    for (const [kind, count] of [
      ["fig13", 9],
      ["fig8", this.chips.length],
    ]) {
      for (const [way, step] of [
        ["back", -1],
        ["next", 1],
      ]) {
        document.getElementById(`${kind}-${way}`).addEventListener("click", () => {
          const from = this.picked(kind) ?? (step > 0 ? -1 : 0);
          this.pick(kind, (from + step + count) % count);
        });
      }
    }
    roving(document.getElementById("fig13-bar"));
    roving(document.getElementById("fig8-bar"));
    document
      .getElementById("mnist-file")
      .addEventListener("change", (event) => this.open(event.target.files[0]));
  }

  thumb(answer, number) {
    const canvas = element("canvas", { ariaHidden: "true" });
    const button = element(
      "button",
      { type: "button", ariaLabel: `Pattern ${number + 1}, read as ${answer} in 1998` },
      canvas,
    );
    button.addEventListener("click", () => this.pick("fig13", number));
    document.getElementById("fig13").append(button);
    return { button, canvas };
  }

  /** The number that is picked of a figure, or undefined. */
  picked(kind) {
    const [of, number] = this.app.state.pick.split(".");
    return of === kind ? Number(number) : undefined;
  }

  pick(kind, number) {
    this.app.past.keep(this.app.state, kind);
    this.app.change({ pick: `${kind}.${number}` });
    if (kind === "fig8") this.chips[number].scrollIntoView({ block: "nearest" });
  }

  async open(file) {
    if (!file) return;
    const said = document.getElementById("file-said");
    try {
      await Figures.read(file);
      said.textContent = "";
      this.pick("fig8", this.picked("fig8") ?? 0);
    } catch (error) {
      said.textContent = error.message;
    }
  }

  render({ states, answer, pattern, inputs, size }) {
    const says = answer === null ? "nothing" : className(answer);
    const [thirteen, eight] = [this.picked("fig13"), this.picked("fig8")];
    const scheme = Theme.css("paper");
    const stale = this.scheme !== scheme;
    this.scheme = scheme;
    this.thumbs.forEach(({ button, canvas }, number) => {
      button.setAttribute("aria-pressed", String(number === thirteen));
      if (!stale) return;
      const sheet = new Sheet(canvas).lay({
        maps: 1,
        height: 32,
        width: 32,
        columns: 1,
        most: 2,
        room: 64,
      });
      sheet.draw(Figures.fig13Pattern(number), { kind: "state", low: 0, limit: 255 });
      canvas.removeAttribute("style");
    });
    this.chips.forEach((chip, number) =>
      chip.setAttribute("aria-pressed", String(number === eight)),
    );
    const said13 =
      thirteen === undefined
        ? ""
        : `1998 read ${Figures.fig13.answers[thirteen]}. This network reads ${says}.`;
    document.getElementById("fig13-said").textContent = said13;
    document.getElementById("printed").hidden = thirteen === undefined;
    if (thirteen !== undefined) {
      drawBitmap(document.getElementById("fig13-then"), this.f6(thirteen), CODE_SCALE);
      drawBitmap(document.getElementById("fig13-now"), states.f6.values, CODE_SCALE);
      this.field("fig13-input", inputs, size);
    }
    document.getElementById("misclassified").hidden = eight === undefined || !pattern;
    if (eight !== undefined && pattern) {
      drawBitmap(document.getElementById("fig8-now"), states.f6.values, CODE_SCALE);
      this.field("fig8-input", inputs, size);
    }
    document.getElementById("fig8-said").textContent =
      eight === undefined ? "" : this.about(eight, says, pattern);
  }

  field(id, inputs, size) {
    new Sheet(document.getElementById(id))
      .lay({ maps: 1, height: size, width: size, columns: 1, most: 4, room: Infinity })
      .draw(inputs, INPUT_SCALE);
  }

  f6(number) {
    return Figures.states(Figures.fig13.f6.subarray(84 * number, 84 * (number + 1)));
  }

  about(number, says, pattern) {
    const { index, label, answer } = Figures.fig8[number];
    const now = pattern ? `This network reads ${says}.` : "To see it, choose the file above.";
    return (
      `Test digit ${index.toLocaleString("en")}, ${oneDigit(label)}: 1998 read ${answer}. ` +
      `${this.ours(number)}${now}`
    );
  }

  /** What the committed runs made of a digit. */
  ours(number) {
    const answers = [...(OUR_FIG8[number] ?? "")].map(Number);
    if (!answers.length) return "";
    const { label, answer } = Figures.fig8[number];
    const misclassified = answers.filter((read) => read !== label).length;
    const alike = answers.filter((read) => read === answer).length;
    return (
      `${misclassified} of our ${answers.length} nets trained with distortions misclassified it, ` +
      `${alike} of them as ${answer}. `
    );
  }
}
