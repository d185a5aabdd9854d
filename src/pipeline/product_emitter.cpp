#include "pipeline/product_emitter.hpp"

#include "core/check.hpp"
#include "ops/onnx_dtype.hpp"
#include "pipeline/quantizer_emitter.hpp"

namespace nq {
namespace {

const ProductSite& find_product(const SiteSearch& found, const ProductRecipe& recipe) {
  for (const AttentionSite& attention : found.attention) {
    const ProductSite& site = recipe.role == ProductRole::scores ? attention.scores : attention.values;
    if (site.origin == recipe.origin) return site;
  }
  fail(ErrorKind::input, "the recipe's product '{}' (output '{}') is not in the model", recipe.name,
       recipe.origin);
}

/// Scales keep float32 and runtimes their int8 kernels; the model around stays as it is (docs/adr/0009).
std::string to_float32(ModelEdit& edit, const std::string& before, const std::string& x) {
  NodeSpec cast;
  cast.op_type = "Cast";
  cast.name = edit.unique_name(x + "_float32");
  cast.inputs = {x};
  cast.outputs = {edit.unique_name(x + "_float32_Output")};
  cast.attributes["to"] = onnx_float_code(DType::f32);
  edit.insert_before(before, cast);
  return cast.outputs.front();
}

/// Casts the product back to the model's own type under the name that its readers know.
void restore_type(ModelEdit& edit, const std::string& origin, DType dtype) {
  NodeSpec cast;
  cast.op_type = "Cast";
  cast.name = edit.unique_name(edit.node_name(origin) + "_Cast");
  cast.inputs = {edit.unique_name(origin + "_float32")};
  cast.outputs = {origin};
  cast.attributes["to"] = onnx_float_code(dtype);
  edit.rename_output(origin, cast.inputs.front());
  edit.insert_after(cast.inputs.front(), cast);
}

}  // namespace

void emit_product(ModelEdit& edit, const TypedGraph& typed, const SiteSearch& found,
                  const ProductRecipe& recipe) {
  const ProductSite& site = find_product(found, recipe);
  const DType dtype = typed.type(site.left).dtype;
  for (int input = 0; input < 2; ++input) {
    const QuantParams& params = input == 0 ? recipe.left : recipe.right;
    std::string x = edit.input_name(site.origin, input);
    if (dtype != DType::f32) x = to_float32(edit, site.origin, x);
    edit.set_input(site.origin, input, emit_quantizer(edit, site.origin, x, params));
  }
  if (dtype != DType::f32) restore_type(edit, site.origin, dtype);
}

}  // namespace nq
