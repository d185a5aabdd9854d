#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "core/files.hpp"
#include "pipeline/byte_source.hpp"
#include "pipeline/calibration_statistics.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "NQSTATS\n";
constexpr int kSchema = 2;
constexpr int kOldestSchema = 1;  // had no products
constexpr std::int64_t kMaxChannels = std::int64_t{1} << 24;
constexpr std::int64_t kMaxCapacity = std::int64_t{1} << 24;
constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;  // of one axis of an attention
constexpr std::int64_t kMaxAttentionChannels = std::int64_t{1} << 20;
constexpr int kMaxDepth = 16;

Json product_json(const ProductStatistics& product) {
  const ProductLayout& layout = product.observer->layout();
  return {{"scores", product.scores_origin},
          {"values", product.values_origin},
          {"quantize_scores", product.scores},
          {"quantize_values", product.values},
          {"slices", layout.slices},
          {"heads", layout.heads},
          {"queries", layout.queries},
          {"rows", layout.rows},
          {"keys", layout.keys},
          {"dim", layout.dim},
          {"v_dim", layout.v_dim},
          {"factor", layout.factor ? Json(*layout.factor) : Json()},
          {"capacity", layout.capacity}};
}

Json header_json(const CalibrationStatistics& statistics) {
  Json shapes = Json::object();
  for (const auto& [name, shape] : statistics.input_shapes) {
    shapes[name] = std::vector<std::int64_t>(shape.begin(), shape.end());
  }
  Json groups = Json::array();
  for (const auto& group : statistics.groups) {
    const SiteObserver& observer = *group.observer;
    groups.push_back({{"origins", group.origins},
                      {"c_in", observer.c_in()},
                      {"tokens", observer.totals().tokens},
                      {"read_tokens", observer.totals().read_tokens},
                      {"readout", observer.readout()},
                      {"rows", observer.kept_rows().size()}});
  }
  Json products = Json::array();
  for (const ProductStatistics& product : statistics.products) products.push_back(product_json(product));
  const SiteSelection& selection = statistics.selection;
  return {{"schema", kSchema},
          {"model_sha256", statistics.model_sha256},
          {"preprocess", Json::parse(statistics.preprocess)},
          {"input_shapes", shapes},
          {"images", statistics.images},
          {"images_read", statistics.images_read},
          {"capacity", statistics.capacity},
          {"selection",
           {{"patch_embed", selection.patch_embed},
            {"head", selection.head},
            {"products", selection.products},
            {"include", selection.include},
            {"exclude", selection.exclude}}},
          {"groups", std::move(groups)},
          {"products", std::move(products)}};
}

void write_group(AtomicFile& file, const SiteObserver& observer) {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint8_t> marks;
  const auto kept = observer.kept_rows();
  for (const auto& [key, row] : kept) {
    keys.push_back(key);
    marks.push_back(row.tag);
    marks.push_back(row.rules);
  }
  file.write(bytes_of(observer.totals().channel_min));
  file.write(bytes_of(observer.totals().channel_max));
  file.write(bytes_of(keys));
  file.write(bytes_of(marks));
  for (const auto& [key, row] : kept) {
    file.write({reinterpret_cast<const char*>(row.row), static_cast<std::size_t>(observer.c_in()) * sizeof(float)});
  }
}

std::int64_t bounded(const Json& json, const char* key, std::int64_t low, std::int64_t high) {
  const Json& value = json.at(key);
  NQ_CHECK(value.is_number_integer(), input, "'{}' must be an integer", key);
  const auto number = value.get<std::int64_t>();
  NQ_CHECK(number >= low && number <= high, input, "'{}' is {}, outside {}..{}", key, number, low, high);
  return number;
}

std::unique_ptr<SiteObserver> read_group(const Json& json, std::int64_t capacity, ByteSource& bytes) {
  const std::int64_t c_in = bounded(json, "c_in", 1, kMaxChannels);
  const std::int64_t rows = bounded(json, "rows", 0, 3 * kMaxCapacity);
  auto observer = std::make_unique<SiteObserver>(c_in, capacity, json.at("readout").get<std::vector<std::uint8_t>>());
  SiteObserver::Totals totals;
  totals.tokens = bounded(json, "tokens", rows, INT64_MAX);
  totals.read_tokens = bounded(json, "read_tokens", 0, totals.tokens);
  totals.channel_min = bytes.values<float>(c_in);
  totals.channel_max = bytes.values<float>(c_in);
  observer->add(totals);
  const auto keys = bytes.values<std::uint64_t>(rows);
  const auto marks = bytes.values<std::uint8_t>(2 * rows);
  std::vector<float> row(static_cast<std::size_t>(c_in));
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const std::string_view values = bytes.take(row.size() * sizeof(float));
    std::memcpy(row.data(), values.data(), values.size());
    observer->keep(keys[k], {row.data(), marks[2 * k], marks[2 * k + 1]});
  }
  return observer;
}

ProductLayout read_layout(const Json& json) {
  const auto size = [&](const char* key) { return bounded(json, key, 1, kMaxSize); };
  ProductLayout layout{size("slices"), size("heads"), size("queries"), size("rows"), size("keys"), size("dim"), size("v_dim"),
                       size("capacity"), std::nullopt};
  // An observer takes memory for its ranges before the file shows that it has them.
  NQ_CHECK(layout.heads * std::max(layout.dim, layout.v_dim) <= kMaxAttentionChannels, input,
           "an attention has more than {} channels", kMaxAttentionChannels);
  if (!json.at("factor").is_null()) layout.factor = json.at("factor").get<float>();
  return layout;
}

ProductStatistics read_product(const Json& json, ByteSource& bytes) {
  ProductStatistics product{json.at("scores").get<std::string>(), json.at("values").get<std::string>(),
                            json.at("quantize_scores").get<bool>(), json.at("quantize_values").get<bool>(),
                            std::make_shared<ProductObserver>(read_layout(json))};
  product.observer->load(bytes);
  return product;
}

CalibrationStatistics read_statistics(std::string_view content) {
  ByteSource bytes(content);
  NQ_CHECK(content.substr(0, kMagic.size()) == kMagic, input, "is not a statistics file");
  bytes.take(kMagic.size());
  const std::uint64_t length = bytes.values<std::uint64_t>(1)[0];
  const auto bounded_depth = [](int depth, Json::parse_event_t, const Json&) {
    NQ_CHECK(depth <= kMaxDepth, input, "the header is nested more than {} deep", kMaxDepth);
    return true;
  };
  const Json json = Json::parse(bytes.take(length), bounded_depth, false);
  NQ_CHECK(json.is_object(), input, "the header is not valid JSON");
  const std::int64_t schema = json.at("schema").is_number_integer() ? json.at("schema").get<std::int64_t>() : 0;
  NQ_CHECK(schema >= kOldestSchema && schema <= kSchema, input, "schema {} is not known to this version",
           json.at("schema").dump());
  CalibrationStatistics statistics;
  statistics.model_sha256 = json.at("model_sha256").get<std::string>();
  statistics.preprocess = json.at("preprocess").dump();
  for (const auto& [name, dims] : json.at("input_shapes").items()) {
    statistics.input_shapes[name] = Shape(dims.get<std::vector<std::int64_t>>());
    (void)statistics.input_shapes[name].elements();
  }
  statistics.images = json.at("images").get<std::vector<std::string>>();
  for (const std::string& line : statistics.images) NQ_CHECK(line.size() > 66, input, "an image line is too short");
  statistics.images_read = bounded(json, "images_read", 1, INT32_MAX);
  statistics.capacity = bounded(json, "capacity", 1, kMaxCapacity);
  const Json& selection = json.at("selection");
  statistics.selection.patch_embed = selection.at("patch_embed").get<bool>();
  statistics.selection.head = selection.at("head").get<bool>();
  if (schema > kOldestSchema) statistics.selection.products = selection.at("products").get<bool>();
  statistics.selection.include = selection.at("include").get<std::string>();
  statistics.selection.exclude = selection.at("exclude").get<std::string>();
  for (const Json& group : json.at("groups")) {
    auto observer = read_group(group, statistics.capacity, bytes);
    statistics.groups.push_back({group.at("origins").get<std::vector<std::string>>(), std::move(observer)});
  }
  if (schema > kOldestSchema) {
    for (const Json& product : json.at("products")) statistics.products.push_back(read_product(product, bytes));
  }
  NQ_CHECK(bytes.empty(), input, "the file goes on after its last layer");
  return statistics;
}

}  // namespace

void save_statistics(const std::filesystem::path& path, const CalibrationStatistics& statistics) {
  const std::string header = header_json(statistics).dump();
  AtomicFile file(path);
  file.write(kMagic);
  file.write(bytes_of(std::vector<std::uint64_t>{header.size()}));
  file.write(header);
  for (const auto& group : statistics.groups) write_group(file, *group.observer);
  for (const ProductStatistics& product : statistics.products) product.observer->save(file);
  file.commit();
}

CalibrationStatistics load_statistics(const std::filesystem::path& path) {
  return with_context(
      [&] {
        try {
          return read_statistics(read_file(path));
        } catch (const nlohmann::json::exception& error) {
          fail(ErrorKind::input, "the header is malformed: {}", error.what());
        }
      },
      [&] { return fmt::format("in statistics '{}'", path.string()); });
}

}  // namespace nq
