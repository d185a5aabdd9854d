#pragma once

#include <filesystem>
#include <string>

#include "nq/report.hpp"

namespace nq {

/// The report as one JSON document (docs/report.md describes it); the same report gives the same text. Text that is
/// no UTF-8 is replaced.
std::string report_to_json(const Report& report);

/// Reads what report_to_json() wrote, or the page of report_to_html(), which holds the same document. Throws
/// Error(input) naming the key that is missing, of the wrong type or contradicts another.
Report report_from_text(const std::string& text, const std::string& source);

Report load_report(const std::filesystem::path& path);

/// One self-contained HTML page: data, pictures, styles and scripts are within it, and it forbids itself every request.
std::string report_to_html(const Report& report);

}  // namespace nq
