// Releases exactly the lines of the preview, and downloads what is released.
import { detail, say, send } from "./app.js";

const form = document.getElementById("release");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const { status, content } = await send("/release", { as_of: form.dataset.asOf, token: form.dataset.token });
  if (status === 200) {
    sessionStorage.setItem("released", `${content.released} ${content.released === 1 ? "line is" : "lines are"} released. ${content.delivery}`);
    location.reload();
  } else {
    say(detail(content), "bad");
    button.disabled = false;
  }
});

const done = sessionStorage.getItem("released");
if (done) {
  sessionStorage.removeItem("released");
  say(done, "good");
}

const download = document.getElementById("export");
download?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { status, content } = await send("/release/documents", { as_of: download.dataset.asOf, form: download.elements.form.value });
  if (status !== 200) { say(detail(content), "bad"); return; }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content.text], { type: "application/octet-stream" }));
  link.download = content.name;
  link.click();
  URL.revokeObjectURL(link.href);
});
