#include "nq/model_file.hpp"

#include <onnx/checker.h>
#include <onnx/defs/parser.h>
#include <onnx/defs/printer.h>

#include <sstream>
#include <unordered_map>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "onnx/external_visit.hpp"
#include "onnx/load_graph.hpp"
#include "onnx/model_impl.hpp"
#include "onnx/save_model.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxProtoBytes = INT32_MAX;
/// Newest opset whose schemas the linked ONNX library knows.
constexpr int kCheckerOpset = 17;
constexpr int kCheckerIrVersion = 8;

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
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  auto impl = parse_model(bytes, path.parent_path());
  impl->path = path;
  // The parsed model holds its own copy of what the file holds.
  forget_file_pages(file->bytes());
  impl->digest = std::make_shared<const ModelDigest>([file, bytes, &proto = impl->proto, external = impl->external] {
    std::string hex = model_sha256(proto, bytes, external);
    forget_file_pages(file->bytes());
    return hex;
  });
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
