#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx2.hpp"
#include "kernels/isa/table.hpp"

namespace nq::kernels {

const KernelTable& avx2_table() noexcept {
  static constexpr KernelTable table = make_table("avx2", &integer_block_avx2);
  return table;
}

}  // namespace nq::kernels
