#include "kernels/isa/integers_portable.hpp"
#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_portable.hpp"
#include "kernels/isa/product_integer.hpp"
#include "kernels/isa/table.hpp"

namespace nq::kernels {

const KernelTable& portable_table() noexcept {
  static constexpr KernelTable table = make_table("portable", &integer_block);
  return table;
}

}  // namespace nq::kernels
