#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nq/quant_params.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// All that a method may know of one site group: the linear layers that read the same value
/// (separate q, k and v are one group), with their weights concatenated along c_out.
struct SiteInput {
  std::string name;  ///< display name of the first site; keys the random stream
  /// Sampled token rows [rows, c_in] of the layer input, in an order that depends on the
  /// samples alone.
  MatrixView rows;
  /// Tokens that each row stands for, [rows]; all 1 when nothing was left out.
  std::span<const float> row_weight;
  /// Extremes over every calibration token, sampled or not, [c_in].
  std::span<const float> channel_min;
  std::span<const float> channel_max;
  std::int64_t tokens = 0;      ///< calibration tokens seen
  MatrixView weight;            ///< [c_in, c_out]
  std::span<const float> bias;  ///< [c_out]; zeros for a layer without bias
  /// A positive factor per channel can be folded into what feeds the layer at no run-time cost
  /// (the scale and bias of a LayerNormalization, the values of attention). Elsewhere a
  /// channel_scale is a Mul, and a fit carries one only where it earns that.
  bool channel_scale_allowed = false;
  /// A noisy bias can be folded into what feeds the layer; elsewhere it costs an Add, and `best` gives the input one only where
  /// that earns it.
  bool noise_folds = true;
  /// 1 for rows of tokens that the model's output reads directly (a class token), [rows]; empty
  /// when that is unknown or all tokens are read alike (average pooling). `best` raises the weight of
  /// such rows (row_emphasis.hpp), and states its losses under these weights.
  std::span<const std::uint8_t> readout;
  /// Scale of the LayerNormalization that feeds the layer, [c_in]; empty for anything else. Present
  /// only with channel_scale_allowed.
  std::span<const float> channel_gain;
  /// 1 for rows of images that judge between alternatives fitted on the others, [rows]; empty to
  /// hold out every fourth row.
  std::span<const std::uint8_t> held_out;
  /// Nothing but the readout rows reaches the output: no attention follows.
  bool readout_only = false;
};

enum class Objective { cosine, mse };

/// Reparameterization of the layer's input before easyquant or noisyquant (the paper's Table 3).
enum class Reparam {
  none,
  repq,  ///< RepQ-ViT (Li et al. 2023): channels of a LayerNormalization brought to one range
  os,    ///< Outlier Suppression (Wei et al. 2022): its scale moved on, and token-wise clipping
};

/// Codes of activations.
enum class ActivationRange {
  /// Symmetric; `best` chooses a zero_point where a noisy bias would cost an Add and does not earn it.
  automatic,
  symmetric,   ///< signed, zero_point 0
  asymmetric,  ///< unsigned, with a zero_point
};

/// Parts of `--method best`; each can be switched off to see what it is worth.
struct BestParts {
  bool channel_scale = true;     ///< per-channel scales folded into what feeds the layer
  bool outlier_channels = true;  ///< widest channels in a float side path where it pays
  bool noisy_bias = true;        ///< per-channel offsets searched with the activation scale
  bool bias_correction = true;   ///< mean output error taken out of the bias
  bool compensation = true;      ///< weights moved to make up for the activation's error
  bool weight_scale = true;      ///< weight scales from the Gram matrix of the input
  bool weight_codes = true;      ///< codes by error feedback and coordinate descent
};

/// One switch of BestParts, for command lines and recipes.
struct BestPart {
  std::string_view name;     ///< as on the command line: the member's name
  bool BestParts::* member;
};

/// Every part, in the order in which `best` applies them.
std::span<const BestPart> best_parts() noexcept;

struct MethodOptions {
  /// Whether codes are signed with a zero_point of 0, where nothing says otherwise of an input.
  bool symmetric() const noexcept { return activation != ActivationRange::asymmetric; }

  int weight_bits = 8;      ///< 2..kMaxBits
  int activation_bits = 8;  ///< 2..kMaxBits
  ActivationRange activation = ActivationRange::automatic;
  std::uint64_t seed = 0;
  // EasyQuant (Wu et al. 2020, section 3): n candidates in [alpha, beta] times the start scale.
  double alpha = 0.5;
  double beta = 1.2;
  int candidates = 100;
  int rounds = 2;
  Objective objective = Objective::mse;
  Reparam reparam = Reparam::none;
  double percentile = 99.99;   ///< of |x| (symmetric) or of both tails (asymmetric)
  int noise_candidates = 100;  ///< amplitudes n in (0, 8 * scale], besides 0 (NoisyQuant, Eq. 9)
  BestParts best;
  /// Largest share of a layer's multiply-accumulates that `best` may add in float: products of
  /// outlier channels, and a Mul by channel scales or an Add of a noisy bias that nothing takes up.
  double max_overhead = 0.06;
};

/// Loss after one stage of a search: mean squared error of the layer's output against FP32,
/// over tokens and output channels, on the sampled rows.
struct StageLoss {
  std::string stage;  ///< "minmax", "scale", "noisy_bias", ...
  double mse = 0;
};

/// Loss of a site over candidates of one parameter, everything else as in the file.
struct LossCurve {
  std::string parameter;       ///< "activation scale" or "noisy bias"
  double chosen = 0;           ///< value at ratio 1: the scale, or the amplitude of N
  std::vector<double> ratio;   ///< of the candidate to the chosen value
  std::vector<double> mse;     ///< mean squared output error, as the search ranks candidates
};

/// Quantization of one site group; everything the emitter needs, nothing about files.
struct SiteFit {
  QuantParams activation;                 ///< per tensor
  QuantParams weight;                     ///< per channel, axis = 1 of [c_in, c_out]
  std::vector<WeightCode> weight_codes;  ///< [c_in, c_out] row-major
  /// The codes are exactly quantize(weight * channel_scale, scale), zero in the rows of
  /// outlier_channels: a recipe need not carry them.
  bool weight_codes_derived = true;
  std::vector<float> noisy_bias;  ///< N, [c_in]; empty for none
  /// Correction of the mean output error, [c_out], added to the bias on top of the
  /// denoising bias -N*Wq; empty for none.
  std::vector<float> bias_correction;
  /// The layer sees x / channel_scale + N and the codes quantize weight * channel_scale (row c of
  /// the weight times entry c), [c_in]; empty for none. Costs a Mul unless SiteInput allows a scale.
  std::vector<float> channel_scale;
  /// Input channels that leave the quantizer, ascending: their rows of weight_codes are zero and
  /// the layer adds x[:, outlier_channels] * weight[outlier_channels, :] in float (Gather, MatMul,
  /// Add). Whatever the quantizer makes of these channels is multiplied by zero. Empty for none.
  std::vector<std::int32_t> outlier_channels;
  double noise_mean = 0;  ///< how the noisy bias was drawn; the values are authoritative
  double noise_amplitude = 0;
  std::vector<StageLoss> stages;  ///< in order; the last is the loss of this fit
};

/// How a method chooses the quantizers of attention products.
enum class ProductStrategy {
  extremes,    ///< ranges of all calibration tokens
  percentile,  ///< ranges of most values
  scale,       ///< scales searched on the attention's output
  noise,       ///< `scale`, with a drawn shift of the keys
  best,        ///< `scale`, with centred keys and channel scales between Q and K
};

/// One quantization method: a pure, deterministic function of one site group.
class Method {
 public:
  virtual ~Method() = default;
  virtual ProductStrategy products() const noexcept { return ProductStrategy::scale; }
  /// Never ends with a larger loss than its own starting point. Throws Error(input) on
  /// non-finite samples or weights.
  virtual SiteFit fit(const SiteInput& site, const MethodOptions& options) const = 0;
};

struct MethodInfo {
  std::string_view name;     ///< as on the command line
  std::string_view summary;  ///< one sentence
  std::unique_ptr<const Method> method;
};

class MethodRegistry {
 public:
  void add(std::string_view name, std::string_view summary, std::unique_ptr<const Method> method);
  /// Throws Error(usage) listing the known names.
  const Method& get(std::string_view name) const;
  std::span<const MethodInfo> all() const noexcept { return infos_; }

 private:
  std::vector<MethodInfo> infos_;
};

/// The registry with every method of this build.
const MethodRegistry& builtin_methods();

}  // namespace nq
