#include "nq/tensor_file.hpp"

#include <bit>
#include <cstring>

#include "core/check.hpp"
#include "core/files.hpp"
#include "onnx/npy.hpp"
#include "onnx/tensor_proto.hpp"

namespace nq {
namespace {

namespace fs = std::filesystem;

Tensor parse_pb(const std::string& bytes, const fs::path& folder) {
  auto proto = std::make_shared<onnx::TensorProto>();
  NQ_CHECK(bytes.size() <= INT32_MAX && proto->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), input,
           "is not an ONNX TensorProto");
  return tensor_from_proto(*proto, proto, ExternalData(folder));
}

}  // namespace

Tensor load_tensor(const fs::path& path) {
  const fs::path extension = path.extension();
  NQ_CHECK(extension == ".npy" || extension == ".pb", usage, "tensor file '{}' must end in .npy or .pb",
           path.string());
  return with_context(
      [&] {
        const std::string bytes = read_file(path);
        return extension == ".npy" ? parse_npy(bytes) : parse_pb(bytes, path.parent_path());
      },
      [&] { return fmt::format("while reading '{}'", path.string()); });
}

void save_tensor(const fs::path& path, const Tensor& tensor) {
  const fs::path extension = path.extension();
  NQ_CHECK(extension == ".npy" || extension == ".pb", usage, "tensor file '{}' must end in .npy or .pb",
           path.string());
  write_file_atomically(path, extension == ".npy" ? format_npy(tensor)
                                                  : tensor_to_proto(tensor, path.stem().string()).SerializeAsString());
}

}  // namespace nq
