"use strict";
/* Strings read off the outputs along a field, as lenet1998/strings.py does for any string: the
   cheapest path, on which an output without a character parts any two. */

/** Whether outputs can say that there is no character: by a blank class or eq. 9's rubbish. */
function readsStrings(network) {
  return network.smallestWins || network.classes === 11;
}

/** Eq. 9's penalty of each digit at every position, and in column 10 that of none. */
function penalties(network, states) {
  return Array.from({ length: states.positions }, (_, position) => {
    const outputs = network.outputs(states, position);
    const { classes, rubbish } = network.shares(outputs);
    const shares = network.classes === 11 ? classes : [...classes, rubbish];
    return shares.map((share) => -Math.log(Math.max(share, 1e-300)));
  });
}

/** {text, penalty, positions} of the cheapest path. A digit stands on one output or on several
    contiguous ones, and its position is where it is surest of them. */
function readString(penalty) {
  let free = { cost: 0, last: null }; // the best path whose last output has no character
  let on = Array.from({ length: 10 }, () => ({ cost: Infinity, last: null })); // one per digit
  const best = () => on.reduce((least, path) => (path.cost < least.cost ? path : least), free);
  penalty.forEach((row, position) => {
    const ended = best();
    on = on.map((path, digit) => {
      const here = { digit, position, cost: row[digit], before: free.last };
      if (path.cost >= free.cost) return { cost: free.cost + row[digit], last: here };
      const surest = row[digit] < path.last.cost ? { ...here, before: path.last.before } : path.last;
      return { cost: path.cost + row[digit], last: surest };
    });
    free = { cost: ended.cost + row[10], last: ended.last };
  });
  const end = best();
  const found = [];
  for (let { last } = end; last; last = last.before) found.unshift(last);
  return {
    text: found.map(({ digit }) => digit).join(""),
    penalty: end.cost,
    positions: found.map(({ position }) => position),
  };
}
