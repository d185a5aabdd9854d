#pragma once

#include <string>

#include "nq/report.hpp"

namespace nq {

/// Which figure of a report is drawn.
enum class PlotFigure {
  mse,     ///< logit MSE of the models (the NoisyQuant supplement's Table 1)
  scores,  ///< scores of one image over the classes (its Fig. 1)
  site,    ///< input and output of one layer, a row per model (its Fig. 2)
  layers,  ///< error of all layers in network order
  curve,   ///< loss over the candidates of one layer
  noise,   ///< noisy bias of one layer per channel
};

struct PlotOptions {
  PlotFigure figure = PlotFigure::mse;
  std::string site;          ///< name of a layer, or its number from 0; empty for the one with the largest error
  std::string image;         ///< name of an image that has scores; empty for the first
  bool log = false;          ///< histograms on a logarithmic scale
  bool accumulated = false;  ///< layers: with the error that they inherit
  bool dark = false;
  double width = 720;        ///< pixels
  double height = 420;       ///< pixels; of one row of figures
};

/// Vector graphics. Throws Error(usage) when the report does not hold what is asked for, listing what it holds.
std::string plot_svg(const Report& report, const PlotOptions& options);

/// The same as PNG, two pixels per unit.
std::string plot_png(const Report& report, const PlotOptions& options);

/// The same as characters, for a terminal.
std::string plot_text(const Report& report, const PlotOptions& options);

}  // namespace nq
