#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "nq/executor.hpp"
#include "pipeline/site_groups.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::initializer_text;
using test::typed_of;

/// The shared graphs take float32 images; a batch of 2 suits also those that fix it.
TypedGraph load_shared(const std::filesystem::path& folder) {
  const Graph graph = ModelFile::load(folder / "model.onnx").to_graph();
  const Value& input = graph.value(graph.inputs[0]);
  Shape shape;
  for (const Dim& dim : input.declared->dims) shape.push_back(dim.is_static() ? dim.value : 2);
  return specialize(graph, {{{input.name, shape}}, {}});
}

struct Expected {
  int linears;  ///< nn.Linear layers of the PyTorch model, the heads included
  int heads;
};

/// Counted from the architectures: a ViT block has qkv, proj, fc1, fc2; Swin adds a reduction per
/// patch merging; ResMLP blocks have linear_tokens, fc1, fc2; Mixer blocks two MLPs.
const std::map<std::string, Expected> kExpected = {
    {"deit3_layerscale", {9, 1}}, {"deit_distilled", {10, 2}},
    {"mixer", {13, 1}},           {"resmlp", {10, 1}},
    {"swin_opset13", {18, 1}},    {"swin_opset17", {18, 1}},
    {"swin_static", {18, 1}},     {"torchvision_swin", {18, 1}},
    {"torchvision_vit", {9, 1}},  {"torchvision_vit_opset14", {9, 1}},
    {"vit_gap", {9, 1}},          {"vit_opset11", {9, 1}},
    {"vit_opset13", {9, 1}},      {"vit_opset15", {9, 1}},
    {"vit_opset17", {9, 1}},      {"vit_static_batch", {9, 1}}};

int count_role(const SiteSearch& found, SiteRole role) {
  return static_cast<int>(std::count_if(found.sites.begin(), found.sites.end(),
                                        [role](const LinearSite& site) { return site.role == role; }));
}

std::vector<std::string> names_of(const std::vector<LinearSite>& sites) {
  std::vector<std::string> names;
  for (const LinearSite& site : sites) names.push_back(site.origin);
  return names;
}

}  // namespace

TEST_CASE("every linear layer of every shared graph is found, with its role", "[pipeline]") {
  for (const auto& folder : test::shared_graphs()) {
    const std::string name = folder.filename().string();
    INFO(name);
    REQUIRE(kExpected.contains(name));
    const Expected expected = kExpected.at(name);
    const SiteSearch found = find_linear_sites(load_shared(folder));
    CHECK(count_role(found, SiteRole::patch_embed) == 1);
    CHECK(count_role(found, SiteRole::head) == expected.heads);
    CHECK(count_role(found, SiteRole::block) == expected.linears - expected.heads);
    std::set<std::string> origins;
    for (const LinearSite& site : found.sites) {
      CHECK(origins.insert(site.origin).second);
      CHECK_FALSE(site.name.empty());
      const bool bias_free = site.name.find("reduction") != std::string::npos;
      CHECK(site.bias.has_value() != bias_free);
    }
    // What is left are the products of attention.
    for (const RejectedProduct& product : found.rejected)
      CHECK(product.reason == "both operands are activations");
  }
}

TEST_CASE("sites carry the names of the exporter's nodes", "[pipeline]") {
  const auto folder = test::shared_data("data/graphs/swin_opset17");
  if (!folder) return;
  const SiteSearch found = find_linear_sites(load_shared(*folder));
  std::map<std::string, SiteRole> roles;
  for (const LinearSite& site : found.sites) roles[site.name] = site.role;
  CHECK(roles.at("/layers/layers.0/blocks/blocks.0/attn/qkv/MatMul") == SiteRole::block);
  CHECK(std::any_of(found.sites.begin(), found.sites.end(), [](const LinearSite& site) {
    return site.name.find("reduction") != std::string::npos && site.role == SiteRole::block && !site.bias;
  }));
}

TEST_CASE("a bias behind Identity belongs to its site", "[pipeline]") {
  const SiteSearch found = find_linear_sites(
      typed_of("g (float[2,3,4] x) => (float[2,3,4] z)",
               {initializer_text("w", {4, 4}), "float[4] shared = {1, 2, 3, 4}"},
               "{ b = Identity(shared) p = MatMul(x, w) q = Identity(p) y = Add(b, q) z = Relu(y) }"));
  REQUIRE(found.sites.size() == 1);
  CHECK(found.sites[0].bias == std::vector<float>{1, 2, 3, 4});
  CHECK(found.sites[0].bias_input == 0);
}

TEST_CASE("what only looks like a bias is none", "[pipeline]") {
  const auto bias_of = [](const std::string& body, const std::vector<std::string>& more) {
    std::vector<std::string> initializers = {initializer_text("w", {4, 4})};
    initializers.insert(initializers.end(), more.begin(), more.end());
    return find_linear_sites(typed_of("g (float[2,3,4] x) => (float[2,3,4] y)", initializers, body))
        .sites.at(0)
        .bias;
  };
  CHECK(bias_of("{ p = MatMul(x, w) y = Add(p, b) }", {initializer_text("b", {4})}).has_value());
  CHECK(bias_of("{ p = MatMul(x, w) y = Add(p, b) }", {initializer_text("b", {1, 1, 4})}).has_value());
  CHECK_FALSE(bias_of("{ p = MatMul(x, w) y = Add(p, x) }", {}).has_value());
  CHECK_FALSE(bias_of("{ p = MatMul(x, w) y = Add(p, b) }", {initializer_text("b", {3, 4})}).has_value());
  CHECK_FALSE(
      bias_of("{ p = MatMul(x, w) a = Add(p, b) c = Neg(p) y = Mul(a, c) }", {initializer_text("b", {4})})
          .has_value());
}

TEST_CASE("products that are no linear layers say why", "[pipeline]") {
  const auto reason = [](const std::string& signature, const std::string& body,
                         const std::vector<std::string>& initializers) {
    const SiteSearch found = find_linear_sites(typed_of(signature, initializers, body));
    REQUIRE(found.sites.empty());
    return found.rejected.at(0).reason;
  };
  const std::string square = "g (float[2,4,4] x) => (float[2,4,4] y)";
  CHECK(reason(square, "{ y = MatMul(x, x) }", {}) == "both operands are activations");
  CHECK(reason(square, "{ y = MatMul(w, x) }", {initializer_text("w", {4, 4})}) ==
        "its left operand is the constant");
  CHECK(reason(square, "{ y = MatMul(x, w) }", {initializer_text("w", {2, 4, 4})}) ==
        "its weight has rank 3");
  CHECK_THAT(reason("g (float[1,3,8,8] x) => (float[1,2,8,8] y)", "{ y = Conv<pads = [1,1,1,1]>(x, w) }",
                    {initializer_text("w", {2, 3, 3, 3})}),
             Catch::Matchers::Contains("windows overlap"));
  CHECK_THAT(reason("g (float[1,3,9,9] x) => (float[1,2,2,2] y)", "{ y = Conv<strides = [4,4]>(x, w) }",
                    {initializer_text("w", {2, 3, 4, 4})}),
             Catch::Matchers::Contains("tile"));
}

TEST_CASE("an empty weight is no site", "[pipeline]") {
  const SiteSearch found = find_linear_sites(
      typed_of("g (float[1,4,0] x) => (float[1,4,8] y)", {"float[0,8] w = {}"}, "{ y = MatMul(x, w) }"));
  CHECK(found.sites.empty());
}

TEST_CASE("layers that read one value form one group", "[pipeline]") {
  const TypedGraph typed = typed_of(
      "g (float[2,3,4] x) => (float[2,3,4] y)",
      {initializer_text("wq", {4, 4}), initializer_text("wk", {4, 4}), initializer_text("wv", {4, 2}),
       initializer_text("wo", {4, 4})},
      "{ n = Relu(x) q = MatMul(n, wq) v = MatMul(n, wv) k = MatMul(n, wk) s = Add(q, k) t = MatMul(s, wo) "
      "m = ReduceSum(v) y = Mul(t, m) }");
  const auto groups = group_sites(find_linear_sites(typed).sites);
  REQUIRE(groups.size() == 2);
  CHECK(names_of(groups[0].sites) == std::vector<std::string>{"q", "v", "k"});
  CHECK(groups[0].c_out() == 10);
  CHECK(names_of(groups[1].sites) == std::vector<std::string>{"t"});
}

TEST_CASE("narrow layers are searched first", "[pipeline]") {
  const auto groups = group_sites(
      find_linear_sites(typed_of("g (float[2,3,4] x) => (float[2,3,4] y)",
                                 {initializer_text("a", {4, 8}), initializer_text("b", {8, 4}), initializer_text("c", {4, 8}),
                                  initializer_text("d", {8, 4})},
                                 "{ s = MatMul(x, a) t = MatMul(s, b) u = MatMul(t, c) y = MatMul(u, d) }"))
          .sites);
  CHECK(search_order(groups) == std::vector<std::size_t>{0, 2, 1, 3});
}

TEST_CASE("sites are selected by role and by pattern", "[pipeline]") {
  const auto folder = test::shared_data("data/graphs/deit_distilled");
  if (!folder) return;
  const SiteSearch found = find_linear_sites(load_shared(*folder));
  const auto select = [&](const SiteSelection& selection) {
    std::vector<SkippedSite> skipped;
    const auto sites = select_sites(found, selection, skipped);
    CHECK(sites.size() + skipped.size() == found.sites.size() + found.rejected.size());
    for (const SkippedSite& item : skipped) CHECK_FALSE(item.reason.empty());
    return sites.size();
  };
  CHECK(select({}) == 8);
  CHECK(select({.patch_embed = true, .head = true, .include = {}, .exclude = {}}) == 11);
  CHECK(select({.patch_embed = false, .head = false, .include = "qkv|head", .exclude = {}}) == 4);
  CHECK(select({.patch_embed = false, .head = false, .include = {}, .exclude = "blocks\\.1"}) == 4);
  CHECK(select({.patch_embed = false, .head = false, .include = "qkv", .exclude = "blocks\\.0"}) == 1);
  CHECK(select({.patch_embed = false, .head = false, .include = "nothing", .exclude = {}}) == 0);
  std::vector<SkippedSite> skipped;
  CHECK_ERROR(
      select_sites(found, {.patch_embed = false, .head = false, .include = "(", .exclude = {}}, skipped),
      usage, "--include '(' is not a valid regular expression");
  CHECK_ERROR(
      select_sites(found,
                   {.patch_embed = false, .head = false, .include = {}, .exclude = std::string(2000, 'a')},
                   skipped),
      usage, "--exclude is longer");
}

}  // namespace nq
