// Column heads become buttons that sort their table; without this script the tables stay as they are.
document.querySelectorAll(".sortable table").forEach(function (table) {
  var body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells);
  var value = function (row, column) {
    var text = row.cells[column].textContent.trim();
    var number = parseFloat(text.replace(/\u2212/g, "-").replace(/[,+]/g, "").replace(/^"/, ""));
    return isNaN(number) ? text : number;
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
