#include "report/draw_figure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace nq {
namespace {

constexpr double kLeft = 58;
constexpr double kRight = 14;
constexpr double kTitle = 24;
constexpr double kLegend = 18;
constexpr double kBottom = 40;
constexpr double kFont = 11;
/// Width of a character of the tick font, for spacing alone.
constexpr double kCharacter = 6.6;
constexpr std::size_t kLongestName = 60;
constexpr double kStar = 12;

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
};

double step_width(const Series& series) { return series.x.size() > 1 ? series.x[1] - series.x[0] : 1.0; }

bool stands_on_zero(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(),
                     [](const Series& series) { return series.draw == Draw::bars || series.draw == Draw::steps; });
}

bool has_stars(const Figure& figure) {
  return std::any_of(figure.marks.begin(), figure.marks.end(), [](const Mark& mark) { return mark.kind == Mark::Kind::star; });
}

std::string shortened(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  return name.substr(0, kLongestName / 2 - 2) + "..." + name.substr(name.size() - kLongestName / 2 + 1);
}

/// The frame of one figure: values to pixels.
class Plot {
 public:
  Plot(const Figure& figure, Canvas& canvas, Point corner, double width, double height, const Theme& theme)
      : figure_(figure), canvas_(canvas), theme_(theme), x_(x_axis_of(figure)), y_(y_axis_of(figure)) {
    left_ = corner.x + kLeft;
    top_ = corner.y + kTitle + kLegend;
    width_ = width - kLeft - kRight;
    height_ = height - kTitle - kLegend - kBottom;
    corner_ = corner;
    // A star on the first or last value stays clear of the axis.
    if (has_stars(figure)) inset_ = kStar;
  }

  void draw() {
    canvas_.text({corner_.x + kLeft, corner_.y + 16}, shortened(figure_.title), theme_.text, {.size = 13, .is_bold = true});
    draw_legend();
    draw_grid();
    canvas_.clip({left_ - 1, top_ - 8}, width_ + 2, height_ + 9);
    // The float model comes first and is drawn last, on top of the others.
    for (auto series = figure_.series.rbegin(); series != figure_.series.rend(); ++series) draw_series(*series);
    canvas_.unclip();
    for (const Mark& mark : figure_.marks) draw_mark(mark);
  }

 private:
  Point at(double x, double y) const {
    return {left_ + inset_ + x_.place(x) * (width_ - 2 * inset_), top_ + (1 - std::clamp(y_.place(y), -0.5, 1.5)) * height_};
  }
  double floor_value() const { return y_.log ? y_.low : std::clamp(0.0, y_.low, y_.high); }

  void draw_legend() {
    double x = left_;
    for (const Series& series : figure_.series) {
      const Color color = theme_.of(series.tone);
      const double y = corner_.y + kTitle + 6;
      const Point box[] = {{x, y - 5}, {x + 12, y - 5}, {x + 12, y + 1}, {x, y + 1}};
      canvas_.polygon(box, color);
      canvas_.text({x + 16, y + 2}, shortened(series.name), theme_.text, {.size = kFont});
      x += 30 + kCharacter * static_cast<double>(shortened(series.name).size());
    }
  }

  void draw_grid() {
    for (const double tick : y_.ticks) {
      const double y = at(x_.low, tick).y;
      const Point line[] = {{left_, y}, {left_ + width_, y}};
      canvas_.line(line, theme_.grid, 0.7);
      canvas_.text({left_ - 5, y + 4}, tick_text(y_, tick), theme_.text, {.size = kFont, .anchor = Anchor::end});
    }
    const double bottom = top_ + height_;
    if (figure_.x_names.empty()) {
      for (const double tick : x_.ticks) {
        canvas_.text({at(tick, 0).x, bottom + 15}, tick_text(x_, tick), theme_.text, {.size = kFont, .anchor = Anchor::middle});
      }
    }
    for (std::size_t k = 0; k < figure_.x_names.size(); ++k) {
      canvas_.text({at(static_cast<double>(k), 0).x, bottom + 15}, shortened(figure_.x_names[k]), theme_.text,
                   {.size = kFont, .anchor = Anchor::middle});
    }
    const Point axis[] = {{left_, top_}, {left_, bottom}, {left_ + width_, bottom}};
    canvas_.line(axis, theme_.text, 1);
    canvas_.text({left_ + width_ / 2, bottom + 32}, figure_.x_label, theme_.text, {.size = kFont, .anchor = Anchor::middle});
    canvas_.text({corner_.x + 13, top_ + height_ / 2}, figure_.y_label, theme_.text,
                 {.size = kFont, .anchor = Anchor::middle, .is_upright = true});
  }

  void draw_series(const Series& series) {
    if (series.draw == Draw::bars) draw_bars(series);
    else if (series.draw == Draw::points) draw_points(series);
    else draw_curve(series);
  }

  void draw_bars(const Series& series) {
    double half = 0.35;
    if (series.x.size() > 1) half = 0.4 * step_width(series);
    for (std::size_t k = 0; k < series.x.size(); ++k) {
      if (y_.log && series.y[k] <= 0) continue;
      const Point low = at(series.x[k] - half, floor_value());
      const Point high = at(series.x[k] + half, series.y[k]);
      const Point box[] = {low, {high.x, low.y}, high, {low.x, high.y}};
      canvas_.polygon(box, theme_.of(series.tone));
    }
  }

  void draw_points(const Series& series) {
    constexpr double radius = 1.7;
    for (std::size_t k = 0; k < series.x.size(); ++k) {
      const Point p = at(series.x[k], series.y[k]);
      const Point box[] = {{p.x - radius, p.y}, {p.x, p.y - radius}, {p.x + radius, p.y}, {p.x, p.y + radius}};
      canvas_.polygon(box, theme_.of(series.tone));
    }
  }

  void draw_curve(const Series& series) {
    std::vector<Point> points;
    const double floor = floor_value();
    const double step = step_width(series);
    if (series.draw == Draw::steps && !series.x.empty()) points.push_back(at(series.x.front(), floor));
    for (std::size_t k = 0; k < series.x.size(); ++k) {
      points.push_back(at(series.x[k], series.y[k]));
      if (series.draw == Draw::steps) points.push_back(at(series.x[k] + step, series.y[k]));
    }
    if (series.draw == Draw::steps && !series.x.empty()) points.push_back(at(series.x.back() + step, floor));
    if (points.empty()) return;
    Color fill = theme_.of(series.tone);
    fill.alpha = 0.16;
    if (series.draw == Draw::steps) canvas_.polygon(points, fill);
    canvas_.line(points, theme_.of(series.tone), series.x.size() > 200 ? 1.0 : 1.5);
  }

  void draw_mark(const Mark& mark) {
    const Point p = at(mark.x, mark.y);
    if (mark.kind == Mark::Kind::star) {
      // Stars at one point stay visible behind each other.
      const double outer = std::max(kStar / 2, kStar - 2.0 * mark.tone);
      std::vector<Point> star;
      for (int k = 0; k < 10; ++k) {
        const double angle = std::numbers::pi * (k / 5.0 - 0.5);
        const double radius = (k % 2 == 0 ? 1.0 : 0.43) * outer;
        star.push_back({p.x + radius * std::cos(angle), p.y + radius * std::sin(angle)});
      }
      canvas_.polygon(star, theme_.of(mark.tone));
      star.push_back(star.front());
      canvas_.line(star, theme_.background, 0.8);
      return;
    }
    draw_arrow(mark, p);
  }

  /// An arrow from the side where the figure has more room, as most distributions have their peak in the middle.
  void draw_arrow(const Mark& mark, const Point& p) {
    const double y = std::max(p.y - 4, top_ + 2) - 2;
    const double way = x_.place(mark.x) < 0.5 ? -1 : 1;
    const Color color = theme_.of(mark.tone);
    const Point shaft[] = {{p.x + 26 * way, y}, {p.x + 5 * way, y}};
    const Point head[] = {{p.x, y}, {p.x + 8 * way, y - 4}, {p.x + 8 * way, y + 4}};
    canvas_.line(shaft, color, 1.6);
    canvas_.polygon(head, color);
    const Anchor anchor = way < 0 ? Anchor::end : Anchor::start;
    canvas_.text({p.x + 30 * way, y + 4}, mark.text, color, {.size = kFont, .anchor = anchor, .is_bold = true});
  }

  const Figure& figure_;
  Canvas& canvas_;
  const Theme& theme_;
  Axis x_;
  Axis y_;
  Point corner_;
  double left_ = 0, top_ = 0, width_ = 0, height_ = 0, inset_ = 0;
};

}  // namespace

Color Theme::of(Tone tone) const {
  if (tone < 0) return neutral;
  if (tone == 0) return tones.front();
  return tones[1 + static_cast<std::size_t>(tone - 1) % (tones.size() - 1)];
}

Theme light_theme() {
  return {{255, 255, 255}, {34, 34, 34}, {222, 222, 222},
          {{200, 40, 40}, {110, 110, 110}, {34, 139, 70}, {38, 98, 190}, {180, 110, 10}, {130, 70, 170}}, {214, 110, 0}};
}

Theme dark_theme() {
  return {{24, 26, 30}, {226, 226, 226}, {62, 66, 74},
          {{255, 107, 107}, {168, 173, 180}, {92, 207, 130}, {110, 168, 254}, {242, 184, 75}, {200, 150, 235}}, {255, 159, 67}};
}

Axis x_axis_of(const Figure& figure) {
  Extent extent;
  for (const Series& series : figure.series) {
    const double margin = series.draw == Draw::bars ? 0.5 * step_width(series) : 0;
    for (const double x : series.x) {
      extent.add(x - margin);
      extent.add(series.draw == Draw::steps ? x + step_width(series) : x + margin);
    }
  }
  if (extent.is_empty()) return linear_axis(0, 1, 6);
  return linear_axis(extent.low, extent.high, 6);
}

Axis y_axis_of(const Figure& figure) {
  Extent extent;
  Extent positive;
  for (const Series& series : figure.series) {
    for (const double y : series.y) {
      extent.add(y);
      if (y > 0) positive.add(y);
    }
  }
  if (extent.is_empty()) return linear_axis(0, 1, 5);
  if (figure.log_y && !positive.is_empty()) return log_axis(positive.low, positive.high);
  if (stands_on_zero(figure)) extent.add(0);
  const double margin = 0.06 * (extent.high - extent.low);
  return linear_axis(stands_on_zero(figure) && extent.low == 0 ? 0 : extent.low - margin, extent.high + margin, 5);
}

void draw_figure(const Figure& figure, Canvas& canvas, Point corner, double width, double height, const Theme& theme) {
  Plot(figure, canvas, corner, width, height, theme).draw();
}

void draw_sheet(const Sheet& sheet, Canvas& canvas, double width, double height, const Theme& theme) {
  const auto columns = static_cast<std::size_t>(std::max(1, sheet.columns));
  const std::size_t rows = std::max<std::size_t>(1, (sheet.figures.size() + columns - 1) / columns);
  const double cell_width = width / static_cast<double>(columns);
  const double cell_height = height / static_cast<double>(rows);
  for (std::size_t k = 0; k < sheet.figures.size(); ++k) {
    const Point corner{cell_width * static_cast<double>(k % columns), cell_height * static_cast<double>(k / columns)};
    draw_figure(sheet.figures[k], canvas, corner, cell_width, cell_height, theme);
  }
}

}  // namespace nq
