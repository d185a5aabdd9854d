#include "onnx/save_model.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "core/files.hpp"
#include "onnx/external_visit.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxProtoBytes = INT32_MAX;
/// Smaller tensors (shapes, scales, biases) stay in the model file.
constexpr std::size_t kMinExternalBytes = 4096;
/// Tensors begin on page boundaries, so that readers can map them.
constexpr std::uint64_t kAlignment = 4096;

bool same_folder(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto or_here = [](const std::filesystem::path& path) { return path.empty() ? "." : path; };
  std::error_code error;
  return std::filesystem::equivalent(or_here(file.parent_path()), or_here(folder), error);
}

class Saver {
 public:
  Saver(const ModelFile::Impl& impl, const std::filesystem::path& path, std::uint64_t max_single_file)
      : impl_(impl), path_(path), max_single_file_(max_single_file) {}

  void save() {
    const bool has_external = !external_files(impl_.proto).empty();
    if (total_bytes() > max_single_file_) {
      onnx::ModelProto proto = impl_.proto;
      write_data(proto);
      write_file_atomically(path_, serialize_proto(proto));
    } else if (has_external) {
      onnx::ModelProto proto = impl_.proto;
      embed_data(proto);
      write_file_atomically(path_, serialize_proto(proto));
    } else {
      write_file_atomically(path_, serialize_proto(impl_.proto));
    }
  }

 private:
  /// Bytes of the file if it were written as one.
  std::uint64_t total_bytes() const {
    std::uint64_t total = impl_.proto.ByteSizeLong();
    visit_tensors(impl_.proto.graph(), [&](const onnx::TensorProto& tensor) {
      if (is_external(tensor)) total += read(tensor).bytes();
    });
    return total;
  }

  Tensor read(const onnx::TensorProto& tensor) const {
    return tensor_from_proto(tensor, std::shared_ptr<const void>(), impl_.external);
  }

  /// A file that leaned on the float model's data would be as large as both, and lost with it.
  void embed_data(onnx::ModelProto& proto) const {
    visit_tensors(*proto.mutable_graph(), [&](onnx::TensorProto& tensor) {
      if (!is_external(tensor)) return;
      onnx::TensorProto embedded = tensor_to_proto(read(tensor), tensor.name());
      embedded.set_doc_string(tensor.doc_string());
      tensor = std::move(embedded);
    });
  }

  void write_data(onnx::ModelProto& proto) const {
    const std::string name = free_data_name();
    AtomicFile file(path_.parent_path() / name);
    std::uint64_t offset = 0;
    const auto append = [&](onnx::TensorProto& tensor, std::string_view bytes) {
      file.write(std::string((kAlignment - offset % kAlignment) % kAlignment, '\0'));
      offset = (offset + kAlignment - 1) / kAlignment * kAlignment;
      file.write(bytes);
      tensor.clear_raw_data();
      tensor.clear_external_data();
      tensor.set_data_location(onnx::TensorProto::EXTERNAL);
      const auto set = [&tensor](const char* key, const std::string& value) {
        auto* entry = tensor.add_external_data();
        entry->set_key(key);
        entry->set_value(value);
      };
      set("location", name);
      set("offset", std::to_string(offset));
      set("length", std::to_string(bytes.size()));
      offset += bytes.size();
    };
    visit_tensors(*proto.mutable_graph(), [&](onnx::TensorProto& tensor) {
      if (is_external(tensor)) {
        const Tensor source = read(tensor);
        append(tensor, tensor_to_proto(source, tensor.name()).raw_data());
        forget_file_pages({source.data(), source.bytes()});
      } else if (tensor.raw_data().size() >= kMinExternalBytes) {
        const std::string bytes = std::move(*tensor.mutable_raw_data());
        append(tensor, bytes);
      }
    });
    file.commit();
  }

  /// A name that no external data of the source has: the source's file is never overwritten.
  std::string free_data_name() const {
    const bool beside_source = same_folder(path_, impl_.external.folder());
    const std::set<std::string> taken = beside_source ? external_files(impl_.proto) : std::set<std::string>();
    std::string name = path_.filename().string() + ".data";
    for (int suffix = 2; taken.contains(name); ++suffix) name = fmt::format("{}.data{}", path_.filename().string(), suffix);
    return name;
  }

  const ModelFile::Impl& impl_;
  const std::filesystem::path& path_;
  std::uint64_t max_single_file_;
};

}  // namespace

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

void save_model(const ModelFile::Impl& impl, const std::filesystem::path& path, std::uint64_t max_single_file) {
  Saver(impl, path, max_single_file).save();
}

}  // namespace nq
