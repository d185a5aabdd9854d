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

/// "name of class 3" or "3".
std::string class_text(const Report& report, std::int64_t index);

}  // namespace nq
