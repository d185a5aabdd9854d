#pragma once

#include <filesystem>
#include <vector>

#include "nq/image_folder.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"
#include "nq/progress.hpp"
#include "support/golden.hpp"

namespace nq::test {

/// The bundled model with a few of its calibration images.
struct DemoBundle {
  std::filesystem::path folder = std::filesystem::path(NQ_TESTS_DIR).parent_path() / "models";
  ModelFile model = ModelFile::load(folder / "demo_vit.onnx");
  Preprocess preprocess = parse_preprocess(slurp(folder / "demo_vit.preprocess.json"), "demo_vit.preprocess.json", 0, 0);
  std::vector<Sample> images = ImageFolder::open(folder / "images/calib").select(6, 0);
  NullProgress progress;
};

}  // namespace nq::test
