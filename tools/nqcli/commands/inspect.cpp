#include "nq/inspect.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "document.hpp"
#include "nq/error.hpp"
#include "nq/evaluation_record.hpp"
#include "nq/number_text.hpp"
#include "nq/onnx_limits.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "options/selection_options.hpp"
#include "quantized_set.hpp"
#include "table.hpp"
#include "text_forms.hpp"

namespace nq {
namespace {

struct InspectCommandOptions {
  ModelOptions model;
  SiteSelection selection;
  RuntimeOptions runtime;
};

Json json_endpoints(const std::vector<Endpoint>& endpoints) {
  Json list = Json::array();
  for (const Endpoint& endpoint : endpoints) {
    Json dims;
    if (endpoint.type.has_shape) dims = Json::array();
    for (const Dim& dim : endpoint.type.dims)
      dims.push_back(dim.is_static() ? Json(dim.value) : Json(dim.symbol));
    list.push_back({{"name", endpoint.name}, {"dtype", to_string(endpoint.type.dtype)}, {"shape", dims}});
  }
  return list;
}

Json json_existing(const std::optional<ExistingQuantization>& existing) {
  if (!existing) return nullptr;
  return {{"activation_bits", existing->activation.bits},
          {"activation_type", to_string(existing->activation.type)},
          {"activation_scale", existing->activation.scale},
          {"activation_zero_point", existing->activation.zero_point},
          {"weight_bits", existing->weight_bits},
          {"weight_scales", existing->weight_scales},
          {"weight_scale_min", existing->weight_scale_min},
          {"weight_scale_max", existing->weight_scale_max}};
}

Json json_site(const InspectedSite& site) {
  return {{"name", site.name},
          {"origin", site.origin},
          {"kind", to_string(site.kind)},
          {"role", to_string(site.role)},
          {"input_from", site.input_from},
          {"c_in", site.c_in},
          {"c_out", site.c_out},
          {"tokens", site.tokens},
          {"bias", site.has_bias},
          {"parameters", site.parameters},
          {"macs", site.macs},
          {"quantize", site.quantized()},
          {"reason", site.quantized() ? Json() : Json(site.skip_reason)},
          {"quantized_as", json_existing(site.existing)}};
}

Json json_quantizer(const std::optional<ExistingQuantizer>& quantizer) {
  if (!quantizer) return nullptr;
  return {{"bits", quantizer->bits},
          {"type", to_string(quantizer->type)},
          {"scale", quantizer->scale},
          {"zero_point", quantizer->zero_point}};
}

Json json_product(const InspectedProduct& product) {
  return {{"name", product.name},
          {"origin", product.origin},
          {"role", to_string(product.role)},
          {"macs", product.macs},
          {"quantize", product.quantized()},
          {"reason", product.quantized() ? Json() : Json(product.skip_reason)},
          {"left", json_quantizer(product.left)},
          {"right", json_quantizer(product.right)}};
}

Json json_model(const ModelFile& model) {
  Json metadata = Json::object();
  for (const auto& [key, value] : model.metadata()) metadata[key] = value;
  return {{"path", model.path().string()},
          {"sha256", model.sha256()},
          {"bytes", std::filesystem::file_size(model.path())},
          {"opset", model.opset()},
          {"ir_version", model.ir_version()},
          {"producer", model.producer()},
          {"metadata", metadata}};
}

Json json_noise(const std::optional<NoiseOverhead>& noise) {
  if (!noise) return nullptr;
  return {{"inputs", noise->inputs},
          {"values", noise->values},
          {"stored_values", noise->stored_values},
          {"bytes", 4 * noise->values},
          {"bytes_int16", 2 * noise->values},
          {"parameters", noise->parameters},
          {"share", noise->share()},
          {"macs", noise->macs},
          {"adds", noise->noise_adds},
          {"stored_adds", noise->stored_adds},
          {"bias_adds", noise->bias_adds},
          {"energy",
           {{"int8_mac_pj", kInt8MacPicojoules},
            {"float32_add_pj", kFloat32AddPicojoules},
            {"int16_add_pj", kInt16AddPicojoules},
            {"macs_uj", noise->mac_microjoules()},
            {"float32_share", noise->float32_energy_share()},
            {"int16_share", noise->int16_energy_share()}}}};
}

Json json_estimate(const CalibrationEstimate& estimate) {
  return {{"macs_per_image", estimate.macs_per_image},
          {"memory_bytes", estimate.memory_bytes()},
          {"weight_bytes", estimate.weight_bytes},
          {"arena_bytes", estimate.arena_bytes},
          {"sample_bytes", estimate.sample_bytes},
          {"forward_s_per_image", estimate.forward_s_per_image},
          {"search_s", estimate.search_s}};
}

Json json_report(const ModelFile& model, const Inspection& inspection) {
  Json document = new_document("inspect");
  document["model"] = json_model(model);
  document["inputs"] = json_endpoints(inspection.inputs);
  document["outputs"] = json_endpoints(inspection.outputs);
  document["parameters"] = inspection.parameters;
  document["arena_bytes"] = inspection.arena_bytes;
  document["operators"] = inspection.operators;
  document["family"] = inspection.family;
  document["parts"] = Json::object();
  for (const ArchitecturePart& part : inspection.parts) document["parts"][part.name] = part.count;
  document["calibration"] = json_estimate(inspection.estimate);
  document["unsupported"] = inspection.unsupported;
  document["limits"] = Json::array();
  for (const OnnxLimit& limit : limits_of(model)) {
    document["limits"].push_back({{"feature", limit.feature}, {"reason", limit.reason}});
  }
  document["sites"] = Json::array();
  for (const InspectedSite& site : inspection.sites) document["sites"].push_back(json_site(site));
  document["products"] = Json::array();
  for (const InspectedProduct& product : inspection.products) document["products"].push_back(json_product(product));
  document["rejected"] = Json::array();
  for (const RejectedProduct& product : inspection.rejected) {
    document["rejected"].push_back({{"name", product.name}, {"reason", product.reason}});
  }
  document["quantization"] = json_quantized_set(inspection);
  document["noise"] = json_noise(inspection.noise);
  document["evaluations"] = Json::array();
  for (const EvaluationRecord& record : evaluations_of(model)) document["evaluations"].push_back(Json::parse(evaluation_to_json(record)));
  return document;
}

std::string header_text(const ModelFile& model, const Inspection& inspection) {
  std::string text =
      fmt::format("model       {} ({}, opset {}, IR version {}, by {})\n", model.path().string(),
                  bytes_text(std::filesystem::file_size(model.path())), model.opset(), model.ir_version(),
                  model.producer().empty() ? "?" : model.producer());
  text += fmt::format("sha256      {}\n", model.sha256());
  for (const Endpoint& input : inspection.inputs) {
    text += fmt::format("input       {}  {}\n", input.name, type_text(input.type));
  }
  for (const Endpoint& output : inspection.outputs) {
    const bool counts = inspection.outputs.size() > 1 && &output == &inspection.outputs.front();
    text += fmt::format("output      {}  {}{}\n", output.name, type_text(output.type),
                        counts ? "  (counts as the logits; --output-name chooses another)" : "");
  }
  text += fmt::format("parameters  {}\n", count_text(inspection.parameters));
  std::vector<std::string> operators;
  for (const auto& [type, count] : inspection.operators)
    operators.push_back(fmt::format("{} {}", type, count));
  text += fmt::format("operators   {}\n", fmt::join(operators, ", "));
  if (inspection.family.empty()) return text;
  std::vector<std::string> parts;
  for (const ArchitecturePart& part : inspection.parts) parts.push_back(fmt::format("{} {}", part.name, part.count));
  text += fmt::format("network     {}: {}\n", inspection.family, fmt::join(parts, ", "));
  return text;
}

std::string existing_text(const ExistingQuantization& existing) {
  return fmt::format("W{}A{}, scale {:.4g}, zero point {}", existing.weight_bits, existing.activation.bits,
                     existing.activation.scale, existing.activation.zero_point);
}

std::string products_text(const Inspection& inspection) {
  Table table({{"attention product"}, {"role"}, {"MACs", true}, {"quantize"}});
  for (const InspectedProduct& product : inspection.products) {
    const std::string decision =
        product.existing()    ? fmt::format("already A{}A{}, scales {:.4g} and {:.4g}", product.left->bits, product.right->bits,
                                            product.left->scale, product.right->scale)
        : product.quantized() ? "yes"
                              : "no: " + product.skip_reason;
    table.add_row({product.name, std::string(to_string(product.role)), count_text(product.macs), decision});
  }
  return "\n" + table.text();
}

std::string estimate_text(const CalibrationEstimate& estimate) {
  return fmt::format("calibrating takes about {} (weights {}, samples up to {}), {:.2g} s per image and {:.2g} s of search\n",
                     bytes_text(estimate.memory_bytes()), bytes_text(estimate.weight_bytes),
                     bytes_text(estimate.sample_bytes), estimate.forward_s_per_image, estimate.search_s);
}

std::string sites_text(const Inspection& inspection) {
  Table table({{"linear layer"},
               {"kind"},
               {"role"},
               {"input from"},
               {"c_in", true},
               {"c_out", true},
               {"tokens", true},
               {"parameters", true},
               {"MACs", true},
               {"quantize"}});
  std::int64_t macs = 0;
  std::int64_t product_macs = 0;
  for (const InspectedProduct& product : inspection.products) product_macs += product.macs;
  for (const InspectedSite& site : inspection.sites) {
    macs += site.macs;
    const std::string decision = site.existing      ? "already " + existing_text(*site.existing)
                                 : site.quantized() ? "yes"
                                                    : "no: " + site.skip_reason;
    table.add_row({site.name, std::string(to_string(site.kind)), std::string(to_string(site.role)),
                   site.input_from, std::to_string(site.c_in), std::to_string(site.c_out),
                   std::to_string(site.tokens), count_text(site.parameters), count_text(site.macs),
                   decision});
  }
  std::string text = "\n" + table.text();
  if (!inspection.products.empty()) text += products_text(inspection);
  if (!inspection.rejected.empty()) {
    Table rejected({{"other product"}, {"why it is no linear layer"}});
    for (const RejectedProduct& product : inspection.rejected)
      rejected.add_row({product.name, product.reason});
    text += "\n" + rejected.text();
  }
  text +=
      fmt::format("\n{} linear layers with {} MACs per image, {} attention products with {}, {} other products, {} of "
                  "activation memory\n",
                  inspection.sites.size(), count_text(macs), inspection.products.size(), count_text(product_macs),
                  inspection.rejected.size(),
                  bytes_text(inspection.arena_bytes));
  text += estimate_text(inspection.estimate);
  return text;
}

std::string noise_text(const NoiseOverhead& noise) {
  return fmt::format(
      "noisy bias: {} values at {} layer inputs ({} as float32, {} as int16), {} of the parameters; {} of them are stored,\n"
      "the others folded. {} MACs against {} additions of it ({} executed): {} of the products' energy as float32, {}\n"
      "as int16 ({} pJ per int8 MAC, {} pJ per float32 addition, {} pJ per int16 addition)\n",
      count_text(noise.values), noise.inputs, bytes_text(static_cast<std::uint64_t>(4 * noise.values)),
      bytes_text(static_cast<std::uint64_t>(2 * noise.values)), small_percent_text(noise.share()), count_text(noise.stored_values),
      count_text(noise.macs), count_text(noise.noise_adds), count_text(noise.stored_adds),
      small_percent_text(noise.float32_energy_share()), small_percent_text(noise.int16_energy_share()), kInt8MacPicojoules, kFloat32AddPicojoules,
      kInt16AddPicojoules);
}

std::string evaluations_text(const ModelFile& model) {
  std::string text;
  for (const EvaluationRecord& record : evaluations_of(model)) {
    text += fmt::format("recorded    on {} {} images ({}...):", record.images, record.set, record.images_sha256.substr(0, 12));
    if (record.labelled > 0) {
      text += fmt::format(" top-1 {} of {},", record.top1_correct, record.labelled);
    }
    if (record.reference) {
      text += fmt::format(" logit MSE {:.4g} and {} top-1 agreement with {}...,", record.reference->logit_mse,
                          percent_text(record.reference->agreement), record.reference->sha256.substr(0, 12));
    }
    text.back() = '\n';
  }
  return text;
}

void run_inspect(const InspectCommandOptions& options) {
  options.runtime.apply();
  const ModelFile model = options.model.load_any();
  const Inspection inspection = inspect(model, {options.selection, options.model.input_shape()});
  if (options.runtime.json) {
    print_document(json_report(model, inspection));
  } else {
    print_text(header_text(model, inspection));
    if (inspection.unsupported.empty()) print_text(sites_text(inspection));
    if (inspection.noise) print_text(noise_text(*inspection.noise));
    print_text(evaluations_text(model));
  }
  check_runnable(model.path(), inspection.unsupported);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectCommandOptions>();
  CLI::App& command =
      *app.add_subcommand("inspect", "Show what a model consists of and what would be quantized");
  options->model.add_to(command);
  options->model.add_input_shape_to(command);
  add_selection_options(command, options->selection);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli inspect vit.onnx --json");
  command.callback([options] { run_inspect(*options); });
}

}  // namespace nq
