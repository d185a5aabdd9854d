#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_portable.hpp"
#include "kernels/isa/table.hpp"

namespace nq::kernels {

const KernelTable& portable_table() noexcept {
  static constexpr KernelTable table = make_table("portable");
  return table;
}

}  // namespace nq::kernels
