#pragma once

// The table of one instruction set. Include after exactly one lanes_*.hpp.

#include "kernels/isa/gemm_block.hpp"
#include "kernels/isa/row_kernels.hpp"
#include "kernels/isa/transpose.hpp"

namespace nq::kernels {
namespace {

constexpr KernelTable make_table(const char* name, void (*integer_product)(const IntegerBlock&)) {
  return {name,
          &gemm_block,
          &transpose_rows,
          &copy_panel,
          &map_array<exp_lanes>,
          &map_array<erf_lanes>,
          &map_array<gelu_erf_lanes>,
          &map_array<gelu_tanh_lanes>,
          &softmax_rows,
          &log_softmax_row,
          &normalize_rows,
          &quantize,
          integer_product};
}

}  // namespace
}  // namespace nq::kernels
