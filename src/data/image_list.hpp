#pragma once

#include <span>
#include <string>
#include <vector>

#include "nq/image_folder.hpp"

namespace nq {

/// "<sha256 of the file>  <name>" of every image, in name order.
std::vector<std::string> image_lines(std::span<const Sample> samples);

/// Sorts lines of image_lines() by name.
void sort_image_lines(std::vector<std::string>& lines);

/// What list_sha256() gives for the images of the lines, which are in name order.
std::string lines_sha256(std::span<const std::string> lines);

}  // namespace nq
