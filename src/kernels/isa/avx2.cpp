#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx2.hpp"
// Order matters: each of these is written in terms of the lanes above.
#include "kernels/isa/gemm_block.hpp"
#include "kernels/isa/lane_math.hpp"
#include "kernels/isa/row_kernels.hpp"
#include "kernels/isa/table.hpp"

namespace nq::kernels {

const KernelTable& avx2_table() noexcept {
  static constexpr KernelTable table = make_table("avx2");
  return table;
}

}  // namespace nq::kernels
