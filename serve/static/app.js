// Shared by all pages: theme, plan date, logout, messages, countdowns, and requests that change something.
const root = document.documentElement;

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.getElementById("theme")?.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  document.dispatchEvent(new Event("themechange"));
});

document.getElementById("as-of")?.addEventListener("change", (event) => {
  const address = new URL(location.href);
  address.searchParams.set("as_of", event.target.value);
  location.assign(address);
});

document.getElementById("leave")?.addEventListener("click", async () => {
  await send("/logout", {});
  location.assign("/login");
});

export async function send(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": root.dataset.csrf },
    body: JSON.stringify(body),
  });
  const content = response.status === 204 ? {} : await response.json();
  return { status: response.status, content };
}

export function detail(content) {
  if (Array.isArray(content.detail)) return content.detail.map((fault) => fault.msg).join("; ");
  return content.detail || "The server did not accept the request.";
}

export function say(text, kind = "", action = null) {
  const box = document.getElementById("messages");
  const line = document.createElement("div");
  line.className = `message ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  line.append(words);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.name;
    button.addEventListener("click", () => { line.remove(); action.run(); });
    line.append(button);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "Close the message");
  close.textContent = "×";
  close.addEventListener("click", () => line.remove());
  line.append(close);
  box.append(line);
  while (box.children.length > 3) box.firstElementChild.remove();
  setTimeout(() => line.remove(), action ? 60000 : kind === "bad" ? 20000 : 9000);
}

// The server's clock may be set to another time: countdowns start from the time it sent.
const skew = Number(root.dataset.now || Date.now()) - Date.now();

export function remaining(moment) {
  const minutes = Math.floor((Date.parse(moment) - Date.now() - skew) / 60000);
  if (minutes < 0) return "cut-off has passed";
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min left` : `${Math.floor(hours / 24)} days left`;
}

function tick() {
  for (const place of document.querySelectorAll("time[data-countdown]")) {
    const text = remaining(place.dataset.countdown);
    if (place.textContent !== text) place.textContent = text;
  }
}
tick();
setInterval(tick, 20000);

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
}

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}

document.querySelector("nav a[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
