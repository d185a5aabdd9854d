#include "options/images_options.hpp"

#include <fmt/format.h>

#include "log_output.hpp"
#include "nq/image_input.hpp"

namespace nq {
namespace {

constexpr const char* kImageGroup = "Images";

/// Model metadata key that holds a preprocessing description.
constexpr const char* kPreprocessKey = "nqcli.preprocess";

}  // namespace

void ImagesOptions::add_to(CLI::App& command) {
  command.add_option("--images", folder, "Folder of images, sub-folders included")
      ->required()
      ->type_name("DIR")
      ->group(kImageGroup);
  command
      .add_option(
          "--labels", labels,
          "Lines 'name label', a .csv file, or one label per line for ILSVRC2012_val_<line>; a label is a "
          "class index or a WordNet id. Default: labels.txt in the folder, class folders, or WordNet ids in "
          "names")
      ->type_name("FILE")
      ->group(kImageGroup);
  command
      .add_option("--label-map", label_map,
                  "Numbering that --labels uses, such as 1-based ILSVRC2012 ids: lines with an id and its "
                  "WordNet id or class index")
      ->type_name("FILE")
      ->group(kImageGroup);
  command
      .add_option("--synset", synset,
                  "Line i begins with the WordNet id or folder name of class i; default: "
                  "synset_words.txt in the folder or above it")
      ->type_name("FILE")
      ->group(kImageGroup);
  CLI::Option* offset =
      command
          .add_option("--class-offset", class_offset,
                      "Class k is output k + N: 1 for a model with a background class in front (default: 0)")
          ->check(CLI::NonNegativeNumber)
          ->type_name("N")
          ->group(kImageGroup);
  command
      .add_option("--class-map", class_map,
                  "Line i is the output of class i; or line j begins with the WordNet id of output j, and "
                  "--synset with those of the classes. Other outputs are no classes")
      ->excludes(offset)
      ->type_name("FILE")
      ->group(kImageGroup);
  command
      .add_option(
          "--preprocess", preprocess,
          "imagenet, inception, clip, or a JSON file (own format or preprocessor_config.json); default: the "
          "model's metadata, else <model>.preprocess.json or preprocessor_config.json beside it")
      ->type_name("PRESET|FILE")
      ->group(kImageGroup);
  command.add_option("--bad-images", bad_images, "What to do with an image that cannot be decoded")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str()
      ->group(kImageGroup);
}

ImageFolder ImagesOptions::open() const {
  ImageFolder images = ImageFolder::open(folder, {labels, synset, label_map});
  log_note(fmt::format("images: {} in '{}', labels: {}", images.samples().size(), folder.string(),
                       images.label_source()));
  return images;
}

ClassView ImagesOptions::classes(const ImageFolder& images) const {
  if (class_offset) return ClassView::with_offset(*class_offset);
  if (class_map) return ClassView::from_file(*class_map, images.synset_file());
  return {};
}

Preprocess ImagesOptions::resolve(const ModelFile& model, const std::optional<Shape>& input_shape) const {
  const ImageInput input = find_image_input(model.to_graph(), input_shape);
  Preprocess result = resolve_preprocess(preprocess, model.path(), model.metadata(kPreprocessKey),
                                         static_cast<int>(input.height), static_cast<int>(input.width));
  log_note("preprocess: " + describe(result));
  return result;
}

Preprocess ImagesOptions::resolve(const ModelFile& model, const ModelFile& other,
                                  const std::optional<Shape>& input_shape) const {
  const bool own = preprocess || model.metadata(kPreprocessKey) || find_sidecar(model.path());
  return resolve(own ? model : other, input_shape);
}

void add_limit_options(CLI::App& command, std::int64_t& limit, std::uint64_t& seed, const std::string& seed_help) {
  command.add_option("--limit", limit, "Use only that many images, chosen by --seed; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--seed", seed, seed_help)->capture_default_str();
}

void log_skipped(const std::vector<SkippedImage>& skipped) {
  for (const SkippedImage& image : skipped)
    log_note(fmt::format("skipped '{}': {}", image.name, image.reason));
}

}  // namespace nq
