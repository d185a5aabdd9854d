#pragma once

namespace nq::test {

/// Whether AddressSanitizer is in place: its allocator ends the program where others throw std::bad_alloc, and takes terabytes of
/// address space.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#elif defined(__has_feature)
inline constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool kAddressSanitizer = false;
#endif

}  // namespace nq::test
