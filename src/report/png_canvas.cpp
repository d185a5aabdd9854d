#include <cairo.h>

#include <cmath>
#include <numbers>

#include "core/check.hpp"
#include "report/canvas.hpp"
#include "report/html_text.hpp"

namespace nq {
namespace {

class PngCanvas : public Canvas {
 public:
  PngCanvas(double width, double height, const Color& background, double pixels_per_unit)
      : surface_(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, static_cast<int>(std::ceil(width * pixels_per_unit)),
                                            static_cast<int>(std::ceil(height * pixels_per_unit)))),
        cairo_(cairo_create(surface_)) {
    cairo_scale(cairo_, pixels_per_unit, pixels_per_unit);
    use(background);
    cairo_paint(cairo_);
    cairo_set_line_join(cairo_, CAIRO_LINE_JOIN_ROUND);
  }
  PngCanvas(const PngCanvas&) = delete;
  PngCanvas& operator=(const PngCanvas&) = delete;
  ~PngCanvas() override {
    cairo_destroy(cairo_);
    cairo_surface_destroy(surface_);
  }

  void line(std::span<const Point> points, const Color& color, double width) override {
    trace(points);
    use(color);
    cairo_set_line_width(cairo_, width);
    cairo_stroke(cairo_);
  }

  void polygon(std::span<const Point> points, const Color& color) override {
    trace(points);
    cairo_close_path(cairo_);
    use(color);
    cairo_fill(cairo_);
  }

  void text(Point at, std::string_view text, const Color& color, const TextStyle& style) override {
    const std::string clean = clean_utf8(text);
    cairo_select_font_face(cairo_, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style.is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo_, style.size);
    cairo_text_extents_t extents;
    cairo_text_extents(cairo_, clean.c_str(), &extents);
    const double shift = style.anchor == Anchor::start ? 0 : style.anchor == Anchor::middle ? 0.5 : 1.0;
    cairo_save(cairo_);
    cairo_translate(cairo_, at.x, at.y);
    if (style.is_upright) cairo_rotate(cairo_, -std::numbers::pi / 2);
    cairo_move_to(cairo_, -shift * extents.x_advance, 0);
    use(color);
    cairo_show_text(cairo_, clean.c_str());
    cairo_restore(cairo_);
  }

  void clip(Point corner, double width, double height) override {
    cairo_save(cairo_);
    cairo_rectangle(cairo_, corner.x, corner.y, width, height);
    cairo_clip(cairo_);
  }

  void unclip() override { cairo_restore(cairo_); }

  std::string finish() override {
    std::string bytes;
    const auto append = [](void* context, const unsigned char* data, unsigned int size) {
      static_cast<std::string*>(context)->append(reinterpret_cast<const char*>(data), size);
      return CAIRO_STATUS_SUCCESS;
    };
    const cairo_status_t status = cairo_status(cairo_) != CAIRO_STATUS_SUCCESS
                                      ? cairo_status(cairo_)
                                      : cairo_surface_write_to_png_stream(surface_, append, &bytes);
    NQ_CHECK(status == CAIRO_STATUS_SUCCESS, resource, "the picture cannot be drawn: {}", cairo_status_to_string(status));
    return bytes;
  }

 private:
  void use(const Color& color) {
    cairo_set_source_rgba(cairo_, color.red / 255.0, color.green / 255.0, color.blue / 255.0, color.alpha);
  }

  void trace(std::span<const Point> points) {
    cairo_new_path(cairo_);
    for (const Point& point : points) cairo_line_to(cairo_, point.x, point.y);
  }

  cairo_surface_t* surface_;
  cairo_t* cairo_;
};

}  // namespace

std::unique_ptr<Canvas> make_png_canvas(double width, double height, const Color& background, double pixels_per_unit) {
  return std::make_unique<PngCanvas>(width, height, background, pixels_per_unit);
}

}  // namespace nq
