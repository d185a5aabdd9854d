#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx512.hpp"
#include "kernels/isa/product_amx.hpp"

namespace nq::kernels {

void integer_block_avx512_amx(const IntegerBlock& block) { integer_block_amx(block); }

}  // namespace nq::kernels
