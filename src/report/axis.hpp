#pragma once

#include <string>
#include <vector>

namespace nq {

/// Maps values to [0, 1] along an axis, and says where its ticks are.
struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
  std::vector<double> ticks;

  double place(double value) const;
};

/// A linear axis over the values, with about `count` round ticks. Widened when it has no length.
Axis linear_axis(double low, double high, int count);

/// A logarithmic axis of whole decades; `low` must be positive.
Axis log_axis(double low, double high);

/// A tick's value in as few digits as tell it from its neighbours.
std::string tick_text(const Axis& axis, double value);

}  // namespace nq
