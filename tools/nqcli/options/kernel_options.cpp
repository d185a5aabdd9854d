#include "options/kernel_options.hpp"

namespace nq {

void add_kernel_option(CLI::App& command, KernelChoice& choice) {
  command
      .add_option_function<std::string>(
          "--kernels",
          [&choice](const std::string& word) {
            choice = word == "reference" ? KernelChoice::reference : KernelChoice::automatic;
          },
          "auto: fused and integer kernels where they apply; reference: node by node in float, as the file "
          "says")
      ->check(CLI::IsMember({"auto", "reference"}))
      ->default_str("auto")
      ->group("Output and resources");
}

std::string_view to_string(KernelChoice choice) noexcept {
  return choice == KernelChoice::reference ? "reference" : "auto";
}

}  // namespace nq
