#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "nq/inspect.hpp"

namespace nq {
namespace {

constexpr std::size_t kNamesShown = 4;

/// Members of one kind: how many are quantized, in which forms, and which are float.
struct KindCount {
  std::size_t quantized = 0;
  std::set<std::string> forms;
  std::vector<std::string> left_float;

  void add(const std::string& name, const std::string& form) {
    if (form.empty()) {
      left_float.push_back(name);
    } else {
      ++quantized;
      forms.insert(form);
    }
  }
};

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return count == 1 ? one : fmt::format("{} {}", count, many);
}

std::string site_form(const InspectedSite& site) {
  return site.existing ? fmt::format("W{}A{}", site.existing->weight_bits, site.existing->activation.bits) : "";
}

std::string product_form(const InspectedProduct& product) {
  if (!product.existing()) return {};
  return product.left->bits == product.right->bits ? fmt::format("A{}", product.left->bits)
                                                   : fmt::format("A{}A{}", product.left->bits, product.right->bits);
}

/// The kinds in the order in which they are named.
struct KindNames {
  std::string one, many;
};
const KindNames kKinds[] = {{"1 linear", "linear"},
                            {"1 attention product", "attention products"},
                            {"patch embedding", "patch embeddings"},
                            {"head", "heads"},
                            {"1 side path", "side paths"}};
enum Kind { kLinear, kProduct, kPatchEmbed, kHead, kSidePath, kNumKinds };

Kind kind_of(const InspectedSite& site) {
  if (site.side_path) return kSidePath;
  return site.role == SiteRole::block ? kLinear : site.role == SiteRole::head ? kHead : kPatchEmbed;
}

}  // namespace

std::string quantized_set_text(const Inspection& inspection) {
  KindCount kinds[kNumKinds];
  for (const InspectedSite& site : inspection.sites) kinds[kind_of(site)].add(site.name, site_form(site));
  for (const InspectedProduct& product : inspection.products) kinds[kProduct].add(product.name, product_form(product));
  std::vector<std::string> quantized;
  std::vector<std::string> left_float;
  for (int kind = 0; kind < kNumKinds; ++kind) {
    const auto& [count, forms, names] = kinds[kind];
    if (count > 0) {
      quantized.push_back(fmt::format("{} {}", counted(count, kKinds[kind].one, kKinds[kind].many), fmt::join(forms, "/")));
    }
    if (names.empty()) continue;
    std::string text = counted(names.size(), kKinds[kind].one, kKinds[kind].many);
    if (kind == kLinear && names.size() <= kNamesShown) text += fmt::format(" ({})", fmt::join(names, ", "));
    left_float.push_back(std::move(text));
  }
  if (quantized.empty()) return "nothing: the model is float";
  return fmt::format("{}; float: {}", fmt::join(quantized, ", "),
                     left_float.empty() ? "none" : fmt::format("{}", fmt::join(left_float, ", ")));
}

}  // namespace nq
