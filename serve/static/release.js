// Releases exactly the lines of the preview.
import { detail, say, send } from "./app.js";

const form = document.getElementById("release");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const { status, content } = await send("/release", { as_of: form.dataset.asOf, token: form.dataset.token });
  if (status === 200) {
    form.hidden = true;
    say(`${content.released} ${content.released === 1 ? "line is" : "lines are"} released. ${content.delivery}`, "good", { name: "Reload", run: () => location.reload() });
  } else {
    say(detail(content), "bad");
    button.disabled = false;
  }
});
