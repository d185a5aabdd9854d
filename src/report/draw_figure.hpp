#pragma once

#include "report/axis.hpp"
#include "report/canvas.hpp"
#include "report/figure.hpp"

namespace nq {

/// Colours of figures.
struct Theme {
  Color background;
  Color text;
  Color grid;
  std::vector<Color> tones;  ///< 0: the float model, then the quantized ones
  Color neutral;

  Color of(Tone tone) const;
};

Theme light_theme();
Theme dark_theme();

/// The axes of a figure: of all its finite values, zero included where bars or histograms stand on it.
Axis x_axis_of(const Figure& figure);
Axis y_axis_of(const Figure& figure);

/// Draws a figure into a rectangle.
void draw_figure(const Figure& figure, Canvas& canvas, Point corner, double width, double height, const Theme& theme);

/// Draws a sheet over the whole canvas.
void draw_sheet(const Sheet& sheet, Canvas& canvas, double width, double height, const Theme& theme);

/// A sketch of characters, `columns` wide and `rows` high without its frame.
std::string sketch_figure(const Figure& figure, int columns, int rows);

}  // namespace nq
