"use strict";
// What a report's data looks like as charts. Every function gives a configuration of Chart.js; nothing here touches
// the page.
const ReportCharts = (() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // 0 is the float model, 1.. the quantized ones.
  const tone = (place) => style("--tone-" + (place === 0 ? 0 : 1 + ((place - 1) % 5)));
  const faded = (color, alpha) => color + Math.round(alpha * 255).toString(16).padStart(2, "0");

  // With no more classes than this an axis has room for their names.
  const kNamedClasses = 24;

  const axis = (title, more) => ({
    title: { display: title !== "", text: title, color: style("--text") },
    grid: { color: style("--grid") },
    ticks: { color: style("--quiet"), maxRotation: 0, autoSkipPadding: 14 },
    ...more,
  });

  function config(datasets, x, y, more = {}) {
    return {
      type: "scatter",
      data: { datasets },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "nearest", axis: "x", intersect: false },
        plugins: { legend: { labels: { color: style("--text"), boxWidth: 12 } } },
        scales: { x, y },
        ...more,
      },
    };
  }

  const line = (label, place, data, more = {}) => ({
    label, data, showLine: true, borderColor: tone(place), backgroundColor: tone(place), borderWidth: 1.5, pointRadius: 0, ...more,
  });

  const total = (histogram) => Math.max(1, histogram.counts.reduce((sum, count) => sum + count, 0));

  // Shares over [first, last) bins, with a closing point: the outline of the histogram.
  function outline(histogram, first, last, floor) {
    const width = 2 ** histogram.exponent;
    const all = total(histogram);
    const points = [];
    for (let bin = first; bin < last; ++bin) {
      const share = (histogram.counts[bin - histogram.first] || 0) / all;
      points.push({ x: bin * width, y: Math.max(share, floor) }, { x: (bin + 1) * width, y: Math.max(share, floor) });
    }
    return points;
  }

  function range(histograms) {
    const filled = histograms.filter((histogram) => histogram.counts.length > 0);
    return [Math.min(...filled.map((h) => h.first)), Math.max(...filled.map((h) => h.first + h.counts.length))];
  }

  function shareAxis(log, floor) {
    if (!log) return axis("share of values", { beginAtZero: true });
    const made = axis("share of values", { type: "logarithmic", min: floor, max: 1 });
    made.ticks.callback = (value) => (Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6) ? value.toExponential(0) : "");
    return made;
  }
  const floorOf = (histogram, log) => (log ? 10 ** Math.floor(Math.log10(1 / total(histogram))) : 0);

  // entries: [{ label, place, histogram }]
  function histograms(entries, log) {
    const [first, last] = range(entries.map((entry) => entry.histogram));
    const floor = floorOf(entries[0].histogram, log);
    const datasets = entries.map((entry) => line(entry.label, entry.place, outline(entry.histogram, first, last, floor),
      { fill: "origin", backgroundColor: faded(tone(entry.place), 0.16) }));
    return config(datasets, axis("value", { type: "linear" }), shareAxis(log, floor));
  }

  // The float output, a model's, the area between them, and the bin where they differ most.
  function outputs(report, site, model, log) {
    const view = site.models[model];
    const [first, last] = range([site.output, view.output]);
    const floor = floorOf(site.output, log);
    const expected = outline(site.output, first, last, floor);
    const found = outline(view.output, first, last, floor);
    let worst = 0;
    const difference = (k) => Math.abs(expected[k].y - found[k].y);
    for (let k = 0; k < expected.length; k += 2) if (difference(k) > difference(worst)) worst = k;
    const point = { x: (expected[worst].x + expected[worst + 1].x) / 2, y: Math.max(expected[worst].y, found[worst].y) };
    const datasets = [
      line(report.reference.label, 0, expected),
      line(report.models[model].label, model + 1, found, { fill: { target: 0 }, backgroundColor: faded(style("--mark"), 0.45) }),
      { label: "largest difference " + (100 * difference(worst)).toPrecision(2) + " %", data: [point], pointStyle: "triangle", rotation: 180,
        pointRadius: 7, backgroundColor: style("--mark"), borderColor: style("--mark") },
    ];
    return config(datasets, axis("value", { type: "linear" }), shareAxis(log, floor));
  }

  function codes(report, quantizer, model, log) {
    const all = Math.max(1, quantizer.values);
    const value = (k) => (quantizer.code_min + k - quantizer.zero_point) * quantizer.scale;
    const data = quantizer.codes.map((count, k) => ({ x: value(k), y: log && count === 0 ? null : count / all }));
    // All codes that can occur, whole bars: the axis would end in the middle of the first and last that do.
    const x = axis("value", { type: "linear", offset: false, min: value(-0.5), max: value(data.length - 0.5) });
    x.ticks.includeBounds = false;
    const result = config([{ type: "bar", label: report.models[model].label, data, backgroundColor: tone(model + 1), barPercentage: 0.9,
      categoryPercentage: 1, minBarLength: 1 }], x, shareAxis(log, log ? 10 ** Math.floor(Math.log10(1 / all)) : 0));
    result.type = "bar";
    return result;
  }

  // A star with an edge in the panel's colour. The first model's is the largest and the others lie on it, so that
  // stars at one point stay visible behind each other.
  function drawStar(context, x, y, place) {
    const outer = Math.max(6, 12 - 2 * place);
    context.beginPath();
    for (let k = 0; k < 10; ++k) {
      const angle = Math.PI * (k / 5 - 0.5);
      const radius = (k % 2 === 0 ? 1 : 0.43) * outer;
      context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
    }
    context.closePath();
    context.fillStyle = tone(place);
    context.strokeStyle = style("--panel");
    context.lineWidth = 1;
    context.fill();
    context.stroke();
  }

  function scores(report, picture) {
    const label = (row) => (row === 0 ? report.reference.label : report.models[row - 1].label);
    const lines = picture.scores.map((row, place) => line(label(place), place,
      row.map((y, k) => ({ x: picture.scored.length ? picture.scored[k] : k, y })), { borderWidth: row.length > 200 ? 0.8 : 1.5 }));
    const highest = lines.map(({ data }) => data.reduce((best, point) => (point.y > best.y ? point : best)));
    const classes = lines[0].data.map((point) => point.x);
    // Room beside the first and the last class, where a star would lie on the axis.
    const margin = Math.max(0.5, 0.015 * (classes[classes.length - 1] - classes[0]));
    const x = axis("class", { type: "linear", min: classes[0] - margin, max: classes[classes.length - 1] + margin });
    x.ticks.includeBounds = false;
    if (report.classes <= kNamedClasses && report.class_names.length > 0) {
      x.title.display = false;
      x.afterBuildTicks = (scale) => { scale.ticks = classes.map((value) => ({ value })); };
      Object.assign(x.ticks, { autoSkip: false, maxRotation: 45, callback: (value) => report.class_names[value] || String(value) });
    }
    const result = config(lines, x, axis("logit", { grace: "5%" }));
    result.plugins = [{ id: "stars", afterDatasetsDraw: (chart) => highest.forEach((point, place) => {
      if (!chart.isDatasetVisible(place)) return;
      drawStar(chart.ctx, chart.scales.x.getPixelForValue(point.x), chart.scales.y.getPixelForValue(point.y), place);
    }) }];
    return result;
  }

  function errors(report, key) {
    const datasets = report.models.map((model, place) => line(model.label, place + 1,
      report.sites.map((site, k) => ({ x: k, y: site.models[place] ? site.models[place][key] : null })).filter((point) => point.y !== null),
      { pointRadius: 3, pointHoverRadius: 6 }));
    return config(datasets, axis("layer, in network order", { type: "linear" }), axis("SQNR in dB", {}));
  }

  // An axis of models: every one is named, a long name in part.
  const modelAxis = () => {
    const made = axis("", { type: "category" });
    Object.assign(made.ticks, { autoSkip: false, maxRotation: 45, callback(value) {
      const name = this.getLabelForValue(value);
      return name.length > 24 ? name.slice(0, 22) + "\u2026" : name;
    } });
    return made;
  };

  function mse(report) {
    const result = config([{ type: "bar", label: "logit MSE", data: report.models.map((model) => model.logit_mse),
      backgroundColor: report.models.map((_, place) => tone(place + 1)), maxBarThickness: 90 }], modelAxis(),
      axis("logit MSE", { beginAtZero: true }));
    result.type = "bar";
    result.data.labels = report.models.map((model) => model.label);
    result.options.plugins.legend.display = false;
    return result;
  }

  // Accuracy with its interval as a floating bar and the value as a point.
  function accuracy(report) {
    const models = [report.reference, ...report.models];
    const result = config([
      { type: "line", label: "top-1 in %", showLine: false, data: models.map((model) => 100 * model.top1), pointRadius: 5,
        pointBackgroundColor: models.map((_, place) => tone(place)), borderColor: models.map((_, place) => tone(place)) },
      { type: "bar", label: "interval", data: models.map((model) => model.top1_interval.map((end) => 100 * end)),
        backgroundColor: models.map((_, place) => faded(tone(place), 0.35)), maxBarThickness: 26 },
    ], modelAxis(), axis("top-1 in %", { beginAtZero: false }));
    result.type = "bar";
    result.data.labels = models.map((model) => model.label);
    result.options.plugins.legend.display = false;
    return result;
  }

  function curves(report, site, parameter) {
    const datasets = [];
    site.models.forEach((view, place) => {
      for (const curve of view ? view.curves : []) {
        if (curve.parameter !== parameter) continue;
        datasets.push(line(report.models[place].label, place + 1, curve.ratio.map((x, k) => ({ x, y: curve.mse[k] })), { pointRadius: 1.5 }));
      }
    });
    return datasets.length ? config(datasets, axis("multiple of the chosen value", { type: "linear" }), axis("output MSE", {})) : null;
  }

  function noise(report, site) {
    const datasets = [];
    site.models.forEach((view, place) => {
      const bias = view && view.quantizers.length ? view.quantizers[0].noisy_bias : [];
      if (bias.length) {
        datasets.push({ label: report.models[place].label, data: bias.map((y, x) => ({ x, y })), pointRadius: 2,
          backgroundColor: tone(place + 1), borderColor: tone(place + 1) });
      }
    });
    return datasets.length ? config(datasets, axis("input channel", { type: "linear" }), axis("N", {})) : null;
  }

  return { histograms, outputs, codes, scores, errors, mse, accuracy, curves, noise };
})();
