"use strict";
// What the page holds and how it is written. Nothing is requested: all data is in the page.
const embedded = JSON.parse(document.getElementById("content").textContent);
const plain = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const NOTHING = "–";

const known = (value) => value !== null && value !== undefined;
const minus = (text) => (/^-[0.,]*$/.test(text) ? text.slice(1) : text.replace("-", "−"));
const units = (value) => (known(value) ? minus(plain.format(value)) : NOTHING);
const fine = (value) => (known(value) ? minus(tenth.format(value)) : NOTHING);
const rate = (value) => (known(value) ? `${plain.format(100 * value)}\u00a0%` : NOTHING);
const day = (iso) => iso === null ? NOTHING
  : new Date(`${iso}T00:00:00Z`).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

function money(amount) {
  if (!known(amount)) return NOTHING;
  const text = (Math.abs(amount) < 100 ? amount.toFixed(2) : plain.format(amount)).replace("-", "");
  return `${amount < 0 && /[1-9]/.test(text) ? "−" : ""}${listed.currency}${text}`;
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Elements are made, never parsed from text: what a table says stays text.
function make(name, attributes = {}, ...children) {
  const isDrawing = make.drawings.has(name);
  const element = isDrawing ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(known));
  return element;
}
make.drawings = new Set(["svg", "path", "polygon", "polyline", "line", "text", "rect", "circle"]);

let listed = null;
const unpacked = new Map();
function piece(sku) {
  const place = Math.floor(piece.places.get(sku) / embedded.skus_per_pack);
  if (!unpacked.has(place)) unpacked.set(place, unpack(embedded.details[place]));
  return unpacked.get(place).then((pack) => pack[sku]);
}
