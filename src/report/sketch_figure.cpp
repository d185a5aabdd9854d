#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/draw_figure.hpp"

namespace nq {
namespace {

/// One character per series, in their order.
constexpr std::string_view kSigns = "#o+x*%@&";
constexpr int kMargin = 10;

class Sketch {
 public:
  Sketch(const Figure& figure, int columns, int rows)
      : figure_(figure), x_(x_axis_of(figure)), y_(y_axis_of(figure)), columns_(columns), rows_(rows),
        grid_(static_cast<std::size_t>(rows), std::string(static_cast<std::size_t>(columns), ' ')) {}

  std::string text() {
    // The first series is drawn last: the float model stays visible.
    for (std::size_t k = figure_.series.size(); k-- > 0;) draw(figure_.series[k], kSigns[k % kSigns.size()]);
    std::string result = figure_.title + "\n";
    for (std::size_t k = 0; k < figure_.series.size(); ++k) {
      result += fmt::format("  {} {}{}\n", kSigns[k % kSigns.size()], figure_.series[k].name, value_text(k));
    }
    for (int row = 0; row < rows_; ++row) {
      const bool named = row == 0 || row == rows_ - 1 || row == rows_ / 2;
      const double place = 1.0 - (row + 0.5) / rows_;
      const std::string label = named ? fmt::format("{:.3g}", value_at(place)) : "";
      std::string line = fmt::format("{:>{}} |{}", label, kMargin - 2, grid_[static_cast<std::size_t>(row)]);
      line.erase(line.find_last_not_of(' ') + 1);
      result += line + "\n";
    }
    result += std::string(kMargin - 1, ' ') + "+" + std::string(static_cast<std::size_t>(columns_), '-') + "\n";
    if (!figure_.x_names.empty()) return result;
    const std::string low = fmt::format("{:.3g}", x_.low);
    const std::string high = fmt::format("{:.3g}", x_.high);
    const auto middle = static_cast<std::size_t>(std::max(0, columns_ - static_cast<int>(low.size() + high.size())));
    result += std::string(kMargin, ' ') + low + fmt::format("{:^{}}", figure_.x_label, middle) + high + "\n";
    return result;
  }

 private:
  /// What stands under the bar of a series, where every series is one bar.
  std::string value_text(std::size_t series) const { return series < figure_.x_names.size() ? "  " + figure_.x_names[series] : ""; }

  double value_at(double place) const {
    if (!y_.log) return y_.low + place * (y_.high - y_.low);
    return std::pow(10.0, std::log10(y_.low) + place * (std::log10(y_.high) - std::log10(y_.low)));
  }

  void put(double x, double y, char sign, bool down_to_floor) {
    if (!std::isfinite(y) || (y_.log && y <= 0)) return;
    const int column = std::clamp(static_cast<int>(x_.place(x) * columns_), 0, columns_ - 1);
    const int row = std::clamp(static_cast<int>((1 - y_.place(y)) * rows_), 0, rows_ - 1);
    const int floor = down_to_floor ? rows_ - 1 : row;
    for (int k = row; k <= floor; ++k) grid_[static_cast<std::size_t>(k)][static_cast<std::size_t>(column)] = sign;
  }

  void draw(const Series& series, char sign) {
    const bool bars = series.draw == Draw::bars;
    for (std::size_t k = 0; k < series.x.size(); ++k) put(series.x[k], series.y[k], sign, bars);
  }

  const Figure& figure_;
  Axis x_;
  Axis y_;
  int columns_;
  int rows_;
  std::vector<std::string> grid_;
};

}  // namespace

std::string sketch_figure(const Figure& figure, int columns, int rows) { return Sketch(figure, columns, rows).text(); }

}  // namespace nq
