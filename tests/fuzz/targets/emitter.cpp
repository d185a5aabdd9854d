// The writer of quantized files: any recipe for one of a few models is refused or gives a file that reads back, passes
// the checks, and runs alike on both kinds of kernels.

#include <algorithm>
#include <cmath>

#include "fuzz_support.hpp"
#include "nq/executor.hpp"
#include "nq/quantize.hpp"
#include "pipeline/site_groups.hpp"
#include "support/models.hpp"

namespace {

using namespace nq;
using test::initializer_text;

/// A model with what the writer needs to know of it.
struct Base {
  ModelFile model;
  std::map<std::string, Shape> shapes;
  std::vector<SiteGroup> groups;

  Base(const std::string& text, const Shape& input) : model(ModelFile::from_text(text)), shapes{{"x", input}} {
    groups = group_sites(find_linear_sites(specialize(model.to_graph(), {shapes, {}})).sites);
    fuzz::require(!groups.empty(), "a model without layers");
  }
};

const std::vector<Base>& bases() {
  static const std::vector<Base> all = {
      {test::model_text("g (float[1,5,8] x) => (float[1,5,6] y)",
                        {initializer_text("s", {8}), initializer_text("t", {8}), initializer_text("w", {8, 12}),
                         initializer_text("b", {12}), initializer_text("v", {12, 6}), "float half = {0.5}", "float one = {1.0}",
                         "float root = {1.41421354}"},
                        "{ n = LayerNormalization(x, s, t) p = MatMul(n, w) h = Add(p, b) d = Div(h, root) e = Erf(d) "
                        "f = Add(e, one) g0 = Mul(h, f) a = Mul(g0, half) y = MatMul(a, v) }"),
       Shape{1, 5, 8}},
      {test::model_text("g (float[1,2,4,6] x) => (float[1,3] y)",
                        {initializer_text("w", {6, 2, 2, 2}), initializer_text("b", {6}), initializer_text("v", {36, 3}),
                         initializer_text("c", {3}), "int64[2] flat = {1, 36}"},
                        "{ p = Conv<strides = [2,2], kernel_shape = [2,2]>(x, w, b) r = Reshape(p, flat) y = Gemm(r, v, c) }"),
       Shape{1, 2, 4, 6}},
      {test::model_text("g (float[1,5,1] x) => (float[1,5,4] y)",
                        {initializer_text("w", {1, 4}), initializer_text("u", {1, 4}), initializer_text("b", {4})},
                        "{ p = MatMul(x, w) q = Add(p, b) r = MatMul(x, u) y = Add(q, r) }"),
       Shape{1, 5, 1}}};
  return all;
}

/// Mostly what a search would choose, sometimes anything.
float number(fuzz::Bytes& bytes, float usual) {
  const int kind = bytes.below(8);
  if (kind == 0) return bytes.any_float();
  return usual * static_cast<float>(1 + bytes.below(16)) / 8.0F;
}

std::vector<float> numbers(fuzz::Bytes& bytes, std::int64_t count, float usual, bool is_signed) {
  std::vector<float> values;
  for (std::int64_t k = 0; k < count; ++k) {
    const float value = number(bytes, usual);
    values.push_back(is_signed && bytes.coin() ? -value : value);
  }
  return values;
}

SiteRecipe recipe_of(const LinearSite& site, fuzz::Bytes& bytes) {
  SiteRecipe recipe;
  recipe.name = site.name;
  recipe.origin = bytes.below(32) == 0 ? "other" : site.origin;
  recipe.c_in = site.c_in;
  recipe.c_out = bytes.below(32) == 0 ? site.c_out + 1 : site.c_out;
  recipe.weight.bits = 2 + bytes.below(7);
  recipe.weight.narrow = true;
  recipe.weight.axis = 1;
  recipe.weight.scale = numbers(bytes, recipe.c_out, 0.01F, false);
  recipe.weight.zero_point.assign(recipe.weight.scale.size(), 0);
  if (bytes.coin()) {
    for (std::int64_t k = 0; k < site.c_in * recipe.c_out; ++k) recipe.weight_codes.push_back(static_cast<std::int8_t>(bytes.byte()));
  }
  if (bytes.coin()) recipe.bias_correction = numbers(bytes, recipe.c_out, 0.1F, true);
  if (bytes.below(4) == 0) recipe.output_scale = numbers(bytes, recipe.c_out, 1.0F, false);
  if (bytes.below(4) == 0) recipe.output_shift = numbers(bytes, recipe.c_out, 1.0F, true);
  return recipe;
}

/// What the sites of a group share.
void share_input(SiteRecipe& recipe, const SiteGroup& group, fuzz::Bytes& bytes) {
  recipe.activation.bits = 2 + bytes.below(7);
  recipe.activation.is_signed = bytes.coin();
  recipe.activation.scale = {number(bytes, 0.05F)};
  recipe.activation.zero_point = {recipe.activation.is_signed ? 0 : bytes.below(1 << recipe.activation.bits)};
  if (bytes.coin()) recipe.noisy_bias = numbers(bytes, group.c_in(), 0.05F, true);
  if (bytes.below(4) == 0) recipe.channel_scale = numbers(bytes, group.c_in(), 1.0F, false);
  if (bytes.below(4) == 0) {
    for (std::int32_t channel = 0; channel < group.c_in(); ++channel) {
      if (bytes.below(4) == 0) recipe.outlier_channels.push_back(channel);
    }
  }
}

Recipe recipe_for(const Base& base, fuzz::Bytes& bytes) {
  Recipe recipe;
  recipe.tool_version = "fuzz";
  recipe.model_sha256 = base.model.sha256();
  recipe.method = "fuzz";
  recipe.input_shapes = base.shapes;
  recipe.image_list_sha256 = "none";
  for (std::size_t group = 0; group < base.groups.size(); ++group) {
    if (bytes.below(8) == 0) continue;
    SiteRecipe shared;
    share_input(shared, base.groups[group], bytes);
    for (const LinearSite& site : base.groups[group].sites) {
      SiteRecipe own = recipe_of(site, bytes);
      own.group = static_cast<int>(group);
      own.activation = shared.activation;
      own.noisy_bias = shared.noisy_bias;
      own.channel_scale = shared.channel_scale;
      own.outlier_channels = shared.outlier_channels;
      recipe.sites.push_back(std::move(own));
    }
  }
  return recipe;
}

Tensor run(const ModelFile& model, const Base& base, KernelChoice kernels) {
  Specialization spec{base.shapes, {}};
  spec.keep_quantized_weights = kernels == KernelChoice::automatic;
  PlanOptions options;
  options.kernels = kernels;
  Tensor input(TensorType{DType::f32, base.shapes.begin()->second});
  std::uint64_t place = 0;
  for (float& value : input.mutable_span<float>()) value = 3 * fuzz::value_at(place++);
  return Executor(make_plan(specialize(model.to_graph(), spec), options)).run({&input, 1}).front();
}

/// Nothing in the recipe is tiny or huge. Elsewhere the two ways of summing may differ by anything: where huge terms cancel, and
/// where a tiny channel scale turns the last bit of an input into the end of the code range.
bool is_tame(const Recipe& recipe) {
  const auto tame = [](const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float value) {
      return value == 0 || (std::fabs(value) > 1e-4F && std::fabs(value) < 1e4F);
    });
  };
  return std::all_of(recipe.sites.begin(), recipe.sites.end(), [&](const SiteRecipe& site) {
    return tame(site.activation.scale) && tame(site.weight.scale) && tame(site.noisy_bias) && tame(site.bias_correction) &&
           tame(site.channel_scale) && tame(site.output_scale) && tame(site.output_shift);
  });
}

void check_alike(const Tensor& a, const Tensor& b) {
  double most = 0;
  double apart = 0;
  for (std::size_t k = 0; k < a.span<float>().size(); ++k) {
    const double x = a.span<float>()[k];
    const double y = b.span<float>()[k];
    fuzz::require(std::isfinite(x) && std::isfinite(y), "the file gives a number that is not finite");
    most = std::max(most, std::abs(x));
    apart = std::max(apart, std::abs(x - y));
  }
  // A code may fall on the other side of its boundary and move what follows by a step.
  fuzz::require(apart <= 0.5 * most + 1e-5, "the fused run of the file is far off");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes(data, size);
  const Base& base = bases()[static_cast<std::size_t>(bytes.below(static_cast<int>(bases().size())))];
  EmitOptions options;
  options.fold_noise = bytes.coin();
  options.int16_offsets = bytes.coin();
  fuzz::refuse_or([&] {
    // Only what the reader of recipes lets through reaches the writer.
    const Recipe recipe = recipe_from_json(recipe_to_json(recipe_for(base, bytes)), "fuzz");
    const std::string written = quantize(base.model, recipe, options).serialize();
    const ModelFile file = ModelFile::parse(written, fuzz::empty_folder());
    try {
      file.check();
    } catch (const Error& error) {
      fuzz::finding("the written file does not pass the checks: " + error.full_text());
    }
    const Tensor plain = run(file, base, KernelChoice::reference);
    const Tensor fused = run(file, base, KernelChoice::automatic);
    if (is_tame(recipe)) check_alike(plain, fused);
  });
  return 0;
}
