#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

struct Point {
  double x = 0;
  double y = 0;
};

struct Color {
  int red = 0, green = 0, blue = 0;  ///< 0..255
  double alpha = 1;
};

enum class Anchor { start, middle, end };

struct TextStyle {
  double size = 11;
  Anchor anchor = Anchor::start;
  bool is_bold = false;
  bool is_upright = false;  ///< turned by a quarter, reading upwards
};

/// What figures are drawn on; units are pixels, y grows downwards.
class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual void line(std::span<const Point> points, const Color& color, double width) = 0;
  virtual void polygon(std::span<const Point> points, const Color& color) = 0;
  virtual void text(Point at, std::string_view text, const Color& color, const TextStyle& style) = 0;
  /// What is drawn from here on is cut at the rectangle, until unclip().
  virtual void clip(Point corner, double width, double height) = 0;
  virtual void unclip() = 0;
  /// The finished file.
  virtual std::string finish() = 0;
};

/// Vector graphics with real text; `title` is what a screen reader says.
std::unique_ptr<Canvas> make_svg_canvas(double width, double height, const Color& background, std::string_view title);

/// A PNG file of `pixels_per_unit` pixels per unit.
std::unique_ptr<Canvas> make_png_canvas(double width, double height, const Color& background, double pixels_per_unit);

}  // namespace nq
