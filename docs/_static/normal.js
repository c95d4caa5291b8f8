// Is my accuracy normal? A field above the table of accuracies, and a column that judges its number
// as lenet1998/report/accuracy.py does.
addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("article > section#is-my-accuracy-normal table");
  if (!table) return;
  const field = document.createElement("input");
  Object.assign(field, { id: "mine", inputMode: "decimal", placeholder: "98.7", size: 8 });
  const label = document.createElement("label");
  label.append("Your accuracy, %: ", field);
  const complaint = document.createElement("output");
  const form = document.createElement("p");
  form.append(label, " ", complaint);
  (table.closest(".table-wrapper") ?? table).before(form);

  const [head, ...rows] = table.rows;
  head.append(Object.assign(document.createElement("th"), { textContent: "yours is" }));
  const verdicts = rows.map((row) => [row.cells[4].textContent.split(" to ").map(Number), row.insertCell()]);

  const judge = ([low, high], mine, knownTo) => {
    if (mine + knownTo < low || mine - knownTo > high) return mine < (low + high) / 2 ? "too low" : "too high";
    return 100 - low > 2 * (100 - high) ? "normal, but wide" : "normal";
  };
  field.addEventListener("input", () => {
    const read = field.value.trim().match(/^(\d{1,3}(?:\.(\d{1,9}))?) ?%?$/);
    const good = read && Number(read[1]) <= 100;
    const knownTo = good && 0.5 * 10 ** -(read[2] ?? "").length;
    for (const [between, cell] of verdicts) cell.textContent = good ? judge(between, Number(read[1]), knownTo) : "";
    complaint.textContent = good || !field.value.trim() ? "" : "must be in percent, from 0 to 100, written as 98.7";
  });
});
