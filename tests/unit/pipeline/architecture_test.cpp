#include "pipeline/architecture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/shared_data.hpp"

namespace nq {
namespace {

/// Nothing when the shared graphs are absent.
std::optional<Inspection> inspect_shared(const std::string& graph) {
  const auto folder = test::shared_data("data/graphs/" + graph);
  if (!folder) return std::nullopt;
  return inspect(ModelFile::load(*folder / "model.onnx"));
}

void check_family(const std::string& graph, const std::string& family) {
  if (const auto found = inspect_shared(graph)) CHECK(found->family == family);
}

void check_count(const std::string& graph, const std::string& part, std::int64_t count) {
  const auto found = inspect_shared(graph);
  if (!found) return;
  const auto it = std::find_if(found->parts.begin(), found->parts.end(), [&](const auto& item) { return item.name == part; });
  INFO(graph << ": " << part);
  CHECK((it == found->parts.end() ? 0 : it->count) == count);
}

}  // namespace

TEST_CASE("families are recognised by structure", "[pipeline]") {
  check_family("vit_opset17", "vision transformer");
  check_family("torchvision_vit", "vision transformer");
  check_family("swin_static", "transformer with windowed attention (Swin and relatives)");
  check_family("torchvision_swin", "transformer with windowed attention (Swin and relatives)");
  check_family("mixer", "MLP over tokens and channels (MLP-Mixer, ResMLP)");
  check_family("resmlp", "MLP over tokens and channels (MLP-Mixer, ResMLP)");
}

TEST_CASE("parts of a network are counted", "[pipeline]") {
  check_count("vit_opset17", "attention", 2);
  check_count("vit_opset17", "packed q, k, v", 2);
  check_count("vit_opset17", "patch convolution", 1);
  check_count("deit3_layerscale", "layer scale", 4);
  check_count("mixer", "attention", 0);
}

}  // namespace nq
