#include <catch2/catch.hpp>

#include "nq/image_input.hpp"
#include "nq/model_file.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

/// Softmax over what a Reshape calls an image, [N, 3, 4, 4] -> [N, 48].
ImageInput input_of(const std::string& shape, const std::string& body) {
  return find_image_input(ModelFile::from_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,3,4,4] x) => (float[N,48] y)
    <int64[2] cut = {)" + shape + R"(}, int64[2] back = {-1, 48}> )" + body).to_graph());
}

constexpr const char* kBody = "{ r = Reshape(x, cut) s = Softmax<axis = -1>(r) y = Reshape(s, back) }";

}  // namespace

TEST_CASE("a batch that an export left in its reshapes is found", "[pipeline]") {
  // At a batch of one this would halve the image, and nothing would fail.
  CHECK(input_of("2, -1", kBody).static_batch == 2);
  CHECK(input_of("3, -1", kBody).static_batch == 3);
  // Here other batches do not even fit.
  CHECK(input_of("2, 48", kBody).static_batch == 2);
}

TEST_CASE("a model that takes any batch is left alone", "[pipeline]") {
  CHECK(input_of("-1, 48", kBody).static_batch == 0);
  CHECK(input_of("0, -1", kBody).static_batch == 0);
  // Images side by side in the second axis, as sequence-first exports keep them.
  CHECK(input_of("48, -1",
                 "{ f = Flatten(x) t = Transpose<perm = [1, 0]>(f) r = Reshape(t, cut) s = Softmax<axis = 0>(r) "
                 "u = Transpose<perm = [1, 0]>(s) y = Reshape(u, back) }")
            .static_batch == 0);
}

TEST_CASE("a model that mixes the images of every batch is refused by node", "[pipeline]") {
  CHECK_ERROR(input_of("48, -1", "{ r = Reshape(x, cut) s = Softmax<axis = 0>(r) y = Reshape(s, back) }"), unsupported,
              "node 'r' mixes the images of a batch");
}

}  // namespace nq
