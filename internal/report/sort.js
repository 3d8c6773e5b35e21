// Column heads become buttons that sort their table; without this script the tables stay as they are.
document.querySelectorAll(".sortable table").forEach(function (table) {
  var body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells);
  var value = function (row, column) {
    var text = row.cells[column].textContent.trim();
    var time = /^(?:(\d+) h ?)?(?:(\d+) min ?)?(?:([\d.]+) s)?$/.exec(text);
    if (text && time) return 3600 * (time[1] || 0) + 60 * (time[2] || 0) + +(time[3] || 0);
    // a number stands by itself or before its deviation, unit or mark: that of a run's name is none
    var number = /^"?([-+\u2212]?[\d,]*\.?\d+(?:e[-+]?\d+)?)(?=$|[\s"%(*])/.exec(text);
    return number ? parseFloat(number[1].replace(/\u2212/, "-").replace(/[,+]/g, "")) : text;
  };
  heads.forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    if (10 > head.textContent.length) head.style.whiteSpace = "nowrap";
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      Array.from(body.rows).sort(function (a, b) {
        var x = value(a, column), y = value(b, column), mixed = typeof x !== typeof y;
        var order = mixed ? (typeof x === "number" ? -1 : 1) : x > y ? 1 : y > x ? -1 : 0;
        return down ? -order : order;
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
});
