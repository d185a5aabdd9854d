#include "nq/model_file.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/checker.h>
#include <onnx/defs/parser.h>
#include <onnx/defs/printer.h>

#include <set>
#include <sstream>
#include <type_traits>
#include <unordered_map>

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

/// Calls visit for every tensor of the graph and its subgraphs whose bytes lie in another file.
template <typename Graph, typename Visit>
void visit_external(Graph& graph, const Visit& visit) {
  const auto offer = [&visit](auto& tensor) {
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL) visit(tensor);
  };
  if constexpr (std::is_const_v<Graph>) {
    for (const auto& tensor : graph.initializer()) offer(tensor);
    for (const auto& node : graph.node()) {
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_t()) offer(attribute.t());
        if (attribute.has_g()) visit_external(attribute.g(), visit);
      }
    }
  } else {
    for (auto& tensor : *graph.mutable_initializer()) offer(tensor);
    for (auto& node : *graph.mutable_node()) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_t()) offer(*attribute.mutable_t());
        if (attribute.has_g()) visit_external(*attribute.mutable_g(), visit);
      }
    }
  }
}

std::set<std::string> external_files(const onnx::ModelProto& proto) {
  std::set<std::string> files;
  visit_external(proto.graph(), [&files](const onnx::TensorProto& tensor) {
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") files.insert(entry.value());
    }
  });
  return files;
}

std::string model_sha256(const onnx::ModelProto& proto, std::string_view bytes, const ExternalData& external) {
  const std::set<std::string> files = external_files(proto);
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

/// check_model() looks for external data in the working directory; this looks beside the model.
void check_with_folder(const onnx::ModelProto& proto, const std::filesystem::path& folder) {
  onnx::checker::CheckerContext context;
  context.set_ir_version(static_cast<int>(proto.ir_version()));
  std::unordered_map<std::string, int> opsets;
  for (const auto& import : proto.opset_import()) opsets[import.domain()] = static_cast<int>(import.version());
  context.set_opset_imports(std::move(opsets));
  context.set_model_dir(folder.string());
  onnx::checker::check_graph(proto.graph(), context, onnx::checker::LexicalScopeContext());
}

std::string serialize_proto(const onnx::ModelProto& proto) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    NQ_CHECK(proto.ByteSizeLong() <= kMaxProtoBytes, resource, "the model is larger than 2 GiB, the protobuf limit");
    NQ_CHECK(proto.SerializeToCodedStream(&coded), internal, "the model cannot be serialized");
  }
  return bytes;
}

bool same_folder(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto or_here = [](const std::filesystem::path& path) { return path.empty() ? "." : path; };
  std::error_code error;
  return std::filesystem::equivalent(or_here(file.parent_path()), or_here(folder), error);
}

/// The model with the bytes of its external tensors inside: locations are relative to the folder
/// it was loaded from and mean nothing elsewhere.
onnx::ModelProto with_embedded_data(const ModelFile::Impl& impl) {
  onnx::ModelProto proto = impl.proto;
  std::uint64_t total = 0;
  visit_external(*proto.mutable_graph(), [&](onnx::TensorProto& tensor) {
    const std::shared_ptr<const void> unowned;
    const Tensor values = tensor_from_proto(tensor, unowned, impl.external);
    total += values.bytes();
    NQ_CHECK(total <= kMaxProtoBytes, resource,
             "the model and its external data are larger than 2 GiB: write it to the folder of the data");
    onnx::TensorProto embedded = tensor_to_proto(values, tensor.name());
    embedded.set_doc_string(tensor.doc_string());
    tensor = std::move(embedded);
  });
  return proto;
}

std::string first_values(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return "";
  std::vector<double> values = to_vector<double>(tensor.view());
  if (values.size() > 4) values.resize(4);
  return fmt::format("{:.6g}", fmt::join(values, " "));
}

}  // namespace

ModelFile ModelFile::load(const std::filesystem::path& path) {
  return with_context([&] { return make_model(read_file(path, kMaxProtoBytes), path, path.parent_path()); },
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

std::string ModelFile::serialize() const { return serialize_proto(impl_->proto); }

void ModelFile::save(const std::filesystem::path& path) const {
  const bool stays = external_files(impl_->proto).empty() || same_folder(path, impl_->external.folder());
  write_file_atomically(path, stays ? serialize() : serialize_proto(with_embedded_data(*impl_)));
}

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
    if (external_files(impl_->proto).empty()) onnx::checker::check_model(impl_->proto);
    else check_with_folder(impl_->proto, impl_->external.folder());
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
