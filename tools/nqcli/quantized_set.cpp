#include "quantized_set.hpp"

namespace nq {

Json json_quantized_set(const Inspection& inspection) {
  Json quantized = Json::array();
  Json left_float = Json::array();
  for (const InspectedSite& site : inspection.sites) {
    if (!site.existing) {
      left_float.push_back(site.name);
      continue;
    }
    quantized.push_back({{"name", site.name},
                         {"weight_bits", site.existing->weight_bits},
                         {"activation_bits", site.existing->activation.bits}});
  }
  Json products = Json::array();
  Json float_products = Json::array();
  for (const InspectedProduct& product : inspection.products) {
    if (!product.existing()) {
      float_products.push_back(product.name);
      continue;
    }
    products.push_back({{"name", product.name}, {"left_bits", product.left->bits}, {"right_bits", product.right->bits}});
  }
  return {{"linear_layers", inspection.sites.size()},
          {"quantized", quantized},
          {"float", left_float},
          {"attention_products", inspection.products.size()},
          {"quantized_products", products},
          {"float_products", float_products},
          {"summary", quantized_set_text(inspection)}};
}

}  // namespace nq
