#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/quantized_linear.hpp"

namespace nq::kernels {

/// Read-only [batch, heads, rows, dim] tensor with unit stride along dim; strides in elements.
struct HeadsView {
  const float* data = nullptr;
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0;

  const float* at(std::int64_t batch, std::int64_t head) const {
    return data + batch * batch_stride + head * head_stride;
  }
};

/// Additive bias that broadcasts to [batch, heads, q_rows, kv_rows]; strides in elements.
struct AttentionBias {
  const float* values = nullptr;          ///< added to the scores; or null
  const std::uint8_t* allowed = nullptr;  ///< 0 disables a position; or null
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0, col_stride = 1;
  std::int64_t cols = 0;  ///< positions from here on are disabled
};

/// Scores added before any mask, repeated over batches with the given period; strides in elements.
struct AttentionAddend {
  const float* values = nullptr;  ///< null adds nothing
  std::int64_t batch_period = 1;  ///< batch b reads matrix b % batch_period
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0, col_stride = 1;
};

/// Quantizers of both products' operands; the products are then integer ones.
struct AttentionGrids {
  ActivationGrid q, k, probabilities, v;
};

/// What the optional score output holds (ONNX Attention, qk_matmul_output_mode).
enum class ScoreOutput : std::uint8_t { product, capped, biased, softmax };

/// One scaled dot-product attention, softmax(scale * Q K^T + addends + bias) V, per batch and head.
struct Attention {
  std::int64_t batch = 1, heads = 1;
  std::int64_t kv_heads = 1;  ///< divides heads; each serves heads / kv_heads query heads
  std::int64_t q_rows = 0, kv_rows = 0;
  std::int64_t dim = 0, v_dim = 0;
  float scale = 1.0F;
  float softcap = 0.0F;  ///< scores become softcap * tanh(score / softcap); 0 leaves them
  HeadsView q, k, v;
  std::array<AttentionAddend, 2> addends;  ///< relative positions, window masks
  AttentionBias bias;
  /// Query row i sees keys j with i + offset - left_window <= j <= i + offset + right_window;
  /// negative bounds are open. Causal attention has right_window 0.
  std::int64_t left_window = -1, right_window = -1;
  std::int64_t offset = 0;
  const std::int64_t* valid_keys = nullptr;  ///< [batch]; later keys are disabled. May be null.
  bool offset_from_valid_keys = false;       ///< offset is valid_keys[batch] - q_rows instead
  std::optional<AttentionGrids> grids;
  float* out = nullptr;                      ///< element (b, h, row, d) as in HeadsView
  std::int64_t out_batch_stride = 0, out_head_stride = 0, out_row_stride = 0;
  float* scores = nullptr;  ///< [batch, heads, q_rows, kv_rows], may be null
  ScoreOutput score_output = ScoreOutput::product;
};

/// Runs on all threads, a block of query rows at a time; the scores of one block are all that is
/// held. A row without any allowed key gives zeros. Each output row depends on its query row and
/// its head's keys and values alone, in a fixed order: the same bits for any thread count.
void attend(const Attention& attention);

}  // namespace nq::kernels
