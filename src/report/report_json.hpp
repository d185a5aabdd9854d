#pragma once

#include <nlohmann/json.hpp>

#include "nq/report.hpp"

namespace nq {

using Json = nlohmann::ordered_json;

/// The document of report_to_json().
Json report_document(const Report& report);

/// One site of the document, and back. `models` is the number of quantized models.
Json json_site(const ReportSite& site);
ReportSite read_site(const Json& json, std::size_t models, const std::string& path);

Json json_histogram(const Histogram& histogram);

/// Numbers in the precision of float32, in their shortest text; and the same as base64 of their bytes, which takes half
/// the room.
Json json_floats(const std::vector<double>& values);
Json packed_floats(const Json& list);
/// Numbers in even steps as their ends and count, to the last bit; others as packed_floats().
Json packed_even(const Json& list);
/// Numbers rounded to 65,535 steps between minus the largest magnitude and itself, which no drawing shows; and the same as
/// that magnitude with base64 of 16-bit codes, which takes a quarter of the room.
Json json_codes(const std::vector<float>& values);
Json packed_codes(const Json& list);
/// Any of these forms. Throws Error(input) naming `path`.
std::vector<double> read_floats(const Json& json, const std::string& path);

}  // namespace nq
