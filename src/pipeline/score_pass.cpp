#include "pipeline/score_pass.hpp"

#include <algorithm>
#include <set>

#include "core/check.hpp"
#include "pipeline/eval_tally.hpp"
#include "pipeline/image_metrics.hpp"
#include "pipeline/logits.hpp"

namespace nq {
namespace {

/// Scores that all pictures of a report may hold together; with many classes each shows its highest ones.
constexpr std::size_t kMostScores = 160000;
constexpr std::size_t kFewestScores = 64;

/// Disagreements first, then by falling error; names decide between equal ones.
bool is_worse(const ReportImage& left, const ReportImage& right) {
  if (left.disagree != right.disagree) return left.disagree;
  if (left.largest_mse != right.largest_mse) return left.largest_mse > right.largest_mse;
  return left.name < right.name;
}

/// Keeps the worst of a stream.
template <typename Item, typename Image>
void keep_worst(std::vector<Item>& items, std::size_t count, const Image& image_of, bool is_last) {
  if (!is_last && items.size() <= 2 * count + 64) return;
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return is_worse(image_of(a), image_of(b)); });
  if (items.size() > count) items.erase(items.begin() + static_cast<std::ptrdiff_t>(count), items.end());
}

const ReportImage& image_of_picture(const ReportPicture& picture) { return picture.image; }
const ReportImage& image_itself(const ReportImage& image) { return image; }

/// Leaves the classes that score highest under any model, `most` of them or a few more.
void thin_scores(ReportPicture& picture, std::size_t most) {
  const std::size_t classes = picture.scores.front().size();
  if (classes <= most) return;
  std::vector<std::int64_t> order(classes);
  for (std::size_t k = 0; k < classes; ++k) order[k] = static_cast<std::int64_t>(k);
  const auto highest = [&](std::int64_t k) {
    float best = picture.scores.front()[static_cast<std::size_t>(k)];
    for (const auto& scores : picture.scores) best = std::max(best, scores[static_cast<std::size_t>(k)]);
    return best;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return highest(a) > highest(b); });
  order.resize(most);
  if (picture.image.label && std::find(order.begin(), order.end(), *picture.image.label) == order.end()) {
    order.back() = *picture.image.label;
  }
  std::sort(order.begin(), order.end());
  for (auto& scores : picture.scores) {
    std::vector<float> kept;
    for (const std::int64_t k : order) kept.push_back(scores[static_cast<std::size_t>(k)]);
    scores = std::move(kept);
  }
  picture.scored = std::move(order);
}

class Scorer {
 public:
  Scorer(const ModelFile& reference, const std::vector<ReportSubject>& models, const std::vector<Sample>& images,
         const Preprocess& preprocess, const ReportOptions& options)
      : options_(options), images_(images), show_(options.show.begin(), options.show.end()) {
    check_shown();
    const std::int64_t largest = largest_label(images);
    runners_.push_back(make_model_runner(reference, options.input_shape, options.kernels, preprocess));
    tallies_.emplace_back(EvalCounts{}, options.classes, largest);
    for (const ReportSubject& subject : models) {
      runners_.push_back(make_model_runner(*subject.model, options.input_shape, options.kernels, preprocess));
      tallies_.emplace_back(EvalCounts{}, options.classes, largest);
    }
  }

  void add(const Batch& batch) {
    std::vector<Tensor> outputs;
    for (ImageRunner& runner : runners_) outputs.push_back(runner.run(batch.images));
    for (std::size_t slot = 0; slot < batch.sample_index.size(); ++slot) add_image(outputs, slot, images_[batch.sample_index[slot]]);
  }

  ScorePass finish() {
    keep_worst(result_.worst, static_cast<std::size_t>(options_.worst), image_itself, true);
    keep_worst(result_.pictures, static_cast<std::size_t>(options_.pictures), image_of_picture, true);
    result_.pictures.insert(result_.pictures.begin(), std::make_move_iterator(asked_.begin()), std::make_move_iterator(asked_.end()));
    for (const std::string& name : show_) NQ_CHECK(found_.contains(name), input, "image '{}' could not be read", name);
    const std::size_t rows = std::max<std::size_t>(1, result_.pictures.size() * runners_.size());
    for (ReportPicture& picture : result_.pictures) thin_scores(picture, std::max(kFewestScores, kMostScores / rows));
    result_.reference = report_of(tallies_.front().counts());
    for (std::size_t k = 1; k < tallies_.size(); ++k) result_.models.push_back(report_of(tallies_[k].counts()));
    NQ_CHECK(result_.reference.images > 0, input, "no image could be read");
    return std::move(result_);
  }

 private:
  /// Before anything runs: a report may take long.
  void check_shown() const {
    for (const std::string& name : show_) {
      const bool is_there = std::any_of(images_.begin(), images_.end(), [&](const Sample& sample) { return sample.name == name; });
      NQ_CHECK(is_there, usage, "no image is called '{}' among the {} of the report (--limit leaves some out)", name, images_.size());
    }
  }

  void add_image(const std::vector<Tensor>& outputs, std::size_t slot, const Sample& sample) {
    const std::span<const float> reference = image_logits(outputs.front(), slot);
    tallies_.front().add(reference, std::nullopt, sample);
    ReportPicture picture;
    picture.image.name = sample.name;
    picture.image.label = sample.label;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const std::span<const float> own = image_logits(outputs[k], slot);
      if (k > 0) tallies_[k].add(own, reference, sample);
      std::vector<float> storage;
      const std::span<const float> logits = options_.classes.select(own, storage);
      picture.scores.emplace_back(logits.begin(), logits.end());
      picture.image.classes.push_back(static_cast<std::int64_t>(argmax(logits)));
      if (k == 0) continue;
      const LogitDistance distance = logit_distance(picture.scores.front(), picture.scores.back());
      picture.image.logit_mse.push_back(distance.squared_difference / static_cast<double>(logits.size()));
      picture.image.largest_mse = std::max(picture.image.largest_mse, picture.image.logit_mse.back());
      picture.image.disagree = picture.image.disagree || picture.image.classes.back() != picture.image.classes.front();
    }
    keep(std::move(picture));
  }

  void keep(ReportPicture picture) {
    result_.disagreements += picture.image.disagree ? 1 : 0;
    result_.worst.push_back(picture.image);
    keep_worst(result_.worst, static_cast<std::size_t>(options_.worst), image_itself, false);
    if (show_.contains(picture.image.name)) {
      found_.insert(picture.image.name);
      asked_.push_back(std::move(picture));
      return;
    }
    result_.pictures.push_back(std::move(picture));
    keep_worst(result_.pictures, static_cast<std::size_t>(options_.pictures), image_of_picture, false);
  }

  const ReportOptions& options_;
  const std::vector<Sample>& images_;
  std::set<std::string> show_;
  std::set<std::string> found_;
  std::vector<ReportPicture> asked_;
  std::vector<ImageRunner> runners_;  ///< the reference first
  std::vector<EvalTally> tallies_;    ///< likewise
  ScorePass result_;
};

}  // namespace

ScorePass score_images(const ModelFile& reference, const std::vector<ReportSubject>& models,
                       const std::vector<Sample>& images, const Preprocess& preprocess, const ReportOptions& options,
                       Progress& progress) {
  Scorer scorer(reference, models, images, preprocess, options);
  BatchLoader loader(images, preprocess, options.batch, options.bad_images);
  progress.begin("scoring", static_cast<std::int64_t>(images.size()), "images");
  while (const std::optional<Batch> batch = loader.next()) {
    scorer.add(*batch);
    progress.advance(static_cast<std::int64_t>(batch->sample_index.size()));
  }
  progress.end();
  ScorePass result = scorer.finish();
  result.skipped = loader.skipped();
  return result;
}

void draw_pictures(const std::vector<Sample>& images, std::vector<ReportPicture>& pictures) {
  constexpr int kLongEdge = 192;
  constexpr int kQuality = 80;
  std::map<std::string, const Sample*> by_name;
  for (const Sample& sample : images) by_name.emplace(sample.name, &sample);
  for (ReportPicture& picture : pictures) {
    Image image = load_image(by_name.at(picture.image.name)->path);
    const double factor = static_cast<double>(kLongEdge) / std::max(image.width, image.height);
    if (factor < 1) {
      image = resize(image, std::max(1, static_cast<int>(image.width * factor)), std::max(1, static_cast<int>(image.height * factor)),
                     Interpolation::bicubic);
    }
    picture.jpeg = encode_jpeg(image, kQuality);
    picture.width = image.width;
    picture.height = image.height;
  }
}

}  // namespace nq
