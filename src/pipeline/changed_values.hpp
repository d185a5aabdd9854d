#pragma once

#include <map>
#include <string>
#include <vector>

#include "nq/model_file.hpp"
#include "pipeline/output_changes.hpp"

namespace nq {

/// Values of a written file that differ from the float model's by design: where a scale or noisy bias was folded into
/// the layer that computes the values of an attention.
struct ChangedValues {
  std::map<std::string, OutputChange> outputs;  ///< by origin: the layer writes y / scale + shift
  std::map<std::string, OutputChange> inputs;   ///< by origin: the layer reads x / scale + shift
};

/// Metadata key under which a file records them.
inline constexpr const char* kChangedValuesKey = "nqcli.changed_values";

/// What writing `groups` changes.
ChangedValues changed_values(const std::vector<BoundGroup>& groups, const OutputChanges& changes, const EmitOptions& options);

/// JSON with the numbers as base64 of float32; empty for none.
std::string changed_values_to_json(const ChangedValues& changed);

/// As recorded in a file. Throws Error(input) when the record is damaged.
ChangedValues read_changed_values(const ModelFile& model);

}  // namespace nq
