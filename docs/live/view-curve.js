"use strict";
/* Runs side by side: their learning curves, a row of a table for each, and how they stand. */

const STYLES = 4; // that the style sheet has for runs

/** Errors by pass on a scale whose steps double; room: in pixels, for drawn wider it would shrink. */
function curveOf(runs, room) {
  const width = Math.min(560, room);
  const [height, left, bottom] = [300, 44, 26];
  const last = Math.max(4, ...runs.map((run) => Math.ceil(run.learning.at(-1)?.[0] ?? 0)));
  const x = (pass) => left + ((width - left - 8) * pass) / last;
  const low = Math.log2(100 / 2 ** 8);
  const y = (error) =>
    8 +
    ((height - bottom - 8) * (Math.log2(100) - Math.log2(Math.max(error, 100 / 2 ** 8)))) /
      (Math.log2(100) - low);
  const made = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": curveWords(runs),
  });
  for (let step = 0; step <= 8; step++) {
    const error = 100 / 2 ** step;
    made.append(
      svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(error), y2: y(error) }),
    );
    const label = error >= 10 ? Number(error.toFixed(1)) : error.toFixed(1);
    if (step % 2 === 0)
      made.append(
        svg("text", { x: left - 8, y: y(error) + 4, "text-anchor": "end" }, String(label)),
      );
  }
  const every = Math.ceil(last / 10);
  for (let pass = 0; pass <= last; pass += every) {
    made.append(svg("text", { x: x(pass), y: height - 6, "text-anchor": "middle" }, String(pass)));
  }
  const path = (points) =>
    points
      .map(([pass, error], n) => `${n ? "L" : "M"}${x(pass).toFixed(1)} ${y(error).toFixed(1)}`)
      .join("");
  for (const run of runs) {
    const style = `run-${(run.number - 1) % STYLES}`;
    made.append(svg("path", { class: `${style} learning`, d: path(run.learning) || "M0 0" }));
    made.append(svg("path", { class: style, d: path(run.testing) || "M0 0" }));
    for (const [pass, error] of run.testing) {
      made.append(
        svg("circle", { class: style, cx: x(pass), cy: y(error), r: 2.5, fill: "currentColor" }),
      );
    }
    if (runs.length > 1 && run.testing.length) {
      const [pass, error] = run.testing.at(-1);
      const inwards = pass > last / 2 ? "end" : "start";
      const place = { x: x(pass), y: y(error) - 7, "text-anchor": inwards };
      made.append(svg("text", place, `run ${run.number}`));
    }
  }
  return made;
}

function curveWords(runs) {
  const words = runs.map(
    (run) => `run ${run.number} ${run.testing.map(([, error]) => shown(error, 1)).join(", ")}`,
  );
  return `Test errors in percent by pass: ${words.join("; ")}`;
}

/** A table's row: number, switches, passes, errors while learning and in the test, drawings. */
function rowOf(run, words) {
  const percentOf = (points) => (points.length ? shown(points.at(-1)[1], 1) : "");
  const { drawings } = run.given;
  const mark = element("strong", {
    className: `run-${(run.number - 1) % STYLES}`,
    textContent: `― ${run.number}`,
  });
  const texts = [
    words,
    run.passes + (run.diverged ? ", diverged" : run.atChance ? ", at chance" : ""),
    percentOf(run.learning),
    percentOf(run.testing),
    drawings.length ? `${run.drawn ?? "?"} of ${drawings.length}` : "",
  ];
  return element(
    "tr",
    {},
    element("td", {}, mark),
    ...texts.map((textContent) => element("td", { textContent })),
  );
}

/** How a run stands, in a sentence or two. */
function aboutRun(run) {
  const { number, broken, diverged, finished, doing } = run;
  if (broken) return `Run ${number} broke off: ${broken}`;
  if (diverged) return `Run ${number} diverged, in ${doing}: its loss is no number.`;
  return (finished ? `Run ${number}, done.` : progressOf(run)) + chanceOf(run);
}

function progressOf({ number, going, worker, doing, left }) {
  const state = going ? "" : worker ? ", paused" : ", paused as it was left";
  const minutes = left && Math.ceil(left / 60_000);
  const most = minutes > 1 ? `about ${minutes} minutes` : "under a minute";
  const rest = minutes ? `, ${most} left` : "";
  return `Run ${number}${state}${doing ? `, ${doing}` : ""}${rest}.`;
}

/** That a run learns nothing, if so. */
function chanceOf({ atChance, learning }) {
  if (!atChance) return "";
  const patterns = counted(atChance, "pattern", "patterns");
  const error = shown(learning.at(-1)[1], 1);
  return ` It is still at chance after ${patterns}: ${error} % misclassified, as by guessing.`;
}

/** The same for a screen reader: news of a pass, not of every pattern. */
function newsOf({ number, diverged, finished, going, passes, testing, atChance }) {
  const state = diverged ? "diverged" : finished ? "done" : going ? "training" : "paused";
  const error = testing.length ? `, ${shown(testing.at(-1)[1], 1)} % misclassified` : "";
  const chance = atChance ? ", still at chance" : "";
  return `Run ${number} ${state}, ${counted(passes, "pass", "passes")}${error}${chance}`;
}
