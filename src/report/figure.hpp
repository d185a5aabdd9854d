#pragma once

#include <string>
#include <vector>

namespace nq {

/// How a series is drawn.
enum class Draw { line, steps, points, bars };

/// Colour of a series: 0 is the float model, 1.. the quantized ones in their order, -1 what belongs to none.
using Tone = int;
inline constexpr Tone kNeutral = -1;

struct Series {
  std::string name;
  Tone tone = kNeutral;
  Draw draw = Draw::line;
  std::vector<double> x;
  std::vector<double> y;  ///< as many; for steps y[k] holds from x[k] to x[k + 1], the last one for one width
};

/// A point that is pointed out.
struct Mark {
  enum class Kind { star, arrow };
  Kind kind = Kind::star;
  double x = 0;
  double y = 0;
  Tone tone = kNeutral;
  std::string text;
};

/// One diagram, whatever it is drawn on.
struct Figure {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_y = false;
  std::vector<Series> series;
  std::vector<Mark> marks;
  std::vector<std::string> x_names;  ///< names of x = 0, 1, ...; empty for numbers
};

/// Figures side by side, row by row.
struct Sheet {
  int columns = 1;
  std::vector<Figure> figures;
};

}  // namespace nq
