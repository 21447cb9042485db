// The recent past and the forecast of one region: past sales and the mean as lines, prediction intervals as areas.
const SIZE = { width: 280, height: 120, left: 34, bottom: 16, top: 6 };

function points(values, first, x, y) {
  return values.map((value, index) => (known(value) ? `${x(first + index)},${y(value)}` : null)).filter(known).join(" ");
}

function drawCurve(past, mean, bands) {
  const count = past.length + mean.length;
  const largest = Math.max(1, ...past.filter(known), ...mean, ...bands.flat());
  const x = (index) => (SIZE.left + ((index + 0.5) * (SIZE.width - SIZE.left)) / count).toFixed(1);
  const y = (value) => (SIZE.top + (SIZE.height - SIZE.top - SIZE.bottom) * (1 - value / largest)).toFixed(1);
  const now = (SIZE.left + (past.length * (SIZE.width - SIZE.left)) / count).toFixed(1);
  const areas = [];
  for (let band = 0; band < bands.length; band += 2) {
    const back = points(bands[band + 1], past.length, x, y).split(" ").reverse().join(" ");
    areas.push(element("polygon", { class: "band", points: `${points(bands[band], past.length, x, y)} ${back}` }));
  }
  return element("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": describe(past, mean) },
    element("line", { class: "rule", x1: SIZE.left, x2: SIZE.width, y1: y(0), y2: y(0) }),
    element("line", { class: "rule", x1: now, x2: now, y1: SIZE.top, y2: y(0), "stroke-dasharray": "3 3" }),
    element("polyline", { class: "past", points: points(past, 0, x, y) }), ...areas,
    element("polyline", { class: "mean", points: points(mean, past.length, x, y) }),
    element("text", { x: SIZE.left - 5, y: SIZE.top + 9, "text-anchor": "end" }, largest < 10 ? fine(largest) : units(largest)),
    element("text", { x: SIZE.left - 5, y: y(0), "text-anchor": "end" }, "0"),
    element("text", { x: now, y: SIZE.height - 3, "text-anchor": "middle" }, day(listed.as_of)));
}

const sum = (values) => values.reduce((total, value) => total + (known(value) ? value : 0), 0);

function describe(past, mean) {
  const unit = listed.period_days === 1 ? "days" : "weeks";
  return `${units(sum(past))} sold in the last ${past.length} ${unit}, ${fine(sum(mean))} expected in the next ${mean.length}`;
}
