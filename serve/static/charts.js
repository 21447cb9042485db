// Draws every chart of the page with uPlot; the colors are those of the style sheet, so they follow the theme.
const charts = [];
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });

function written(chart, value) {
  if (value === null || value === undefined) return "–";
  return chart.is_rate ? percent.format(value) : `${value < 0 ? "−" : ""}${chart.unit}${plain.format(Math.abs(value))}`;
}

function translucent(name, share) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = color(name);
  const hex = canvas.fillStyle;
  return `rgb(${parseInt(hex.slice(1, 3), 16)} ${parseInt(hex.slice(3, 5), 16)} ${parseInt(hex.slice(5, 7), 16)} / ${share})`;
}

function drawMarks(chart) {
  return (plot) => {
    const context = plot.ctx;
    context.save();
    context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    context.textAlign = "left";
    const used = [];
    for (const mark of [...chart.marks].reverse()) {
      const x = plot.valToPos(mark.x, "x", true);
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
      context.strokeStyle = color(mark.color);
      context.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
      context.beginPath();
      context.moveTo(x, plot.bbox.top);
      context.lineTo(x, plot.bbox.top + plot.bbox.height);
      context.stroke();
      if (!mark.text) continue;
      const width = context.measureText(mark.text).width;
      const isLeft = x + width + 6 * devicePixelRatio > plot.bbox.left + plot.bbox.width;
      const start = isLeft ? x - width - 4 : x + 4;
      let level = 0;
      while (used.some((one) => one.level === level && start < one.end + 6 && start + width > one.start - 6)) level += 1;
      if (level > 1) continue;
      used.push({ level, start, end: start + width });
      context.fillStyle = color(mark.color === "line" ? "quiet" : mark.color);
      context.fillText(mark.text, start, plot.bbox.top + (12 + 13 * level) * devicePixelRatio);
    }
    context.restore();
  };
}

function build(place, chart) {
  const step = (chart.x[1] ?? 0) - chart.x[0];
  const series = chart.lines.map((line) => ({
    label: line.name || "",
    stroke: line.width ? color(line.color) : "transparent",
    width: line.width,
    dash: line.is_dashed ? [6, 4] : undefined,
    paths: line.is_stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: { show: chart.x.length < 12 && line.width > 0, size: 6 },
    value: (_, value) => written(chart, value),
    class: line.name ? undefined : "no-legend",
  }));
  const bands = [];
  chart.lines.forEach((line, index) => {
    if (line.band_to !== null) bands.push({ series: [line.band_to + 1, index + 1], fill: translucent(line.color, 0.18) });
  });
  const axis = { stroke: color("quiet"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const options = {
    width: place.clientWidth,
    height: Number(place.dataset.height || 220),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { y: false },
    series: [{ label: "Day", value: (_, value) => (value === null ? "" : new Date(value * 1000).toLocaleDateString("en-US", { timeZone: "UTC", weekday: "short", month: "short", day: "numeric", year: "numeric" })) }, ...series],
    bands,
    scales: { x: { time: true, range: (_, low, high) => [low - step * 0.2, high + step * 0.2] }, y: { range: (_, low, high) => (chart.is_rate ? [Math.max(0, low - (high - low) * 0.15 - 0.005), Math.min(1, high + 0.005)] : [Math.min(0, low), high > 0 ? high * 1.12 : 10]) } },
    axes: [{ ...axis, space: 56 }, { ...axis, size: 58, values: (_, values) => values.map((value) => written(chart, value)) }],
    hooks: { draw: [drawMarks(chart)] },
  };
  return new uPlot(options, [chart.x, ...chart.lines.map((line) => line.values)], place);
}

function drawAll() {
  while (charts.length) charts.pop().destroy();
  for (const place of document.querySelectorAll(".chart")) {
    if (!place.clientWidth) continue;
    charts.push(build(place, JSON.parse(document.getElementById(place.dataset.source).textContent)));
  }
}

drawAll();
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let waitingForSize = 0;
addEventListener("resize", () => { clearTimeout(waitingForSize); waitingForSize = setTimeout(drawAll, 100); });
for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", () => { if (box.querySelector(".chart")) drawAll(); });
