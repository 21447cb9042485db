// The inbox: select exceptions, then acknowledge, solve, or open them again.
import { detail, say, send } from "./app.js";

const table = document.getElementById("inbox");
const form = document.getElementById("deciding");
const picked = () => [...table.querySelectorAll("[name=exception]:checked")];

function show() {
  const count = picked().length;
  form.hidden = count === 0;
  document.getElementById("selected").textContent = count === 1 ? "1 exception" : `${count} exceptions`;
}

if (table && form) {
  table.addEventListener("change", (event) => {
    if (event.target.id === "all") for (const box of table.querySelectorAll("[name=exception]")) box.checked = event.target.checked;
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of form.querySelectorAll("[data-status]")) {
    button.addEventListener("click", async () => {
      const exceptions = Object.fromEntries(picked().map((box) => [box.value, box.dataset.version]));
      const { status, content } = await send("/exceptions", {
        exceptions, status: button.dataset.status, owner: form.owner.value, due_date: form.due_date.value || null, reason: form.reason.value || null,
      });
      if (status === 200) location.reload();
      else say(detail(content), "bad");
    });
  }
  show();
}
