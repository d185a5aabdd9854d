#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nq/graph.hpp"

namespace nq {

/// The user's ONNX file, held losslessly; edited through ModelEdit, never regenerated.
class ModelFile {
 public:
  struct Impl;

  /// Reads and checks a file. Throws Error(input) naming the file and what is wrong.
  static ModelFile load(const std::filesystem::path& path);
  /// Takes a serialized ModelProto; external data is resolved against `folder`.
  static ModelFile parse(std::string bytes, const std::filesystem::path& folder = {});
  /// ONNX textual syntax (onnx/defs/parser.h), for tests.
  static ModelFile from_text(const std::string& text);

  explicit ModelFile(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  /// Writes to a temporary name in the target folder, then renames. External data stays where it is
  /// when the file goes to the same folder, else its bytes are taken along. A model that would be
  /// larger than 1 GiB as one file keeps its weights in `<file name>.data` beside it. Throws
  /// Error(input).
  void save(const std::filesystem::path& path) const;
  /// Deterministic serialization.
  std::string serialize() const;
  /// Human-readable ONNX text followed by the list of initializers, for golden tests.
  std::string to_text() const;

  /// Lower-case hex SHA-256 of the serialized model and of its external data, computed when first
  /// asked for. Throws Error(input) when a data file is missing.
  const std::string& sha256() const;
  /// Path it was loaded from; empty when parsed from memory.
  const std::filesystem::path& path() const;
  /// Version of the default domain.
  int opset() const;
  std::int64_t ir_version() const;
  std::string producer() const;
  std::vector<std::pair<std::string, std::string>> metadata() const;
  std::optional<std::string> metadata(std::string_view key) const;

  /// Runs the official ONNX checker. Throws Error(input) with its message.
  void check() const;

  /// The executable reading: local functions inlined, Constant nodes and initializers as
  /// constants. Throws Error(input) naming the node.
  Graph to_graph() const;

  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace nq
