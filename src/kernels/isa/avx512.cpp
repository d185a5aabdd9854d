#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx512.hpp"
#include "kernels/isa/table.hpp"

namespace nq::kernels {

const KernelTable& avx512_table() noexcept {
  static constexpr KernelTable table = make_table("avx512", &integer_block_avx2);
  return table;
}

}  // namespace nq::kernels
