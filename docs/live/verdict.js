"use strict";
/* What a network makes of a picture, in a plain sentence: by its distances and eq. 9's shares. */

const SURE = 0.9; // a share of softmax, or of rubbish, that leaves no doubt
const CLEAR = 0.6; // a digit's share in eq. 9 that leaves none: rubbish always has 27 % or more

/** A class as it is written. */
function className(number) {
  return number === 10 ? "blank" : String(number);
}

/** A verdict as one sign: "5", "5?" where nothing learnt is like it, "–" for no number. */
function answerMark(read, doubt) {
  return read === null ? "–" : className(read) + (doubt > 1 ? "?" : "");
}

/** Half the way, in squared distance, from a code to the nearest other one. */
function halfway(network, digit) {
  const codes = network.parameters["output.codes"];
  const code = (c) => codes.subarray(84 * c, 84 * c + 84);
  const own = code(digit);
  const between = Array.from({ length: network.classes }, (_, c) =>
    c === digit ? Infinity : own.reduce((sum, x, unit) => sum + (x - code(c)[unit]) ** 2, 0),
  );
  return Math.min(...between) / 4;
}

/** {read, doubt, words}: the class or null, how much is in doubt (0 none, 1 some, 2 all), and why.
    Rubbish is sure from a distance of 2 (j + log 9) on, if distances count half. */
function verdictOf(network, outputs) {
  if (!outputs.every(Number.isFinite)) {
    const words = "No answer: this network's outputs are no numbers. Its training diverged.";
    return { read: null, doubt: 2, words };
  }
  const read = network.decide(outputs);
  const name = className(read);
  const { classes, rubbish } = network.shares(outputs);
  const share = percent(classes[read]);
  if (!network.smallestWins) {
    const words =
      classes[read] >= SURE
        ? `It reads ${name}, with ${share} of the softmax. It has no rubbish class, so a scribble gets a digit, too.`
        : `Perhaps ${name}, with only ${share} of the softmax.`;
    return { read, doubt: classes[read] >= SURE ? 0 : 1, words };
  }
  const distance = shown(outputs[read], 1);
  const code = `${name}’s code`;
  if (rubbish < SURE) {
    const sure = `It reads ${name}: F6 draws ${code}, at distance ${distance}.`;
    if (classes[read] >= CLEAR) return { read, doubt: 0, words: sure };
    const rival = rubbish > classes[read] ? `rubbish has ${percent(rubbish)}` : `its share is ${share}`;
    return { read, doubt: 1, words: `Perhaps ${name}: at distance ${distance}, ${rival}.` };
  }
  const words =
    outputs[read] < halfway(network, read)
      ? `Near ${code}, but unlike anything it learnt: at distance ${distance}, rubbish has ${percent(rubbish)}.`
      : `Like no digit it learnt: ${code} is nearest, but at ${distance} F6 draws no code at all.`;
  return { read, doubt: 2, words };
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
