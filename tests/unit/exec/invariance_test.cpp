#include <catch2/catch.hpp>
#include <cstring>

#include "nq/executor.hpp"
#include "nq/tensor_file.hpp"
#include "nq/threads.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

/// Whether the batch is open. The dynamic Swin exports say so but have a batch of 2 baked into their
/// window reshapes: at any other batch the exported graph itself mixes images and channels.
bool has_dynamic_batch(const Graph& graph, const std::string& name) {
  return !graph.value(graph.inputs[0]).declared->dims[0].is_static() && !name.starts_with("swin");
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

Tensor slice_image(const Tensor& batch, std::int64_t image) {
  Shape shape = batch.shape();
  shape[0] = 1;
  Tensor single(TensorType{batch.dtype(), shape});
  std::memcpy(single.mutable_data(), batch.data() + static_cast<std::size_t>(image) * single.bytes(),
              single.bytes());
  return single;
}

}  // namespace

TEST_CASE("results do not depend on the thread count", "[exec]") {
  for (const auto& folder : test::shared_graphs()) {
    INFO(folder);
    const ModelFile model = ModelFile::load(folder / "model.onnx");
    const Tensor input = load_tensor(folder / "test_data_set_0/input_0.pb");
    set_num_threads(1);
    const auto one = test::run(model, {input});
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      const auto many = test::run(model, {input});
      for (std::size_t k = 0; k < one.size(); ++k) CHECK(same_bytes(one[k], many[k]));
    }
    set_num_threads(0);
  }
}

TEST_CASE("an image gives the same bits alone and in a batch", "[exec]") {
  for (const auto& folder : test::shared_graphs()) {
    INFO(folder);
    const Graph graph = ModelFile::load(folder / "model.onnx").to_graph();
    if (!has_dynamic_batch(graph, folder.filename().string())) continue;
    Shape shape = load_tensor(folder / "test_data_set_0/input_0.pb").shape();
    shape[0] = 3;
    const Tensor batch = test::random_tensor(shape, folder.filename().string());
    const Tensor together = test::run(graph, {batch})[0];
    for (std::int64_t image = 0; image < 3; ++image) {
      CHECK(same_bytes(test::run(graph, {slice_image(batch, image)})[0], slice_image(together, image)));
    }
  }
}

}  // namespace nq
