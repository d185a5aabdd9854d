#include "nq/model_file.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/checker.h>
#include <onnx/defs/parser.h>
#include <onnx/defs/printer.h>

#include <set>
#include <sstream>

#include "core/check.hpp"
#include "core/files.hpp"
#include "core/hash.hpp"
#include "onnx/load_graph.hpp"
#include "onnx/model_impl.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxProtoBytes = INT32_MAX;
/// Newest opset whose schemas the linked ONNX library knows.
constexpr int kCheckerOpset = 17;
constexpr int kCheckerIrVersion = 8;

void collect_external(const onnx::GraphProto& graph, std::set<std::string>& files) {
  const auto add = [&files](const onnx::TensorProto& tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") files.insert(entry.value());
    }
  };
  for (const auto& tensor : graph.initializer()) add(tensor);
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) add(attribute.t());
      if (attribute.has_g()) collect_external(attribute.g(), files);
    }
  }
}

std::string model_sha256(const onnx::ModelProto& proto, std::string_view bytes, const ExternalData& external) {
  std::set<std::string> files;
  collect_external(proto.graph(), files);
  if (files.empty()) return sha256_hex(bytes);
  std::string digests = sha256_hex(bytes);
  for (const std::string& file : files) digests += sha256_file(external.resolve(file));
  return sha256_hex(digests);
}

void check_header(const onnx::ModelProto& proto) {
  NQ_CHECK(proto.has_graph(), input, "is not an ONNX model: it holds no graph");
  NQ_CHECK(proto.opset_import_size() > 0, input, "is not a valid ONNX model: it imports no opset");
  NQ_CHECK(proto.graph().output_size() > 0, input, "is not a valid ONNX model: its graph has no output");
}

ModelFile make_model(std::string bytes, const std::filesystem::path& path, const std::filesystem::path& folder) {
  auto impl = std::make_shared<ModelFile::Impl>();
  NQ_CHECK(!bytes.empty(), input, "is empty");
  NQ_CHECK(bytes.size() <= kMaxProtoBytes, input, "is larger than 2 GiB, the protobuf limit");
  NQ_CHECK(impl->proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), input,
           "is not an ONNX model, or it is truncated");
  check_header(impl->proto);
  impl->path = path;
  impl->external = ExternalData(folder);
  impl->sha256 = model_sha256(impl->proto, bytes, impl->external);
  return ModelFile(std::move(impl));
}

std::string first_values(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return "";
  std::vector<double> values = to_vector<double>(tensor.view());
  if (values.size() > 4) values.resize(4);
  return fmt::format("{:.6g}", fmt::join(values, " "));
}

}  // namespace

ModelFile ModelFile::load(const std::filesystem::path& path) {
  return with_context([&] { return make_model(read_file(path, UINT64_MAX), path, path.parent_path()); },
                      [&] { return fmt::format("while loading '{}'", path.string()); });
}

ModelFile ModelFile::parse(std::string bytes, const std::filesystem::path& folder) {
  return make_model(std::move(bytes), {}, folder);
}

ModelFile ModelFile::from_text(const std::string& text) {
  onnx::ModelProto proto;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(proto);
  NQ_CHECK(status.IsOK(), input, "ONNX text does not parse: {}", status.ErrorMessage());
  return make_model(proto.SerializeAsString(), {}, {});
}

std::string ModelFile::serialize() const {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    NQ_CHECK(impl_->proto.ByteSizeLong() <= kMaxProtoBytes, resource,
             "the model is larger than 2 GiB, the protobuf limit");
    NQ_CHECK(impl_->proto.SerializeToCodedStream(&coded), internal, "the model cannot be serialized");
  }
  return bytes;
}

void ModelFile::save(const std::filesystem::path& path) const { write_file_atomically(path, serialize()); }

std::string ModelFile::to_text() const {
  std::ostringstream text;
  text << fmt::format("ir_version {}\nopset {}\n", ir_version(), opset());
  for (const auto& [key, value] : metadata()) text << fmt::format("metadata {} = {}\n", key, value);
  text << impl_->proto.graph();
  text << "\ninitializers:\n";
  for (const auto& proto : impl_->proto.graph().initializer()) {
    const Tensor tensor = tensor_from_proto(proto, impl_, impl_->external);
    text << "  " << proto.name() << " " << to_string(tensor.type()) << " {" << first_values(tensor) << "}\n";
  }
  return text.str();
}

const std::string& ModelFile::sha256() const { return impl_->sha256; }
const std::filesystem::path& ModelFile::path() const { return impl_->path; }
int ModelFile::opset() const { return imported_opset(impl_->proto, ""); }
std::int64_t ModelFile::ir_version() const { return impl_->proto.ir_version(); }

std::string ModelFile::producer() const {
  const auto& proto = impl_->proto;
  if (proto.producer_version().empty()) return proto.producer_name();
  return proto.producer_name() + " " + proto.producer_version();
}

std::vector<std::pair<std::string, std::string>> ModelFile::metadata() const {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& entry : impl_->proto.metadata_props()) entries.emplace_back(entry.key(), entry.value());
  return entries;
}

std::optional<std::string> ModelFile::metadata(std::string_view key) const {
  for (const auto& entry : impl_->proto.metadata_props()) {
    if (entry.key() == key) return entry.value();
  }
  return std::nullopt;
}

void ModelFile::check() const {
  if (opset() > kCheckerOpset || ir_version() > kCheckerIrVersion) return;
  try {
    onnx::checker::check_model(impl_->proto);
  } catch (const std::exception& error) {
    fail(ErrorKind::input, "the ONNX checker refuses the model: {}", error.what());
  }
}

Graph ModelFile::to_graph() const {
  return with_context(
      [&] {
        if (impl_->proto.functions_size() == 0) return load_graph(impl_->proto, impl_, impl_->external);
        auto inlined = std::make_shared<onnx::ModelProto>(impl_->proto);
        inline_functions(*inlined);
        return load_graph(*inlined, inlined, impl_->external);
      },
      [&] { return impl_->path.empty() ? std::string("in the model") : fmt::format("in '{}'", impl_->path.string()); });
}

}  // namespace nq
