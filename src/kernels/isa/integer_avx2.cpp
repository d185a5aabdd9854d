#include "kernels/isa/integers_avx2.hpp"
#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx2.hpp"
#include "kernels/isa/product_integer.hpp"

namespace nq::kernels {

void integer_block_avx2(const IntegerBlock& block) { integer_block(block); }

}  // namespace nq::kernels
