#pragma once

#include <string>

#include "nq/report.hpp"

namespace nq {

// The parts of a page that need no script. Every piece of foreign text goes through html_text().

/// Models side by side.
std::string overview_table(const Report& report);

/// Where files, preprocessing and images come from.
std::string provenance_tables(const Report& report);

/// Images with the largest disagreement; those with a picture link to it.
std::string worst_table(const Report& report);

/// Pictures with the classes that each model puts first.
std::string picture_articles(const Report& report);

/// Errors of all sites, a row each.
std::string layers_table(const Report& report);

/// Figures and distributions of one site.
std::string site_tables(const Report& report, const ReportSite& site);

/// What the charts of a site's quantizers and search show, in a few rows: counts of codes of one operand, the range of N over groups
/// of channels, the loss at some multiples of the chosen value. Empty where there is nothing.
std::string codes_table(const Report& report, const ReportSite& site, std::size_t operand);
std::string noise_table(const Report& report, const ReportSite& site);
std::string curve_table(const Report& report, const ReportSite& site, const std::string& parameter);

/// `what`, and which operand it is of where a product has two.
std::string operand_text(const ReportSite& site, std::size_t operand, const std::string& what);

/// A layer's own error in dB; "float" where the model leaves it so.
std::string own_error_text(const SiteView& view);

/// "name of class 3" or "3".
std::string class_text(const Report& report, std::int64_t index);

}  // namespace nq
