#pragma once

#include <span>
#include <vector>

#include "pipeline/layer_pairs.hpp"

namespace nq {

/// Looks into the layers of two models while they are compared.
class LayerWatch {
 public:
  virtual ~LayerWatch() = default;

  /// Values that the watcher wants to see.
  struct Wanted {
    std::vector<ValueId> reference;  ///< of the reference
    std::vector<ValueId> other;      ///< of the other model, within its layers
  };
  /// Called once, before the models are planned. Asks only for float32 values; those of `other` lie within the cuts of
  /// a pair whose own error can be measured.
  virtual Wanted begin(const TypedGraph& reference, const TypedGraph& other, const std::vector<LayerPair>& pairs) = 0;

  /// Values of one model input. The other model's are those that it computes from the reference's inputs of each layer.
  struct Seen {
    std::int64_t images = 0;            ///< real ones, at the beginning of the batch
    std::int64_t batch = 0;
    std::vector<TensorView> reference;  ///< as wanted; whole batch
    std::vector<TensorView> other;      ///< as wanted; whole batch
    std::vector<std::vector<float>> reference_outputs;      ///< by pair; of the real images
    std::vector<std::vector<float>> other_outputs;          ///< by pair, likewise; empty where it cannot be measured alone
  };
  virtual void see(const Seen& seen) = 0;
};

}  // namespace nq
