// Writes one fixture of the scripted sessions: nq_cli_fixtures NAME FILE.
//
// Models are built as ModelProto, so that the hostile ones can hold what no loader should accept.

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::NodeProto;
using onnx::TensorProto;

constexpr std::int64_t kImageSize = 8;
constexpr std::int64_t kPatch = 4;
constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kClasses = 6;

/// Deterministic values in (-0.5, 0.5), different for each seed.
class Values {
 public:
  explicit Values(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  float next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<float>(state_ >> 40) / 16777216.0F - 0.5F;
  }

 private:
  std::uint64_t state_;
};

TensorProto& add_tensor(GraphProto& graph, const std::string& name, const std::vector<std::int64_t>& dims) {
  TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::FLOAT);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  return tensor;
}

void add_weight(GraphProto& graph, const std::string& name, const std::vector<std::int64_t>& dims,
                std::uint64_t seed, float scale = 1.0F, float offset = 0.0F) {
  TensorProto& tensor = add_tensor(graph, name, dims);
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  Values values(seed);
  for (std::int64_t k = 0; k < count; ++k) tensor.add_float_data(offset + scale * values.next());
}

void add_ints(GraphProto& graph, const std::string& name, const std::vector<std::int64_t>& list) {
  TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(list.size()));
  for (const std::int64_t value : list) tensor.add_int64_data(value);
}

NodeProto& add_node(GraphProto& graph, const std::string& type, const std::vector<std::string>& inputs,
                    const std::string& output) {
  NodeProto& node = *graph.add_node();
  node.set_op_type(type);
  node.set_name("/" + output + "/" + type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

void set_ints(NodeProto& node, const std::string& name, const std::vector<std::int64_t>& list) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(AttributeProto::INTS);
  for (const std::int64_t value : list) attribute.add_ints(value);
}

void set_int(NodeProto& node, const std::string& name, std::int64_t value) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(AttributeProto::INT);
  attribute.set_i(value);
}

/// A dimension is a number, or symbolic when negative.
void set_shape(onnx::ValueInfoProto& value, const std::string& name, const std::vector<std::int64_t>& dims) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(TensorProto::FLOAT);
  for (const std::int64_t dim : dims) {
    auto& entry = *type.mutable_shape()->add_dim();
    if (dim < 0)
      entry.set_dim_param("batch");
    else
      entry.set_dim_value(dim);
  }
}

ModelProto empty_model() {
  ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("fixtures");
  auto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(17);
  model.mutable_graph()->set_name("fixture");
  return model;
}

void add_linear(GraphProto& graph, const std::string& name, const std::string& input, std::int64_t c_in,
                std::int64_t c_out, std::uint64_t seed) {
  add_weight(graph, name + ".weight", {c_in, c_out}, seed);
  add_weight(graph, name + ".bias", {c_out}, seed + 1);
  add_node(graph, "MatMul", {input, name + ".weight"}, name + "_product");
  add_node(graph, "Add", {name + ".bias", name + "_product"}, name);
}

/// Patch embedding, LayerNormalization, a two-layer MLP with a residual, mean pooling, classifier head.
ModelProto tiny_vit(std::uint64_t seed = 1) {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_shape(*graph.add_input(), "input", {-1, 3, kImageSize, kImageSize});
  set_shape(*graph.add_output(), "logits", {-1, kClasses});
  add_weight(graph, "patch.weight", {kWidth, 3, kPatch, kPatch}, seed + 10);
  add_weight(graph, "patch.bias", {kWidth}, seed + 11);
  NodeProto& conv = add_node(graph, "Conv", {"input", "patch.weight", "patch.bias"}, "patches");
  set_ints(conv, "kernel_shape", {kPatch, kPatch});
  set_ints(conv, "strides", {kPatch, kPatch});
  const std::int64_t tokens = (kImageSize / kPatch) * (kImageSize / kPatch);
  add_ints(graph, "rows", {0, kWidth, tokens});
  add_node(graph, "Reshape", {"patches", "rows"}, "flat");
  set_ints(add_node(graph, "Transpose", {"flat"}, "tokens"), "perm", {0, 2, 1});
  add_weight(graph, "norm.weight", {kWidth}, seed + 12, 0.5F, 1.0F);
  add_weight(graph, "norm.bias", {kWidth}, seed + 13);
  set_int(add_node(graph, "LayerNormalization", {"tokens", "norm.weight", "norm.bias"}, "normed"), "axis",
          -1);
  add_linear(graph, "fc1", "normed", kWidth, 2 * kWidth, seed + 14);
  add_node(graph, "Relu", {"fc1"}, "hidden");
  add_linear(graph, "fc2", "hidden", 2 * kWidth, kWidth, seed + 16);
  add_node(graph, "Add", {"tokens", "fc2"}, "sum");
  NodeProto& mean = add_node(graph, "ReduceMean", {"sum"}, "pooled");
  set_ints(mean, "axes", {1});
  set_int(mean, "keepdims", 0);
  add_weight(graph, "head.weight", {kClasses, kWidth}, seed + 18, 4.0F);
  add_weight(graph, "head.bias", {kClasses}, seed + 19);
  set_int(add_node(graph, "Gemm", {"pooled", "head.weight", "head.bias"}, "logits"), "transB", 1);
  return model;
}

/// The tiny network beside an input of identifiers, as a model of images and texts has them; `score` needs both.
ModelProto two_towers() {
  ModelProto model = tiny_vit(3);
  GraphProto& graph = *model.mutable_graph();
  onnx::ValueInfoProto& identifiers = *graph.add_input();
  set_shape(identifiers, "ids", {-1, kClasses});
  add_node(graph, "Softmax", {"ids"}, "text");
  add_node(graph, "Mul", {"logits", "text"}, "score");
  set_shape(*graph.add_output(), "score", {-1, kClasses});
  return model;
}

/// y = x + c for float [2, 3] and the integer shape that y takes.
ModelProto two_inputs() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_shape(*graph.add_input(), "x", {2, 3});
  onnx::ValueInfoProto& shape = *graph.add_input();
  set_shape(shape, "shape", {2});
  shape.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::INT64);
  set_shape(*graph.add_output(), "out/y:0", {3, 2});
  add_node(graph, "Reshape", {"x", "shape"}, "out/y:0");
  return model;
}

TensorProto& first_initializer(ModelProto& model) { return *model.mutable_graph()->mutable_initializer(0); }

void refer_to_file(TensorProto& tensor, const std::string& location) {
  tensor.clear_float_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value(location);
}

ModelProto with_external_data(const std::string& location) {
  ModelProto model = tiny_vit();
  refer_to_file(first_initializer(model), location);
  return model;
}

ModelProto with_first_dim(std::int64_t dim) {
  ModelProto model = tiny_vit();
  first_initializer(model).set_dims(0, dim);
  return model;
}

ModelProto with_input_height(std::int64_t height) {
  ModelProto model = tiny_vit();
  model.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(2)
      ->set_dim_value(height);
  return model;
}

/// A constant of 2^40 elements made from its shape, by ConstantOfShape.
ModelProto with_huge_constant() {
  ModelProto model = tiny_vit();
  GraphProto& graph = *model.mutable_graph();
  add_ints(graph, "huge.shape", {std::int64_t{1} << 20, std::int64_t{1} << 20});
  add_node(graph, "ConstantOfShape", {"huge.shape"}, "huge");
  set_shape(*graph.add_output(), "huge", {std::int64_t{1} << 20, std::int64_t{1} << 20});
  return model;
}

/// As ONNX Runtime's optimizer saves a model: the packed projection and the attention are one node of its own domain.
ModelProto with_runtime_attention() {
  ModelProto model = tiny_vit();
  GraphProto& graph = *model.mutable_graph();
  auto& opset = *model.add_opset_import();
  opset.set_domain("com.microsoft");
  opset.set_version(1);
  add_weight(graph, "qkv.weight", {kWidth, 3 * kWidth}, 40);
  add_weight(graph, "qkv.bias", {3 * kWidth}, 41);
  NodeProto& node = add_node(graph, "Attention", {"normed", "qkv.weight", "qkv.bias"}, "attended");
  node.set_domain("com.microsoft");
  set_int(node, "num_heads", 2);
  set_shape(*graph.add_output(), "attended", {-1, 4, kWidth});
  return model;
}

ModelProto with_unknown_operators() {
  ModelProto model = tiny_vit();
  GraphProto& graph = *model.mutable_graph();
  for (const char* type : {"Frobnicate", "Defragment"}) {
    add_node(graph, type, {"logits"}, std::string("odd_") + type);
    set_shape(*graph.add_output(), std::string("odd_") + type, {-1, kClasses});
  }
  return model;
}

ModelProto with_cycle() {
  ModelProto model = tiny_vit();
  model.mutable_graph()->mutable_node(0)->set_input(0, "logits");
  return model;
}

ModelProto without_sites() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  set_shape(*graph.add_input(), "input", {-1, 3, kImageSize, kImageSize});
  set_shape(*graph.add_output(), "pooled", {-1, 3});
  NodeProto& mean = add_node(graph, "ReduceMean", {"input"}, "pooled");
  set_ints(mean, "axes", {2, 3});
  set_int(mean, "keepdims", 0);
  return model;
}

ModelProto with_open_size(ModelProto model) {
  auto& shape =
      *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  for (const int axis : {2, 3}) shape.mutable_dim(axis)->set_dim_param("side");
  return model;
}

ModelProto with_nan_weight() {
  ModelProto model = tiny_vit();
  for (auto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name() == "fc1.weight") tensor.set_float_data(3, std::numeric_limits<float>::quiet_NaN());
  }
  return model;
}

/// float16 bits of a normal value, cut off; 0 for smaller ones.
std::int32_t half_bits(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t exponent = bits >> 23 & 0xFFU;
  if (exponent < 113) return static_cast<std::int32_t>(sign);
  return static_cast<std::int32_t>(sign | (exponent - 112) << 10 | (bits >> 13 & 0x3FFU));
}

/// The network as a float16 converter leaves it: weights, inputs and outputs are float16.
ModelProto half_vit() {
  ModelProto model = tiny_vit();
  GraphProto& graph = *model.mutable_graph();
  for (auto& tensor : *graph.mutable_initializer()) {
    if (tensor.data_type() != TensorProto::FLOAT) continue;
    tensor.set_data_type(TensorProto::FLOAT16);
    for (const float value : tensor.float_data()) tensor.add_int32_data(half_bits(value));
    tensor.clear_float_data();
  }
  for (auto* values : {graph.mutable_input(), graph.mutable_output()}) {
    for (auto& value : *values) value.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT16);
  }
  return model;
}

std::string bytes_of(const ModelProto& model) { return model.SerializeAsString(); }

/// 24-bit BMP of 12 x 10 pixels whose values depend on `index`.
std::string bitmap(std::uint64_t index) {
  constexpr int kColumns = 12;
  constexpr int kRows = 10;
  std::string bytes = "BM";
  const auto put = [&bytes](std::uint32_t value, int count) {
    for (int byte = 0; byte < count; ++byte) bytes += static_cast<char>(value >> (8 * byte));
  };
  const std::uint32_t pixels = kColumns * kRows * 3;
  put(54 + pixels, 4);
  put(0, 4);
  put(54, 4);
  put(40, 4);
  put(kColumns, 4);
  put(kRows, 4);
  put(1, 2);
  put(24, 2);
  put(0, 4);
  put(pixels, 4);
  put(2835, 4);
  put(2835, 4);
  put(0, 4);
  put(0, 4);
  Values values(index + 100);
  for (std::uint32_t k = 0; k < pixels; ++k)
    bytes += static_cast<char>(static_cast<int>(values.next() * 255) + 128);
  return bytes;
}

/// TensorProto of float [2, 3].
std::string tensor_file() {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.add_dims(2);
  tensor.add_dims(3);
  for (int k = 0; k < 6; ++k) tensor.add_float_data(static_cast<float>(k) + 0.5F);
  return tensor.SerializeAsString();
}

/// TensorProto of int64 [2] = 3, 2.
std::string shape_file() {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(2);
  tensor.add_int64_data(3);
  tensor.add_int64_data(2);
  return tensor.SerializeAsString();
}

/// Eight images of random values, as the tiny model takes them.
std::string input_file() {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT);
  for (const std::int64_t dim : {std::int64_t{8}, std::int64_t{3}, kImageSize, kImageSize})
    tensor.add_dims(dim);
  Values values(7);
  for (std::int64_t k = 0; k < 8 * 3 * kImageSize * kImageSize; ++k) tensor.add_float_data(2 * values.next());
  return tensor.SerializeAsString();
}

std::string fixture(const std::string& name) {
  if (name.rfind("image:", 0) == 0) return bitmap(std::stoull(name.substr(6)));
  const std::string whole = bytes_of(tiny_vit());
  const std::map<std::string, std::function<std::string()>> fixtures = {
      {"tiny_vit", [&] { return whole; }},
      {"tiny_vit_other", [] { return bytes_of(tiny_vit(2)); }},
      {"two_towers", [] { return bytes_of(two_towers()); }},
      {"two_inputs", [] { return bytes_of(two_inputs()); }},
      {"truncated", [&] { return whole.substr(0, whole.size() / 2); }},
      {"wrong_magic", [&] { return "PK\x03\x04" + whole; }},
      {"empty", [] { return std::string(); }},
      {"external_missing", [] { return bytes_of(with_external_data("weights.bin")); }},
      {"external_escaping", [] { return bytes_of(with_external_data("../outside.bin")); }},
      {"external_absolute", [] { return bytes_of(with_external_data("/etc/hostname")); }},
      {"negative_dim", [] { return bytes_of(with_first_dim(-16)); }},
      {"huge_dim", [] { return bytes_of(with_first_dim(std::int64_t{1} << 40)); }},
      {"huge_input", [] { return bytes_of(with_input_height(std::int64_t{1} << 40)); }},
      {"huge_constant", [] { return bytes_of(with_huge_constant()); }},
      {"runtime_attention", [] { return bytes_of(with_runtime_attention()); }},
      {"unknown_operators", [] { return bytes_of(with_unknown_operators()); }},
      {"cycle", [] { return bytes_of(with_cycle()); }},
      {"without_sites", [] { return bytes_of(without_sites()); }},
      {"open_size", [] { return bytes_of(with_open_size(without_sites())); }},
      {"half_vit", [] { return bytes_of(half_vit()); }},
      {"open_vit", [] { return bytes_of(with_open_size(tiny_vit())); }},
      {"nan_weight", [] { return bytes_of(with_nan_weight()); }},
      {"tensor", tensor_file},
      {"shape_tensor", shape_file},
      {"input_tensor", input_file},
  };
  return fixtures.at(name)();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s NAME FILE\n", argv[0]);
    return 2;
  }
  try {
    std::ofstream file(argv[2], std::ios::binary);
    const std::string bytes = fixture(argv[1]);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    return file.good() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fixture '%s': %s\n", argv[1], error.what());
    return 1;
  }
}
