#include "options/class_names_option.hpp"

#include "nq/report.hpp"

namespace nq {

void ClassNamesOption::add_to(CLI::App& command, const std::string& group) {
  CLI::Option* option = command
      .add_option("--class-names", file,
                  "Line i is the name of class i in the report, a WordNet id in front left out; default: the synset file or the "
                  "class folders")
      ->type_name("FILE");
  if (!group.empty()) option->group(group);
}

std::vector<std::string> ClassNamesOption::names(const ImageFolder& folder) const {
  if (file) return load_class_names(*file);
  if (folder.synset_file()) return load_class_names(*folder.synset_file());
  return folder.label_source().starts_with("class folders in sorted order") ? class_folder_names(folder.samples()) : std::vector<std::string>();
}

}  // namespace nq
