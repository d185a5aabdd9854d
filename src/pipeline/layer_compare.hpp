#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "nq/compare.hpp"
#include "nq/executor.hpp"
#include "pipeline/image_metrics.hpp"
#include "pipeline/layer_pairs.hpp"
#include "pipeline/layer_watch.hpp"
#include "pipeline/value_changes.hpp"

namespace nq {

/// Measures the outputs of paired layers of two planned models, one model input at a time.
class LayerComparer {
 public:
  /// Both graphs are specialized for the same input type. Without `layers` only the logits are computed.
  /// `changed` says which layers of `other` write other values by design, by origin. `watch` sees every image; null for nobody.
  LayerComparer(TypedGraph reference, TypedGraph other, std::map<std::string, OutputChange> changed, KernelChoice kernels, bool layers,
                LayerWatch* watch = nullptr);
  ~LayerComparer();

  /// Output 0 of both models; layers are measured over the first `images` of the `batch` images in the input.
  struct Logits {
    std::vector<float> reference;  ///< [batch, classes]
    std::vector<float> other;      ///< [batch, classes]
  };
  Logits run(const Tensor& input, std::int64_t images);

  std::vector<LayerComparison> results() const;
  const std::vector<UnmatchedLayer>& unmatched() const noexcept { return pairing_.unmatched; }

 private:
  struct Runners;
  /// Sums of one layer.
  struct Sums {
    SignalAndNoise accumulated;
    SignalAndNoise local;
    std::int64_t values = 0;
  };

  void build_local_plan(TypedGraph other, KernelChoice kernels);
  void measure_local(const Tensor& input, std::int64_t images);
  void show_watch(const std::vector<Tensor>& exact, const std::vector<Tensor>& outputs,
                  std::vector<std::vector<float>> restored_outputs, std::int64_t images, std::int64_t batch);
  void follow_changes(const TypedGraph& other);
  const ValueChange* change_of(ValueId value) const;
  const KeyShift* key_shift(const LayerPair& pair) const;
  /// The values of a pair in the other model, brought to the meaning that they have in the reference. `queries` is the
  /// left operand of scores with shifted keys.
  std::vector<float> restored(const LayerPair& pair, std::vector<float> values, std::span<const float> queries) const;

  TypedGraph reference_graph_;
  std::map<std::string, OutputChange> recorded_;
  LayerPairing pairing_;
  std::map<ValueId, ValueChange> changes_;  ///< of values of the other model; refers to recorded_
  std::vector<Sums> sums_;
  std::vector<ValueId> local_inputs_;  ///< values of the reference that feed the local plan
  std::vector<const ValueChange*> local_changes_;  ///< by local input; null where it is fed as it is
  std::vector<std::size_t> local_pairs_;  ///< pair of each output of the local plan
  std::map<ValueId, Tensor> values_;   ///< of the reference, for the present input
  LayerWatch* watch_;
  LayerWatch::Wanted wanted_;
  /// Where a value of the other model is: an input of the local plan, or an output behind those of the pairs.
  struct LocalPlace {
    bool is_input = false;
    std::size_t index = 0;
  };
  std::vector<LocalPlace> wanted_places_;              ///< by wanted value
  std::map<std::size_t, LocalPlace> query_places_;     ///< by pair, of scores with shifted keys
  std::set<ValueId> query_values_;
  std::unique_ptr<Runners> runners_;
};

}  // namespace nq
