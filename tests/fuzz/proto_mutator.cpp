// A mutator of serialized ONNX models for libFuzzer: now and then its own change of bytes, else a change of one field of
// the parsed model, so that most results are models still. Linked with the target `model` when it fuzzes.

#include <onnx/onnx_pb.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// A field of a message somewhere below the model.
struct Place {
  Message* message = nullptr;
  const FieldDescriptor* field = nullptr;
};

class Mutator {
 public:
  Mutator(Message& model, unsigned seed) : random_(seed) { collect(model); }

  void change() {
    if (places_.empty()) return;
    const Place& place = any(places_);
    place.field->is_repeated() ? change_list(place) : change_single(place);
  }

 private:
  template <typename T>
  const T& any(const std::vector<T>& list) {
    return list[random_() % list.size()];
  }

  void collect(Message& message) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      places_.push_back({&message, field});
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated()) {
        words_.push_back(reflection.GetString(message, field));
      }
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && field->is_repeated()) {
        for (int k = 0; k < reflection.FieldSize(message, field); ++k) words_.push_back(reflection.GetRepeatedString(message, field, k));
      }
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        collect(*reflection.MutableMessage(&message, field));
        continue;
      }
      for (int k = 0; k < reflection.FieldSize(message, field); ++k) {
        collect(*reflection.MutableRepeatedMessage(&message, field, k));
      }
    }
  }

  std::int64_t number(std::int64_t old) {
    static const std::vector<std::int64_t> kOdd = {0,    1,     -1,         2,         3,         -2,        7,
                                                   4,    16,    64,         1 << 20,   INT32_MAX, INT32_MIN, INT64_MAX,
                                                   INT64_MIN, 10, 13, 17, 20, 24};
    switch (random_() % 4) {
      case 0: return any(kOdd);
      case 1: return static_cast<std::int64_t>(static_cast<std::uint64_t>(old) + 1);
      case 2: return static_cast<std::int64_t>(static_cast<std::uint64_t>(old) - 1);
      default: return old ^ (std::int64_t{1} << random_() % 8);
    }
  }

  float real() {
    static const std::vector<float> kOdd = {0.0F, -0.0F, 1.0F, -1.0F, 1e30F, 1e-40F, 1e38F * 10, -1e38F * 10, 0.5F};
    return any(kOdd);
  }

  std::string text(std::string old) {
    if (!words_.empty() && random_() % 3 != 0) return any(words_);
    const std::size_t size = old.size();
    old.resize(size + 8);
    old.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(old.data()), size, old.size()));
    return old;
  }

  void change_single(const Place& place) {
    const Reflection& reflection = *place.message->GetReflection();
    Message* const message = place.message;
    const FieldDescriptor* const field = place.field;
    if (random_() % 16 == 0) return reflection.ClearField(message, field);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetInt32(message, field, static_cast<std::int32_t>(number(reflection.GetInt32(*message, field))));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetInt64(message, field, number(reflection.GetInt64(*message, field)));
      case FieldDescriptor::CPPTYPE_FLOAT: return reflection.SetFloat(message, field, real());
      case FieldDescriptor::CPPTYPE_STRING: return reflection.SetString(message, field, text(reflection.GetString(*message, field)));
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(message, field, static_cast<int>(random_() % 16));
      default: return;
    }
  }

  void change_list(const Place& place) {
    const Reflection& reflection = *place.message->GetReflection();
    Message* const message = place.message;
    const FieldDescriptor* const field = place.field;
    const int count = reflection.FieldSize(*message, field);
    if (count == 0) return;
    const auto at = static_cast<int>(random_() % static_cast<unsigned>(count));
    const auto other = static_cast<int>(random_() % static_cast<unsigned>(count));
    switch (random_() % 4) {
      case 0: return reflection.SwapElements(message, field, at, other);
      case 1:
        reflection.SwapElements(message, field, at, count - 1);
        return reflection.RemoveLast(message, field);
      case 2: return add_copy(place, at);
      default: return change_element(place, at);
    }
  }

  static void add_copy(const Place& place, int at) {
    const Reflection& reflection = *place.message->GetReflection();
    Message* const message = place.message;
    switch (place.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.AddInt64(message, place.field, reflection.GetRepeatedInt64(*message, place.field, at));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.AddFloat(message, place.field, reflection.GetRepeatedFloat(*message, place.field, at));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(message, place.field, reflection.GetRepeatedString(*message, place.field, at));
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* const added = reflection.AddMessage(message, place.field);
        return added->CopyFrom(reflection.GetRepeatedMessage(*message, place.field, at));
      }
      default: return;
    }
  }

  void change_element(const Place& place, int at) {
    const Reflection& reflection = *place.message->GetReflection();
    Message* const message = place.message;
    switch (place.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetRepeatedInt64(message, place.field, at,
                                           number(reflection.GetRepeatedInt64(*message, place.field, at)));
      case FieldDescriptor::CPPTYPE_FLOAT: return reflection.SetRepeatedFloat(message, place.field, at, real());
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetRepeatedString(message, place.field, at,
                                            text(reflection.GetRepeatedString(*message, place.field, at)));
      default: return;
    }
  }

  std::minstd_rand random_;
  std::vector<Place> places_;
  std::vector<std::string> words_;  ///< names in the model: a reference by one of them is valid more often
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  onnx::ModelProto model;
  if (seed % 8 == 0 || !model.ParseFromArray(data, static_cast<int>(size))) return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned round = 0; round <= seed % 3; ++round) Mutator(model, seed + round).change();
  const std::string bytes = model.SerializeAsString();
  if (bytes.empty() || bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
