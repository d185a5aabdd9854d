#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/operand_source.hpp"
#include "pipeline/output_changes.hpp"
#include "pipeline/product_observer.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// Statistics of one attention, with the products of it that are quantized.
struct ProductStatistics {
  std::string scores_origin;
  std::string values_origin;
  bool scores = false;
  bool values = false;
  std::shared_ptr<ProductObserver> observer;
};

/// The attention products of a calibration: observed while images pass, fitted after the layers.
class ProductCalibration {
 public:
  using Observe = std::function<std::shared_ptr<ProductObserver>(const SelectedAttention&)>;

  /// `observer_of` gives each selected attention its observer.
  ProductCalibration(const TypedGraph& typed, const SiteSearch& found,
                     const std::vector<SelectedAttention>& selected, const Observe& observer_of);

  bool empty() const noexcept { return entries_.empty(); }
  std::uint64_t sample_bytes() const noexcept;

  /// What was observed so far; the observers stay shared.
  std::vector<ProductStatistics> statistics() const;

  /// Values to tap, in the graph of the constructor or of the last rebind().
  std::vector<ValueId> values() const;

  /// Looks the products up, by origin, in another graph of the same model.
  void rebind(const TypedGraph& typed);

  /// A tapped value of the images with these keys; other values are ignored. May be called concurrently.
  void observe(ValueId value, const TensorView& view, std::span<const std::uint64_t> image_keys);

  /// Fits every attention and adds its products to the recipe; rewrites of Q and K go to the layers
  /// of the recipe that make them. `changes` is what the layers that read the attention ask of its
  /// values: quantizers see them changed.
  void fit(const Method& method, const MethodOptions& options, const OutputChanges& changes,
           Recipe& recipe) const;

 private:
  struct Entry {
    SelectedAttention selected;
    std::optional<OperandSource> q, k, v;
    std::shared_ptr<ProductObserver> observer;
  };
  /// With the values as their quantizer meets them.
  static AttentionSamples samples_of(const Entry& entry, const OutputChanges& changes);

  std::vector<Entry> entries_;
};

}  // namespace nq
