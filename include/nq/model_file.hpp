#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nq/graph.hpp"

namespace nq {

/// Which part of a model with several inputs or outputs is read; empty names leave it whole.
struct GraphChoice {
  std::string input;   ///< the only input that may be left
  std::string output;  ///< the only output; what it does not need is left out
};

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

  /// Writes to a temporary name in the target folder, then renames. The bytes of external data are taken
  /// along. A model that would be larger than 512 MiB as one file keeps its weights in `<file name>.data`
  /// beside it. Throws Error(input).
  void save(const std::filesystem::path& path) const;
  /// Deterministic serialization.
  std::string serialize() const;
  /// Human-readable ONNX text followed by the list of initializers, for golden tests.
  std::string to_text() const;

  /// Lower-case hex SHA-256 of the serialized model and of its external data, computed when first
  /// asked for. Throws Error(input) when a data file is missing.
  const std::string& sha256() const;
  /// Digest of what the model says, wherever its weights lie: equal for a model with external data and the same model
  /// as one file.
  std::string content_sha256() const;
  /// Bytes on disk, external data included. Throws Error(input) when a file is missing.
  std::uint64_t stored_bytes() const;
  /// Path it was loaded from; empty when parsed from memory.
  const std::filesystem::path& path() const;
  /// Version of the default domain.
  int opset() const;
  std::int64_t ir_version() const;
  std::string producer() const;
  std::vector<std::pair<std::string, std::string>> metadata() const;
  std::optional<std::string> metadata(std::string_view key) const;

  /// Runs the official ONNX checker as far as the linked library knows the opset, and own structural
  /// checks beyond. Throws Error(input) saying what is wrong.
  void check() const;

  /// A copy with this entry in its metadata_props, in place of one with the same key.
  ModelFile with_metadata(const std::string& key, const std::string& value) const;

  /// A copy whose float16 and bfloat16 tensors, inputs and outputs are float32: weights keep their values, activations
  /// are no longer rounded. sha256() stays that of this file.
  ModelFile in_float32() const;

  /// The same file, of which to_graph() reads the chosen part. Writing it writes all of it.
  ModelFile read_as(GraphChoice choice) const;
  const GraphChoice& choice() const noexcept { return choice_; }

  /// The executable reading, or the chosen part of it: local functions inlined, Einsum linear layers as MatMul, Constant nodes and initializers as
  /// constants. Throws Error(input) naming the node, Error(usage) when the choice names no input or
  /// output, Error(unsupported) when the chosen output needs another input as well.
  Graph to_graph() const;

  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
  GraphChoice choice_;
};

}  // namespace nq
