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

}  // namespace nq
