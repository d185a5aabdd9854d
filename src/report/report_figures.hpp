#pragma once

#include "nq/report.hpp"
#include "report/figure.hpp"

namespace nq {

/// Logit MSE of every model (the paper's Table 1 as bars).
Figure mse_figure(const Report& report);

/// SQNR of every site in network order, own error alone or with what it inherits.
Figure layers_figure(const Report& report, bool accumulated);

/// Scores of one image over the classes, the highest of each model with a star (Fig. 1).
Figure scores_figure(const Report& report, const ReportPicture& picture);

/// Input of a site before it is quantized, by one model: X + N; X itself where `model` is nothing.
Figure input_figure(const Report& report, const ReportSite& site, std::optional<std::size_t> model, bool log);

/// Values that quantizing makes of the input.
Figure codes_figure(const Report& report, const ReportSite& site, std::size_t model, bool log);

/// Output of the float layer and of a model's, the largest difference pointed out.
Figure output_figure(const Report& report, const ReportSite& site, std::size_t model, bool log);

/// Loss over the candidates of one parameter ("activation scale" or "noisy bias"), of every model that has it.
Figure curve_figure(const Report& report, const ReportSite& site, const std::string& parameter);

/// N per channel of every model that has one.
Figure noise_figure(const Report& report, const ReportSite& site);

/// Fig. 2: input and output of a site, a row per model.
Sheet site_sheet(const Report& report, const ReportSite& site, bool log);

}  // namespace nq
