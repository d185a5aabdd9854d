#include "kernels/isa/integers_avx512_vnni.hpp"
#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lanes_avx512.hpp"
#include "kernels/isa/product_integer.hpp"

namespace nq::kernels {

void integer_block_avx512_vnni(const IntegerBlock& block) { integer_block(block); }

}  // namespace nq::kernels
