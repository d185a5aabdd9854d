#include "options/calibration_options.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nq {
namespace {

constexpr const char* kGroup = "Quantization";
constexpr const char* kInterruption = "Interruption";

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const MethodInfo& info : builtin_methods().all()) names.emplace_back(info.name);
  return names;
}

std::string method_help() {
  std::string text = "Method of the search";
  for (const MethodInfo& info : builtin_methods().all())
    text += fmt::format("\n- {}: {}", info.name, info.summary);
  return text;
}

void add_best_options(CLI::App& command, MethodOptions& fit) {
  std::vector<std::string> names;
  for (const BestPart& part : best_parts()) names.emplace_back(part.name);
  command
      .add_option_function<std::vector<std::string>>(
          "--best-without",
          [&fit](const std::vector<std::string>& left_out) {
            for (const BestPart& part : best_parts()) {
              fit.best.*part.member = std::find(left_out.begin(), left_out.end(), part.name) == left_out.end();
            }
          },
          "Parts that method best leaves out, with commas")
      ->delimiter(',')
      ->check(CLI::IsMember(names))
      ->group(kGroup);
  command
      .add_option("--max-overhead", fit.max_overhead,
                  "Share of a layer's multiply-accumulates that method best may add in float")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(kGroup);
}

/// An option that takes one of two words.
void add_choice(CLI::App& command, const std::string& flag, const std::string& help, const std::string& first,
                const std::string& second, std::function<void(bool)> set_second) {
  command
      .add_option_function<std::string>(
          flag, [second, set = std::move(set_second)](const std::string& word) { set(word == second); }, help)
      ->check(CLI::IsMember({first, second}))
      ->default_str(first)
      ->group(kGroup);
}

}  // namespace

void add_fit_options(CLI::App& command, CalibrationOptions& options) {
  MethodOptions& fit = options.fit;
  const auto add = [&command](const std::string& flag, auto& value, const std::string& help) {
    return command.add_option(flag, value, help)->capture_default_str()->group(kGroup);
  };
  add("--method", options.method, method_help())->check(CLI::IsMember(method_names()));
  add("--wbits", fit.weight_bits, "Bits of weights, symmetric per output channel")->check(CLI::Range(2, 8));
  add("--abits", fit.activation_bits, "Bits of layer inputs, per tensor")->check(CLI::Range(2, 8));
  command
      .add_option_function<std::string>(
          "--bits", [&options](const std::string& text) { options.bits = parse_bits_rules(text); },
          "Bits of single layers and products: PATTERN=w8a8 with commas, the first match decides; a pattern is a regex "
          "on names, or @head, @patch_embed, @LayerNormalization, @attention, @Gelu, @products, @scores, @values")
      ->type_name("RULES")
      ->group(kGroup);
  command
      .add_option_function<std::string>(
          "--activation",
          [&fit](const std::string& word) {
            fit.activation = word == "auto" ? ActivationRange::automatic
                             : word == "symmetric" ? ActivationRange::symmetric
                                                   : ActivationRange::asymmetric;
          },
          "Range of activation codes; auto: symmetric, and with method best uint8 with a zero_point where a noisy bias would "
          "cost an Add and does not earn it (not for --target tensorrt or portable)")
      ->check(CLI::IsMember({"auto", "symmetric", "asymmetric"}))
      ->default_str("auto")
      ->group(kGroup);
  add("--seed", fit.seed, "Seed of the noise and of the choice of images");
  add_choice(command, "--objective", "Loss of the scale search, on the layer's output", "mse", "cosine",
             [&fit](bool cosine) { fit.objective = cosine ? Objective::cosine : Objective::mse; });
  command
      .add_option_function<std::string>(
          "--reparam",
          [&fit](const std::string& word) {
            fit.reparam = word == "repq" ? Reparam::repq : word == "os" ? Reparam::os : Reparam::none;
          },
          "Reparameterize LayerNormalization outputs before easyquant or noisyquant: repq, one range for all "
          "channels (RepQ-ViT); os, its scale moved on, and token-wise clipping (Outlier Suppression)")
      ->check(CLI::IsMember({"none", "repq", "os"}))
      ->default_str("none")
      ->group(kGroup);
  add("--alpha", fit.alpha, "Least candidate scale, as a multiple of the start")->check(CLI::PositiveNumber);
  add("--beta", fit.beta, "Largest candidate scale, as a multiple of the start")->check(CLI::PositiveNumber);
  add("--candidates", fit.candidates, "Candidate scales per search")->check(CLI::Range(1, 100000));
  add("--rounds", fit.rounds, "Rounds of alternating weight and activation search")
      ->check(CLI::Range(1, 100));
  add("--noise-candidates", fit.noise_candidates, "Candidate noise amplitudes besides 0")
      ->check(CLI::Range(1, 100000));
  add("--percentile", fit.percentile, "Percentile of |x| that method percentile clips at")
      ->check(CLI::Range(0.0, 100.0));
  add_best_options(command, fit);
  command
      .add_flag("--float32", options.float32,
                "Write a float16 model as float32: computed, and with inputs and outputs, in float32")
      ->group(kGroup);
}

void add_calibration_options(CLI::App& command, CalibrationOptions& options) {
  add_fit_options(command, options);
  add_choice(
      command, "--propagate", "What later layers see while a layer is calibrated", "fp32", "quantized",
      [&options](bool quantized) { options.propagate = quantized ? Propagate::quantized : Propagate::fp32; });
  command
      .add_option("--max-memory", options.max_sample_bytes,
                  "Memory for sampled layer inputs, e.g. 512M or 2G")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1536M")
      ->type_name("SIZE")
      ->group(kGroup);
  command
      .add_option("--save-stats", options.save_statistics,
                  "Keep what the images gave for quantize --stats; --propagate fp32 only")
      ->type_name("FILE")
      ->group(kGroup);
  command
      .add_option("--state", options.state,
                  "Keep the calibration in this folder while it runs: after a stop, whatever the reason, the same "
                  "command goes on from there, to the same bytes")
      ->type_name("DIR")
      ->group(kInterruption);
  command
      .add_option("--save-every", options.save_every_s,
                  "Least seconds between saves of statistics; 0 after every 16 images")
      ->check(CLI::NonNegativeNumber)
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group(kInterruption);
}

}  // namespace nq
