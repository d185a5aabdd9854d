#include "core/temporary_name.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "nq/interrupt.hpp"

namespace nq {
namespace {

constexpr const char* kMark = ".nqcli-";
constexpr const char* kPattern = "XXXXXX";
constexpr int kSlots = 16;

/// Names that a signal handler can read: plain memory, marked before the file is made.
struct Slot {
  std::atomic<bool> taken{false};
  std::atomic<bool> named{false};
  std::array<char, PATH_MAX> path{};
};
std::array<Slot, kSlots> slots;
static_assert(std::atomic<bool>::is_always_lock_free);

int take_slot() {
  for (int index = 0; index < kSlots; ++index) {
    if (!slots[static_cast<std::size_t>(index)].taken.exchange(true)) return index;
  }
  return -1;
}

}  // namespace

TemporaryName::TemporaryName(const std::string& prefix) : own_(prefix + kMark + kPattern), path_(own_.data()) {
  slot_ = own_.size() < PATH_MAX ? take_slot() : -1;
  if (slot_ >= 0) {
    Slot& slot = slots[static_cast<std::size_t>(slot_)];
    std::memcpy(slot.path.data(), own_.c_str(), own_.size() + 1);
    path_ = slot.path.data();
    slot.named = true;
  }
  fd_ = ::mkstemp(path_);
}

TemporaryName::~TemporaryName() {
  if (slot_ < 0) return;
  slots[static_cast<std::size_t>(slot_)].named = false;
  slots[static_cast<std::size_t>(slot_)].taken = false;
}

bool TemporaryName::matches(const std::string& name) {
  const std::size_t tail = std::strlen(kMark) + std::strlen(kPattern);
  return name.size() > tail && name.compare(name.size() - tail, std::strlen(kMark), kMark) == 0;
}

void remove_temporary_files() noexcept {
  for (const Slot& slot : slots) {
    if (slot.named) ::unlink(slot.path.data());
  }
}

}  // namespace nq
