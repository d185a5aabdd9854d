#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/product_calibration.hpp"
#include "pipeline/site_groups.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {

/// What a pass over images leaves behind: enough to fit any method at any bits.
struct CalibrationStatistics {
  std::string model_sha256;
  std::string preprocess;                     ///< JSON text
  std::map<std::string, Shape> input_shapes;  ///< at which the layers were found
  std::vector<std::string> images;            ///< as image_lines() gives them
  std::int64_t images_read = 0;               ///< without those skipped as unreadable
  std::int64_t capacity = 0;                  ///< of the observers
  SiteSelection selection;
  struct Group {
    std::vector<std::string> origins;  ///< of its sites
    std::unique_ptr<SiteObserver> observer;
  };
  std::vector<Group> groups;
  std::vector<ProductStatistics> products;
};

/// The choice of layers in the words of the command line.
std::string selection_text(const SiteSelection& selection);

bool same_selection(const SiteSelection& a, const SiteSelection& b);

std::vector<std::string> origins_of(const SiteGroup& group);

/// Moves the observers out, in the order of `groups`. Throws Error(input), `source` saying whose statistics they are, when
/// those are of other layers.
std::vector<std::unique_ptr<SiteObserver>> take_observers(CalibrationStatistics& statistics, const std::vector<SiteGroup>& groups,
                                                          const std::string& source);

/// Adds the images of `other`. Throws Error(input) when model, preprocessing, layers or capacity
/// differ, or an image is in both.
void merge(CalibrationStatistics& statistics, const CalibrationStatistics& other);

/// A file of one JSON header and, per group and attention, extremes and samples as little-endian float32
/// (docs/statistics_format.md). The same statistics give the same bytes.
void save_statistics(const std::filesystem::path& path, const CalibrationStatistics& statistics);

/// Throws Error(input) naming what is malformed.
CalibrationStatistics load_statistics(const std::filesystem::path& path);

}  // namespace nq
