#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nq/linear_site.hpp"
#include "nq/report.hpp"
#include "pipeline/channel_affine.hpp"
#include "pipeline/layer_watch.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {

/// What is gathered of one product of the reference, once for all models.
struct ReferenceTrack {
  std::string op_type;
  std::vector<HistogramBuilder> inputs;
  HistogramBuilder output;
  std::optional<LinearSite> site;      ///< of a linear layer
  std::unique_ptr<SiteObserver> rows;  ///< sampled input rows of a linear layer
};

/// By origin.
using ReferenceTracks = std::map<std::string, ReferenceTrack>;

/// Gathers the distributions at every site of one model, and those of the reference that no model before it saw.
class SiteWatch : public LayerWatch {
 public:
  /// Input rows are sampled for search curves when `sample_rows`.
  SiteWatch(ReferenceTracks& tracks, bool sample_rows) : tracks_(tracks), sample_rows_(sample_rows) {}

  Wanted begin(const TypedGraph& reference, const TypedGraph& other, const std::vector<LayerPair>& pairs) override;
  void see(const Seen& seen) override;

  /// By origin; histograms at full resolution, the error left empty.
  std::map<std::string, SiteView> views() const;

 private:
  struct Quantizer {
    QuantizerView view;
    std::int64_t code_max = 0;
    std::size_t wanted = 0;                   ///< place in Wanted::other
    std::optional<std::size_t> original;      ///< the value before channel scale and N, in Wanted::reference
    std::optional<ChannelAffine> channels;
    HistogramBuilder input;
  };
  struct Site {
    std::string origin;
    std::size_t pair = 0;
    std::vector<std::size_t> operands;        ///< places in Wanted::reference
    std::vector<Quantizer> quantizers;
    SiteView view;
    HistogramBuilder output;
    ReferenceTrack* track = nullptr;          ///< to be filled; null when another model did
  };

  void add_site(const TypedGraph& reference, const TypedGraph& other, const LayerPair& pair, std::size_t place,
                const std::map<std::string, LinearSite>& linear);
  void add_quantizers(const TypedGraph& reference, const TypedGraph& other, const Node& product, Site& site);
  static void see_quantizer(const Seen& seen, Quantizer& quantizer);
  void see_reference(const Seen& seen, const Site& site) const;

  ReferenceTracks& tracks_;
  bool sample_rows_;
  Wanted wanted_;
  std::vector<Site> sites_;
  std::uint64_t inputs_seen_ = 0;
};

}  // namespace nq
