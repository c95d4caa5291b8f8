"use strict";
/* Pictures as the network knows them: drawn ink, scaled and centred as MNIST's digits were
   (lenet1998/data/patterns.py and pictures.py), moved in the field, and made inputs. */

const CENTRE = 14; // row and column, from 0, that a digit's centre of mass is put on, of 28
const PEN_FIELD = 512; // the drawing's own units across
const PEN = 40; // the pen's width in them
const EVEN = 320; // units that a drawing's longer side is brought to: ink as thick as MNIST's
const INK_SIDE = 128; // pixels across that the drawing is looked at in
const FULL = 0.95; // of the pixels with ink; the rest is ink at its full strength

/** Bilinear interpolation from `old` to `next` samples, row by row; where samples get fewer, each
    is the mean of those it stands for. */
function interpolation(next, old) {
  return Array.from({ length: next }, (_, row) => {
    const position = Math.min(Math.max(((row + 0.5) * old) / next - 0.5, 0), old - 1);
    const weights = Array.from({ length: old }, (_, at) =>
      Math.max(0, 1 - Math.abs(position - at) / Math.max(1, old / next)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}

/** Where a profile of ink starts in the field so that its centre of mass is on CENTRE. */
function firstOf(profile) {
  const total = profile.reduce((sum, ink) => sum + ink, 0);
  const centre = profile.reduce((sum, ink, at) => sum + ink * at, 0) / total;
  return Math.min(Math.max(halfEven(CENTRE - centre), 0), PAPER.fieldSize - profile.length);
}

/** Rounding as numpy and Python do it: halves to the even neighbour. */
function halfEven(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** A picture (height x width, ink on exactly 0) with its box scaled to 20 pixels and its centre of
    mass in the middle of 28x28; null if there is no ink. */
function normalised(ink, height, width) {
  const rows = [];
  const columns = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!ink[y * width + x]) continue;
      rows[y] = true;
      columns[x] = true;
    }
  }
  if (!rows.length) return null;
  const [top, left] = [rows.indexOf(true), columns.indexOf(true)];
  const box = [rows.length - top, columns.length - left];
  const longest = Math.max(...box);
  const sides = box.map((side) => Math.max(1, halfEven((side * PAPER.digitSize) / longest)));
  const down = interpolation(sides[0], box[0]);
  const across = interpolation(sides[1], box[1]);
  const narrow = Array.from({ length: box[0] }, (_, y) =>
    across.map((weights) =>
      weights.reduce((sum, weight, x) => sum + weight * ink[(top + y) * width + left + x], 0),
    ),
  );
  const digit = down.map((weights) =>
    across.map((_, x) => weights.reduce((sum, weight, y) => sum + weight * narrow[y][x], 0)),
  );
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const firstRow = firstOf(digit.map(sum));
  const firstColumn = firstOf(across.map((_, x) => sum(digit.map((row) => row[x]))));
  const field = new Float64Array(PAPER.fieldSize ** 2);
  digit.forEach((row, y) => {
    field.set(row, (firstRow + y) * PAPER.fieldSize + firstColumn);
  });
  return field;
}

/** Ink of any positive levels as bytes, 255 where it has its full strength. */
function toBytes(field) {
  const most = field.reduce((top, value) => Math.max(top, value), 0);
  const inked = field.filter((value) => value > most / 10).sort();
  const place = FULL * (inked.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, inked.length - 1);
  const full = inked[low] + (place - low) * (inked[high] - inked[low]);
  return Uint8Array.from(field, (value) => halfEven(255 * Math.min(1, value / full)));
}

/** Strokes, lists of [x, y] in the drawing's units, as ink of 0 to 1 with soft edges. */
function inkOf(strokes) {
  const scale = INK_SIDE / PEN_FIELD;
  const radius = (PEN * scale) / 2;
  const ink = new Float64Array(INK_SIDE ** 2);
  const reach = Math.ceil(radius + 1);
  for (const stroke of strokes) {
    stroke.forEach((end, number) => {
      const [ax, ay] = (stroke[number - 1] ?? end).map((side) => side * scale);
      const [bx, by] = end.map((side) => side * scale);
      const bounds = (a, b) => [
        Math.max(0, Math.floor(Math.min(a, b)) - reach),
        Math.min(INK_SIDE - 1, Math.ceil(Math.max(a, b)) + reach),
      ];
      const [[left, right], [top, bottom]] = [bounds(ax, bx), bounds(ay, by)];
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const [dx, dy] = [x + 0.5 - ax, y + 0.5 - ay];
          const along = length
            ? Math.min(1, Math.max(0, (dx * (bx - ax) + dy * (by - ay)) / length))
            : 0;
          const distance = Math.hypot(dx - along * (bx - ax), dy - along * (by - ay));
          const level = Math.min(1, Math.max(0, radius + 0.5 - distance));
          const at = y * INK_SIDE + x;
          if (level > ink[at]) ink[at] = level;
        }
      }
    });
  }
  return ink;
}

/** Strokes of any size as large as a digit is mostly drawn, in the middle; dots stay dots. */
function evened(strokes) {
  const axes = [0, 1].map((axis) => {
    const sides = strokes.flat().map((point) => point[axis]);
    return { low: Math.min(...sides), high: Math.max(...sides) };
  });
  const side = Math.max(...axes.map(({ low, high }) => high - low));
  const scale = side < PEN / 2 ? 1 : EVEN / side;
  return strokes.map((stroke) =>
    stroke.map((point) =>
      point.map((at, axis) => {
        const { low, high } = axes[axis];
        return PEN_FIELD / 2 + scale * (at - (low + high) / 2);
      }),
    ),
  );
}

const lastDrawn = { strokes: null, pattern: null }; // a frame mostly shows what the last one did

/** A drawing as a pattern like MNIST's, 28x28 bytes; null if nothing is drawn. */
function patternOf(strokes) {
  if (lastDrawn.strokes !== strokes) {
    const field = strokes.length && normalised(inkOf(evened(strokes)), INK_SIDE, INK_SIDE);
    Object.assign(lastDrawn, { strokes, pattern: field ? toBytes(field) : null });
  }
  return lastDrawn.pattern;
}

/** Digits as lenet1998.data.digits draws them: {labels, tested, image}. */
class DigitSet {
  constructor({ labels, tested, images, side, levels }) {
    Object.assign(this, { tested, side, levels });
    this.labels = unpacked(labels);
    this.images = unpacked(images);
    this.kept = new Map();
  }

  /** Pattern 28x28 of bytes; the first `tested` of them are not learnt from. */
  image(number) {
    if (!this.kept.has(number)) {
      const area = this.side ** 2;
      const source = this.images.subarray(number * area, (number + 1) * area);
      const field = normalised(source, this.side, this.side);
      const byte = (value) => halfEven(Math.round(((value * 255) / this.levels) * 1e6) / 1e6);
      this.kept.set(number, Uint8Array.from(field, byte));
    }
    return this.kept.get(number);
  }
}

const EmbeddedDigits = new DigitSet(DIGITS); // scikit-learn's

/** A pattern of side x side bytes in the middle of a larger field of bytes. */
function padded(pattern, side, size) {
  const margin = (size - side) / 2;
  const field = new Float64Array(size * size);
  for (let y = 0; y < side; y++) {
    field.set(pattern.subarray(y * side, (y + 1) * side), (y + margin) * size + margin);
  }
  return field;
}

const STILL = { x: 0, y: 0, scale: 1, turn: 0, squeeze: 1, thicken: 0, noise: 0 };

/** A field of bytes, size x size, moved: shifted by pixels, scaled, squeezed (narrower and higher
    by that factor), turned by degrees, its strokes thickened by pixels. */
function moved(field, size, { x, y, scale, turn, squeeze, thicken }) {
  let result = field;
  if (x || y || scale !== 1 || turn || squeeze !== 1) {
    result = new Float64Array(size * size);
    const middle = size / 2;
    const angle = (turn * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const [dx, dy] = [column - middle - x, row - middle - y];
        const fromX = ((cos * dx + sin * dy) * squeeze) / scale + middle;
        const fromY = (cos * dy - sin * dx) / squeeze / scale + middle;
        result[row * size + column] = between(field, size, fromX, fromY);
      }
    }
  }
  return thicken ? thickened(result, size, thicken) : result;
}

/** The level between four pixels; outside the field there is no ink. */
function between(field, size, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const level = (row, column) =>
    row < 0 || column < 0 || row >= size || column >= size ? 0 : field[row * size + column];
  const mix = (row) => level(row, left) + (x - left) * (level(row, left + 1) - level(row, left));
  const upper = mix(top);
  return upper + (y - top) * (mix(top + 1) - upper);
}

/** Strokes grown (or, below 0, eaten) at their edges; between whole pixels a mixture of both. */
function thickened(field, size, amount) {
  const choose = amount > 0 ? Math.max : Math.min;
  let result = field;
  for (let left = Math.abs(amount); left > 0; left -= 1) {
    const before = result;
    const share = Math.min(1, left);
    result = before.map((value, at) => {
      const column = at % size;
      const around = choose(
        value,
        column ? before[at - 1] : 0,
        column < size - 1 ? before[at + 1] : 0,
        before[at - size] ?? 0,
        before[at + size] ?? 0,
      );
      return value + share * (around - value);
    });
  }
  return result;
}

/** Levels of 0 to 255 as the network's inputs. */
function scaledInputs(field) {
  const gain = (PAPER.ink - PAPER.background) / 255;
  return Float64Array.from(field, (level) => PAPER.background + gain * level);
}

/** Background and ink trade places in some pixels, the same ones whenever asked. */
function inverted(inputs, probability) {
  if (!probability) return inputs;
  const random = generator(1998);
  const both = PAPER.background + PAPER.ink;
  return inputs.map((value) => (random() < probability ? both - value : value));
}

/** A prepared pattern of 28x28 bytes, to learn or to test. */
function prepared(pattern) {
  return scaledInputs(padded(pattern, PAPER.fieldSize, PAPER.inputSize));
}
