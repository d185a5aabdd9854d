#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/operand_source.hpp"
#include "pipeline/output_changes.hpp"
#include "pipeline/product_observer.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// The attention products of a calibration: observed while images pass, fitted after the layers.
class ProductCalibration {
 public:
  ProductCalibration(const TypedGraph& typed, const SiteSearch& found,
                     std::vector<SelectedAttention> selected, std::int64_t plan_batch,
                     std::uint64_t max_bytes);

  bool empty() const noexcept { return entries_.empty(); }
  std::uint64_t sample_bytes() const noexcept;

  /// Values to tap, in the graph of the constructor or of the last rebind().
  std::vector<ValueId> values() const;

  /// Looks the products up, by origin, in another graph of the same model.
  void rebind(const TypedGraph& typed);

  /// A tapped value of the images with these keys; other values are ignored. May be called concurrently.
  void observe(ValueId value, const TensorView& view, std::span<const std::uint64_t> image_keys);

  /// Keeps what was observed, and adds it again to products made alike. Both throw Error(input) naming the path.
  void save(const std::filesystem::path& path) const;
  void load(const std::filesystem::path& path);

  /// Fits every attention and adds its products to the recipe; rewrites of Q and K go to the layers
  /// of the recipe that make them. `changes` is what the layers that read the attention ask of its
  /// values: quantizers see them changed.
  void fit(const Method& method, const MethodOptions& options, const OutputChanges& changes,
           Recipe& recipe) const;

 private:
  struct Entry {
    SelectedAttention selected;
    std::optional<OperandSource> q, k, v;
    std::unique_ptr<ProductObserver> observer;
  };
  /// With the values as their quantizer meets them.
  static AttentionSamples samples_of(const Entry& entry, const OutputChanges& changes);

  std::vector<Entry> entries_;
};

}  // namespace nq
