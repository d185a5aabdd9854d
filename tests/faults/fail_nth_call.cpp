// A library for LD_PRELOAD that makes the n-th call of one kind fail, as a full disk, a dying disk or a lack of memory does.
//
//   NQ_FAULT=kind:n   which call fails, from 1; none when unset
//   NQ_FAULT_COUNT=f  at the end, a line "kind calls" per kind is written to f
//
// Kinds: alloc (allocations of kLargeBytes and more), open, read, write, fsync, rename, mkdir, mmap, flock. What the
// process writes to standard error is never disturbed: its messages are part of what is checked.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kLargeBytes = 16 << 10;

enum Kind { alloc, open_, read_, write_, fsync_, rename_, mkdir_, mmap_, flock_, kinds };
constexpr std::array<const char*, kinds> kNames = {"alloc", "open", "read", "write", "fsync", "rename", "mkdir", "mmap", "flock"};
constexpr std::array<int, kinds> kErrors = {ENOMEM, EMFILE, EIO, ENOSPC, EIO, EIO, ENOSPC, ENOMEM, ENOLCK};

std::array<std::atomic<long>, kinds> calls{};
int failing_kind = -1;
long failing_call = 0;

/// Counts only once main is near: what the loader and the constructors of other libraries do is not ours.
std::atomic<bool> is_ready{false};

bool fails(Kind kind) {
  if (!is_ready.load(std::memory_order_relaxed)) return false;
  const long call = ++calls[kind];
  if (kind != failing_kind || call != failing_call) return false;
  errno = kErrors[kind];
  return true;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void start() {
  if (const char* fault = std::getenv("NQ_FAULT")) {
    const char* colon = std::strchr(fault, ':');
    for (int kind = 0; colon != nullptr && kind < kinds; ++kind) {
      const std::size_t length = std::strlen(kNames[static_cast<std::size_t>(kind)]);
      if (std::strncmp(fault, kNames[static_cast<std::size_t>(kind)], length) == 0 && fault + length == colon) failing_kind = kind;
    }
    if (failing_kind < 0) std::_Exit(99);  // a typing error must not pass for a run without faults
    failing_call = std::atol(colon + 1);
  }
  is_ready = true;
}

__attribute__((destructor)) void report() {
  is_ready = false;
  const char* path = std::getenv("NQ_FAULT_COUNT");
  if (path == nullptr) return;
  FILE* file = std::fopen(path, "w");
  if (file == nullptr) return;
  for (std::size_t kind = 0; kind < kinds; ++kind) std::fprintf(file, "%s %ld\n", kNames[kind], calls[kind].load());
  std::fclose(file);
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) { return bytes >= kLargeBytes && fails(alloc) ? nullptr : __libc_malloc(bytes); }
void* calloc(std::size_t count, std::size_t bytes) {
  return count * bytes >= kLargeBytes && fails(alloc) ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) { return bytes >= kLargeBytes && fails(alloc) ? nullptr : __libc_realloc(old, bytes); }
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return bytes >= kLargeBytes && fails(alloc) ? nullptr : __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) {
  if (bytes >= kLargeBytes && fails(alloc)) return ENOMEM;
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(list, int)) : 0;
  va_end(list);
  static const auto real = next<int (*)(const char*, int, ...)>("open");
  return fails(open_) ? -1 : real(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(list, int)) : 0;
  va_end(list);
  static const auto real = next<int (*)(const char*, int, ...)>("open64");
  return fails(open_) ? -1 : real(path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  static const auto real = next<FILE* (*)(const char*, const char*)>("fopen");
  return fails(open_) ? nullptr : real(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  static const auto real = next<FILE* (*)(const char*, const char*)>("fopen64");
  return fails(open_) ? nullptr : real(path, mode);
}
int mkstemp(char* pattern) {
  static const auto real = next<int (*)(char*)>("mkstemp");
  return fails(open_) ? -1 : real(pattern);
}
ssize_t read(int fd, void* buffer, std::size_t bytes) {
  static const auto real = next<ssize_t (*)(int, void*, std::size_t)>("read");
  return fails(read_) ? -1 : real(fd, buffer, bytes);
}
ssize_t write(int fd, const void* buffer, std::size_t bytes) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  return fd != STDERR_FILENO && fails(write_) ? -1 : real(fd, buffer, bytes);
}
int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  return fails(fsync_) ? -1 : real(fd);
}
int rename(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return fails(rename_) ? -1 : real(from, to);
}
int mkdir(const char* path, mode_t mode) {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  return fails(mkdir_) ? -1 : real(path, mode);
}
void* mmap(void* address, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  static const auto real = next<void* (*)(void*, std::size_t, int, int, int, off_t)>("mmap");
  return fails(mmap_) ? MAP_FAILED : real(address, bytes, protection, flags, fd, offset);
}
int flock(int fd, int operation) {
  static const auto real = next<int (*)(int, int)>("flock");
  return fails(flock_) ? -1 : real(fd, operation);
}

}  // extern "C"
