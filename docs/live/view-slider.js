"use strict";
/* The sliders that move the digit in the field. */

/** One slider, with a button that moves it to and fro. */
class Slider {
  constructor(app, key, { label, low, high, step, unit }) {
    Object.assign(this, { app, key, low, high, step, unit, playing: false });
    this.input = element("input", { type: "range", id: `move-${key}`, min: low, max: high, step });
    this.output = element("span", { ariaHidden: "true" }); // the input itself says its value
    this.button = element("button", {
      type: "button",
      textContent: "▶",
      ariaLabel: `Animate: ${label}`,
    });
    this.button.setAttribute("aria-pressed", "false");
    const row = element(
      "div",
      { className: "slider" },
      element("label", { htmlFor: this.input.id, textContent: label }),
    );
    row.append(this.input, this.output, this.button);
    document.getElementById("sliders").append(row);
    const set = (value) => {
      this.play(false);
      app.past.keep(app.state, this.key);
      this.move(value);
    };
    this.input.addEventListener("input", () => set(Number(this.input.value)));
    row.addEventListener("dblclick", (event) => event.target !== this.button && set(STILL[key]));
    this.button.addEventListener("click", () => this.play(!this.playing));
  }

  move(value) {
    this.app.change({ moves: { ...this.app.state.moves, [this.key]: value } });
  }

  /** Sway to either end and back, in four seconds; then stand where it stood. */
  play(on) {
    if (on === this.playing) return;
    this.playing = on;
    this.button.textContent = on ? "❚❚" : "▶";
    this.button.setAttribute("aria-pressed", String(on));
    if (!on) {
      this.move(this.stood);
      return;
    }
    this.stood = this.app.state.moves[this.key];
    const [still, began] = [this.stood, performance.now()];
    const next = (now) => {
      if (!this.playing) return;
      const wave = Math.sin(((now - began) / 4000) * 2 * Math.PI);
      const reach = wave > 0 ? this.high - still : still - this.low;
      this.move(still + wave * reach);
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }

  render(moves) {
    const value = moves[this.key];
    if (Number(this.input.value) !== value) this.input.value = value;
    const words =
      this.key === "noise"
        ? `${Math.round(100 * value)} %`
        : `${shown(value, this.step < 0.1 ? 2 : 1)}${this.unit}`;
    this.output.textContent = words;
    this.input.setAttribute("aria-valuetext", words);
  }
}
