#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/model_file.hpp"

namespace nq {

/// One thing in which two files differ.
struct Difference {
  std::string where;  ///< display name of a node, or "" for the file
  std::string what;   ///< "activation scale", "weight codes", "operator", ...
  std::string first;  ///< "" where it is absent
  std::string second;
};

/// Quantization and graph of two files, compared product by product.
struct ModelDifference {
  std::int64_t products = 0;            ///< that both have
  std::int64_t equal_products = 0;      ///< of these, with the same quantization
  std::vector<Difference> file;         ///< opset, IR version, producer, metadata
  std::vector<Difference> quantization; ///< by product
  std::vector<Difference> graph;        ///< counts of operators, products that only one has

  bool same() const noexcept { return file.empty() && quantization.empty() && graph.empty(); }
};

/// Compares two QDQ files of any tool. Products are matched by the name of their first output, else by node name.
ModelDifference diff(const ModelFile& first, const ModelFile& second);

}  // namespace nq
