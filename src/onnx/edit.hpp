#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nq/model_file.hpp"

namespace nq {

/// A node to insert, in ONNX terms.
struct NodeSpec {
  std::string op_type;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  Attributes attributes;  ///< integers and lists of integers
  std::string doc_string;
  std::string domain;
};

/// Edits a copy of a model in place of regenerating it: everything not touched stays as it was.
///
/// Nodes are addressed by origin (first output name). Shared initializers are never changed; a
/// reader is rewired to a new one and what nothing reads any more is dropped by finish().
class ModelEdit {
 public:
  explicit ModelEdit(const ModelFile& model);
  ~ModelEdit();

  /// `base`, or `base_2`, `base_3`, ... when it is taken by a value or node.
  std::string unique_name(const std::string& base);
  /// Adds an initializer under a unique name made from `base`; returns the name.
  std::string add_initializer(const std::string& base, const Tensor& tensor);
  void insert_before(const std::string& origin, const NodeSpec& node);
  void insert_after(const std::string& origin, const NodeSpec& node);
  /// Replaces the node in its place; outputs of the new one must cover the old one's readers.
  void replace_node(const std::string& origin, const NodeSpec& node);
  void remove_node(const std::string& origin);
  void set_input(const std::string& origin, int input, const std::string& value);
  /// Renames output 0 of the node; readers keep reading the old name.
  void rename_output(const std::string& origin, const std::string& new_name);
  /// Forgets the type that the file notes for an inner value: the edit changed it.
  void drop_declared_type(const std::string& value);
  std::string input_name(const std::string& origin, int input) const;
  std::string node_name(const std::string& origin) const;
  void set_metadata(const std::string& key, const std::string& value);
  void set_producer(const std::string& name, const std::string& version);
  /// Raises the default domain to opset `target` (13 or 21) when it is older, rewriting the nodes whose
  /// form changed, and the IR version to what the opset needs. `rank_of` tells the rank of a value, -1
  /// when unknown. Throws Error(unsupported) where that is not possible.
  void raise_opset(int target, const std::function<int(const std::string&)>& rank_of);

  /// Drops nodes and initializers that only the replaced inputs used, and returns the model.
  ModelFile finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nq
