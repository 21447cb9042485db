"use strict";
// The page's data and how values are formatted. The page makes no request: all data is in it.
const embedded = JSON.parse(document.getElementById("content").textContent);
const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const UNKNOWN = "–";

const known = (value) => value !== null && value !== undefined;
const minus = (text) => (/^-[0.,]*$/.test(text) ? text.slice(1) : text.replace("-", "−"));
const units = (value) => (known(value) ? minus(plain.format(value)) : UNKNOWN);
const fine = (value) => (known(value) ? minus(tenth.format(value)) : UNKNOWN);
const rate = (value) => (known(value) ? `${plain.format(100 * value)}%` : UNKNOWN);
const day = (iso) => iso === null ? UNKNOWN
  : new Date(`${iso}T00:00:00Z`).toLocaleDateString("en-US", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

function money(amount) {
  if (!known(amount)) return UNKNOWN;
  const text = (Math.abs(amount) < 100 ? amount.toFixed(2) : plain.format(amount)).replace("-", "");
  return `${amount < 0 && /[1-9]/.test(text) ? "−" : ""}${listed.currency}${text}`;
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Elements are created, never parsed from text, so a text of a table cannot become markup.
function element(name, attributes = {}, ...children) {
  const isDrawing = element.drawings.has(name);
  const created = isDrawing ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.append(...children.filter(known));
  return created;
}
element.drawings = new Set(["svg", "path", "polygon", "polyline", "line", "text", "rect", "circle"]);

let listed = null;
const unpacked = new Map();
function skuDetails(sku) {
  const batch = Math.floor(skuDetails.index.get(sku) / embedded.skus_per_pack);
  if (!unpacked.has(batch)) unpacked.set(batch, unpack(embedded.details[batch]));
  return unpacked.get(batch).then((pack) => pack[sku]);
}
