#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "graph/readout_tokens.hpp"
#include "nq/calibrate.hpp"
#include "pipeline/calibration_state.hpp"
#include "pipeline/product_calibration.hpp"
#include "pipeline/site_groups.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {

using Observers = std::vector<std::unique_ptr<SiteObserver>>;

/// What is fitted, and with which options: the part of a calibration that knows no images.
class SitePlan {
 public:
  /// Throws Error(unsupported) when no linear layer is left to quantize, Error(usage) on bad
  /// patterns or bits.
  SitePlan(TypedGraph typed, const CalibrationOptions& options);

  const TypedGraph& typed() const noexcept { return typed_; }
  const std::vector<SiteGroup>& groups() const noexcept { return groups_; }
  const std::vector<SkippedSite>& skipped() const noexcept { return skipped_; }

  /// Rows per site that fit CalibrationOptions::max_sample_bytes. Throws Error(resource) when too
  /// few would.
  std::int64_t capacity() const;
  std::uint64_t sample_bytes(std::int64_t capacity) const;

  std::unique_ptr<SiteObserver> make_observer(std::size_t group, std::int64_t capacity) const;

  /// New observers of the selected attention products.
  ProductCalibration make_products(std::int64_t plan_batch) const;

  /// The selected attention products with what was observed of them before. Throws Error(input) when `statistics` are
  /// those of other products.
  ProductCalibration restore_products(const std::vector<ProductStatistics>& statistics, std::int64_t plan_batch) const;

  /// Fits the products and adds them to a recipe that has all layers. `as_written` tells that the
  /// values were observed in the written file, not in the float model.
  void fit_products(const ProductCalibration& products, bool as_written, Recipe& recipe) const;

  /// Lets the observer go before the search, which needs its rows only once.
  std::vector<SiteRecipe> fit(std::size_t group, std::unique_ptr<SiteObserver> observer) const;

  /// Warns of what is odd about the numbers of a group.
  void warn_of_odd_numbers(std::size_t group, const SiteObserver& observer) const;

  /// Recipes of all groups, in their order, searched in search_order(). What `kept` has is taken from there, the rest is added to it.
  std::vector<SiteRecipe> fit_all(Observers observers, Progress& progress, const CalibrationState* kept = nullptr) const;

  /// Bytes that samples of attention products may take.
  std::uint64_t product_bytes() const noexcept;

  /// Method, options, seed and the part of the model, as the recipe records them.
  void record_options(const GraphChoice& choice, Recipe& recipe) const;

 private:
  TypedGraph typed_;
  const CalibrationOptions& options_;
  const Method& method_;
  std::vector<SkippedSite> skipped_;
  SiteSearch found_;
  std::vector<SelectedAttention> attention_;
  std::vector<LinearSite> sites_;
  std::vector<SiteGroup> groups_;
  std::vector<MethodOptions> fit_options_;  ///< per group
  std::optional<ReadoutTokens> readout_;
};

}  // namespace nq
