#pragma once

#include <map>
#include <string>

#include "nq/model_file.hpp"
#include "pipeline/output_changes.hpp"

namespace nq {

/// Metadata key under which a file records the layers whose outputs differ from the float model's by design, by
/// origin: where a scale or noisy bias was folded into the layer that computes the operands of an attention.
inline constexpr const char* kChangedValuesKey = "nqcli.changed_values";

/// JSON with the numbers as base64 of float32; empty for none.
std::string changed_outputs_to_json(const std::map<std::string, OutputChange>& outputs);

/// As recorded in a file. Throws Error(input) when the record is damaged.
std::map<std::string, OutputChange> read_changed_outputs(const ModelFile& model);

}  // namespace nq
