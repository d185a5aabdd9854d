#include "report/report_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nq {
namespace {

Tone tone_of(std::size_t model) { return static_cast<Tone>(model) + 1; }

/// Share of all values in each bin.
Series histogram_series(std::string name, Tone tone, const Histogram& histogram) {
  Series series{std::move(name), tone, Draw::steps, {}, {}};
  const auto total = static_cast<double>(std::max<std::int64_t>(histogram.total(), 1));
  for (std::size_t k = 0; k < histogram.counts.size(); ++k) {
    series.x.push_back(histogram.low() + histogram.width() * static_cast<double>(k));
    series.y.push_back(static_cast<double>(histogram.counts[k]) / total);
  }
  return series;
}

Figure histogram_figure(std::string title, const char* values, bool log) {
  Figure figure;
  figure.title = std::move(title);
  figure.x_label = values;
  figure.y_label = "share of values";
  figure.log_y = log;
  return figure;
}

const QuantizerView* left_quantizer(const ReportSite& site, std::size_t model) {
  const auto& view = site.models[model];
  return view && !view->quantizers.empty() ? &view->quantizers.front() : nullptr;
}

double finite_db(std::optional<double> value) { return value && std::isfinite(*value) ? *value : NAN; }

/// Where two histograms of one width differ most, as shares.
void mark_mismatch(const Histogram& expected, const Histogram& found, Figure& figure) {
  const auto share = [](const Histogram& histogram, std::int64_t bin) {
    const std::int64_t place = bin - histogram.first;
    if (place < 0 || place >= static_cast<std::int64_t>(histogram.counts.size())) return 0.0;
    return static_cast<double>(histogram.counts[static_cast<std::size_t>(place)]) /
           static_cast<double>(std::max<std::int64_t>(histogram.total(), 1));
  };
  std::int64_t worst = expected.first;
  double largest = -1;
  for (const Histogram* histogram : {&expected, &found}) {
    for (std::size_t k = 0; k < histogram->counts.size(); ++k) {
      const std::int64_t bin = histogram->first + static_cast<std::int64_t>(k);
      const double difference = std::abs(share(expected, bin) - share(found, bin));
      if (difference > largest) {
        largest = difference;
        worst = bin;
      }
    }
  }
  const double x = (static_cast<double>(worst) + 0.5) * expected.width();
  figure.marks.push_back({Mark::Kind::arrow, x, std::max(share(expected, worst), share(found, worst)), kNeutral,
                          fmt::format("{:.2g} %", 100 * largest)});
}

}  // namespace

Figure mse_figure(const Report& report) {
  Figure figure;
  figure.title = "Logit error against the float model";
  figure.y_label = "logit MSE";
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    const ReportModel& model = report.models[k];
    const double mse = model.eval.reference ? model.eval.reference->logit_mse : 0;
    figure.series.push_back({model.label, tone_of(k), Draw::bars, {static_cast<double>(k)}, {mse}});
    const auto reduction = report.reduction(k);
    figure.x_names.push_back(reduction ? fmt::format("{:.4g} ({:+.0f} %)", mse, -100 * *reduction) : fmt::format("{:.4g}", mse));
  }
  return figure;
}

Figure layers_figure(const Report& report, bool accumulated) {
  Figure figure;
  figure.title = accumulated ? "Accumulated error of every layer's output" : "Own error of every layer's output";
  figure.x_label = "layer, in network order";
  figure.y_label = "SQNR in dB";
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    Series series{report.models[k].label, tone_of(k), Draw::line, {}, {}};
    for (std::size_t place = 0; place < report.sites.size(); ++place) {
      const auto& view = report.sites[place].models[k];
      if (!view) continue;
      const double value = finite_db(accumulated ? std::optional(view->error.accumulated_sqnr_db) : view->error.local_sqnr_db);
      if (std::isnan(value)) continue;
      series.x.push_back(static_cast<double>(place));
      series.y.push_back(value);
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

Figure scores_figure(const Report& report, const ReportPicture& picture) {
  Figure figure;
  figure.title = "Scores of " + picture.image.name;
  figure.x_label = "class";
  figure.y_label = "logit";
  for (std::size_t row = 0; row < picture.scores.size(); ++row) {
    const std::vector<float>& scores = picture.scores[row];
    Series series{row == 0 ? report.reference.label : report.models[row - 1].label, static_cast<Tone>(row), Draw::line, {}, {}};
    std::size_t best = 0;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      series.x.push_back(picture.scored.empty() ? static_cast<double>(k) : static_cast<double>(picture.scored[k]));
      series.y.push_back(static_cast<double>(scores[k]));
      if (scores[k] > scores[best]) best = k;
    }
    figure.marks.push_back({Mark::Kind::star, series.x[best], series.y[best], series.tone, {}});
    figure.series.push_back(std::move(series));
  }
  return figure;
}

Figure input_figure(const Report& report, const ReportSite& site, std::optional<std::size_t> model, bool log) {
  const bool moved = model && left_quantizer(site, *model) != nullptr && !left_quantizer(site, *model)->noisy_bias.empty();
  Figure figure = histogram_figure(moved ? "Input X + N" : "Input X", "value", log);
  if (!model) {
    if (!site.inputs.empty()) figure.series.push_back(histogram_series(report.reference.label, 0, site.inputs.front()));
  } else if (const QuantizerView* quantizer = left_quantizer(site, *model)) {
    figure.series.push_back(histogram_series(report.models[*model].label, tone_of(*model), quantizer->input));
  }
  return figure;
}

Figure codes_figure(const Report& report, const ReportSite& site, std::size_t model, bool log) {
  Figure figure = histogram_figure("Quantized input", "value", log);
  const QuantizerView* quantizer = left_quantizer(site, model);
  if (quantizer == nullptr) return figure;
  Series series{report.models[model].label, tone_of(model), Draw::bars, {}, {}};
  for (std::size_t k = 0; k < quantizer->codes.size(); ++k) {
    const std::int64_t code = quantizer->code_min + static_cast<std::int64_t>(k) - quantizer->zero_point;
    series.x.push_back(static_cast<double>(code) * quantizer->scale);
    series.y.push_back(static_cast<double>(quantizer->codes[k]) / static_cast<double>(std::max<std::int64_t>(quantizer->values, 1)));
  }
  figure.series.push_back(std::move(series));
  return figure;
}

Figure output_figure(const Report& report, const ReportSite& site, std::size_t model, bool log) {
  Figure figure = histogram_figure("Output", "value", log);
  figure.series.push_back(histogram_series(report.reference.label, 0, site.output));
  const auto& view = site.models[model];
  if (!view || view->output.counts.empty()) return figure;
  figure.series.push_back(histogram_series(report.models[model].label, tone_of(model), view->output));
  mark_mismatch(site.output, view->output, figure);
  if (view->error.local_mse) figure.title = fmt::format("Output, MSE {:.4g}", *view->error.local_mse);
  return figure;
}

Figure curve_figure(const Report& report, const ReportSite& site, const std::string& parameter) {
  Figure figure;
  figure.title = "Loss over the " + parameter;
  figure.x_label = "multiple of the chosen value";
  figure.y_label = "output MSE";
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    if (!site.models[k]) continue;
    for (const LossCurve& curve : site.models[k]->curves) {
      if (curve.parameter != parameter) continue;
      figure.series.push_back({report.models[k].label, tone_of(k), Draw::line, curve.ratio, curve.mse});
    }
  }
  return figure;
}

Figure noise_figure(const Report& report, const ReportSite& site) {
  Figure figure;
  figure.title = "Noisy bias N";
  figure.x_label = "input channel";
  figure.y_label = "N";
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    const QuantizerView* quantizer = left_quantizer(site, k);
    if (quantizer == nullptr || quantizer->noisy_bias.empty()) continue;
    Series series{report.models[k].label, tone_of(k), Draw::points, {}, {}};
    for (std::size_t channel = 0; channel < quantizer->noisy_bias.size(); ++channel) {
      series.x.push_back(static_cast<double>(channel));
      series.y.push_back(static_cast<double>(quantizer->noisy_bias[channel]));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

Sheet site_sheet(const Report& report, const ReportSite& site, bool log) {
  Sheet sheet{2, {}};
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    if (left_quantizer(site, k) == nullptr) continue;
    sheet.figures.push_back(input_figure(report, site, k, log));
    sheet.figures.push_back(output_figure(report, site, k, log));
  }
  return sheet;
}

}  // namespace nq
