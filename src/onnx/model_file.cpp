#include "nq/model_file.hpp"

#include <onnx/defs/parser.h>
#include <onnx/defs/printer.h>

#include <functional>
#include <sstream>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "core/hash.hpp"
#include "onnx/check_model.hpp"
#include "onnx/external_visit.hpp"
#include "onnx/float32_model.hpp"
#include "onnx/graph_choice.hpp"
#include "onnx/linear_einsum.hpp"
#include "onnx/load_graph.hpp"
#include "onnx/model_impl.hpp"
#include "onnx/save_model.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxProtoBytes = INT32_MAX;

void check_header(const onnx::ModelProto& proto) {
  NQ_CHECK(proto.has_graph(), input, "is not an ONNX model: it holds no graph");
  NQ_CHECK(proto.opset_import_size() > 0, input, "is not a valid ONNX model: it imports no opset");
  NQ_CHECK(proto.graph().output_size() > 0, input, "is not a valid ONNX model: its graph has no output");
}

std::shared_ptr<ModelFile::Impl> parse_model(std::string_view bytes, const std::filesystem::path& folder) {
  auto impl = std::make_shared<ModelFile::Impl>();
  NQ_CHECK(!bytes.empty(), input, "is empty");
  NQ_CHECK(bytes.size() <= kMaxProtoBytes, input, "is larger than 2 GiB, the protobuf limit");
  NQ_CHECK(impl->proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), input,
           "is not an ONNX model, or it is truncated");
  check_header(impl->proto);
  impl->external = ExternalData(folder);
  return impl;
}

ModelFile load_model(const std::filesystem::path& path) {
  const auto file = std::make_shared<const FileMapping>(path, kMaxProtoBytes);
  const std::string_view bytes = file->text();
  const std::size_t parsed = std::hash<std::string_view>()(bytes);
  auto impl = parse_model(bytes, path.parent_path());
  impl->path = path;
  // The parsed model holds its own copy of what the file holds.
  forget_file_pages(file->bytes());
  impl->digest = std::make_shared<const ModelDigest>([file, bytes, &proto = impl->proto, external = impl->external, parsed, path] {
    std::string hex = model_sha256(proto, bytes, external);
    NQ_CHECK(std::hash<std::string_view>()(bytes) == parsed, input, "'{}' changed while it was in use", path.string());
    forget_file_pages(file->bytes());
    return hex;
  });
  return ModelFile(std::move(impl));
}

Graph whole_graph(const std::shared_ptr<const ModelFile::Impl>& impl) {
  if (impl->proto.functions_size() == 0 && !has_linear_einsum(impl->proto)) {
    return load_graph(impl->proto, impl, impl->external);
  }
  auto rewritten = std::make_shared<onnx::ModelProto>(impl->proto);
  inline_functions(*rewritten);
  rewrite_linear_einsums(*rewritten);
  return load_graph(*rewritten, rewritten, impl->external);
}

}  // namespace

void set_metadata_entry(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  for (auto& entry : *model.mutable_metadata_props()) {
    if (entry.key() != key) continue;
    entry.set_value(value);
    return;
  }
  auto* entry = model.add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

std::shared_ptr<const ModelDigest> digest_of(const onnx::ModelProto& model) {
  return std::make_shared<const ModelDigest>([&model] { return sha256_hex(serialize_proto(model)); });
}

namespace {

std::string first_values(const Tensor& tensor) {
  if (tensor.dtype() == DType::string) return "";
  std::vector<double> values = to_vector<double>(tensor.view());
  if (values.size() > 4) values.resize(4);
  return fmt::format("{:.6g}", fmt::join(values, " "));
}

}  // namespace

ModelFile ModelFile::load(const std::filesystem::path& path) {
  return with_context([&] { return load_model(path); },
                      [&] { return fmt::format("while loading '{}'", path.string()); });
}

ModelFile ModelFile::parse(std::string bytes, const std::filesystem::path& folder) {
  auto impl = parse_model(bytes, folder);
  std::string hex = model_sha256(impl->proto, bytes, impl->external);
  impl->digest = std::make_shared<const ModelDigest>([hex] { return hex; });
  return ModelFile(std::move(impl));
}

ModelFile ModelFile::from_text(const std::string& text) {
  onnx::ModelProto proto;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(proto);
  NQ_CHECK(status.IsOK(), input, "ONNX text does not parse: {}", status.ErrorMessage());
  return parse(proto.SerializeAsString());
}

std::string ModelFile::serialize() const { return serialize_proto(impl_->proto); }

void ModelFile::save(const std::filesystem::path& path) const { save_model(*impl_, path); }

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

const std::string& ModelFile::sha256() const { return impl_->digest->hex(); }
const std::filesystem::path& ModelFile::path() const { return impl_->path; }
std::string ModelFile::content_sha256() const { return content_digest(impl_->proto, impl_->external); }

std::uint64_t ModelFile::stored_bytes() const {
  const auto size_of = [](const std::filesystem::path& file) {
    std::error_code error;
    const std::uint64_t bytes = std::filesystem::file_size(file, error);
    NQ_CHECK(!error, input, "'{}' cannot be read: {}", file.string(), error.message());
    return bytes;
  };
  std::uint64_t bytes = impl_->path.empty() ? impl_->proto.ByteSizeLong() : size_of(impl_->path);
  for (const std::string& file : external_files(impl_->proto)) bytes += size_of(impl_->external.resolve(file));
  return bytes;
}

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
  check_model_proto(impl_->proto, impl_->external);
  (void)whole_graph(impl_);  // order, single assignment, tensor sizes
}

ModelFile ModelFile::with_metadata(const std::string& key, const std::string& value) const {
  auto impl = std::make_shared<Impl>(*impl_);
  set_metadata_entry(impl->proto, key, value);
  impl->digest = digest_of(impl->proto);
  return ModelFile(std::move(impl)).read_as(choice_);
}

ModelFile ModelFile::in_float32() const {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->digest = std::make_shared<const ModelDigest>([hex = sha256()] { return hex; });
  make_float32(impl->proto, impl->external);
  return ModelFile(std::move(impl)).read_as(choice_);
}

ModelFile ModelFile::read_as(GraphChoice choice) const {
  ModelFile part = *this;
  part.choice_ = std::move(choice);
  return part;
}

Graph ModelFile::to_graph() const {
  return with_context(
      [&] {
        Graph graph = whole_graph(impl_);
        choose_part(graph, choice_);
        return graph;
      },
      [&] { return impl_->path.empty() ? std::string("in the model") : fmt::format("in '{}'", impl_->path.string()); });
}

}  // namespace nq
