#include "options/selection_options.hpp"

#include <algorithm>

namespace nq {

namespace {

constexpr const char* kSelectionGroup = "Layers";

}  // namespace

void add_selection_options(CLI::App& command, SiteSelection& selection) {
  command
      .add_option_function<std::string>(
          "--quantize",
          [&selection](const std::string& word) {
            if (word != "all") return;
            selection.patch_embed = selection.head = selection.products = true;
          },
          "linear: layers of the blocks; all: also attention products, patch embedding and head")
      ->check(CLI::IsMember({"linear", "all"}))
      ->default_str("linear")
      ->group(kSelectionGroup);
  command
      .add_option("--include", selection.include,
                  "Quantize only layers whose name matches, whatever their role (ECMAScript, unanchored)")
      ->type_name("REGEX")
      ->group(kSelectionGroup);
  command.add_option("--exclude", selection.exclude, "Leave layers float whose name matches")
      ->type_name("REGEX")
      ->group(kSelectionGroup);
  command.add_flag("--patch-embed", selection.patch_embed, "Quantize the patch embedding too")->group(kSelectionGroup);
  command.add_flag("--head", selection.head, "Quantize the classifier head too")->group(kSelectionGroup);
}

bool selection_given(const CLI::App& command) {
  const auto options = command.get_options([](const CLI::Option* option) { return option->get_group() == kSelectionGroup; });
  return std::any_of(options.begin(), options.end(), [](const CLI::Option* option) { return option->count() > 0; });
}

}  // namespace nq
