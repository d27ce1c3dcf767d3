#pragma once
#include <cstddef>
#include <cstdlib>

namespace rollcall {

/// Zeroed memory, in huge pages where it is large: random access over a million leases is bound by the TLB. Begins at a
/// cache line. Throws std::bad_alloc; to be freed with FreeMemory.
[[nodiscard]] void* allocate_pages(std::size_t bytes);

struct FreeMemory {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

}  // namespace rollcall
