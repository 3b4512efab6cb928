"use strict";
// Shows what is chosen. Every number and word is in the data as it is shown: nothing is worked out, rounded or worded here.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const form = get("choose"), chosen = get("chosen");
  const select = { scenario: get("scenario"), area: get("area"), year: get("year") };

  function fill(id, caption, rows, empty) {
    const region = get(id), body = region.querySelector("tbody");
    region.querySelector(".what").textContent = caption + " ";
    region.hidden = rows.length === 0;
    get(id + "-none").hidden = rows.length > 0;
    get(id + "-none").textContent = rows.length ? "" : empty;
    body.replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      row.forEach((text, i) => {
        const cell = document.createElement(i === 0 ? "th" : "td");
        if (i === 0) { cell.scope = "row"; } else if (region.querySelectorAll("thead th")[i].className) { cell.className = "number"; }
        cell.textContent = text;
        line.append(cell);
      });
      return line;
    }));
  }

  function show() {
    const name = select.scenario.value, year = select.year.value;
    const scenario = data.scenarios.find((s) => s.name === name);
    const area = data.areas.find((a) => a.code === select.area.value);
    const horizon = data.years.find((y) => y.year === year).horizon;
    get("said").textContent = data.summary[name][year];
    get("reason").textContent = scenario.reason ? "Why: " + scenario.reason : "";
    get("far").textContent = horizon === "illustrative" ? year + " lies beyond the years that were tested against the past: illustrative." : "";
    get("stress").hidden = !scenario.stress;
    get("summary").classList.toggle("stress", scenario.stress);
    const affected = data.affected[year], moved = (data.moved[name] || {})[year];
    get("ahead").textContent = affected ? "Projected for " + data.place + " in " + year + (Object.keys(data.moved).length ? ", without scenarios: " : ", in every scenario: ") +
      affected[0] + " children with at least one of the risks (" + affected[1] + " to " + affected[2] + ")." +
      (moved ? " This scenario changes their number by " + moved[0] + " (" + moved[1] + " to " + moved[2] + ")." : "") : "";
    get("families").textContent = "More families helped in the year than under the comparator: " + data.families[name][year][0] +
      " (" + data.families[name][year][1] + " to " + data.families[name][year][2] + ").";
    fill("children", "Children estimated to live with each risk now, " + area.name, data.children[area.code], "No estimate is held for this area.");
    fill("services", "Services projected for " + year + ", " + data.place + ": " + scenario.title, data.services[name][year], "No service is projected.");
    fill("costs", "Difference in average cost in " + year + " by who pays, " + data.place + ": " + scenario.title, data.costs[name][year],
      scenario.stress ? "Costs of a test are left out: what would bring it about, harm, and later cost are not modelled."
        : "Nothing to show: this is the comparator, or no service has a unit cost.");
  }

  function draw() {
    document.querySelectorAll("figure[data-scenario]").forEach((f) => { f.hidden = f.dataset.scenario !== select.scenario.value; });
    document.querySelectorAll(".at").forEach((line) => line.classList.toggle("on", line.dataset.year === select.year.value));
  }

  Object.values(select).forEach((s) => s.addEventListener("change", () => { show(); draw(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  chosen.hidden = false;
  show();
  draw();
})();
