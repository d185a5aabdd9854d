#include <fmt/format.h>

#include "report/canvas.hpp"
#include "report/html_text.hpp"

namespace nq {
namespace {

/// Two decimals, none where they are zero.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string points_text(std::span<const Point> points) {
  std::string text;
  for (const Point& point : points) text += (text.empty() ? "" : " ") + number(point.x) + "," + number(point.y);
  return text;
}

std::string paint(const char* attribute, const Color& color) {
  std::string text = fmt::format("{}=\"#{:02x}{:02x}{:02x}\"", attribute, color.red, color.green, color.blue);
  if (color.alpha < 1) text += fmt::format(" {}-opacity=\"{}\"", attribute, number(color.alpha));
  return text;
}

class SvgCanvas : public Canvas {
 public:
  SvgCanvas(double width, double height, const Color& background, std::string_view title) {
    body_ = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                        "font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<title>{2}</title>\n",
                        number(width), number(height), html_text(title));
    if (background.alpha > 0) body_ += fmt::format("<rect width=\"100%\" height=\"100%\" {}/>\n", paint("fill", background));
  }

  void line(std::span<const Point> points, const Color& color, double width) override {
    body_ += fmt::format("<polyline points=\"{}\" fill=\"none\" {} stroke-width=\"{}\" stroke-linejoin=\"round\"/>\n",
                         points_text(points), paint("stroke", color), number(width));
  }

  void polygon(std::span<const Point> points, const Color& color) override {
    body_ += fmt::format("<polygon points=\"{}\" {}/>\n", points_text(points), paint("fill", color));
  }

  void text(Point at, std::string_view text, const Color& color, const TextStyle& style) override {
    static constexpr const char* kAnchors[] = {"start", "middle", "end"};
    body_ += fmt::format("<text x=\"{0}\" y=\"{1}\" font-size=\"{2}\" text-anchor=\"{3}\"{4}{5} {6}>{7}</text>\n", number(at.x),
                         number(at.y), number(style.size), kAnchors[static_cast<int>(style.anchor)],
                         style.is_bold ? " font-weight=\"bold\"" : "",
                         style.is_upright ? fmt::format(" transform=\"rotate(-90 {} {})\"", number(at.x), number(at.y)) : "",
                         paint("fill", color), html_text(text));
  }

  void clip(Point corner, double width, double height) override {
    ++clips_;
    body_ += fmt::format("<clipPath id=\"c{0}\"><rect x=\"{1}\" y=\"{2}\" width=\"{3}\" height=\"{4}\"/></clipPath>\n<g clip-path=\"url(#c{0})\">\n",
                         clips_, number(corner.x), number(corner.y), number(width), number(height));
  }

  void unclip() override { body_ += "</g>\n"; }

  std::string finish() override { return body_ + "</svg>\n"; }

 private:
  std::string body_;
  int clips_ = 0;
};

}  // namespace

std::unique_ptr<Canvas> make_svg_canvas(double width, double height, const Color& background, std::string_view title) {
  return std::make_unique<SvgCanvas>(width, height, background, title);
}

}  // namespace nq
