#include "kernels/attention_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/isa.hpp"

namespace nq::kernels {

std::int64_t score_block_rows(std::int64_t kv_rows) {
  return std::clamp<std::int64_t>(65536 / std::max<std::int64_t>(1, kv_rows) / 14 * 14, 14, kWholeTileRows);
}

namespace {

constexpr float kDisabled = -std::numeric_limits<float>::infinity();

bool has_bias(const Attention& a) {
  return a.bias.values != nullptr || a.bias.allowed != nullptr || a.left_window >= 0 || a.right_window >= 0 ||
         a.valid_keys != nullptr;
}

/// Adds bias and masks to one row of scores; returns false when no key is left.
bool add_bias(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row, float* scores) {
  const AttentionBias& bias = a.bias;
  const std::int64_t at = batch * bias.batch_stride + head * bias.head_stride + row * bias.row_stride;
  const std::int64_t valid = a.valid_keys == nullptr ? a.kv_rows : std::min(a.kv_rows, a.valid_keys[batch]);
  const std::int64_t center = row + (a.offset_from_valid_keys ? a.valid_keys[batch] - a.q_rows : a.offset);
  const bool has_mask = bias.values != nullptr || bias.allowed != nullptr;
  std::int64_t first = 0;
  std::int64_t end = has_mask ? std::min(valid, bias.cols) : valid;
  if (a.left_window >= 0) first = std::max(first, center - a.left_window);
  if (a.right_window >= 0) end = std::min(end, center + a.right_window + 1);
  bool any = false;
  for (std::int64_t key = 0; key < a.kv_rows; ++key) {
    float addend = key >= first && key < end ? 0.0F : kDisabled;
    if (addend == 0.0F && bias.values != nullptr) addend = bias.values[at + key * bias.col_stride];
    if (addend == 0.0F && bias.allowed != nullptr && bias.allowed[at + key * bias.col_stride] == 0) {
      addend = kDisabled;
    }
    any = any || addend != kDisabled;
    // A disabled key is out whatever its score, which may be infinite or NaN.
    scores[key] = addend == kDisabled ? kDisabled : scores[key] + addend;
  }
  return any;
}

void copy_scores(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row,
                 const float* scores) {
  float* target = a.scores + ((batch * a.heads + head) * a.q_rows + row) * a.kv_rows;
  std::copy_n(scores, a.kv_rows, target);
}

const float* values_of(const AttentionAddend& addend, std::int64_t batch, std::int64_t head, std::int64_t row) {
  return addend.values + batch % addend.batch_period * addend.batch_stride + head * addend.head_stride + row * addend.row_stride;
}

/// scores = scale * scores + addends.
void scale_and_add(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row,
                   float* scores) {
  for (std::int64_t key = 0; key < a.kv_rows; ++key) scores[key] *= a.scale;
  for (const AttentionAddend& addend : a.addends) {
    if (addend.values == nullptr) continue;
    const float* values = values_of(addend, batch, head, row);
    if (addend.col_stride == 1) {
      for (std::int64_t key = 0; key < a.kv_rows; ++key) scores[key] += values[key];
    } else {
      for (std::int64_t key = 0; key < a.kv_rows; ++key) scores[key] += values[key * addend.col_stride];
    }
  }
}

/// Whether scale and addends are all there is between the scores and the softmax.
bool is_plain(const Attention& a) {
  const auto is_dense = [](const AttentionAddend& addend) { return addend.values == nullptr || addend.col_stride == 1; };
  const bool adds = a.addends[0].values != nullptr || a.addends[1].values != nullptr;
  return a.scores == nullptr && a.softcap == 0.0F && !has_bias(a) && is_dense(a.addends[0]) && is_dense(a.addends[1]) &&
         (adds || a.scale >= 0.0F);
}

/// The addends of rows from row0 on.
void add_rows(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0, SoftmaxRows& softmax) {
  std::size_t count = 0;
  for (const AttentionAddend& addend : a.addends) {
    if (addend.values == nullptr) continue;
    softmax.addends[count] = values_of(addend, batch, head, row0);
    softmax.addend_strides[count++] = addend.row_stride;
  }
}

/// Everything in front of the softmax, for one row; returns false when no key is left.
bool prepare_row(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row, float* scores) {
  const bool wants_scores = a.scores != nullptr;
  scale_and_add(a, batch, head, row, scores);
  if (wants_scores && a.score_output == ScoreOutput::product) copy_scores(a, batch, head, row, scores);
  if (a.softcap != 0.0F) {
    for (std::int64_t key = 0; key < a.kv_rows; ++key) {
      scores[key] = a.softcap * std::tanh(scores[key] / a.softcap);
    }
  }
  if (wants_scores && a.score_output == ScoreOutput::capped) copy_scores(a, batch, head, row, scores);
  const bool any = !has_bias(a) || add_bias(a, batch, head, row, scores);
  if (wants_scores && a.score_output == ScoreOutput::biased) copy_scores(a, batch, head, row, scores);
  return any;
}

}  // namespace

void finish_scores(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0, std::int64_t rows,
                   float* scores, std::int64_t stride) {
  SoftmaxRows softmax{rows, a.kv_rows, scores, stride, scores, stride};
  if (is_plain(a)) {
    softmax.alpha = a.scale;
    add_rows(a, batch, head, row0, softmax);
    active_table().softmax_rows(softmax);
    return;
  }
  std::array<bool, kWholeTileRows> any{};
  for (std::int64_t row = 0; row < rows; ++row)
    any[static_cast<std::size_t>(row)] = prepare_row(a, batch, head, row0 + row, scores + row * stride);
  active_table().softmax_rows(softmax);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* const line = scores + row * stride;
    if (!any[static_cast<std::size_t>(row)]) std::fill_n(line, a.kv_rows, 0.0F);
    if (a.scores != nullptr && a.score_output == ScoreOutput::softmax) copy_scores(a, batch, head, row0 + row, line);
  }
}

}  // namespace nq::kernels
