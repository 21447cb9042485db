// Suggests SKUs while typing.
const field = document.getElementById("sku-search");
const list = document.getElementById("skus");
let waiting = 0;
field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const response = await fetch(`/sku/search?as_of=${field.dataset.asOf}&q=${encodeURIComponent(field.value)}`);
    if (!response.ok) return;
    const { skus } = await response.json();
    list.replaceChildren(...skus.map((sku) => { const option = document.createElement("option"); option.value = sku; return option; }));
  }, 120);
});
