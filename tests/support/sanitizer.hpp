#pragma once

namespace nq::test {

/// Whether AddressSanitizer or ThreadSanitizer is in place: their allocators end the program where others throw std::bad_alloc, and
/// take terabytes of address space.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitizedAllocator = true;
#elif defined(__has_feature)
inline constexpr bool kSanitizedAllocator = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitizedAllocator = false;
#endif

}  // namespace nq::test
