#pragma once

// The table of one instruction set. Include last.

namespace nq::kernels {
namespace {

constexpr KernelTable make_table(const char* name) {
  return {name,
          &gemm_block,
          &map_array<exp_lanes>,
          &map_array<erf_lanes>,
          &map_array<gelu_erf_lanes>,
          &map_array<gelu_tanh_lanes>,
          &softmax_row,
          &log_softmax_row,
          &moments_row,
          &squares_row,
          &normalize_row};
}

}  // namespace
}  // namespace nq::kernels
