#pragma once

#include <cstddef>
#include <cstdint>

namespace nq::kernels {

/// Uses of per-thread working memory; one buffer each, so that nested users never collide.
enum class ScratchUse : std::uint8_t { gemm_pack, panel_b, panel_c, rows, columns };

/// At least `count` floats, 64-byte aligned, owned by the calling thread and reused by its next
/// call with the same use. Grows to the largest request and allocates nothing after that.
/// Throws std::bad_alloc.
float* thread_scratch(ScratchUse use, std::size_t count);

/// The same memory as bytes.
std::uint8_t* byte_scratch(ScratchUse use, std::int64_t bytes);

}  // namespace nq::kernels
