#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/folder_lock.hpp"
#include "pipeline/calibration_statistics.hpp"

namespace nq {

/// What a calibration depends on, by the words that name it to the user.
using CalibrationIdentity = std::map<std::string, std::string>;

/// What the result of a calibration depends on: what its recipe records before the first layer, and the rest.
CalibrationIdentity identify_calibration(const Recipe& recipe, const Shape& input, std::int64_t capacity,
                                         const CalibrationOptions& options);

/// How far the pass over the images is.
struct CalibrationProgress {
  std::int64_t consumed = 0;  ///< images of the list, in its order, that were read or left out
  std::int64_t images = 0;    ///< of them, read
  std::vector<SkippedImage> skipped;
};

/// A folder that keeps one calibration between runs: the statistics of the images seen so far, then the fits.
///
/// Every file is written under a temporary name, synced and renamed, and `state.json` names the statistics that
/// count, so a process that is killed at any moment leaves a state that the next one goes on from.
class CalibrationState {
 public:
  /// Makes the folder or opens it. Throws Error(input) when another process holds it, when it holds other things
  /// or is damaged; Error(usage), naming what differs, when it keeps another calibration.
  CalibrationState(std::filesystem::path folder, CalibrationIdentity identity);

  const CalibrationProgress& progress() const noexcept { return progress_; }
  const std::filesystem::path& folder() const noexcept { return folder_; }

  /// Statistics of the images of progress(); nothing before the first save.
  std::optional<CalibrationStatistics> load_statistics() const;
  void save(const CalibrationStatistics& statistics, const CalibrationProgress& progress);

  /// The layers of a group, when they were fitted before.
  std::optional<std::vector<SiteRecipe>> find_fit(std::size_t group) const;
  /// May be called concurrently.
  void keep_fit(std::size_t group, const std::vector<SiteRecipe>& sites) const;

 private:
  void open();
  void read_record(const std::string& bytes);
  void check_identity(const CalibrationIdentity& kept) const;
  void write_record() const;
  void remove_leftovers() const;
  std::filesystem::path statistics_path() const;
  std::filesystem::path fit_path(std::size_t group) const;

  std::filesystem::path folder_;
  CalibrationIdentity identity_;
  FolderLock lock_;
  CalibrationProgress progress_;
  std::int64_t generation_ = 0;  ///< of the statistics; 0 before the first
};

}  // namespace nq
