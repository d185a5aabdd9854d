#include "onnx/check_model.hpp"

#include <onnx/checker.h>

#include <set>
#include <unordered_map>

#include "core/check.hpp"
#include "onnx/external_visit.hpp"
#include "onnx/model_impl.hpp"
#include "onnx/opset_upgrade.hpp"

namespace nq {
namespace {

/// Newest opset whose schemas the linked ONNX library knows.
constexpr int kCheckerOpset = 17;
constexpr int kCheckerIrVersion = 8;

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

class StructureCheck {
 public:
  explicit StructureCheck(const onnx::ModelProto& proto) : proto_(proto) {
    for (const auto& import : proto.opset_import()) domains_.insert(canonical(import.domain()));
  }

  void run() {
    const int opset = imported_opset(proto_, "");
    NQ_CHECK(proto_.ir_version() >= ir_version_of_opset(opset), input, "opset {} needs IR version {}, the model has {}", opset,
             ir_version_of_opset(opset), proto_.ir_version());
    std::set<std::string> imported;
    for (const auto& import : proto_.opset_import()) {
      NQ_CHECK(imported.insert(canonical(import.domain())).second, input, "the domain '{}' is imported twice", import.domain());
    }
    graph(proto_.graph());
  }

 private:
  static std::string canonical(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

  void graph(const onnx::GraphProto& graph) const {
    std::set<std::string> initializers;
    for (const auto& tensor : graph.initializer()) {
      NQ_CHECK(!tensor.name().empty(), input, "an initializer has no name");
      NQ_CHECK(initializers.insert(tensor.name()).second, input, "the initializer '{}' is given twice", tensor.name());
    }
    std::set<std::string> inputs;
    for (const auto& info : graph.input()) {
      NQ_CHECK(inputs.insert(info.name()).second, input, "the graph input '{}' is given twice", info.name());
    }
    for (const auto& info : graph.output()) {
      NQ_CHECK(info.has_type(), input, "the graph output '{}' has no type", info.name());
    }
    for (const auto& node : graph.node()) {
      with_context([&] { check_node(node); }, [&] {
        return fmt::format("in node '{}' ({})", node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name(),
                           node.op_type());
      });
    }
  }

  void check_node(const onnx::NodeProto& node) const {
    NQ_CHECK(!node.op_type().empty(), input, "has no operator");
    NQ_CHECK(domains_.contains(canonical(node.domain())), input, "the model imports no opset for domain '{}'", node.domain());
    std::set<std::string> names;
    for (const auto& attribute : node.attribute()) {
      NQ_CHECK(names.insert(attribute.name()).second, input, "attribute '{}' is given twice", attribute.name());
      NQ_CHECK(attribute.type() != onnx::AttributeProto::UNDEFINED, input, "attribute '{}' has no type", attribute.name());
      if (attribute.has_g()) graph(attribute.g());
    }
  }

  const onnx::ModelProto& proto_;
  std::set<std::string> domains_;
};

}  // namespace

void check_model_proto(const onnx::ModelProto& proto, const ExternalData& external) {
  if (imported_opset(proto, "") > kCheckerOpset || proto.ir_version() > kCheckerIrVersion) {
    with_context([&] { StructureCheck(proto).run(); }, [] { return std::string("while checking the model"); });
    return;
  }
  try {
    if (external_files(proto).empty()) onnx::checker::check_model(proto);
    else check_with_folder(proto, external.folder());
  } catch (const std::exception& error) {
    fail(ErrorKind::input, "the ONNX checker refuses the model: {}", error.what());
  }
}

}  // namespace nq
