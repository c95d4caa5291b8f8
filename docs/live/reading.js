"use strict";
/* Strings read off the outputs along a field, as lenet1998/reading.py does for any string: the
   cheapest path, on which no two characters stand on contiguous outputs. */

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

/** {text, penalty, positions} of the cheapest path. */
function readString(penalty) {
  let free = { cost: 0, characters: null }; // after an output without a character
  let on = { cost: Infinity, characters: null }; // after one with
  penalty.forEach((row, position) => {
    const best = row.reduce(
      (least, cost, digit) => (digit < 10 && cost < row[least] ? digit : least),
      0,
    );
    const before = on.cost < free.cost ? on : free;
    on = {
      cost: free.cost + row[best],
      characters: { digit: best, position, before: free.characters },
    };
    free = { cost: before.cost + row[10], characters: before.characters };
  });
  const end = on.cost < free.cost ? on : free;
  const found = [];
  for (let last = end.characters; last; last = last.before) found.unshift(last);
  return {
    text: found.map(({ digit }) => digit).join(""),
    penalty: end.cost,
    positions: found.map(({ position }) => position),
  };
}
