"use strict";
// Turns the tables of the page into charts and panels. Text from the data enters the page through textContent alone.
(() => {
  const report = JSON.parse(document.getElementById("report-data").textContent);
  unpack(report);
  const byId = (id) => document.getElementById(id);
  // Long lists of numbers are stored as the bytes of float32 numbers or of 16-bit codes, even ones by their ends.
  function unpack(data) {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
    const floats = (text) => [...new Float32Array(bytes(text))];
    const codes = (list) => [...new Int16Array(bytes(list.codes))].map((code) => code * list.largest / 32767);
    const even = (list) => Array.from({ length: list.count }, (_, k) => list.from + (list.to - list.from) * k / (list.count - 1));
    for (const picture of data.pictures) picture.scores = picture.scores.map(floats);
    for (const view of data.sites.flatMap((site) => site.models)) {
      for (const quantizer of view ? view.quantizers : []) quantizer.noisy_bias = codes(quantizer.noisy_bias);
      for (const curve of view ? view.curves : []) {
        curve.ratio = typeof curve.ratio === "string" ? floats(curve.ratio) : even(curve.ratio);
        curve.mse = floats(curve.mse);
      }
    }
  }

  // Every chart on the page, so that a change of colours can draw it again.
  const charts = [];

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // On paper a chart has a size of its own, about that of its place there, and is finer.
  function draw(entry) {
    const made = entry.make();
    const printing = "printing" in document.documentElement.dataset;
    if (printing) Object.assign(made.options, { responsive: false, devicePixelRatio: 3 });
    entry.chart = new Chart(entry.canvas, made);
    if (printing) entry.chart.resize(entry.wide ? 700 : 340, 230);
  }

  function addChart(parent, title, description, make, wide = false) {
    const canvas = element("canvas", { role: "img", "aria-label": title + ". " + description });
    parent.append(element("figure", { class: wide ? "chart wide" : "chart" }, element("figcaption", {}, title),
      element("div", { class: "canvas" }, canvas)));
    const entry = { canvas, make, wide };
    draw(entry);
    charts.push(entry);
    return entry;
  }

  // Takes away the charts within an element before it is filled again.
  function clear(parent) {
    for (let k = charts.length - 1; k >= 0; --k) {
      if (!parent.contains(charts[k].canvas)) continue;
      charts[k].chart.destroy();
      charts.splice(k, 1);
    }
    parent.replaceChildren();
  }

  function redraw() {
    for (const entry of charts) {
      entry.chart.destroy();
      draw(entry);
    }
  }

  function showOverview() {
    const parent = byId("overview-charts");
    const mse = report.models.map((model) => model.label + " " + model.logit_mse.toPrecision(4)).join(", ");
    addChart(parent, "Logit MSE against the float model", mse, () => ReportCharts.mse(report));
    if (report.reference.top1 === null) return;
    const top1 = [report.reference, ...report.models].map((model) => model.label + " " + (100 * model.top1).toFixed(2) + " %").join(", ");
    addChart(parent, "Top-1 accuracy with its interval", top1, () => ReportCharts.accuracy(report));
  }

  // Images: one is shown, the gallery chooses.
  function showPicture(place, take_focus) {
    for (const article of document.querySelectorAll(".picture")) {
      const chosen = Number(article.dataset.picture) === place;
      article.hidden = !chosen;
      const slot = article.querySelector(".slot");
      clear(slot);
      if (!chosen) continue;
      addChart(slot, "Scores over the classes", "The highest score of each model is marked with a star.",
        () => ReportCharts.scores(report, report.pictures[place]), true);
      if (take_focus) {
        const heading = article.querySelector("h3");
        heading.tabIndex = -1;
        heading.focus();
      }
    }
    byId("gallery").querySelectorAll("button").forEach((button, k) => button.setAttribute("aria-pressed", String(k === place)));
  }

  function makeGallery() {
    const gallery = byId("gallery");
    if (report.pictures.length === 0) return;
    report.pictures.forEach((picture, place) => {
      const button = element("button", { type: "button", "aria-label": "Show " + picture.name, title: picture.name });
      const source = document.querySelector("#picture-" + place + " img");
      if (source) button.append(element("img", { src: source.src, alt: "" }));
      else button.textContent = String(place + 1);
      button.addEventListener("click", () => showPicture(place, false));
      gallery.append(button);
    });
    gallery.hidden = false;
    for (const link of document.querySelectorAll('#worst-table a[href^="#picture-"]')) {
      link.addEventListener("click", () => showPicture(Number(link.hash.slice("#picture-".length)), true));
    }
    showPicture(0, false);
  }

  // Layers: a table row or a point of the charts opens a panel.
  let open_site = null;
  let logarithmic = false;

  // What is said of a layer's input: a product of activations has two.
  const operandText = (site, operand) => (site.inputs.length < 2 ? "" : operand === 0 ? ", left operand" : ", right operand");

  function floatCharts(parent, site) {
    if (site.inputs.length === 0) return;
    const label = report.reference.label;
    const grid = element("div", { class: "charts" });
    parent.append(element("h4", {}, "Float model"), grid);
    site.inputs.forEach((histogram, operand) => addChart(grid, "Input X" + operandText(site, operand), "Histogram.",
      () => ReportCharts.histograms([{ label: label + ", X", place: 0, histogram }], logarithmic)));
    addChart(grid, "Output", "Histogram.", () => ReportCharts.histograms([{ label, place: 0, histogram: site.output }], logarithmic));
  }

  function quantizerCharts(grid, site, model, quantizer) {
    const name = quantizer.noisy_bias.length ? "X + N" : "X";
    const operand = operandText(site, quantizer.operand);
    const entries = [{ label: report.models[model].label + ", " + name, place: model + 1, histogram: quantizer.input }];
    const input = site.inputs[quantizer.operand];
    if (input) entries.unshift({ label: report.reference.label + ", X", place: 0, histogram: input });
    addChart(grid, "Quantizer input " + name + operand, "Histogram beside the float input.",
      () => ReportCharts.histograms(entries, logarithmic));
    if (quantizer.codes.length === 0) return;
    const share = (100 * quantizer.clipped / Math.max(1, quantizer.values)).toPrecision(3);
    addChart(grid, "Quantized values" + operand + ", " + quantizer.bits + " bits, " + share + " % clipped", "Count of every code.",
      () => ReportCharts.codes(report, quantizer, model, logarithmic));
  }

  function searchCharts(parent, site) {
    const grid = element("div", { class: "charts" });
    parent.append(element("h4", {}, "Noisy bias and search"), grid);
    if (ReportCharts.noise(report, site)) addChart(grid, "Noisy bias N per channel", "Points.", () => ReportCharts.noise(report, site));
    for (const parameter of ["activation scale", "noisy bias"]) {
      if (!ReportCharts.curves(report, site, parameter)) continue;
      addChart(grid, "Loss over the " + parameter, "The chosen value is at 1.", () => ReportCharts.curves(report, site, parameter));
    }
    if (grid.children.length === 0) grid.append(element("p", {}, "No noisy bias. Search curves need a layer with weights and the recipe beside the model."));
  }

  function siteCharts(parent, site) {
    if (site.models.every((view) => !view || view.quantizers.length === 0)) {
      parent.append(element("p", {}, "No model quantizes the input of this layer, so there is nothing to draw."));
      return;
    }
    floatCharts(parent, site);
    site.models.forEach((view, model) => {
      if (!view || view.quantizers.length === 0) return;
      const grid = element("div", { class: "charts" });
      parent.append(element("h4", {}, report.models[model].label), grid);
      for (const quantizer of view.quantizers) quantizerCharts(grid, site, model, quantizer);
      if (view.output.counts.length === 0) return;
      const loss = view.local_mse === null ? "" : ", MSE " + view.local_mse.toPrecision(4);
      addChart(grid, "Output" + loss, "Histogram beside the float output, the difference marked.",
        () => ReportCharts.outputs(report, site, model, logarithmic));
    });
    searchCharts(parent, site);
  }

  function siteFigures(place) {
    const table = document.querySelector("#site-" + place + " .scroll");
    return table ? table.cloneNode(true) : element("p");
  }

  function openSite(place, take_focus) {
    const panel = byId("site-panel");
    const site = report.sites[place];
    open_site = place;
    clear(panel);
    const title = element("h3", { id: "site-panel-title", tabindex: "-1" }, site.name);
    const tool = (text, action, attributes = {}) => {
      const button = element("button", { type: "button", ...attributes }, text);
      button.addEventListener("click", action);
      return button;
    };
    const previous = tool("Previous layer", () => openSite(place - 1, true));
    const next = tool("Next layer", () => openSite(place + 1, true));
    previous.disabled = place === 0;
    next.disabled = place + 1 === report.sites.length;
    const log = tool("Logarithmic", () => {
      logarithmic = !logarithmic;
      log.setAttribute("aria-pressed", String(logarithmic));
      redraw();
    }, { "aria-pressed": String(logarithmic) });
    const close = tool("Close", closeSite);
    panel.hidden = false;
    panel.append(title, element("div", { class: "tools" }, previous, next, log, close), siteFigures(place));
    siteCharts(panel, site);
    for (const row of document.querySelectorAll("#layers-table tr[data-site]")) {
      row.classList.toggle("open", Number(row.dataset.site) === place);
      row.querySelector("button").setAttribute("aria-expanded", String(Number(row.dataset.site) === place));
    }
    if (take_focus) title.focus();
    panel.scrollIntoView({ block: "start" });
  }

  function closeSite() {
    const row = document.querySelector('#layers-table tr[data-site="' + open_site + '"]');
    clear(byId("site-panel"));
    byId("site-panel").hidden = true;
    open_site = null;
    row.classList.remove("open");
    const button = row.querySelector("button");
    button.setAttribute("aria-expanded", "false");
    button.focus();
  }

  function showLayers() {
    const parent = byId("layer-charts");
    if (!parent) return;
    for (const [key, title] of [["local_sqnr_db", "Own error of every layer"], ["accumulated_sqnr_db", "Accumulated error of every layer"]]) {
      const entry = addChart(parent, title, "SQNR in dB in network order; the table below holds the figures and opens layers.", () => {
        const made = ReportCharts.errors(report, key);
        made.options.onClick = (event, found, chart) => {
          if (found.length) openSite(chart.data.datasets[found[0].datasetIndex].data[found[0].index].x, true);
        };
        made.options.plugins.tooltip = { callbacks: {
          title: (items) => (items.length ? report.sites[items[0].parsed.x].name : ""),
          label: (item) => item.dataset.label + " " + item.parsed.y.toFixed(2) + " dB",
        } };
        return made;
      }, report.sites.length > 60);
      entry.canvas.classList.add("opens");
    }
    for (const row of document.querySelectorAll("#layers-table tr[data-site]")) {
      const link = row.querySelector("a");
      const button = element("button", { type: "button", class: "plain", "aria-expanded": "false", "aria-controls": "site-panel" });
      button.textContent = link.textContent;
      button.addEventListener("click", () => openSite(Number(row.dataset.site), true));
      link.replaceWith(button);
    }
    byId("site-panel").addEventListener("keydown", (event) => {
      if (event.key === "Escape") closeSite();
    });
  }

  showOverview();
  makeGallery();
  showLayers();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.printing = "";
    redraw();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.printing;
    redraw();
  });
  document.documentElement.dataset.ready = "true";
})();
